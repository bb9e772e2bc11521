// How fields and versions look in the generated C++: shared by the emitters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "schema.h"

namespace barnabas::schemagen {

// Collects generated lines with their indentation.
class Code {
 public:
  void line(std::string_view text = {});
  // "text {" with what follows one step deeper, until close().
  void open(std::string_view text);
  void close(std::string_view tail = {});
  // "} text {"
  void reopen(std::string_view text);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  int depth_ = 0;
};

// The first line of every generated file.
[[nodiscard]] std::string banner(const Schema& schema);

// The type of one element, of the whole member, and the member's initial value ("" or " = ...").
[[nodiscard]] std::string element_type(const Field& field);
[[nodiscard]] std::string member_type(const Field& field);
[[nodiscard]] std::string initializer(const Field& field);
// The value of a scalar or string as a literal.
[[nodiscard]] std::string literal(const Field& field);

// The condition under which `version`, known to lie in `context`, lies in `versions`:
// "true", "false" or an expression.
[[nodiscard]] std::string condition(const Versions& versions, const Versions& context);
[[nodiscard]] std::string is_default(const Field& field, const std::string& value);
// A statement that gives the member its default.
[[nodiscard]] std::string reset(const Field& field, const std::string& value);

// The least bytes an array element of this field can take in any version of `context`.
[[nodiscard]] std::size_t least_element_size(const Message& message, const Field& field,
                                             const Versions& context);

// The versions in which a message's struct can occur at all: where the fields of its type do.
[[nodiscard]] Versions struct_context(const Message& message, const Struct& inner);

}  // namespace barnabas::schemagen
