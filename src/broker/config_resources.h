// The kinds of resources that have configurations, by their numbers on the wire.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace barnabas::broker {

inline constexpr std::int8_t kTopicResource = 2;
inline constexpr std::int8_t kBrokerResource = 4;
inline constexpr std::int8_t kLoggerResource = 8;
inline constexpr std::int8_t kClientMetricsResource = 16;

inline constexpr std::string_view kLoggersNotConfigurable =
    "This broker's loggers are not configurable.";

// Brokers and their loggers are named by the broker's id.
[[nodiscard]] inline std::optional<std::int32_t> parse_broker_id(const std::string& text) {
  std::int32_t id = -1;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, id);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(id) : std::nullopt;
}

}  // namespace barnabas::broker
