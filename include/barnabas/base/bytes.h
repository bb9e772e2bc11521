// Byte spans and big-endian access. The Kafka protocol and its files are big-endian throughout.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace barnabas {

using ByteView = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

// Reads a big-endian integer at `from`; the caller has checked that sizeof(T) bytes are there.
template <std::integral T>
[[nodiscard]] inline T load_be(const std::byte* from) {
  using U = std::make_unsigned_t<T>;
  U value;
  std::memcpy(&value, from, sizeof(value));
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) {
    value = std::byteswap(value);
  }
  return static_cast<T>(value);
}

template <std::integral T>
inline void store_be(std::byte* to, T value) {
  using U = std::make_unsigned_t<T>;
  auto raw = static_cast<U>(value);
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) {
    raw = std::byteswap(raw);
  }
  std::memcpy(to, &raw, sizeof(raw));
}

[[nodiscard]] inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace barnabas
