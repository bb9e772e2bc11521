#include "java_text.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace barnabas::config {
namespace {

bool is_java_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::optional<double> from_text(std::string_view digits, std::chars_format format) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, format);
  if (end != digits.data() + digits.size() || digits.empty()) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    // Java has no error here: too small is zero, too large is infinite.
    return digits.find("e-") != std::string_view::npos ||
                   digits.find("E-") != std::string_view::npos
               ? 0.0
               : std::numeric_limits<double>::infinity();
  }
  if (error != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::string_view java_trim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<std::int64_t> parse_java_integer(std::string_view text, std::int64_t least,
                                               std::int64_t most) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) {
      return std::nullopt;
    }
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> parse_java_double(std::string_view text) {
  bool negative = false;
  if (text.starts_with('+') || text.starts_with('-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  std::optional<double> value;
  if (text == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (text.starts_with("0x") || text.starts_with("0X")) {
    if (text.find_first_of("pP") != std::string_view::npos) {
      value = from_text(text.substr(2), std::chars_format::hex);
    }
  } else {
    if (!text.empty() && std::string_view("fFdD").find(text.back()) != std::string_view::npos) {
      text.remove_suffix(1);
    }
    // from_chars also reads "inf" and "nan(...)", which Java does not.
    if (!text.empty() && (text.front() == '.' || (text.front() >= '0' && text.front() <= '9'))) {
      value = from_text(text, std::chars_format::general);
    }
  }
  if (value && negative) {
    *value = -*value;
  }
  return value;
}

std::string format_java_double(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-Infinity" : "Infinity";
  }
  char buffer[512];
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-3 && size < 1e7);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string text(buffer, end);
  if (plain) {
    return text.find('.') == std::string::npos ? text + ".0" : text;
  }
  // "1e+07" is "1.0E7" in Java.
  const auto e = text.find('e');
  std::string mantissa = text.substr(0, e);
  if (mantissa.find('.') == std::string::npos) {
    mantissa += ".0";
  }
  std::string_view exponent = std::string_view(text).substr(e + 1);
  const bool small = exponent.starts_with('-');
  exponent.remove_prefix(1);
  while (exponent.size() > 1 && exponent.front() == '0') {
    exponent.remove_prefix(1);
  }
  return mantissa + (small ? "E-" : "E") + std::string(exponent);
}

std::vector<std::string> split_java_list(std::string_view text) {
  std::vector<std::string> items;
  if (text.empty()) {
    return items;
  }
  const auto trim = [](std::string_view item, bool first, bool last) {
    while (!first && !item.empty() && is_java_space(item.front())) {
      item.remove_prefix(1);
    }
    while (!last && !item.empty() && is_java_space(item.back())) {
      item.remove_suffix(1);
    }
    return item;
  };
  for (bool first = true;; first = false) {
    const auto comma = text.find(',');
    const bool last = comma == std::string_view::npos;
    items.emplace_back(trim(text.substr(0, comma), first, last));
    if (last) {
      return items;
    }
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string> split_csv(std::string_view text) {
  std::vector<std::string> items;
  for (const auto& item : split_java_list(java_trim(text))) {
    if (!java_trim(item).empty()) {
      items.emplace_back(java_trim(item));
    }
  }
  return items;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  std::string text;
  for (const auto& item : items) {
    if (&item != &items.front()) {
      text += separator;
    }
    text += item;
  }
  return text;
}

std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return lower;
}

std::string ascii_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    }
  }
  return upper;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return ascii_upper(a) == ascii_upper(b);
}

}  // namespace barnabas::config
