#include "barnabas/coordinator/key_partition.h"

#include <array>
#include <cstddef>
#include <limits>

#include "barnabas/base/check.h"

namespace barnabas::coordinator {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;
constexpr std::uint32_t kFirstSupplementary = 0x10000;

struct CodePoint {
  std::uint32_t value;
  std::size_t size;  // bytes it took
};

// Lead bytes by how many continuation bytes follow, and the least code point of that length.
struct LeadByte {
  std::uint8_t mask;
  std::uint8_t bits;
  std::size_t following;
  std::uint32_t least;
};
constexpr std::array kLeadBytes{LeadByte{0x80, 0x00, 0, 0x0}, LeadByte{0xE0, 0xC0, 1, 0x80},
                                LeadByte{0xF0, 0xE0, 2, 0x800},
                                LeadByte{0xF8, 0xF0, 3, kFirstSupplementary}};

CodePoint next_code_point(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  for (const auto& kind : kLeadBytes) {
    if ((lead & kind.mask) != kind.bits) {
      continue;
    }
    std::uint32_t value = lead & static_cast<std::uint8_t>(~kind.mask);
    for (std::size_t i = 1; i <= kind.following; ++i) {
      const auto byte = i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
      if ((byte & 0xC0U) != 0x80U) {
        return {kReplacement, i};
      }
      value = (value << 6U) | (byte & 0x3FU);
    }
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < kind.least || surrogate || value > 0x10FFFF) {
      return {kReplacement, 1};
    }
    return {value, kind.following + 1};
  }
  return {kReplacement, 1};
}

}  // namespace

std::int32_t java_string_hash(std::string_view utf8) {
  std::uint32_t hash = 0;
  const auto add = [&hash](std::uint32_t unit) { hash = hash * 31U + unit; };
  while (!utf8.empty()) {
    const CodePoint next = next_code_point(utf8);
    if (next.value < kFirstSupplementary) {
      add(next.value);
    } else {  // two UTF-16 units
      add(0xD800U + ((next.value - kFirstSupplementary) >> 10U));
      add(0xDC00U + ((next.value - kFirstSupplementary) & 0x3FFU));
    }
    utf8.remove_prefix(next.size);
  }
  return static_cast<std::int32_t>(hash);
}

PartitionId partition_of_key(std::string_view key, std::int32_t partition_count) {
  BARNABAS_CHECK(partition_count > 0);
  const std::int32_t hash = java_string_hash(key);
  if (hash == std::numeric_limits<std::int32_t>::min()) {
    return PartitionId(0);  // it has no absolute value; Kafka's Utils.abs makes it 0
  }
  return PartitionId((hash < 0 ? -hash : hash) % partition_count);
}

}  // namespace barnabas::coordinator
