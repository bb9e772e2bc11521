#include "schema.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>
#include <stdexcept>
#include <utility>

namespace barnabas::schemagen {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", where, what));
}

std::optional<int> parse_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

constexpr std::array<std::pair<std::string_view, Kind>, 11> kKinds{{
    {"bool", Kind::kBool},
    {"int8", Kind::kInt8},
    {"int16", Kind::kInt16},
    {"uint16", Kind::kUint16},
    {"int32", Kind::kInt32},
    {"int64", Kind::kInt64},
    {"float64", Kind::kFloat64},
    {"uuid", Kind::kUuid},
    {"string", Kind::kString},
    {"bytes", Kind::kBytes},
    {"records", Kind::kRecords},
}};

const std::set<std::string> kFieldKeys{"name",   "type",    "versions",  "nullable", "tag",
                                       "tagged", "default", "ignorable", "flexible", "fields"};
const std::set<std::string> kReserved{"default",  "operator", "class",     "delete", "new",
                                      "register", "template", "namespace", "export", "decode",
                                      "encode",   "read",     "write"};

Versions versions_of(const YAML::Node& node, const char* key, Versions otherwise,
                     const std::string& where) {
  if (!node[key]) {
    return otherwise;
  }
  const auto versions = Versions::parse(node[key].as<std::string>());
  if (!versions) {
    refuse(where, fmt::format("'{}' is not a range of versions such as 3, 0-3, 3+ or none", key));
  }
  return *versions;
}

class MessageLoader {
 public:
  MessageLoader(Message& message, std::string where)
      : message_(message), where_(std::move(where)) {}

  void load(const YAML::Node& node) {
    message_.versions = versions_of(node, "versions", Versions::none(), where_);
    message_.flexible = versions_of(node, "flexible", Versions::none(), where_);
    if (message_.versions.is_empty() || message_.versions.highest == Versions::kOpen) {
      refuse(where_, "'versions' must be a closed range");
    }
    for (const auto& item : node["structs"]) {
      Struct common{item["name"].as<std::string>(), versions_of(item, "versions", {}, where_), {}};
      load_fields(item["fields"], common.fields);
      add_struct(std::move(common));
    }
    load_fields(node["fields"], message_.fields);
    sort_structs();
  }

 private:
  void load_fields(const YAML::Node& node, std::vector<Field>& fields) {
    if (!node || !node.IsSequence()) {
      refuse(where_, "'fields' must be a list");
    }
    for (const auto& item : node) {
      fields.push_back(load_field(item));
    }
  }

  Field load_field(const YAML::Node& node) {
    Field field;
    field.name = node["name"].as<std::string>();
    const std::string where = where_ + "." + field.name;
    for (const auto& entry : node) {
      if (!kFieldKeys.contains(entry.first.as<std::string>())) {
        refuse(where, "unknown key '" + entry.first.as<std::string>() + "'");
      }
    }
    field.member = snake_case(field.name);
    if (kReserved.contains(field.member)) {
      field.member += '_';
    }
    load_type(node, field);
    field.versions = versions_of(node, "versions", {}, where);
    field.nullable = versions_of(node, "nullable", Versions::none(), where);
    field.tagged = versions_of(node, "tagged", Versions::none(), where);
    field.tag = node["tag"] ? node["tag"].as<int>() : -1;
    field.ignorable = node["ignorable"] && node["ignorable"].as<bool>();
    field.never_flexible = node["flexible"] && node["flexible"].as<std::string>() == "none";
    load_default(node, field);
    check_field(field, where);
    if (node["fields"]) {
      Struct inner{field.struct_name, field.versions, {}};
      load_fields(node["fields"], inner.fields);
      add_struct(std::move(inner));
    }
    return field;
  }

  static void load_type(const YAML::Node& node, Field& field) {
    auto type = node["type"].as<std::string>();
    if (type.starts_with("[]")) {
      field.is_array = true;
      type.erase(0, 2);
    }
    const auto* const found =
        std::ranges::find(kKinds, type, [](const auto& k) { return k.first; });
    if (found != kKinds.end()) {
      field.kind = found->second;
    } else {
      field.kind = Kind::kStruct;
      field.struct_name = type;
    }
  }

  static void load_default(const YAML::Node& node, Field& field) {
    const YAML::Node value = node["default"];
    if (!value.IsDefined()) {
      field.default_is_null = field.kind == Kind::kRecords;
    } else if (value.IsNull()) {
      field.default_is_null = true;
    } else {
      field.default_text = value.as<std::string>();
    }
  }

  void check_field(const Field& field, const std::string& where) const {
    if ((field.tag >= 0) != !field.tagged.is_empty()) {
      refuse(where, "'tag' and 'tagged' belong together");
    }
    if (field.tag >= 0 && field.tagged != field.versions) {
      refuse(where, "a tagged field must be tagged in all its versions");
    }
    if (field.tag >= 0 && field.kind == Kind::kStruct && !field.is_array &&
        !field.nullable.is_empty() && field.nullable != field.versions) {
      refuse(where, "a tagged struct must be nullable in all its versions or in none");
    }
    if (field.tag >= 0 && !message_.flexible.contains(field.tagged)) {
      refuse(where, "tagged in a version that is not flexible");
    }
    if (field.default_is_null && field.nullable.is_empty()) {
      refuse(where, "null by default but never nullable");
    }
    if (field.is_array && (field.kind == Kind::kBytes || field.kind == Kind::kRecords ||
                           field.kind == Kind::kBool || field.kind == Kind::kFloat64)) {
      refuse(where, "arrays of this type are not supported");
    }
  }

  void add_struct(Struct added) {
    for (const Struct& other : message_.structs) {
      if (other.name == added.name) {
        refuse(where_, "two structs are named " + added.name);
      }
    }
    message_.structs.push_back(std::move(added));
  }

  // Puts every struct after the structs it uses.
  void sort_structs() {
    std::vector<Struct> sorted;
    std::set<std::string> done;
    while (!message_.structs.empty()) {
      const auto ready = std::ranges::find_if(message_.structs, [&](const Struct& candidate) {
        return std::ranges::all_of(candidate.fields, [&](const Field& field) {
          return field.kind != Kind::kStruct || done.contains(field.struct_name);
        });
      });
      if (ready == message_.structs.end()) {
        refuse(where_, "struct " + message_.structs.front().name + " uses an unknown struct");
      }
      done.insert(ready->name);
      sorted.push_back(std::move(*ready));
      message_.structs.erase(ready);
    }
    message_.structs = std::move(sorted);
    for (const Field& field : message_.fields) {
      if (field.kind == Kind::kStruct && !done.contains(field.struct_name)) {
        refuse(where_, "no struct " + field.struct_name);
      }
    }
  }

  Message& message_;
  std::string where_;
};

Message load_message(const YAML::Node& node, std::string name, MessageKind kind,
                     const std::string& file) {
  Message message;
  message.name = std::move(name);
  message.kind = kind;
  MessageLoader(message, file + ": " + message.name).load(node);
  return message;
}

}  // namespace

std::optional<Versions> Versions::parse(const std::string& text) {
  if (text == "none") {
    return none();
  }
  if (text.ends_with('+')) {
    const auto lowest = parse_number(std::string_view(text).substr(0, text.size() - 1));
    return lowest ? std::optional(Versions{*lowest, kOpen}) : std::nullopt;
  }
  const auto dash = text.find('-');
  const auto lowest = parse_number(std::string_view(text).substr(0, dash));
  const auto highest =
      dash == std::string::npos ? lowest : parse_number(std::string_view(text).substr(dash + 1));
  if (!lowest || !highest || *lowest > *highest) {
    return std::nullopt;
  }
  return Versions{*lowest, *highest};
}

bool Versions::contains(const Versions& other) const {
  return other.is_empty() || (lowest <= other.lowest && highest >= other.highest);
}

Versions Versions::intersect(const Versions& other) const {
  const Versions both{std::max(lowest, other.lowest), std::min(highest, other.highest)};
  return both.is_empty() ? none() : both;
}

std::string Versions::to_string() const {
  if (is_empty()) {
    return "none";
  }
  if (highest == kOpen) {
    return fmt::format("{}+", lowest);
  }
  return lowest == highest ? fmt::format("{}", lowest) : fmt::format("{}-{}", lowest, highest);
}

const Struct& Message::find_struct(const std::string& struct_name) const {
  for (const Struct& candidate : structs) {
    if (candidate.name == struct_name) {
      return candidate;
    }
  }
  throw std::runtime_error(name + ": no struct " + struct_name);
}

Schema load_schema(const std::filesystem::path& file) {
  const std::string shown = file.filename().string();
  try {
    const YAML::Node root = YAML::LoadFile(file.string());
    Schema schema;
    schema.stem = file.stem().string();
    if (root["api"]) {
      schema.api = root["api"].as<std::string>();
      schema.key = root["key"].as<int>();
      schema.messages.push_back(
          load_message(root["request"], schema.api + "Request", MessageKind::kRequest, shown));
      schema.messages.push_back(
          load_message(root["response"], schema.api + "Response", MessageKind::kResponse, shown));
      if (schema.messages[0].versions != schema.messages[1].versions) {
        refuse(shown, "request and response must have the same versions");
      }
    } else {
      const auto kind = root["kind"].as<std::string>();
      if (kind != "header" && kind != "record") {
        refuse(shown, "'kind' must be header or record");
      }
      schema.messages.push_back(
          load_message(root, root["message"].as<std::string>(),
                       kind == "header" ? MessageKind::kHeader : MessageKind::kRecord, shown));
    }
    const std::string name = schema.api.empty() ? schema.messages[0].name : schema.api;
    if (snake_case(name) != schema.stem) {
      refuse(shown, "the file of " + name + " must be named " + snake_case(name) + ".yaml");
    }
    return schema;
  } catch (const YAML::Exception& error) {
    refuse(shown, error.what());
  }
}

std::vector<Schema> load_schemas(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  std::vector<Schema> schemas;
  schemas.reserve(files.size());
  for (const auto& file : files) {
    schemas.push_back(load_schema(file));
  }
  return schemas;
}

std::string snake_case(const std::string& name) {
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
    const bool is_upper = lower != name[i];
    const bool after_lower = i > 0 && std::islower(static_cast<unsigned char>(name[i - 1])) != 0;
    const bool after_digit = i > 0 && std::isdigit(static_cast<unsigned char>(name[i - 1])) != 0;
    if (is_upper && (after_lower || after_digit)) {
      result += '_';
    }
    result += lower;
  }
  return result;
}

}  // namespace barnabas::schemagen
