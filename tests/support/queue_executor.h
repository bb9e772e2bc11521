// A home whose tasks come from any thread and run on the test's own, while it waits for something.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "barnabas/base/executor.h"

namespace barnabas::testing {

class QueueExecutor final : public Executor {
 public:
  void post(Task task) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    changed_.notify_one();
  }
  [[nodiscard]] std::unique_ptr<Timer> run_after(std::chrono::nanoseconds delay,
                                                 Task task) override {
    const std::lock_guard lock(mutex_);
    const std::uint64_t id = ++last_timer_;
    timers_.emplace(id, Due{Clock::now() + delay, std::move(task)});
    return std::make_unique<Handle>(*this, id);
  }
  [[nodiscard]] bool is_current() const override { return std::this_thread::get_id() == owner_; }

  // Runs what comes until `done`; false when `limit` has passed before.
  bool run_until(const std::function<bool()>& done, std::chrono::seconds limit) {
    const auto deadline = Clock::now() + limit;
    while (!done()) {
      Task task = next(deadline);
      if (!task) {
        return false;
      }
      task();
    }
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Due {
    Clock::time_point when;
    Task task;
  };
  class Handle final : public Timer {
   public:
    Handle(QueueExecutor& home, std::uint64_t id) : home_(home), id_(id) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() override { home_.forget(id_); }
    void cancel() override { home_.forget(id_); }

   private:
    QueueExecutor& home_;
    std::uint64_t id_;
  };

  void forget(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    timers_.erase(id);
  }

  Task next(Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!queue_.empty()) {
        Task task = std::move(queue_.front());
        queue_.pop_front();
        return task;
      }
      auto until = deadline;
      for (auto& [id, due] : timers_) {
        if (due.when <= Clock::now()) {
          Task task = std::move(due.task);
          timers_.erase(id);
          return task;
        }
        until = std::min(until, due.when);
      }
      if (Clock::now() >= deadline) {
        return {};
      }
      changed_.wait_until(lock, until);
    }
  }

  const std::thread::id owner_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> queue_;
  std::map<std::uint64_t, Due> timers_;
  std::uint64_t last_timer_ = 0;
};

}  // namespace barnabas::testing
