// The model of src/protocol/schemas/*.yaml: what is in a message, in which versions.
// Loading checks what the generator relies on and throws std::runtime_error naming file and field.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace barnabas::schemagen {

// An inclusive range of versions; empty when lowest > highest.
struct Versions {
  static constexpr int kOpen = 32767;
  int lowest = 0;
  int highest = kOpen;

  [[nodiscard]] static Versions none() { return {0, -1}; }
  // "3", "0-3", "3+" or "none"
  [[nodiscard]] static std::optional<Versions> parse(const std::string& text);
  [[nodiscard]] bool is_empty() const { return lowest > highest; }
  [[nodiscard]] bool contains(int version) const { return version >= lowest && version <= highest; }
  [[nodiscard]] bool contains(const Versions& other) const;
  [[nodiscard]] Versions intersect(const Versions& other) const;
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Versions&) const = default;
};

enum class Kind {
  kBool,
  kInt8,
  kInt16,
  kUint16,
  kInt32,
  kInt64,
  kFloat64,
  kUuid,
  kString,
  kBytes,
  kRecords,
  kStruct,
};

struct Field {
  std::string name;         // Kafka's, PascalCase as a rule
  std::string member;       // the C++ member
  Kind kind = Kind::kInt8;  // of the element, where it is an array
  bool is_array = false;
  std::string struct_name;  // where kind is kStruct
  Versions versions;
  Versions nullable = Versions::none();
  Versions tagged = Versions::none();
  int tag = -1;
  bool ignorable = false;
  bool never_flexible = false;
  bool default_is_null = false;
  std::string default_text;  // empty: the zero of its type

  // Can it be null in any version? Then its C++ type is an optional (except records).
  [[nodiscard]] bool is_optional() const { return !nullable.is_empty() && kind != Kind::kRecords; }
};

struct Struct {
  std::string name;
  Versions versions;
  std::vector<Field> fields;
};

enum class MessageKind { kRequest, kResponse, kHeader, kRecord };

struct Message {
  std::string name;  // "FetchRequest"
  MessageKind kind = MessageKind::kRecord;
  Versions versions;
  Versions flexible;
  std::vector<Field> fields;
  std::vector<Struct> structs;  // each after those it uses

  [[nodiscard]] const Struct& find_struct(const std::string& struct_name) const;
};

// One file: an API with request and response, or a single header or record.
struct Schema {
  std::string stem;  // file name without ".yaml"
  std::string api;   // empty for headers and records
  int key = -1;
  std::vector<Message> messages;
};

[[nodiscard]] Schema load_schema(const std::filesystem::path& file);
// All *.yaml files of a folder, by name.
[[nodiscard]] std::vector<Schema> load_schemas(const std::filesystem::path& folder);

// "ListOffsets" -> "list_offsets"
[[nodiscard]] std::string snake_case(const std::string& name);

}  // namespace barnabas::schemagen
