#include "barnabas/net/disk_pool.h"

#include <fmt/format.h>
#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "barnabas/base/check.h"
#include "timer_heap.h"

namespace barnabas::net {
namespace {

thread_local const void* current_pool = nullptr;

}  // namespace

struct DiskPool::State {
  explicit State(const Clock& from) : clock(from) {}
  const Clock& clock;
  std::mutex mutex;  // guards all below; std::mutex because of the condition variable
  std::condition_variable changed;
  std::deque<Task> tasks;
  TimerHeap timers;
  bool stopping = false;
};

namespace {

// Removes the timer under the pool's lock, since any thread may drop the handle.
template <typename State>
class PoolTimer final : public Timer {
 public:
  PoolTimer(std::shared_ptr<State> state, std::unique_ptr<Timer> timer)
      : state_(std::move(state)), timer_(std::move(timer)) {}
  ~PoolTimer() override { cancel(); }
  PoolTimer(const PoolTimer&) = delete;
  PoolTimer& operator=(const PoolTimer&) = delete;

  void cancel() override {
    if (timer_) {
      const std::lock_guard lock(state_->mutex);
      TimerHeap::detach(*timer_);
    }
    timer_.reset();
  }

 private:
  std::shared_ptr<State> state_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace

DiskPool::DiskPool(std::size_t threads, const Clock& clock, std::string name)
    : thread_count_(threads), name_(std::move(name)), state_(std::make_shared<State>(clock)) {
  BARNABAS_CHECK(threads > 0);
}

DiskPool::~DiskPool() {
  stop();
}

void DiskPool::start() {
  BARNABAS_CHECK(threads_.empty());
  for (std::size_t i = 0; i < thread_count_; ++i) {
    threads_.emplace_back([state = state_, name = fmt::format("{}-{}", name_, i)] {
      ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
      current_pool = state.get();
      work(*state);
      current_pool = nullptr;
    });
  }
}

void DiskPool::stop() {
  BARNABAS_CHECK(!is_current());
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void DiskPool::post(Task task) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) {
      return;
    }
    state_->tasks.push_back(std::move(task));
  }
  state_->changed.notify_one();
}

std::unique_ptr<Timer> DiskPool::run_after(std::chrono::nanoseconds delay, Task task) {
  std::unique_ptr<Timer> timer;
  {
    const std::lock_guard lock(state_->mutex);
    timer = state_->timers.add(state_->clock.monotonic() + delay, std::move(task));
  }
  state_->changed.notify_all();  // whoever sleeps does so until the first deadline
  return std::make_unique<PoolTimer<State>>(state_, std::move(timer));
}

bool DiskPool::is_current() const {
  return current_pool == state_.get();
}

void DiskPool::work(State& state) {
  std::unique_lock lock(state.mutex);
  for (;;) {
    Task task;
    if (!state.timers.empty() && !state.stopping) {
      task = state.timers.take_due(state.clock.monotonic(), state.timers.mark());
    }
    if (task) {
      // A timer goes first: tasks may never run out. This thread may have been woken for one.
      if (!state.tasks.empty()) {
        state.changed.notify_one();
      }
    } else if (!state.tasks.empty()) {
      task = std::move(state.tasks.front());
      state.tasks.pop_front();
    } else if (state.stopping) {
      return;
    } else {
      if (const auto deadline = state.timers.next_deadline()) {
        state.changed.wait_until(lock, *deadline);
      } else {
        state.changed.wait(lock);
      }
      continue;
    }
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace barnabas::net
