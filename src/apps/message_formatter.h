// How the console consumer prints a record: Kafka's DefaultMessageFormatter,
// LoggingMessageFormatter (whose log lines a tool does not show) and NoOpMessageFormatter, with
// their properties, and the formatters of the coordinators' topics. Two differences on purpose: a
// null is printed as null.literal whatever the deserializer, and byte arrays as their bytes, where
// Java prints an object's address. THREAD: any (a value)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/base/result.h"
#include "client_properties.h"
#include "coordinator_formatter.h"

namespace barnabas::apps {

enum class RecordTimestamp : std::uint8_t { kNone, kCreateTime, kLogAppendTime };

// A record as views into memory of the client's.
struct ConsumedRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  RecordTimestamp timestamp_type = RecordTimestamp::kNone;
  std::int64_t timestamp = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<std::pair<std::string_view, std::optional<std::string_view>>> headers;
};

class MessageFormatter {
 public:
  // `class_name` as --formatter takes it. Fails: INVALID_REQUEST for a class that is none of ours.
  // What deserves a word goes to `notes`.
  [[nodiscard]] static Result<MessageFormatter> make(std::string_view class_name,
                                                     const PropertyMap& properties,
                                                     std::vector<std::string>& notes);
  [[nodiscard]] bool wants_headers() const { return print_headers_; }

  // Appends the record to `out`. Fails: INVALID_RECORD with the deserializer's sentence; what was
  // printed of the record up to there stays, as with Kafka.
  [[nodiscard]] Status write(const ConsumedRecord& record, std::string& out) const;

 private:
  enum class Decoder : std::uint8_t {
    kBytes,
    kShort,
    kInteger,
    kLong,
    kFloat,
    kDouble,
    kBoolean,
    kVoid
  };
  struct Field {
    Decoder decoder = Decoder::kBytes;
    std::string_view class_name;
  };

  MessageFormatter() = default;
  [[nodiscard]] static std::optional<Field> find_decoder(std::string_view class_name);
  static Field decoder_property(const PropertyMap& properties, std::string_view name,
                                std::vector<std::string>& notes);
  [[nodiscard]] Status write_field(const Field& field, const std::optional<std::string_view>& bytes,
                                   std::string& out) const;
  [[nodiscard]] Status write_headers(const ConsumedRecord& record, std::string& out) const;
  void separate(bool more_columns, std::string& out) const;

  bool silent_ = false;
  std::optional<CoordinatorFormat> coordinator_;
  bool print_timestamp_ = false;
  bool print_key_ = false;
  bool print_value_ = true;
  bool print_partition_ = false;
  bool print_offset_ = false;
  bool print_headers_ = false;
  std::string key_separator_ = "\t";
  std::string line_separator_ = "\n";
  std::string headers_separator_ = ",";
  std::string null_literal_ = "null";
  Field key_field_;
  Field value_field_;
  Field headers_field_;
};

}  // namespace barnabas::apps
