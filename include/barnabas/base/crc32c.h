// CRC-32C (Castagnoli), as record batches of magic 2 carry it.
#pragma once

#include <cstdint>

#include "barnabas/base/bytes.h"

namespace barnabas {

// The checksum of `bytes`; pass an earlier result as `crc` to go on from there.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0);

}  // namespace barnabas
