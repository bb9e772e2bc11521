// How long Java says that a text is: in UTF-16 units. Bounds of Kafka that count characters count
// these. THREAD: any
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace barnabas {

// Of valid UTF-8, as the wire's strings are.
[[nodiscard]] constexpr std::size_t java_length(std::string_view utf8) {
  std::size_t units = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte & 0xC0U) != 0x80U) {
      units += byte >= 0xF0U ? 2 : 1;
    }
  }
  return units;
}

}  // namespace barnabas
