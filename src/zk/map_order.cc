#include "map_order.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

namespace barnabas::zk {
namespace {

struct Keyed {
  std::uint32_t hash = 0;
  std::size_t inserted = 0;
  std::string key;
};

// java.lang.String.hashCode of ASCII text.
std::uint32_t java_hash(std::string_view text) {
  std::uint32_t hash = 0;
  for (const char c : text) {
    hash = hash * 31U + static_cast<unsigned char>(c);
  }
  return hash;
}

std::uint32_t fold(std::uint32_t hash) {
  return hash ^ (hash >> 16U);
}

// scala.collection.Hashing.improve
std::uint32_t improve(std::uint32_t hash) {
  hash += ~(hash << 9U);
  hash ^= hash >> 14U;
  hash += hash << 4U;
  return hash ^ (hash >> 10U);
}

std::vector<Keyed> with_hash(std::vector<std::string> keys, std::uint32_t (*mix)(std::uint32_t)) {
  std::vector<Keyed> keyed;
  keyed.reserve(keys.size());
  for (std::string& key : keys) {
    const std::uint32_t hash = mix(java_hash(key));
    keyed.push_back({hash, keyed.size(), std::move(key)});
  }
  return keyed;
}

std::vector<std::string> only_keys(std::vector<Keyed> keyed) {
  std::vector<std::string> keys;
  keys.reserve(keyed.size());
  for (Keyed& one : keyed) {
    keys.push_back(std::move(one.key));
  }
  return keys;
}

std::uint32_t table_mask(std::size_t keys) {
  std::size_t table = 16;
  while (keys * 4 >= table * 3) {
    table *= 2;
  }
  return static_cast<std::uint32_t>(table - 1);
}

void walk_trie(std::vector<Keyed> keys, unsigned shift, std::vector<Keyed>& out) {
  constexpr unsigned kBits = 5;
  if (shift >= 32) {  // equal hashes: as inserted
    std::ranges::move(keys, std::back_inserter(out));
    return;
  }
  std::array<std::vector<Keyed>, 1U << kBits> slots;
  for (Keyed& one : keys) {
    slots.at((one.hash >> shift) & ((1U << kBits) - 1)).push_back(std::move(one));
  }
  for (auto& slot : slots) {
    if (slot.size() == 1) {
      out.push_back(std::move(slot.front()));
      slot.clear();
    }
  }
  for (auto& slot : slots) {
    if (!slot.empty()) {
      walk_trie(std::move(slot), shift + kBits, out);
    }
  }
}

}  // namespace

std::vector<std::string> scala_mutable_order(std::vector<std::string> keys) {
  const std::uint32_t mask = table_mask(keys.size());
  auto keyed = with_hash(std::move(keys), fold);
  std::ranges::sort(keyed, {}, [mask](const Keyed& one) {
    // A slot's chain is sorted by the hash as a signed number.
    return std::tuple(one.hash & mask, static_cast<std::int32_t>(one.hash), one.inserted);
  });
  return only_keys(std::move(keyed));
}

std::vector<std::string> scala_immutable_order(std::vector<std::string> keys) {
  constexpr std::size_t kSmall = 4;
  if (keys.size() <= kSmall) {
    return keys;
  }
  std::vector<Keyed> out;
  walk_trie(with_hash(std::move(keys), improve), 0, out);
  return only_keys(std::move(out));
}

std::vector<std::string> java_properties_order(std::vector<std::string> keys) {
  const std::uint32_t mask = table_mask(keys.size());
  auto keyed = with_hash(std::move(keys), fold);
  std::ranges::sort(keyed, {},
                    [mask](const Keyed& one) { return std::pair(one.hash & mask, one.inserted); });
  return only_keys(std::move(keyed));
}

}  // namespace barnabas::zk
