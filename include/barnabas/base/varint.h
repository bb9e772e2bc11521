// Variable-length integers: LEB128 as in the Kafka protocol; signed values are zigzag coded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "barnabas/base/bytes.h"

namespace barnabas {

[[nodiscard]] constexpr std::uint64_t zigzag_encode(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}

[[nodiscard]] constexpr std::int64_t zigzag_decode(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

// Reads an unsigned varint of at most `max_bytes` bytes (5 for 32 bits, 10 for 64 bits).
// Returns the bytes consumed, or 0 when the input ends early or the number is too long.
[[nodiscard]] inline std::size_t read_uvarint(const std::byte* from, std::size_t available,
                                              std::size_t max_bytes, std::uint64_t& value) {
  std::uint64_t result = 0;
  const std::size_t limit = available < max_bytes ? available : max_bytes;
  for (std::size_t i = 0; i < limit; ++i) {
    const auto byte = std::to_integer<std::uint64_t>(from[i]);
    result |= (byte & 0x7fU) << (7U * i);
    if ((byte & 0x80U) == 0) {
      value = result;
      return i + 1;
    }
  }
  return 0;
}

// Writes an unsigned varint; `to` has room for 10 bytes. Returns the bytes written.
inline std::size_t write_uvarint(std::byte* to, std::uint64_t value) {
  std::size_t n = 0;
  while (value >= 0x80U) {
    to[n++] = static_cast<std::byte>((value & 0x7fU) | 0x80U);
    value >>= 7U;
  }
  to[n++] = static_cast<std::byte>(value);
  return n;
}

[[nodiscard]] constexpr std::size_t uvarint_size(std::uint64_t value) {
  std::size_t n = 1;
  while (value >= 0x80U) {
    value >>= 7U;
    ++n;
  }
  return n;
}

}  // namespace barnabas
