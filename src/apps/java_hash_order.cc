#include "java_hash_order.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace barnabas::apps {

std::int32_t java_string_hash(std::string_view text) {
  std::uint32_t hash = 0;
  for (const char c : text) {
    hash = hash * 31U + static_cast<unsigned char>(c);
  }
  return static_cast<std::int32_t>(hash);
}

namespace {

constexpr std::size_t kDefaultCapacity = 16;

// As both tables spread a hash: the upper half into the lower.
std::uint32_t spread(std::uint32_t hash) {
  return hash ^ (hash >> 16U);
}

std::uint32_t hash_of(const std::string& key) {
  return static_cast<std::uint32_t>(java_string_hash(key));
}

// Of Kafka's TopicPartition.
std::uint32_t hash_of(const TopicPartition& key) {
  return (31U + static_cast<std::uint32_t>(key.partition.value())) * 31U +
         static_cast<std::uint32_t>(java_string_hash(key.topic));
}

template <typename Key>
std::vector<std::uint32_t> spread_hashes(std::span<const Key> keys) {
  std::vector<std::uint32_t> hashes;
  hashes.reserve(keys.size());
  for (const Key& key : keys) {
    hashes.push_back(spread(hash_of(key)));
  }
  return hashes;
}

// By slot, then by what `rank` gives for a hash, then as inserted.
template <typename Rank>
std::vector<std::size_t> order_of(const std::vector<std::uint32_t>& hashes, std::size_t capacity,
                                  Rank rank) {
  std::vector<std::tuple<std::size_t, std::int32_t, std::size_t>> places;
  places.reserve(hashes.size());
  for (const std::uint32_t hash : hashes) {
    places.emplace_back(hash & (capacity - 1), rank(hash), places.size());
  }
  std::ranges::sort(places);
  std::vector<std::size_t> order;
  order.reserve(places.size());
  for (const auto& place : places) {
    order.push_back(std::get<2>(place));
  }
  return order;
}

template <typename Key>
std::vector<std::size_t> java_order(std::span<const Key> keys, std::size_t initial_capacity) {
  // The table doubles as soon as it holds more than three quarters of its size.
  std::size_t capacity = std::bit_ceil(std::max<std::size_t>(initial_capacity, 1));
  while (keys.size() > capacity * 3 / 4) {
    capacity *= 2;
  }
  return order_of(spread_hashes(keys), capacity, [](std::uint32_t) { return 0; });
}

template <typename Key>
std::vector<std::size_t> scala_order(std::span<const Key> keys) {
  // The table doubles before it holds three quarters of its size.
  std::size_t capacity = kDefaultCapacity;
  while (keys.size() >= capacity * 3 / 4) {
    capacity *= 2;
  }
  return order_of(spread_hashes(keys), capacity,
                  [](std::uint32_t hash) { return static_cast<std::int32_t>(hash); });
}

}  // namespace

std::vector<std::size_t> java_hash_order(std::span<const std::string> keys,
                                         std::size_t initial_capacity) {
  return java_order(keys, initial_capacity);
}

std::vector<std::size_t> java_hash_order(std::span<const TopicPartition> keys) {
  return java_order(keys, kDefaultCapacity);
}

std::vector<std::size_t> scala_hash_order(std::span<const std::string> keys) {
  return scala_order(keys);
}

std::vector<std::size_t> scala_hash_order(std::span<const TopicPartition> keys) {
  return scala_order(keys);
}

}  // namespace barnabas::apps
