// A read-mostly immutable value: writers replace it, readers take a reference to the current one.
// The lock covers the copy of one pointer and nothing else (std::atomic<std::shared_ptr> of
// libstdc++ 12 is a spin lock too, and one that ThreadSanitizer cannot follow).
#pragma once

#include <memory>
#include <utility>

#include "barnabas/base/thread_annotations.h"

namespace barnabas {

// THREAD: any
template <typename T>
class SnapshotCell {
 public:
  SnapshotCell() = default;
  explicit SnapshotCell(std::shared_ptr<const T> value) : value_(std::move(value)) {}

  [[nodiscard]] std::shared_ptr<const T> load() const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return value_;
  }
  // Returns the value that stood there before, so that it is destroyed outside the lock.
  std::shared_ptr<const T> exchange(std::shared_ptr<const T> value) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    std::swap(value_, value);
    return value;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> value_ GUARDED_BY(mutex_);
};

}  // namespace barnabas
