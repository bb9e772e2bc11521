#include "raw_buffer.h"

#include <algorithm>

namespace barnabas::net {

RawBuffer BufferPool::take(std::size_t capacity) {
  auto best = kept_.end();
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    if (it->capacity() >= capacity && (best == kept_.end() || it->capacity() < best->capacity())) {
      best = it;
    }
  }
  if (best == kept_.end() || best->capacity() / kMaxWaste > std::max(capacity, kSmallestKept)) {
    return {};
  }
  used_ = true;
  RawBuffer taken = std::move(*best);
  kept_bytes_ -= taken.capacity();
  *best = std::move(kept_.back());
  kept_.pop_back();
  return taken;
}

void BufferPool::give(RawBuffer buffer) {
  if (buffer.capacity() < kSmallestKept || kept_.size() == kMaxKept ||
      kept_bytes_ + buffer.capacity() > kMaxKeptBytes) {
    return;
  }
  kept_bytes_ += buffer.capacity();
  kept_.push_back(std::move(buffer));
}

void BufferPool::trim() {
  if (!std::exchange(used_, false)) {
    kept_.clear();
    kept_bytes_ = 0;
  }
}

}  // namespace barnabas::net
