// How Java reads small texts: booleans and regular expressions. Pure. THREAD: any
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace barnabas::apps {

// "true" in any case, blanks around it allowed; everything else is false.
[[nodiscard]] inline bool java_true(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return std::ranges::equal(text, std::string_view("true"), {},
                            [](char c) { return std::tolower(static_cast<unsigned char>(c)); });
}

// As new String(bytes, UTF_8) reads it and a UTF-8 stream prints it again: U+FFFD stands for each
// longest piece that could still have begun a character.
[[nodiscard]] std::string java_utf8(std::string_view bytes);

// Means itself as a regular expression.
[[nodiscard]] inline bool is_plain_text(std::string_view text) {
  return text.find_first_of(R"(\^$.|?*+()[]{})") == std::string_view::npos;
}

}  // namespace barnabas::apps
