#include "barnabas/replication/partition.h"

#include <atomic>
#include <future>
#include <map>
#include <set>

#include "barnabas/net/io_threads.h"
#include "unit/storage/fixture.h"

namespace barnabas::replication {
namespace {

constexpr BrokerId kSelf{1};
constexpr BrokerId kOther{2};

Leadership leadership(BrokerId leader, int epoch, std::vector<BrokerId> isr) {
  Leadership result;
  result.controller_epoch = ControllerEpoch(1);
  result.leader = leader;
  result.leader_epoch = LeaderEpoch(epoch);
  result.partition_epoch = PartitionEpoch(epoch);
  result.replicas = isr;
  result.isr = std::move(isr);
  return result;
}

struct TestGroup final : AppendGroup {
  void on_written(std::unique_ptr<AppendGroup> self) override {
    if (written) {
      written(std::move(self));
    }
  }
  std::function<void(std::unique_ptr<AppendGroup>)> written;
  std::vector<ByteVector> batches;

  void add(const storage::BatchSpec& spec, std::int16_t acks_of_it = 1) {
    batches.push_back(storage::make_batch(spec));
    storage::LeaderAppend& append = appends.emplace_back();
    append.records = batches.back();
    acks.push_back(acks_of_it);
  }
};

class CountingWaiter final : public Waiter {
 public:
  void on_partition_moved() override { ++woken; }
  std::atomic<int> woken{0};
};

class PartitionTest : public storage::StorageTest {
 protected:
  Partition& lead(std::vector<BrokerId> isr, int epoch = 0) {
    open_log();
    partition_ = std::make_shared<Partition>(TopicPartition{"t", PartitionId(0)}, Uuid{}, kSelf);
    EXPECT_TRUE(partition_->become(leadership(kSelf, epoch, std::move(isr)), log_, Offset(0)));
    return *partition_;
  }
  std::unique_ptr<AppendGroup> append(int batches, std::int16_t acks = 1) {
    auto group = std::make_unique<TestGroup>();
    for (int i = 0; i < batches; ++i) {
      group->add({}, acks);
    }
    return partition_->append(std::move(group));
  }

  std::shared_ptr<Partition> partition_;
};

TEST_F(PartitionTest, TheWatermarkFollowsTheLogWhileThisBrokerIsAloneInTheIsr) {
  lead({kSelf});
  const auto group = append(3);
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->appends[2].base_offset, Offset(2));
  EXPECT_EQ(group->high_watermark, Offset(3));
  EXPECT_EQ(partition_->view().high_watermark, Offset(3));
}

TEST_F(PartitionTest, TheWatermarkWaitsForOtherMembersOfTheIsr) {
  lead({kSelf, kOther});
  const auto group = append(2, -1);
  EXPECT_EQ(group->appends[1].error, ErrorCode::kNone);
  EXPECT_EQ(group->high_watermark, Offset(0));
  ASSERT_TRUE(partition_->become(leadership(kSelf, 1, {kSelf}), log_, Offset(0)));
  EXPECT_EQ(partition_->high_watermark(), Offset(2));
}

TEST_F(PartitionTest, UnderMinIsrOnlyAcksAllIsRefused) {
  config_.min_insync_replicas = 2;
  lead({kSelf, kOther});
  auto shrunk = leadership(kSelf, 1, {kSelf});
  shrunk.replicas = {kSelf, kOther};
  ASSERT_TRUE(partition_->become(shrunk, log_, Offset(0)));
  auto group = std::make_unique<TestGroup>();
  group->add({}, 1);
  group->add({}, -1);
  group->add({}, 0);
  const auto done = partition_->append(std::move(group));
  EXPECT_EQ(done->appends[0].base_offset, Offset(0));
  EXPECT_EQ(done->appends[1].error, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(done->appends[2].base_offset, Offset(1));
  EXPECT_EQ(log_->end_offset(), Offset(2));
}

TEST_F(PartitionTest, MinIsrIsNeverMoreThanThereAreReplicas) {
  config_.min_insync_replicas = 2;
  lead({kSelf});
  EXPECT_EQ(append(1, -1)->appends[0].error, ErrorCode::kNone);
}

TEST_F(PartitionTest, OrdersOfOldControllersAndEpochsAreRefused) {
  lead({kSelf}, 5);
  EXPECT_EQ(partition_->become(leadership(kSelf, 4, {kSelf}), log_, Offset(0)).error().code,
            ErrorCode::kFencedLeaderEpoch);
  auto old = leadership(kSelf, 6, {kSelf});
  old.controller_epoch = ControllerEpoch(0);
  EXPECT_EQ(partition_->become(old, log_, Offset(0)).error().code,
            ErrorCode::kStaleControllerEpoch);
  EXPECT_EQ(partition_->leader_epoch(), LeaderEpoch(5));
}

TEST_F(PartitionTest, AStoppedOrDeposedPartitionTakesNoAppends) {
  lead({kSelf});
  ASSERT_TRUE(partition_->become(leadership(kOther, 1, {kSelf, kOther}), log_, Offset(0)));
  EXPECT_EQ(append(1)->appends[0].error, ErrorCode::kNotLeaderOrFollower);
  partition_->stop();
  EXPECT_EQ(append(1)->appends[0].error, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(partition_->view().log, nullptr);
  EXPECT_EQ(log_->end_offset(), Offset(0));
}

TEST_F(PartitionTest, LeaderEpochsOfRequestsAreChecked) {
  lead({kSelf}, 3);
  const auto view = partition_->view();
  EXPECT_EQ(Partition::check_leader(view, kSelf, kNoLeaderEpoch), ErrorCode::kNone);
  EXPECT_EQ(Partition::check_leader(view, kSelf, LeaderEpoch(3)), ErrorCode::kNone);
  EXPECT_EQ(Partition::check_leader(view, kSelf, LeaderEpoch(2)), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(Partition::check_leader(view, kSelf, LeaderEpoch(4)), ErrorCode::kUnknownLeaderEpoch);
  EXPECT_EQ(Partition::check_leader(view, kOther, LeaderEpoch(3)), ErrorCode::kNotLeaderOrFollower);
}

TEST_F(PartitionTest, WaitersAreWokenByAppendsAndByTheEnd) {
  lead({kSelf});
  const auto waiter = std::make_shared<CountingWaiter>();
  const auto ticket = partition_->add_waiter(waiter);
  append(1);
  EXPECT_EQ(waiter->woken, 1);
  partition_->stop();
  EXPECT_EQ(waiter->woken, 2);
  partition_->remove_waiter(ticket);
  partition_->notify_waiters();
  EXPECT_EQ(waiter->woken, 2);
}

// Several threads append at once: each group is written exactly once, in whatever order, and what
// had to be queued comes back to the thread it came from.
TEST_F(PartitionTest, ContendedAppendsAreAllWrittenOnceAndComeHome) {
  constexpr int kThreads = 3;
  constexpr int kGroups = 400;
  lead({kSelf});
  SystemClock clock;
  net::IoThreads threads({kThreads, false, "test"}, clock);
  ASSERT_TRUE(threads.start());
  std::atomic<int> left{kThreads * kGroups};
  std::atomic<int> away_from_home{0};
  std::promise<void> all_done;
  Mutex mutex;
  std::multiset<std::int64_t> offsets;
  const auto finish = [&](const AppendGroup& group, const Executor& home) {
    away_from_home += home.is_current() ? 0 : 1;
    {
      const MutexLock lock(mutex);
      for (const auto& append : group.appends) {
        offsets.insert(append.error == ErrorCode::kNone ? append.base_offset.value() : -1);
      }
    }
    if (--left == 0) {
      all_done.set_value();
    }
  };
  for (std::size_t t = 0; t < kThreads; ++t) {
    Executor& home = threads.executor(t);
    for (int i = 0; i < kGroups; ++i) {
      home.post([&, i] {
        auto group = std::make_unique<TestGroup>();
        group->home = &home;
        group->add({.value_bytes = static_cast<std::size_t>(10 + i % 90)});
        group->add({});
        group->written = [&](std::unique_ptr<AppendGroup> self) { finish(*self, home); };
        if (const auto done = partition_->append(std::move(group))) {
          finish(*done, home);
        }
      });
    }
  }
  all_done.get_future().wait();
  threads.stop();
  EXPECT_EQ(away_from_home, 0);
  ASSERT_EQ(offsets.size(), std::size_t{2} * kThreads * kGroups);
  std::int64_t expected = 0;
  for (const std::int64_t offset : offsets) {
    ASSERT_EQ(offset, expected++);
  }
  EXPECT_EQ(partition_->high_watermark(), Offset(expected));
}

}  // namespace
}  // namespace barnabas::replication
