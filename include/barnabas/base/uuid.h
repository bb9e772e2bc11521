// 128-bit ids; their text is 22 characters of base64url without padding, as Kafka writes them.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace barnabas {

struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] bool is_zero() const { return high == 0 && low == 0; }
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static std::optional<Uuid> parse(std::string_view text);
};

}  // namespace barnabas

template <>
struct std::hash<barnabas::Uuid> {
  std::size_t operator()(const barnabas::Uuid& id) const noexcept {
    return static_cast<std::size_t>(id.high ^ (id.low * 0x9e3779b97f4a7c15U));
  }
};
