// The loop as an Executor: order of posts, timers, what is left when it stops.
#include "net/io_thread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "barnabas/net/io_threads.h"
#include "net/timer_heap.h"

namespace barnabas::net {
namespace {

using std::chrono::milliseconds;

class IoThreadTest : public testing::Test {
 protected:
  IoThreadTest() { EXPECT_TRUE(threads_.start()); }
  SystemClock clock_;
  IoThreads threads_{IoThreadsOptions{1, true, "loop"}, clock_};
  Executor& home_ = threads_.executor(0);
};

TEST_F(IoThreadTest, RunsPostsOfAllThreadsEachInOrder) {
  constexpr int kPosters = 4;
  constexpr int kPosts = 5000;
  std::vector<int> last(kPosters, -1);
  std::promise<void> done;
  int left = kPosters * kPosts;
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&, poster] {
      for (int i = 0; i < kPosts; ++i) {
        home_.post([&, poster, i] {
          EXPECT_TRUE(home_.is_current());
          EXPECT_EQ(last[static_cast<std::size_t>(poster)], i - 1);
          last[static_cast<std::size_t>(poster)] = i;
          if (--left == 0) {
            done.set_value();
          }
        });
      }
    });
  }
  for (auto& poster : posters) {
    poster.join();
  }
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_FALSE(home_.is_current());
}

TEST_F(IoThreadTest, ATaskMayPostTheNextOneForEver) {
  std::promise<void> done;
  int left = 1000;
  std::function<void()> step = [&] {
    if (--left == 0) {
      done.set_value();
    } else {
      home_.post(step);
    }
  };
  home_.post(step);
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(IoThreadTest, TimersFireByDeadlineAndNotWhenCancelled) {
  std::promise<std::vector<int>> done;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  const auto started = clock_.monotonic();
  home_.post([&] {
    timers.push_back(home_.run_after(milliseconds(30), [&] {
      fired.push_back(3);
      done.set_value(fired);
    }));
    timers.push_back(home_.run_after(milliseconds(10), [&] { fired.push_back(1); }));
    timers.push_back(home_.run_after(milliseconds(20), [&] { fired.push_back(-1); }));
    timers.push_back(home_.run_after(milliseconds(20), [&] {
      fired.push_back(2);
      timers[3].reset();  // a timer may drop itself
    }));
    timers.push_back(home_.run_after(milliseconds(5), [&] { timers[2]->cancel(); }));
  });
  auto result = done.get_future();
  ASSERT_EQ(result.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(result.get(), (std::vector<int>{1, 2, 3}));
  EXPECT_GE(clock_.monotonic() - started, milliseconds(30));
  threads_.stop();
}

TEST_F(IoThreadTest, StopRunsWhatWasPostedAndDropsTimers) {
  std::atomic<int> ran{0};
  std::unique_ptr<Timer> timer;
  home_.post([&] { timer = home_.run_after(std::chrono::hours(1), [&] { ran += 100; }); });
  for (int i = 0; i < 100; ++i) {
    home_.post([&] { ++ran; });
  }
  threads_.stop();
  EXPECT_EQ(ran, 100);
}

TEST(TimerHeapTest, TakesInOrderOfDeadlineThenOfSettingAndSurvivesRemovals) {
  TimerHeap heap;
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> timers;
  const MonotonicTime start{};
  for (int i = 0; i < 500; ++i) {
    const int key = i * 7919 % 100;
    timers.push_back(
        heap.add(start + milliseconds(key), [&order, key, i] { order.push_back(key * 1000 + i); }));
  }
  for (std::size_t i = 0; i < timers.size(); i += 3) {
    timers[i].reset();
  }
  const std::uint64_t mark = heap.mark();
  auto late = heap.add(start - milliseconds(1), [&] { order.push_back(-1); });
  EXPECT_FALSE(heap.take_due(start + milliseconds(1000), mark));  // set after the mark
  late.reset();
  while (Task task = heap.take_due(start + milliseconds(1000), mark)) {
    task();
  }
  EXPECT_EQ(order.size(), 500U - 167U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_TRUE(heap.empty());
}

}  // namespace
}  // namespace barnabas::net
