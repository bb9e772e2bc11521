// Opened once the first metadata has arrived and this broker's replicas are in place. Until then
// requests that need them wait for it.
// THREAD: any
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "barnabas/base/executor.h"
#include "barnabas/base/thread_annotations.h"

namespace barnabas::broker {

class StartGate {
 public:
  [[nodiscard]] bool is_open() const { return open_.load(std::memory_order_acquire); }

  // Posts `task` to `home` when the gate opens, or now if it is open.
  void when_open(Executor& home, Task task) {
    {
      const MutexLock lock(mutex_);
      if (!is_open()) {
        waiting_.push_back({&home, std::move(task)});
        return;
      }
    }
    home.post(std::move(task));
  }

  void open() {
    std::vector<Waiting> waiting;
    {
      const MutexLock lock(mutex_);
      open_.store(true, std::memory_order_release);
      waiting.swap(waiting_);
    }
    for (auto& one : waiting) {
      one.home->post(std::move(one.task));
    }
  }

 private:
  struct Waiting {
    Executor* home;
    Task task;
  };
  std::atomic<bool> open_{false};
  Mutex mutex_;
  std::vector<Waiting> waiting_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::broker
