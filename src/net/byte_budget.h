// The bound on bytes in flight of all connections together. THREAD: any
#pragma once

#include <atomic>
#include <cstddef>

namespace barnabas::net {

class ByteBudget {
 public:
  explicit ByteBudget(std::size_t limit) : limit_(limit) {}

  // Takes `bytes` unless that would go beyond the bound.
  [[nodiscard]] bool try_take(std::size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_) {
      return true;
    }
    give(bytes);
    return false;
  }
  // For bytes that are there already: refusing them would not make them go away.
  void take(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace barnabas::net
