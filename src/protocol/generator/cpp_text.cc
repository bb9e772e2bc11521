#include "cpp_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace barnabas::schemagen {

void Code::line(std::string_view text) {
  if (!text.empty()) {
    text_.append(static_cast<std::size_t>(depth_) * 2, ' ');
    text_ += text;
  }
  text_ += '\n';
}

void Code::open(std::string_view text) {
  line(fmt::format("{} {{", text));
  ++depth_;
}

void Code::close(std::string_view tail) {
  --depth_;
  line(fmt::format("}}{}", tail));
}

void Code::reopen(std::string_view text) {
  --depth_;
  line(fmt::format("}} {} {{", text));
  ++depth_;
}

std::string banner(const Schema& schema) {
  return fmt::format("// Generated from schemas/{}.yaml; changes belong there.", schema.stem);
}

std::string element_type(const Field& field) {
  switch (field.kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kInt8:
      return "std::int8_t";
    case Kind::kInt16:
      return "std::int16_t";
    case Kind::kUint16:
      return "std::uint16_t";
    case Kind::kInt32:
      return "std::int32_t";
    case Kind::kInt64:
      return "std::int64_t";
    case Kind::kFloat64:
      return "double";
    case Kind::kUuid:
      return "Uuid";
    case Kind::kString:
      return "std::string";
    case Kind::kBytes:
      return "ByteVector";
    case Kind::kRecords:
      return "Records";
    case Kind::kStruct:
      return field.struct_name;
  }
  return {};
}

std::string member_type(const Field& field) {
  std::string type = element_type(field);
  if (field.is_array) {
    type = fmt::format("std::vector<{}>", type);
  }
  return field.is_optional() ? fmt::format("std::optional<{}>", type) : type;
}

std::string literal(const Field& field) {
  if (field.kind == Kind::kString) {
    return fmt::format("\"{}\"", field.default_text);
  }
  if (field.default_text.empty()) {
    return field.kind == Kind::kBool ? "false" : field.kind == Kind::kFloat64 ? "0.0" : "0";
  }
  // The least integers have no literal of their own.
  if (field.default_text == std::to_string(std::numeric_limits<std::int32_t>::min())) {
    return "(-2147483647 - 1)";
  }
  return field.default_text;
}

std::string initializer(const Field& field) {
  if (field.is_optional()) {
    return field.default_is_null ? ""
                                 : fmt::format(" = {}()", member_type(field).substr(
                                                              14, member_type(field).size() - 15));
  }
  if (field.is_array) {
    return "";
  }
  switch (field.kind) {
    case Kind::kUuid:
    case Kind::kBytes:
    case Kind::kRecords:
    case Kind::kStruct:
      return "";
    case Kind::kString:
      return field.default_text.empty() ? "" : fmt::format(" = {}", literal(field));
    default:
      return fmt::format(" = {}", literal(field));
  }
}

std::string condition(const Versions& versions, const Versions& context) {
  const Versions both = versions.intersect(context);
  if (both.is_empty()) {
    return "false";
  }
  if (both == context) {
    return "true";
  }
  if (both.lowest == both.highest) {
    return fmt::format("version == {}", both.lowest);
  }
  if (both.lowest == context.lowest) {
    return fmt::format("version <= {}", both.highest);
  }
  if (both.highest == context.highest) {
    return fmt::format("version >= {}", both.lowest);
  }
  return fmt::format("version >= {} && version <= {}", both.lowest, both.highest);
}

std::string is_default(const Field& field, const std::string& value) {
  if (field.is_optional()) {
    if (field.default_is_null) {
      return fmt::format("!{}.has_value()", value);
    }
    return field.kind == Kind::kStruct && !field.is_array
               ? fmt::format("({0}.has_value() && *{0} == {1}())", value, element_type(field))
               : fmt::format("({0}.has_value() && {0}->empty())", value);
  }
  if (field.is_array || field.kind == Kind::kBytes) {
    return value + ".empty()";
  }
  switch (field.kind) {
    case Kind::kString:
      return field.default_text.empty() ? value + ".empty()"
                                        : fmt::format("{} == {}", value, literal(field));
    case Kind::kUuid:
      return value + ".is_zero()";
    case Kind::kRecords:
      return value + ".is_null()";
    case Kind::kStruct:
      return fmt::format("{} == {}()", value, element_type(field));
    case Kind::kBool:
      return literal(field) == "true" ? value : "!" + value;
    default:
      return fmt::format("{} == {}", value, literal(field));
  }
}

std::string reset(const Field& field, const std::string& value) {
  if (field.is_optional()) {
    return field.default_is_null ? value + ".reset();" : value + ".emplace();";
  }
  if (field.is_array || field.kind == Kind::kBytes) {
    return value + ".clear();";
  }
  switch (field.kind) {
    case Kind::kString:
      return field.default_text.empty() ? value + ".clear();"
                                        : fmt::format("{} = {};", value, literal(field));
    case Kind::kUuid:
    case Kind::kRecords:
    case Kind::kStruct:
      return fmt::format("{} = {}();", value, element_type(field));
    default:
      return fmt::format("{} = {};", value, literal(field));
  }
}

namespace {

std::size_t least_size(const Message& message, const Field& field, int version);

std::size_t least_struct_size(const Message& message, const std::string& name, int version) {
  std::size_t size = message.flexible.contains(version) ? 1 : 0;
  for (const Field& field : message.find_struct(name).fields) {
    if (field.versions.contains(version) && !field.tagged.contains(version)) {
      size += least_size(message, field, version);
    }
  }
  return size;
}

std::size_t least_single_size(const Message& message, const Field& field, int version) {
  const bool flexible = message.flexible.contains(version);
  switch (field.kind) {
    case Kind::kBool:
    case Kind::kInt8:
      return 1;
    case Kind::kInt16:
    case Kind::kUint16:
      return 2;
    case Kind::kInt32:
      return 4;
    case Kind::kInt64:
    case Kind::kFloat64:
      return 8;
    case Kind::kUuid:
      return 16;
    case Kind::kString:
      return flexible ? 1 : 2;
    case Kind::kBytes:
    case Kind::kRecords:
      return flexible ? 1 : 4;
    case Kind::kStruct:
      return field.nullable.contains(version) && !field.is_array
                 ? 1
                 : least_struct_size(message, field.struct_name, version);
  }
  return 0;
}

std::size_t least_size(const Message& message, const Field& field, int version) {
  if (field.is_array) {
    return message.flexible.contains(version) ? 1 : 4;
  }
  return least_single_size(message, field, version);
}

}  // namespace

std::size_t least_element_size(const Message& message, const Field& field,
                               const Versions& context) {
  const Versions possible = field.versions.intersect(context);
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (int version = possible.lowest; version <= possible.highest; ++version) {
    least = std::min(least, least_single_size(message, field, version));
  }
  return std::max<std::size_t>(1, least);
}

Versions struct_context(const Message& message, const Struct& inner) {
  const Versions possible = inner.versions.intersect(message.versions);
  return possible.is_empty() ? message.versions : possible;
}

}  // namespace barnabas::schemagen
