#include "barnabas/net/disk_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>

namespace barnabas::net {
namespace {

using std::chrono::milliseconds;

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
