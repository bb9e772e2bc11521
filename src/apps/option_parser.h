// Command line options as Kafka's tools take them (jopt-simple without abbreviations): long options
// with one dash or two, `--name value` or `--name=value`, optional values, `--` ends the options.
// Not Boost.Program_options: its sentences are not Kafka's, and it has neither bare words that
// belong to the option before them nor optional values of a separate word. Fails: INVALID_REQUEST
// with Kafka's own sentence. Values only. THREAD: any
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"

namespace barnabas::apps {

enum class Argument : std::uint8_t { kNone, kRequired, kOptional };

struct OptionSpec {
  std::string_view name;
  Argument argument = Argument::kNone;
};

class ParsedOptions {
 public:
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  // The value, nothing when the option or its optional value is absent. Fails when given twice.
  [[nodiscard]] Result<std::optional<std::string>> value(std::string_view name) const;
  // All values in the order given.
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  // As value(), and it must be a whole number that fits the type. Absent: `otherwise`.
  [[nodiscard]] Result<std::int32_t> int32_value(std::string_view name,
                                                 std::int32_t otherwise) const;
  [[nodiscard]] Result<std::int64_t> int64_value(std::string_view name,
                                                 std::int64_t otherwise) const;
  // The words that belong to no option.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

 private:
  friend Result<ParsedOptions> parse_options(std::span<const OptionSpec> specs,
                                             std::span<char*> arguments);
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> words_;
};

[[nodiscard]] Result<ParsedOptions> parse_options(std::span<const OptionSpec> specs,
                                                  std::span<char*> arguments);

// The known name nearest to `name`, empty when none is near.
[[nodiscard]] std::string_view nearest_name(std::span<const std::string_view> names,
                                            std::string_view name);

}  // namespace barnabas::apps
