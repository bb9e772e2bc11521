#include "timer_heap.h"

#include <utility>

namespace barnabas::net {

class TimerHeap::Node final : public Timer {
 public:
  Node(TimerHeap* heap, MonotonicTime deadline, std::uint64_t sequence, Task task)
      : heap_(heap), deadline_(deadline), sequence_(sequence), task_(std::move(task)) {}
  ~Node() override { cancel(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void cancel() override {
    if (heap_ != nullptr) {
      heap_->remove(*this);
    }
    task_ = nullptr;
  }

 private:
  friend class TimerHeap;
  TimerHeap* heap_;  // null once it has fired or is cancelled
  MonotonicTime deadline_;
  std::uint64_t sequence_;
  std::size_t index_ = 0;
  Task task_;
};

TimerHeap::~TimerHeap() {
  for (Node* node : heap_) {
    node->heap_ = nullptr;
  }
}

std::unique_ptr<Timer> TimerHeap::add(MonotonicTime deadline, Task task) {
  auto node = std::make_unique<Node>(this, deadline, next_sequence_++, std::move(task));
  heap_.push_back(node.get());
  node->index_ = heap_.size() - 1;
  sift_up(node->index_);
  return node;
}

std::optional<MonotonicTime> TimerHeap::next_deadline() const {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front()->deadline_);
}

Task TimerHeap::take_due(MonotonicTime now, std::uint64_t mark) {
  if (heap_.empty() || heap_.front()->deadline_ > now || heap_.front()->sequence_ >= mark) {
    return nullptr;
  }
  Node& due = *heap_.front();
  remove(due);
  return std::move(due.task_);
}

void TimerHeap::detach(Timer& timer) {
  auto& node = static_cast<Node&>(timer);
  if (node.heap_ != nullptr) {
    node.heap_->remove(node);
  }
}

bool TimerHeap::earlier(const Node& a, const Node& b) {
  return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.sequence_ < b.sequence_;
}

void TimerHeap::place(std::size_t index, Node* node) {
  heap_[index] = node;
  node->index_ = index;
}

void TimerHeap::sift_up(std::size_t index) {
  Node* node = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (!earlier(*node, *heap_[parent])) {
      break;
    }
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, node);
}

void TimerHeap::sift_down(std::size_t index) {
  Node* node = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && earlier(*heap_[child + 1], *heap_[child])) {
      ++child;
    }
    if (!earlier(*heap_[child], *node)) {
      break;
    }
    place(index, heap_[child]);
    index = child;
  }
  place(index, node);
}

void TimerHeap::remove(Node& node) {
  const std::size_t index = node.index_;
  Node* last = heap_.back();
  heap_.pop_back();
  if (last != &node) {
    place(index, last);
    sift_up(index);
    sift_down(last->index_);
  }
  node.heap_ = nullptr;
}

}  // namespace barnabas::net
