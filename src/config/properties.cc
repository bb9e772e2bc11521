#include "barnabas/config/properties.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace barnabas::config {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}

// One logical line: continuations joined, escapes still in place.
struct LogicalLine {
  std::string text;
  int line = 0;
};

// Splits the text as Java's LineReader does: leading blanks of every natural line dropped, comment
// and blank lines skipped (a comment is never continued), an odd number of '\' at the end
// continues.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  std::optional<LogicalLine> next() {
    while (position_ < text_.size()) {
      const std::string_view natural = without_leading_blanks(take_natural_line());
      if (is_ignored(natural)) {
        continue;
      }
      if (auto joined = join_continuations(natural)) {
        return joined;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view take_natural_line() {
    ++line_;
    const auto end = text_.find_first_of("\r\n", position_);
    const auto stop = end == std::string_view::npos ? text_.size() : end;
    const std::string_view natural = text_.substr(position_, stop - position_);
    position_ = stop;
    if (position_ < text_.size()) {
      const bool pair = text_.substr(position_, 2) == "\r\n";
      position_ += pair ? 2 : 1;
    }
    return natural;
  }

  // `natural` and what its continuations add. Nothing when the logical line is still empty and
  // turns out to go on with a blank line or a comment; a '\\' at the very end of the text is an
  // empty entry.
  std::optional<LogicalLine> join_continuations(std::string_view natural) {
    LogicalLine result{.text = {}, .line = line_};
    while (ends_with_continuation(natural)) {
      result.text += natural.substr(0, natural.size() - 1);
      if (position_ >= text_.size()) {
        return result;
      }
      natural = without_leading_blanks(take_natural_line());
      if (result.text.empty() && is_ignored(natural)) {
        return std::nullopt;
      }
    }
    result.text += natural;
    return result;
  }

  static bool is_ignored(std::string_view natural) {
    return natural.empty() || natural.front() == '#' || natural.front() == '!';
  }

  static std::string_view without_leading_blanks(std::string_view natural) {
    while (!natural.empty() && is_blank(natural.front())) {
      natural.remove_prefix(1);
    }
    return natural;
  }

  static bool ends_with_continuation(std::string_view natural) {
    std::size_t backslashes = 0;
    while (backslashes < natural.size() && natural[natural.size() - 1 - backslashes] == '\\') {
      ++backslashes;
    }
    return backslashes % 2 == 1;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  int line_ = 0;
};

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80U) {
    out += static_cast<char>(c);
  } else if (c < 0x800U) {
    out += static_cast<char>(0xc0U | (c >> 6U));
    out += static_cast<char>(0x80U | (c & 0x3fU));
  } else if (c < 0x10000U) {
    out += static_cast<char>(0xe0U | (c >> 12U));
    out += static_cast<char>(0x80U | ((c >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (c & 0x3fU));
  } else {
    out += static_cast<char>(0xf0U | (c >> 18U));
    out += static_cast<char>(0x80U | ((c >> 12U) & 0x3fU));
    out += static_cast<char>(0x80U | ((c >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (c & 0x3fU));
  }
}

std::optional<std::uint32_t> four_hex_digits(std::string_view text) {
  if (text.size() < 4) {
    return std::nullopt;
  }
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    value <<= 4U;
    if (c >= '0' && c <= '9') {
      value |= static_cast<std::uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value |= static_cast<std::uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value |= static_cast<std::uint32_t>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// Reads what follows "\u" at `text[i]`; a pair of surrogates becomes one character.
std::optional<std::uint32_t> unicode_escape(std::string_view text, std::size_t& i) {
  const auto first = four_hex_digits(text.substr(i));
  if (!first) {
    return std::nullopt;
  }
  i += 4;
  const bool high = *first >= 0xd800U && *first < 0xdc00U;
  if (high && text.substr(i, 2) == "\\u") {
    const auto second = four_hex_digits(text.substr(i + 2));
    if (second && *second >= 0xdc00U && *second < 0xe000U) {
      i += 6;
      return 0x10000U + ((*first - 0xd800U) << 10U) + (*second - 0xdc00U);
    }
  }
  const bool lone_surrogate = *first >= 0xd800U && *first < 0xe000U;
  return lone_surrogate ? 0xfffdU : *first;
}

Result<std::string> unescape(std::string_view text, int line) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i++];
    if (c != '\\' || i == text.size()) {
      if (c != '\\') {
        out += c;
      }
      continue;
    }
    const char escaped = text[i++];
    switch (escaped) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u': {
        const auto character = unicode_escape(text, i);
        if (!character) {
          return fail(ErrorCode::kInvalidConfig,
                      fmt::format("line {}: malformed \\uXXXX escape: four hexadecimal digits must "
                                  "follow \\u (write \\\\ for a backslash)",
                                  line));
        }
        append_utf8(out, *character);
        break;
      }
      default:
        out += escaped;
    }
  }
  return out;
}

// Where the key ends: at the first '=', ':' or blank that no '\' protects.
std::size_t end_of_key(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && text[i] != '=' && text[i] != ':' && !is_blank(text[i])) {
    i += text[i] == '\\' ? 2 : 1;
  }
  return std::min(i, text.size());
}

}  // namespace

Result<Properties> Properties::parse(std::string_view text) {
  Properties result;
  if (text.starts_with("\xef\xbb\xbf")) {  // the mark that some editors put before UTF-8
    text.remove_prefix(3);
  }
  LineReader reader(text);
  while (auto logical = reader.next()) {
    const std::string_view line = logical->text;
    const auto key_end = end_of_key(line);
    std::size_t value_start = key_end;
    bool separator_seen = false;
    while (value_start < line.size()) {
      const char c = line[value_start];
      if ((c == '=' || c == ':') && !separator_seen) {
        separator_seen = true;
      } else if (!is_blank(c)) {
        break;
      }
      ++value_start;
    }
    TRY(auto key, unescape(line.substr(0, key_end), logical->line));
    TRY(auto value, unescape(line.substr(value_start), logical->line));
    if (const Property* earlier = result.find(key)) {
      result.shadowed_.push_back(*earlier);
    }
    result.set(Property{std::move(key), std::move(value), logical->line});
  }
  return result;
}

void Properties::set(Property property) {
  const auto [place, added] = index_.try_emplace(property.key, entries_.size());
  if (added) {
    entries_.push_back(std::move(property));
  } else {
    entries_[place->second] = std::move(property);
  }
}

const Property* Properties::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

}  // namespace barnabas::config
