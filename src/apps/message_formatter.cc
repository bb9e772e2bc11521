#include "message_formatter.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <iterator>

#include "barnabas/base/bytes.h"
#include "java_text.h"

namespace barnabas::apps {

namespace {

constexpr std::string_view kSerializationPackage = "org.apache.kafka.common.serialization.";
constexpr std::string_view kToolsPackage = "org.apache.kafka.tools.consumer.";
constexpr std::string_view kOldToolsPackage = "kafka.tools.";

// Java's Double.toString and Float.toString: decimal between 10^-3 and 10^7, else d.dddE-n.
template <typename T>
std::string java_floating(T value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-Infinity" : "Infinity";
  }
  const T size = std::fabs(value);
  const bool plain = size == 0 || (size >= T(1e-3) && size < T(1e7));
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string result(text.data(), end);
  if (plain) {
    return result.contains('.') ? result : result + ".0";
  }
  const std::size_t e = result.find('e');
  std::string mantissa = result.substr(0, e);
  if (!mantissa.contains('.')) {
    mantissa += ".0";
  }
  return fmt::format("{}E{}", mantissa, std::stoi(result.substr(e + 1)));
}

template <typename T>
Result<T> fixed_size(std::string_view bytes, std::string_view class_name) {
  if (bytes.size() != sizeof(T)) {
    return fail(ErrorCode::kInvalidRecord,
                fmt::format("Size of data received by {} is not {}", class_name, sizeof(T)));
  }
  return load_be<T>(as_bytes(bytes).data());
}

void read_flag(const PropertyMap& properties, std::string_view name, bool& flag) {
  if (const auto found = properties.find(name); found != properties.end()) {
    flag = java_true(found->second);
  }
}

void read_text(const PropertyMap& properties, std::string_view name, std::string& text) {
  if (const auto found = properties.find(name); found != properties.end()) {
    text = found->second;
  }
}

}  // namespace

std::optional<MessageFormatter::Field> MessageFormatter::find_decoder(std::string_view name) {
  static constexpr std::array kDecoders = {
      Field{Decoder::kBytes, "StringDeserializer"},
      Field{Decoder::kBytes, "ByteArrayDeserializer"},
      Field{Decoder::kBytes, "ByteBufferDeserializer"},
      Field{Decoder::kBytes, "BytesDeserializer"},
      Field{Decoder::kBytes, "UUIDDeserializer"},
      Field{Decoder::kShort, "ShortDeserializer"},
      Field{Decoder::kInteger, "IntegerDeserializer"},
      Field{Decoder::kLong, "LongDeserializer"},
      Field{Decoder::kFloat, "FloatDeserializer"},
      Field{Decoder::kDouble, "DoubleDeserializer"},
      Field{Decoder::kBoolean, "BooleanDeserializer"},
      Field{Decoder::kVoid, "VoidDeserializer"},
  };
  if (name.starts_with(kSerializationPackage)) {
    name.remove_prefix(kSerializationPackage.size());
  }
  for (const Field& field : kDecoders) {
    if (field.class_name == name) {
      return field;
    }
  }
  return std::nullopt;
}

MessageFormatter::Field MessageFormatter::decoder_property(const PropertyMap& properties,
                                                           std::string_view name,
                                                           std::vector<std::string>& notes) {
  const auto found = properties.find(name);
  if (found == properties.end() || found->second.empty()) {
    return {};
  }
  if (const auto field = find_decoder(found->second)) {
    return *field;
  }
  notes.push_back(fmt::format("Unable to instantiate a deserializer from {}", found->second));
  return {};
}

Result<MessageFormatter> MessageFormatter::make(std::string_view class_name,
                                                const PropertyMap& properties,
                                                std::vector<std::string>& notes) {
  std::string_view name = class_name;
  std::string_view newer;  // to use in place of an old name
  MessageFormatter formatter;
  if (name.starts_with(kToolsPackage)) {
    name.remove_prefix(kToolsPackage.size());
  } else if (name.starts_with(kOldToolsPackage)) {
    name.remove_prefix(kOldToolsPackage.size());
    newer = name;
  }
  formatter.coordinator_ = coordinator_format(name);
  if (formatter.coordinator_ && !newer_name(*formatter.coordinator_).empty()) {
    newer = newer_name(*formatter.coordinator_);
  }
  if (!newer.empty()) {
    notes.push_back(
        fmt::format("WARNING: {} is deprecated and will be removed in the next major release. "
                    "Please use {}{} instead",
                    class_name, kToolsPackage, newer));
  }
  formatter.silent_ = name == "NoOpMessageFormatter";
  if (!formatter.silent_ && !formatter.coordinator_ && name != "DefaultMessageFormatter" &&
      name != "LoggingMessageFormatter") {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("--formatter {} is not supported by this tool", class_name));
  }
  read_flag(properties, "print.timestamp", formatter.print_timestamp_);
  read_flag(properties, "print.key", formatter.print_key_);
  read_flag(properties, "print.offset", formatter.print_offset_);
  read_flag(properties, "print.partition", formatter.print_partition_);
  read_flag(properties, "print.headers", formatter.print_headers_);
  read_flag(properties, "print.value", formatter.print_value_);
  read_text(properties, "key.separator", formatter.key_separator_);
  read_text(properties, "line.separator", formatter.line_separator_);
  read_text(properties, "headers.separator", formatter.headers_separator_);
  read_text(properties, "null.literal", formatter.null_literal_);
  formatter.key_field_ = decoder_property(properties, "key.deserializer", notes);
  formatter.value_field_ = decoder_property(properties, "value.deserializer", notes);
  formatter.headers_field_ = decoder_property(properties, "headers.deserializer", notes);
  return formatter;
}

void MessageFormatter::separate(bool more_columns, std::string& out) const {
  out += more_columns ? key_separator_ : line_separator_;
}

Status MessageFormatter::write_field(const Field& field,
                                     const std::optional<std::string_view>& bytes,
                                     std::string& out) const {
  if (!bytes) {
    out += null_literal_;
    return {};
  }
  switch (field.decoder) {
    case Decoder::kBytes:
      out += *bytes;
      return {};
    case Decoder::kShort: {
      TRY(const auto number, fixed_size<std::int16_t>(*bytes, field.class_name));
      fmt::format_to(std::back_inserter(out), "{}", number);
      return {};
    }
    case Decoder::kInteger: {
      TRY(const auto number, fixed_size<std::int32_t>(*bytes, field.class_name));
      fmt::format_to(std::back_inserter(out), "{}", number);
      return {};
    }
    case Decoder::kLong: {
      TRY(const auto number, fixed_size<std::int64_t>(*bytes, field.class_name));
      fmt::format_to(std::back_inserter(out), "{}", number);
      return {};
    }
    case Decoder::kFloat: {
      TRY(const auto raw, fixed_size<std::uint32_t>(*bytes, field.class_name));
      out += java_floating(std::bit_cast<float>(raw));
      return {};
    }
    case Decoder::kDouble: {
      TRY(const auto raw, fixed_size<std::uint64_t>(*bytes, field.class_name));
      out += java_floating(std::bit_cast<double>(raw));
      return {};
    }
    case Decoder::kBoolean: {
      TRY(const auto raw, fixed_size<std::uint8_t>(*bytes, field.class_name));
      out += raw != 0 ? "true" : "false";
      return {};
    }
    case Decoder::kVoid:
      return fail(ErrorCode::kInvalidRecord, "Data should be null for a VoidDeserializer.");
  }
  return {};
}

Status MessageFormatter::write_headers(const ConsumedRecord& record, std::string& out) const {
  if (record.headers.empty()) {
    out += "NO_HEADERS";
  }
  bool first = true;
  for (const auto& [name, value] : record.headers) {
    if (!first) {
      out += headers_separator_;
    }
    first = false;
    out += name;
    out += ':';
    TRY_STATUS(write_field(headers_field_, value, out));
  }
  return {};
}

Status MessageFormatter::write(const ConsumedRecord& record, std::string& out) const {
  if (silent_) {
    return {};
  }
  if (coordinator_) {
    return format_coordinator_record(*coordinator_, record.key, record.value, out);
  }
  if (print_timestamp_) {
    if (record.timestamp_type == RecordTimestamp::kNone) {
      out += "NO_TIMESTAMP";
    } else {
      const bool append = record.timestamp_type == RecordTimestamp::kLogAppendTime;
      fmt::format_to(std::back_inserter(out), "{}:{}", append ? "LogAppendTime" : "CreateTime",
                     record.timestamp);
    }
    separate(print_offset_ || print_partition_ || print_headers_ || print_key_ || print_value_,
             out);
  }
  if (print_partition_) {
    fmt::format_to(std::back_inserter(out), "Partition:{}", record.partition);
    separate(print_offset_ || print_headers_ || print_key_ || print_value_, out);
  }
  if (print_offset_) {
    fmt::format_to(std::back_inserter(out), "Offset:{}", record.offset);
    separate(print_headers_ || print_key_ || print_value_, out);
  }
  if (print_headers_) {
    TRY_STATUS(write_headers(record, out));
    separate(print_key_ || print_value_, out);
  }
  if (print_key_) {
    TRY_STATUS(write_field(key_field_, record.key, out));
    separate(print_value_, out);
  }
  if (print_value_) {
    TRY_STATUS(write_field(value_field_, record.value, out));
    out += line_separator_;
  }
  return {};
}

}  // namespace barnabas::apps
