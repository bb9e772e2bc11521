// The bound on bytes in flight of all connections together. Small buffers may go an eighth beyond
// it, so that a few large frames do not stand in the way of everybody else. THREAD: any
#pragma once

#include <atomic>
#include <cstddef>

namespace barnabas::net {

class ByteBudget {
 public:
  static constexpr std::size_t kSmallBuffer = std::size_t{1} << 20U;

  explicit ByteBudget(std::size_t limit) : limit_(limit), limit_of_small_(limit + limit / 8) {}

  // Takes what a buffer needs to grow, unless that would go beyond the bound.
  [[nodiscard]] bool try_grow(std::size_t from, std::size_t to) {
    const std::size_t more = to - from;
    const std::size_t limit = to <= kSmallBuffer ? limit_of_small_ : limit_;
    if (used_.fetch_add(more, std::memory_order_relaxed) + more <= limit) {
      return true;
    }
    give(more);
    return false;
  }
  // For bytes that are there already: refusing them would not make them go away.
  void take(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t limit_;
  const std::size_t limit_of_small_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace barnabas::net
