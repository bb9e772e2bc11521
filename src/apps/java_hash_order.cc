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

namespace {

std::vector<std::size_t> order_of(const std::vector<std::uint32_t>& hashes,
                                  std::size_t initial_capacity) {
  // The table doubles as soon as it holds more than three quarters of its size.
  std::size_t capacity = std::bit_ceil(std::max<std::size_t>(initial_capacity, 1));
  while (hashes.size() > capacity * 3 / 4) {
    capacity *= 2;
  }
  std::vector<std::pair<std::size_t, std::size_t>> places;  // slot, position
  places.reserve(hashes.size());
  for (const std::uint32_t hash : hashes) {
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

}  // namespace

std::vector<std::size_t> java_hash_order(std::span<const std::string> keys,
                                         std::size_t initial_capacity) {
  std::vector<std::uint32_t> hashes;
  hashes.reserve(keys.size());
  for (const std::string& key : keys) {
    hashes.push_back(static_cast<std::uint32_t>(java_string_hash(key)));
  }
  return order_of(hashes, initial_capacity);
}

std::vector<std::size_t> java_hash_order(std::span<const TopicPartition> keys) {
  constexpr std::size_t kDefaultCapacity = 16;
  std::vector<std::uint32_t> hashes;
  hashes.reserve(keys.size());
  for (const TopicPartition& key : keys) {
    const auto partition = static_cast<std::uint32_t>(key.partition.value());
    hashes.push_back((31U + partition) * 31U +
                     static_cast<std::uint32_t>(java_string_hash(key.topic)));
  }
  return order_of(hashes, kDefaultCapacity);
}

}  // namespace barnabas::apps
