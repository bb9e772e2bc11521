// The header of an LZ4 frame: magic, FLG, BD, content size where FLG says so, and one byte of
// checksum, the second of the XXH32 of what lies between the magic and it.
// Facts: LZ4 frame format 1.6.1; the xxHash specification; Kafka's Lz4BlockOutputStream.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "barnabas/base/bytes.h"

namespace barnabas::record {

inline constexpr std::array kLz4Magic{std::byte{0x04}, std::byte{0x22}, std::byte{0x4d},
                                      std::byte{0x18}};
inline constexpr std::size_t kLz4SmallestHeader = 7;
inline constexpr std::size_t kLz4LargestHeader = 15;  // with a content size
inline constexpr unsigned kLz4HasContentSize = 0x08;

// `header` holds at least kLz4SmallestHeader bytes. The size of the whole header.
[[nodiscard]] inline std::size_t lz4_header_size(ByteView header) {
  return (std::to_integer<unsigned>(header[4]) & kLz4HasContentSize) != 0 ? kLz4LargestHeader
                                                                          : kLz4SmallestHeader;
}

// XXH32 with seed 0 of fewer than 16 bytes, which is all a header has.
[[nodiscard]] inline std::uint32_t short_xxh32(ByteView bytes) {
  constexpr std::uint32_t kPrime1 = 2654435761U;
  constexpr std::uint32_t kPrime2 = 2246822519U;
  constexpr std::uint32_t kPrime3 = 3266489917U;
  constexpr std::uint32_t kPrime4 = 668265263U;
  constexpr std::uint32_t kPrime5 = 374761393U;
  std::uint32_t hash = kPrime5 + static_cast<std::uint32_t>(bytes.size());
  for (; bytes.size() >= 4; bytes = bytes.subspan(4)) {
    const std::uint32_t lane = std::byteswap(load_be<std::uint32_t>(bytes.data()));
    hash = std::rotl(hash + lane * kPrime3, 17) * kPrime4;
  }
  for (const std::byte byte : bytes) {
    hash = std::rotl(hash + std::to_integer<std::uint32_t>(byte) * kPrime5, 11) * kPrime1;
  }
  hash = (hash ^ (hash >> 15U)) * kPrime2;
  hash = (hash ^ (hash >> 13U)) * kPrime3;
  return hash ^ (hash >> 16U);
}

// The checksum byte of `header`, a whole one; `with_magic` as old producers took it.
[[nodiscard]] inline std::byte lz4_header_checksum(ByteView header, bool with_magic) {
  const std::size_t from = with_magic ? 0 : kLz4Magic.size();
  const ByteView covered = header.subspan(from, header.size() - from - 1);
  return static_cast<std::byte>((short_xxh32(covered) >> 8U) & 0xffU);
}

}  // namespace barnabas::record
