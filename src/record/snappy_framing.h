// snappy-java's stream framing (org.xerial.snappy.SnappyOutputStream):
//   8 bytes 0x82 "SNAPPY" 0x00, int32 version 1, int32 oldest compatible version 1,
//   then blocks: int32 size, a raw snappy block. All big-endian.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "barnabas/base/bytes.h"

namespace barnabas::record {

inline constexpr std::array kSnappyMagic{std::byte{0x82}, std::byte{'S'}, std::byte{'N'},
                                         std::byte{'A'},  std::byte{'P'}, std::byte{'P'},
                                         std::byte{'Y'},  std::byte{0}};
inline constexpr std::size_t kSnappyFrameHeader = 16;
inline constexpr std::int32_t kSnappyFrameVersion = 1;

[[nodiscard]] inline bool has_snappy_frame(ByteView bytes) {
  return bytes.size() >= kSnappyFrameHeader &&
         std::equal(kSnappyMagic.begin(), kSnappyMagic.end(), bytes.begin());
}

}  // namespace barnabas::record
