// How Java reads and prints the small things that appear in configuration files. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace barnabas::config {

// String.trim(): everything up to and including the blank.
[[nodiscard]] std::string_view java_trim(std::string_view text);
// Integer.parseInt and its sisters, for ASCII digits.
[[nodiscard]] std::optional<std::int64_t> parse_java_integer(std::string_view text,
                                                             std::int64_t least, std::int64_t most);
// Double.parseDouble and Double.toString.
[[nodiscard]] std::optional<double> parse_java_double(std::string_view text);
[[nodiscard]] std::string format_java_double(double value);
// text.split("\\s*,\\s*", -1) of a trimmed text; an empty text is an empty list.
[[nodiscard]] std::vector<std::string> split_java_list(std::string_view text);
// Kafka's Csv.parseCsvList: split at commas, trimmed, empty items dropped.
[[nodiscard]] std::vector<std::string> split_csv(std::string_view text);
[[nodiscard]] std::string join(const std::vector<std::string>& items, std::string_view separator);
[[nodiscard]] std::string ascii_upper(std::string_view text);
[[nodiscard]] std::string ascii_lower(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace barnabas::config
