// A persistent hash map in shards: a changed copy shares every shard that it did not touch, so the
// next snapshot costs what has changed, not what there is. Lookup by any key the hash knows
// (a string_view for a string) allocates nothing.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "barnabas/base/string_hash.h"
#include "barnabas/base/uuid.h"

namespace barnabas::metadata {

struct IdHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(const Uuid& id) const noexcept {
    return std::hash<Uuid>{}(id);
  }
};

// THREAD: any while nobody writes; a writer owns its copy.
template <typename Key, typename Value, typename Hash>
class ShardedMap {
 public:
  using Shard = std::unordered_map<Key, Value, Hash, std::equal_to<>>;

  ShardedMap() = default;
  ~ShardedMap() = default;
  ShardedMap(const ShardedMap& other) : shards_(other.shards_), size_(other.size_) {}
  ShardedMap& operator=(const ShardedMap& other) {
    shards_ = other.shards_;
    size_ = other.size_;
    own_ = {};
    return *this;
  }
  ShardedMap(ShardedMap&&) noexcept = default;
  ShardedMap& operator=(ShardedMap&&) noexcept = default;

  template <typename Lookup>
  [[nodiscard]] const Value* find(const Lookup& key) const {
    const auto& shard = shards_[shard_of(key)];
    if (shard == nullptr) {
      return nullptr;
    }
    const auto found = shard->find(key);
    return found == shard->end() ? nullptr : &found->second;
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  // In no order that anything may rest on.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto& shard : shards_) {
      if (shard != nullptr) {
        for (const auto& [key, value] : *shard) {
          visit(key, value);
        }
      }
    }
  }

  template <typename Lookup>
  void assign(const Lookup& key, Value value) {
    Shard& shard = writable(shard_of(key));
    const auto found = shard.find(key);
    if (found == shard.end()) {
      shard.emplace(Key(key), std::move(value));
      ++size_;
    } else {
      found->second = std::move(value);
    }
  }

  template <typename Lookup>
  bool erase(const Lookup& key) {
    if (find(key) == nullptr) {
      return false;
    }
    Shard& shard = writable(shard_of(key));
    shard.erase(shard.find(key));
    --size_;
    return true;
  }

 private:
  static constexpr std::size_t kShards = 64;

  template <typename Lookup>
  [[nodiscard]] static std::size_t shard_of(const Lookup& key) {
    const std::size_t hash = Hash{}(key);
    return (hash ^ (hash >> 32U)) % kShards;
  }

  // A shard that nobody else sees: copied the first time this map writes to it. Whether it is
  // ours is remembered: a count of references that has just fallen to one says nothing of what
  // another thread was still reading.
  Shard& writable(std::size_t index) {
    auto& shard = shards_[index];
    if (shard == nullptr) {
      shard = std::make_shared<Shard>();
    } else if (!own_[index] || shard.use_count() > 1) {
      shard = std::make_shared<Shard>(*shard);
    }
    own_[index] = true;
    return *shard;
  }

  std::array<std::shared_ptr<Shard>, kShards> shards_;
  std::bitset<kShards> own_;
  std::size_t size_ = 0;
};

}  // namespace barnabas::metadata
