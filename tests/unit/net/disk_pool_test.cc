#include "barnabas/net/disk_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>

namespace barnabas::net {
namespace {

using std::chrono::milliseconds;

// The system's time and, after the leap, an hour more: a timer comes due with nobody awake.
class LeapingClock final : public Clock {
 public:
  void leap() { leaped_ = true; }
  [[nodiscard]] int asked() const { return asked_; }
  void wait_until_asked(int times) const {
    for (int now = asked_; now < times; now = asked_) {
      asked_.wait(now);
    }
  }
  [[nodiscard]] std::int64_t wall_ms() const override { return system_.wall_ms(); }
  [[nodiscard]] MonotonicTime monotonic() const override {
    ++asked_;
    asked_.notify_all();
    return system_.monotonic() + std::chrono::hours(leaped_ ? 1 : 0);
  }

 private:
  SystemClock system_;
  std::atomic<bool> leaped_{false};
  mutable std::atomic<int> asked_{0};
};

TEST(DiskPoolTest, OneThreadRunsTasksInOrderAndAllOfThemBeforeItStops) {
  SystemClock clock;
  DiskPool pool(1, clock);
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) {
    pool.post([&, i] {
      EXPECT_TRUE(pool.is_current());
      order.push_back(i);
    });
  }
  EXPECT_FALSE(pool.is_current());
  pool.start();
  pool.stop();
  ASSERT_EQ(order.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(DiskPoolTest, ABlockedTaskDoesNotStopTheOthers) {
  SystemClock clock;
  DiskPool pool(2, clock);
  pool.start();
  std::promise<void> release;
  std::promise<void> others;
  pool.post([&] { release.get_future().wait(); });
  pool.post([&] { others.set_value(); });
  EXPECT_EQ(others.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  release.set_value();
}

TEST(DiskPoolTest, TimersFireAndCancelledOnesDoNot) {
  SystemClock clock;
  DiskPool pool(2, clock);
  pool.start();
  std::promise<void> fired;
  std::atomic<bool> wrong{false};
  auto cancelled = pool.run_after(milliseconds(1), [&] { wrong = true; });
  cancelled->cancel();
  auto dropped = pool.run_after(milliseconds(1), [&] { wrong = true; });
  dropped.reset();
  auto kept = pool.run_after(milliseconds(15), [&] { fired.set_value(); });
  EXPECT_EQ(fired.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  auto never = pool.run_after(std::chrono::hours(1), [&] { wrong = true; });
  pool.stop();
  EXPECT_FALSE(wrong);
}

TEST(DiskPoolTest, ATimerThatGoesFirstDoesNotKeepATaskFromAnIdleThread) {
  LeapingClock clock;
  DiskPool pool(2, clock);
  pool.start();
  std::latch busy(2);
  std::latch release(1);
  for (int i = 0; i < 2; ++i) {
    pool.post([&] {
      busy.count_down();
      release.wait();
    });
  }
  busy.wait();
  std::promise<void> task_done;
  std::promise<bool> in_time;
  const auto timer =
      pool.run_after(std::chrono::minutes(1), [&, task = task_done.get_future()]() mutable {
        in_time.set_value(task.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
      });
  const int asked = clock.asked();
  release.count_down();
  clock.wait_until_asked(asked + 2);  // both have looked at the timer, and sleep
  clock.leap();
  pool.post([&] { task_done.set_value(); });  // wakes one of them, and it takes the timer
  EXPECT_TRUE(in_time.get_future().get());
}

TEST(DiskPoolTest, ATimersHandleMayOutliveThePool) {
  SystemClock clock;
  std::unique_ptr<Timer> timer;
  {
    DiskPool pool(1, clock);
    pool.start();
    timer = pool.run_after(std::chrono::hours(1), [] {});
  }
  timer->cancel();
}

}  // namespace
}  // namespace barnabas::net
