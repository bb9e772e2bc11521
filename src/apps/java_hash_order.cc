#include "java_hash_order.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace barnabas::apps {

std::int32_t java_string_hash(std::string_view text) {
  std::uint32_t hash = 0;
  for (const char c : text) {
    hash = hash * 31U + static_cast<unsigned char>(c);
  }
  return static_cast<std::int32_t>(hash);
}

std::vector<std::size_t> java_hash_order(std::span<const std::string> keys,
                                         std::size_t initial_capacity) {
  // The table doubles as soon as it holds more than three quarters of its size.
  std::size_t capacity = std::bit_ceil(std::max<std::size_t>(initial_capacity, 1));
  while (keys.size() > capacity * 3 / 4) {
    capacity *= 2;
  }
  std::vector<std::pair<std::size_t, std::size_t>> places;  // slot, position
  places.reserve(keys.size());
  for (const std::string& key : keys) {
    const auto hash = static_cast<std::uint32_t>(java_string_hash(key));
    places.emplace_back((hash ^ (hash >> 16U)) & (capacity - 1), places.size());
  }
  std::ranges::sort(places);
  std::vector<std::size_t> order;
  order.reserve(places.size());
  for (const auto& [slot, position] : places) {
    order.push_back(position);
  }
  return order;
}

}  // namespace barnabas::apps
