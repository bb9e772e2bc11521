// Timers by deadline, then by order of setting. Not thread-safe: whoever owns the heap guards it.
// A timer's handle removes itself when destroyed, in O(log n); a heap that goes first disarms them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"

namespace barnabas::net {

class TimerHeap {
 public:
  TimerHeap() = default;
  ~TimerHeap();
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;

  [[nodiscard]] std::unique_ptr<Timer> add(MonotonicTime deadline, Task task);
  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const;
  // A mark: timers that are set later are not taken with it.
  [[nodiscard]] std::uint64_t mark() const { return next_sequence_; }
  // The task of the earliest timer when it is due and older than `mark`; else an empty one.
  [[nodiscard]] Task take_due(MonotonicTime now, std::uint64_t mark);
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  // Takes a timer made by add() out of its heap without destroying its task, which may need a lock
  // that the caller holds. The timer never fires.
  static void detach(Timer& timer);

 private:
  class Node;
  static bool earlier(const Node& a, const Node& b);
  void place(std::size_t index, Node* node);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  void remove(Node& node);

  std::vector<Node*> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace barnabas::net
