// Type and range of one value. The texts are those of Kafka's ConfigDef (3.9.1).
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "barnabas/config/keys.h"
#include "java_text.h"

namespace barnabas::config {
namespace {

// The versions that Kafka 3.9.1 knows (MetadataVersion), the shorter names before them.
constexpr std::string_view kMetadataVersions =
    "0.8.0,0.8.1,0.8.2,0.9.0,0.10.0-IV0,0.10.0-IV1,0.10.1-IV0,0.10.1-IV1,0.10.1-IV2,0.10.2-IV0,"
    "0.11.0-IV0,0.11.0-IV1,0.11.0-IV2,1.0-IV0,1.1-IV0,2.0-IV0,2.0-IV1,2.1-IV0,2.1-IV1,2.1-IV2,"
    "2.2-IV0,2.2-IV1,2.3-IV0,2.3-IV1,2.4-IV0,2.4-IV1,2.5-IV0,2.6-IV0,2.7-IV0,2.7-IV1,2.7-IV2,"
    "2.8-IV0,2.8-IV1,3.0-IV0,3.0-IV1,3.1-IV0,3.2-IV0,3.3-IV0,3.3-IV1,3.3-IV2,3.3-IV3,3.4-IV0,"
    "3.5-IV0,3.5-IV1,3.5-IV2,3.6-IV0,3.6-IV1,3.6-IV2,3.7-IV0,3.7-IV1,3.7-IV2,3.7-IV3,3.7-IV4,"
    "3.8-IV0,3.9-IV0,4.0-IV0,4.0-IV1";

std::unexpected<Error> invalid(const KeySpec& spec, std::string_view value, std::string_view why) {
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("Invalid value {} for configuration {}: {}", value, spec.name, why));
}

std::string type_name(KeyType type) {
  switch (type) {
    case KeyType::kInt:
      return "INT";
    case KeyType::kShort:
      return "SHORT";
    case KeyType::kLong:
      return "LONG";
    default:
      return "DOUBLE";
  }
}

struct Limits {
  std::int64_t least;
  std::int64_t most;
};

template <typename T>
constexpr Limits limits_of() {
  return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
}

Limits limits_of(KeyType type) {
  switch (type) {
    case KeyType::kShort:
      return limits_of<std::int16_t>();
    case KeyType::kInt:
      return limits_of<std::int32_t>();
    default:
      return limits_of<std::int64_t>();
  }
}

// A bound as it stands in the table: whole numbers without a fraction.
std::string bound_text(double bound) {
  return bound == std::floor(bound) ? fmt::format("{}", static_cast<std::int64_t>(bound))
                                    : fmt::format("{}", bound);
}

Status check_number(const KeySpec& spec, double number, std::string_view printed) {
  switch (spec.check) {
    case Check::kRange:
      if (number < spec.range.at_least) {
        return invalid(spec, printed, "Value must be at least " + bound_text(spec.range.at_least));
      }
      if (number > spec.range.at_most) {
        return invalid(spec, printed,
                       "Value must be no more than " + bound_text(spec.range.at_most));
      }
      return {};
    case Check::kGzipLevel:
      if (number != -1 && (number < 1 || number > 9)) {
        return invalid(spec, printed, "Value must be between 1 and 9 or equal to -1");
      }
      return {};
    case Check::kMinusOneOrPositive:
      if (number != -1 && number < 1) {
        return invalid(spec, printed, "Value can be -1 or greater than 0");
      }
      return {};
    default:
      return {};
  }
}

// "3.9.1", "3.9" and "3.9-IV0" name a version when their first two (before 1.0: three) numbers, or
// the whole, begin the name of a version that is released; the unreleased ones need the whole name.
bool is_metadata_version(std::string_view value) {
  const auto known = split_java_list(kMetadataVersions);
  if (std::ranges::find(known, value) != known.end()) {
    return true;
  }
  if (value.find("-IV") != std::string_view::npos) {
    return false;
  }
  const std::size_t parts_wanted = value.starts_with("0.") ? 3 : 2;
  std::size_t end = 0;
  for (std::size_t part = 0; part < parts_wanted; ++part) {
    const auto dot = value.find('.', end);
    if (dot == std::string_view::npos) {
      if (part + 1 < parts_wanted) {
        return false;
      }
      end = value.size() + 1;
    } else {
      end = dot + 1;
    }
  }
  const std::string prefix(value.substr(0, end - 1));
  return std::ranges::any_of(known, [&](const std::string& version) {
    const bool released = !version.starts_with("4.");
    return released && (version == prefix || version.starts_with(prefix + "-IV"));
  });
}

bool is_throttled_replica(std::string_view item) {
  const auto colon = item.find(':');
  const auto digits = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  };
  return colon != std::string_view::npos && digits(item.substr(0, colon)) &&
         digits(item.substr(colon + 1));
}

Result<std::string> check_list(const KeySpec& spec, std::string_view trimmed) {
  const auto items = split_java_list(trimmed);
  if (spec.check == Check::kListOf) {
    const auto allowed = split_java_list(spec.allowed);
    for (const auto& item : items) {
      if (std::ranges::find(allowed, item) == allowed.end()) {
        return invalid(spec, item, "String must be one of: " + join(allowed, ", "));
      }
    }
  }
  if (spec.check == Check::kThrottledReplicas) {
    const bool star = items.size() == 1 && items.front() == "*";
    if (!star && !std::ranges::all_of(items, is_throttled_replica)) {
      return invalid(
          spec, "[" + join(items, ", ") + "]",
          fmt::format("{} must be the literal '*' or a list of replicas in the following format: "
                      "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
                      spec.name));
    }
  }
  return join(items, ",");
}

Result<std::string> check_string(const KeySpec& spec, std::string_view trimmed) {
  const auto allowed = split_java_list(spec.allowed);
  switch (spec.check) {
    case Check::kOneOf:
      if (std::ranges::find(allowed, trimmed) == allowed.end()) {
        return invalid(spec, trimmed, "String must be one of: " + join(allowed, ", "));
      }
      break;
    case Check::kOneOfIgnoringCase:
      if (std::ranges::none_of(allowed,
                               [&](const auto& a) { return equal_ignoring_case(a, trimmed); })) {
        return invalid(spec, trimmed,
                       "String must be one of (case insensitive): " + join(allowed, ", "));
      }
      break;
    case Check::kMetadataVersion:
      if (!is_metadata_version(trimmed)) {
        return invalid(spec, trimmed, fmt::format("Version {} is not a valid version", trimmed));
      }
      break;
    case Check::kNonEmpty:
      if (trimmed.empty()) {
        return invalid(spec, trimmed, "String must be non-empty");
      }
      break;
    default:
      break;
  }
  return std::string(trimmed);
}

std::string range_text(const Range& range) {
  const bool low = std::isfinite(range.at_least);
  const bool high = std::isfinite(range.at_most);
  if (low && high) {
    return fmt::format(" from {} to {}", bound_text(range.at_least), bound_text(range.at_most));
  }
  if (low) {
    return " of at least " + bound_text(range.at_least);
  }
  return high ? " of at most " + bound_text(range.at_most) : "";
}

std::string integer_text(const KeySpec& spec) {
  if (spec.check == Check::kGzipLevel) {
    return "an integer from 1 to 9, or -1";
  }
  if (spec.check == Check::kMinusOneOrPositive) {
    return "-1 or an integer of at least 1";
  }
  const std::string bounds = spec.check == Check::kRange ? range_text(spec.range) : "";
  if (!bounds.empty() || spec.type == KeyType::kLong) {
    return "an integer" + bounds;
  }
  const Limits limits = limits_of(spec.type);
  return fmt::format("an integer from {} to {}", limits.least, limits.most);
}

}  // namespace

Result<std::string> check_value(const KeySpec& spec, std::string_view raw) {
  const std::string_view trimmed = java_trim(raw);
  switch (spec.type) {
    case KeyType::kBoolean:
      if (equal_ignoring_case(trimmed, "true")) {
        return "true";
      }
      if (equal_ignoring_case(trimmed, "false")) {
        return "false";
      }
      return invalid(spec, raw, "Expected value to be either true or false");
    case KeyType::kInt:
    case KeyType::kShort:
    case KeyType::kLong: {
      const Limits limits = limits_of(spec.type);
      const auto number = parse_java_integer(trimmed, limits.least, limits.most);
      if (!number) {
        return invalid(spec, raw, "Not a number of type " + type_name(spec.type));
      }
      std::string printed = fmt::format("{}", *number);
      TRY_STATUS(check_number(spec, static_cast<double>(*number), printed));
      return printed;
    }
    case KeyType::kDouble: {
      const auto number = parse_java_double(trimmed);
      if (!number) {
        return invalid(spec, raw, "Not a number of type DOUBLE");
      }
      std::string printed = format_java_double(*number);
      TRY_STATUS(check_number(spec, *number, printed));
      return printed;
    }
    case KeyType::kList:
      return check_list(spec, trimmed);
    default:
      return check_string(spec, trimmed);
  }
}

std::string describe_allowed(const KeySpec& spec) {
  const std::string allowed = join(split_java_list(spec.allowed), ", ");
  switch (spec.check) {
    case Check::kOneOf:
    case Check::kOneOfIgnoringCase:
      return "one of " + allowed;
    case Check::kListOf:
      return "a comma separated list of " + allowed;
    case Check::kThrottledReplicas:
      return "* or partition:broker,partition:broker,...";
    case Check::kMetadataVersion:
      return "a version such as 3.9 or 3.9-IV0";
    case Check::kNonEmpty:
      return "a text that is not empty";
    default:
      break;
  }
  switch (spec.type) {
    case KeyType::kBoolean:
      return "true or false";
    case KeyType::kInt:
    case KeyType::kShort:
    case KeyType::kLong:
      return integer_text(spec);
    case KeyType::kDouble:
      return "a number" + (spec.check == Check::kRange ? range_text(spec.range) : "");
    case KeyType::kList:
      return "a comma separated list";
    default:
      return "any text";
  }
}

}  // namespace barnabas::config
