#include "barnabas/base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <cstddef>

namespace barnabas {

std::uint32_t crc32c(ByteView bytes, std::uint32_t crc) {
  // ISA-L takes an int length and works on the inverted register.
  std::uint32_t state = ~crc;
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  std::size_t left = bytes.size();
  while (left > 0) {
    const std::size_t piece = std::min<std::size_t>(left, std::size_t{1} << 30U);
    state = crc32_iscsi(data, static_cast<int>(piece), state);
    data += piece;
    left -= piece;
  }
  return ~state;
}

}  // namespace barnabas
