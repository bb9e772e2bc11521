// Virtual time and homes that run only when a test says so. Every home of one ManualTime shares its
// clock and one queue, ordered by due time and then by posting, so a run repeats exactly.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"

namespace barnabas::testing {

class ManualExecutor;

// THREAD: the test's one thread
class ManualTime final : public Clock {
 public:
  static constexpr std::int64_t kStartWallMs = 1'700'000'000'000;

  [[nodiscard]] std::int64_t wall_ms() const override {
    return kStartWallMs + std::chrono::duration_cast<std::chrono::milliseconds>(now_).count() +
           wall_jump_ms_;
  }
  [[nodiscard]] MonotonicTime monotonic() const override {
    return MonotonicTime{} + std::chrono::duration_cast<MonotonicTime::duration>(now_);
  }
  // Moves the wall clock alone, as an operator or NTP does.
  void jump_wall_ms(std::int64_t by) { wall_jump_ms_ += by; }

  // Runs the next task that is due now; false when there is none.
  bool run_one();
  // Runs everything that is due now, also what that posts. Returns the number of tasks run.
  std::size_t run_all();
  // Moves time on, running what falls due on the way at its own moment.
  void advance(std::chrono::nanoseconds by);
  // Moves to the next timer, if there is one, and runs what is due then.
  bool advance_to_next();
  [[nodiscard]] bool idle() const { return queue_.empty() || queue_.begin()->first.first > now_; }

 private:
  friend class ManualExecutor;
  using Key = std::pair<std::chrono::nanoseconds, std::uint64_t>;
  struct Entry {
    ManualExecutor* home;
    Task task;
  };

  Key add(ManualExecutor& home, std::chrono::nanoseconds delay, Task task) {
    const Key key{now_ + delay, next_++};
    queue_.emplace(key, Entry{&home, std::move(task)});
    return key;
  }
  void drop_home(const ManualExecutor* home) {
    std::erase_if(queue_, [home](const auto& item) { return item.second.home == home; });
  }

  std::map<Key, Entry> queue_;
  std::chrono::nanoseconds now_{0};
  std::int64_t wall_jump_ms_ = 0;
  std::uint64_t next_ = 0;
  ManualExecutor* running_ = nullptr;
};

// One home. Between tasks the test itself counts as being at home, so it may call home methods.
class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(ManualTime& time) : time_(time) {}
  ~ManualExecutor() override { time_.drop_home(this); }
  ManualExecutor(const ManualExecutor&) = delete;
  ManualExecutor& operator=(const ManualExecutor&) = delete;

  void post(Task task) override { time_.add(*this, std::chrono::nanoseconds{0}, std::move(task)); }
  [[nodiscard]] std::unique_ptr<Timer> run_after(std::chrono::nanoseconds delay,
                                                 Task task) override {
    class ManualTimer final : public Timer {
     public:
      ManualTimer(ManualTime& time, ManualTime::Key key) : time_(time), key_(key) {}
      ~ManualTimer() override { time_.queue_.erase(key_); }
      ManualTimer(const ManualTimer&) = delete;
      ManualTimer& operator=(const ManualTimer&) = delete;
      void cancel() override { time_.queue_.erase(key_); }

     private:
      ManualTime& time_;
      ManualTime::Key key_;
    };
    BARNABAS_CHECK(delay >= std::chrono::nanoseconds{0});
    return std::make_unique<ManualTimer>(time_, time_.add(*this, delay, std::move(task)));
  }
  [[nodiscard]] bool is_current() const override {
    return time_.running_ == nullptr || time_.running_ == this;
  }
  [[nodiscard]] ManualTime& time() const { return time_; }

 private:
  friend class ManualTime;
  ManualTime& time_;
};

inline bool ManualTime::run_one() {
  if (idle()) {
    return false;
  }
  auto entry = queue_.extract(queue_.begin());
  ManualExecutor* const outer = std::exchange(running_, entry.mapped().home);
  entry.mapped().task();
  running_ = outer;
  return true;
}

inline std::size_t ManualTime::run_all() {
  std::size_t count = 0;
  while (run_one()) {
    BARNABAS_CHECK_MSG(++count < 100'000'000, "tasks post tasks for ever");
  }
  return count;
}

inline void ManualTime::advance(std::chrono::nanoseconds by) {
  const auto until = now_ + by;
  run_all();
  while (!queue_.empty() && queue_.begin()->first.first <= until) {
    now_ = queue_.begin()->first.first;
    run_all();
  }
  now_ = until;
}

inline bool ManualTime::advance_to_next() {
  run_all();
  if (queue_.empty()) {
    return false;
  }
  now_ = queue_.begin()->first.first;
  run_all();
  return true;
}

}  // namespace barnabas::testing
