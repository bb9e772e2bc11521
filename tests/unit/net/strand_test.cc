// The home that borrows threads: order, one at a time, whose thread, timers.
#include "barnabas/net/strand.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "barnabas/net/io_threads.h"

namespace barnabas::net {
namespace {

using std::chrono::milliseconds;
constexpr std::chrono::seconds kSoon{20};

class StrandTest : public testing::Test {
 protected:
  StrandTest() {
    EXPECT_TRUE(lenders_.start());
    EXPECT_TRUE(own_.start());
  }
  ~StrandTest() override {
    lenders_.stop();
    own_.stop();
  }

  // Runs `task` in the strand, posted by the test's thread, and waits for its end.
  void in_strand(const std::function<void()>& task) {
    std::promise<void> done;
    strand_.post([&] {
      task();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(kSoon), std::future_status::ready);
  }

  // What a thread runs of the strand is one task of that thread; another one comes after it.
  void until_idle() {
    const auto pass_by = [](Executor& thread) {
      std::promise<void> passed;
      thread.post([&] { passed.set_value(); });
      passed.get_future().wait();
    };
    for (std::size_t lender = 0; lender < lenders_.size(); ++lender) {
      pass_by(lenders_.executor(lender));
    }
    pass_by(own_.executor(0));
  }

  SystemClock clock_;
  IoThreads lenders_{IoThreadsOptions{3, false, "lender"}, clock_};
  IoThreads own_{IoThreadsOptions{1, false, "own"}, clock_};
  Strand strand_{lenders_, own_, clock_};
};

TEST_F(StrandTest, RunsOneTaskAtATimeAndThoseOfEachPosterInOrder) {
  constexpr int kPosts = 3000;
  std::vector<int> last(lenders_.size() + 1, -1);  // of the lenders, and of a foreign thread
  std::size_t left = last.size() * kPosts;
  std::promise<void> done;
  const auto post_one = [&](std::size_t poster, int i) {
    strand_.post([&, poster, i] {
      EXPECT_TRUE(strand_.is_current());
      EXPECT_EQ(last[poster], i - 1);
      last[poster] = i;
      if (--left == 0) {
        done.set_value();
      }
    });
  };
  // A task of a lender's own for each post, so that its strand's turns come in between.
  for (std::size_t lender = 0; lender < lenders_.size(); ++lender) {
    for (int i = 0; i < kPosts; ++i) {
      lenders_.executor(lender).post([&, lender, i] { post_one(lender, i); });
    }
  }
  for (int i = 0; i < kPosts; ++i) {
    post_one(lenders_.size(), i);
  }
  EXPECT_EQ(done.get_future().wait_for(kSoon), std::future_status::ready);
  EXPECT_FALSE(strand_.is_current());
}

TEST_F(StrandTest, WhatAnIoThreadPostsRunsThereAfterThePost) {
  for (std::size_t lender = 0; lender < lenders_.size(); ++lender) {
    std::promise<bool> ran_there;
    lenders_.executor(lender).post([&, lender] {
      auto inside = std::make_shared<bool>(true);
      strand_.post([&, lender, inside] {
        EXPECT_FALSE(*inside) << "ran within post()";
        ran_there.set_value(lenders_.executor(lender).is_current());
      });
      *inside = false;
    });
    EXPECT_TRUE(ran_there.get_future().get()) << lender;
    until_idle();
  }
}

TEST_F(StrandTest, WhatComesFromElsewhereRunsOnItsOwnThread) {
  in_strand([&] {
    EXPECT_TRUE(own_.executor(0).is_current());
    EXPECT_EQ(lenders_.current(), nullptr);
  });
}

TEST_F(StrandTest, NorDoesAnIoThreadThatHasTheStrandRunIt) {
  std::promise<void> begun;
  std::promise<void> posted;
  lenders_.executor(0).post([&] {
    strand_.post([&] {
      EXPECT_TRUE(lenders_.executor(0).is_current());
      begun.set_value();
      posted.get_future().wait();
    });
  });
  begun.get_future().wait();
  std::promise<bool> ran_on_its_own;
  strand_.post([&] { ran_on_its_own.set_value(own_.executor(0).is_current()); });
  posted.set_value();
  EXPECT_TRUE(ran_on_its_own.get_future().get());
}

TEST_F(StrandTest, AQueueThatNeverEndsGoesToItsOwnThread) {
  std::promise<void> moved;
  std::function<void()> step = [&] {
    if (own_.executor(0).is_current()) {
      moved.set_value();
    } else {
      strand_.post([&] { step(); });
    }
  };
  lenders_.executor(0).post([&] { strand_.post([&] { step(); }); });
  EXPECT_EQ(moved.get_future().wait_for(kSoon), std::future_status::ready);
}

TEST_F(StrandTest, AnEndlessQueueDoesNotKeepTimersFromFiring) {
  std::atomic<bool> fired = false;
  std::promise<void> done;
  std::unique_ptr<Timer> timer;
  std::function<void()> step = [&] {
    if (fired) {
      done.set_value();
    } else {
      strand_.post([&] { step(); });
    }
  };
  strand_.post([&] {
    timer = strand_.run_after(milliseconds(2), [&] { fired = true; });
    step();
  });
  EXPECT_EQ(done.get_future().wait_for(kSoon), std::future_status::ready);
}

TEST_F(StrandTest, TimersFireInTheStrandByDeadlineWhereverTheyWereSet) {
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> timers(3);
  std::promise<void> done;
  const auto begun = clock_.monotonic();
  const auto set = [&](std::size_t index, int delay_ms) {
    timers[index] = strand_.run_after(milliseconds(delay_ms), [&, delay_ms] {
      EXPECT_TRUE(strand_.is_current());
      EXPECT_TRUE(own_.executor(0).is_current());
      EXPECT_GE(clock_.monotonic() - begun, milliseconds(delay_ms));
      order.push_back(delay_ms);
      if (order.size() == 3) {
        done.set_value();
      }
    });
  };
  std::promise<void> lender_has_set;
  lenders_.executor(1).post([&] {
    strand_.post([&] {
      set(0, 60);
      set(1, 20);  // earlier than what the thread waits for
      lender_has_set.set_value();
    });
  });
  lender_has_set.get_future().wait();
  in_strand([&] { set(2, 40); });
  ASSERT_EQ(done.get_future().wait_for(kSoon), std::future_status::ready);
  in_strand([&] {
    EXPECT_EQ(order, (std::vector<int>{20, 40, 60}));
    timers.clear();
  });
}

TEST_F(StrandTest, ACancelledTimerDoesNotFireAndOthersStillDo) {
  bool cancelled_fired = false;
  std::unique_ptr<Timer> early;
  std::unique_ptr<Timer> late;
  std::promise<void> done;
  in_strand([&] {
    early = strand_.run_after(milliseconds(5), [&] { cancelled_fired = true; });
    late = strand_.run_after(milliseconds(15), [&] { done.set_value(); });
    early->cancel();
  });
  ASSERT_EQ(done.get_future().wait_for(kSoon), std::future_status::ready);
  in_strand([&] {
    EXPECT_FALSE(cancelled_fired);
    early.reset();
    late.reset();
  });
}

TEST(StrandEnd, DestroysWhatIsLeftAndForgetsItsTimers) {
  const SystemClock clock;
  const auto witness = std::make_shared<int>(0);
  std::unique_ptr<Timer> timer;
  {
    IoThreads lenders({1, false, "lender"}, clock);
    IoThreads own({1, false, "own"}, clock);
    Strand strand(lenders, own, clock);
    ASSERT_TRUE(own.start());
    std::promise<void> set;
    strand.post([&] {
      timer = strand.run_after(std::chrono::hours(1), [witness] {});
      set.set_value();
    });
    set.get_future().wait();
    own.stop();
    strand.post([witness] {});
    EXPECT_EQ(witness.use_count(), 3);
  }
  timer.reset();
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace barnabas::net
