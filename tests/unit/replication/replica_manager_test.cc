#include "barnabas/replication/replica_manager.h"

#include <optional>

#include "unit/storage/fixture.h"

namespace barnabas::replication {
namespace {

constexpr BrokerId kSelf{1};

class ReplicaManagerTest : public storage::StorageTest {
 protected:
  ReplicaManagerTest() {
    EXPECT_TRUE(start_manager());
    replicas_.emplace(kSelf, *manager_, [this](const std::string&) { return config_; });
  }
  ~ReplicaManagerTest() override { replicas_.reset(); }

  static LeadershipOrder order(const std::string& topic, int partition, std::uint64_t id,
                               int epoch = 0) {
    LeadershipOrder result;
    result.topic_partition = {topic, PartitionId(partition)};
    result.topic_id = Uuid{id, id};
    result.is_new = true;
    result.leadership.controller_epoch = ControllerEpoch(1);
    result.leadership.leader = kSelf;
    result.leadership.leader_epoch = LeaderEpoch(epoch);
    result.leadership.isr = {kSelf};
    result.leadership.replicas = {kSelf};
    return result;
  }

  std::optional<ReplicaManager> replicas_;
};

TEST_F(ReplicaManagerTest, OrdersMakeReplicasThatTheNextTableHolds) {
  const auto before = replicas_->table();
  const auto outcomes = replicas_->lead({order("a", 0, 7), order("a", 2, 7), order("b", 0, 8)});
  ASSERT_EQ(outcomes.size(), 3U);
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome.error, ErrorCode::kNone);
  }
  EXPECT_EQ(before->find("a", PartitionId(0)), nullptr);  // a table never changes
  const auto table = replicas_->table();
  EXPECT_NE(table->find("a", PartitionId(0)), nullptr);
  EXPECT_EQ(table->find("a", PartitionId(1)), nullptr);
  EXPECT_NE(table->find("a", PartitionId(2)), nullptr);
  EXPECT_EQ(table->find("a", PartitionId(-1)), nullptr);
  EXPECT_EQ(table->find("c", PartitionId(0)), nullptr);
  EXPECT_EQ(table->all().size(), 3U);
  EXPECT_TRUE(vfs_.exists(std::string(kDir) + "/a-2"));
}

TEST_F(ReplicaManagerTest, AnOrderForAnotherTopicOfTheSameNameIsRefused) {
  ASSERT_EQ(replicas_->lead({order("a", 0, 7)})[0].error, ErrorCode::kNone);
  EXPECT_EQ(replicas_->lead({order("a", 0, 9, 1)})[0].error, ErrorCode::kInconsistentTopicId);
}

TEST_F(ReplicaManagerTest, AnOlderEpochIsRefusedAndChangesNothing) {
  ASSERT_EQ(replicas_->lead({order("a", 0, 7, 3)})[0].error, ErrorCode::kNone);
  EXPECT_EQ(replicas_->lead({order("a", 0, 7, 2)})[0].error, ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(replicas_->table()->find("a", PartitionId(0))->leader_epoch(), LeaderEpoch(3));
}

TEST_F(ReplicaManagerTest, StoppingTakesOutOfTheTableAndDeletesWhereAsked) {
  ASSERT_EQ(replicas_->lead({order("a", 0, 7), order("b", 0, 8)}).size(), 2U);
  const auto kept = replicas_->table()->share("a", PartitionId(0));
  const auto outcomes = replicas_->stop({{{"a", PartitionId(0)}, false},
                                         {{"b", PartitionId(0)}, true},
                                         {{"c", PartitionId(0)}, true}});
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome.error, ErrorCode::kNone);
  }
  EXPECT_TRUE(replicas_->table()->all().empty());
  EXPECT_FALSE(kept->is_leader());
  EXPECT_TRUE(vfs_.exists(std::string(kDir) + "/a-0"));
  EXPECT_FALSE(vfs_.exists(std::string(kDir) + "/b-0"));
}

TEST_F(ReplicaManagerTest, AChangedConfigurationReachesTheLogs) {
  ASSERT_EQ(replicas_->lead({order("a", 0, 7)}).size(), 1U);
  config_.segment_bytes = 12345;
  replicas_->update_config("a");
  replicas_->update_config("nobody");
  const auto view = replicas_->table()->find("a", PartitionId(0))->view();
  EXPECT_EQ(view.log->config().segment_bytes, 12345);
}

}  // namespace
}  // namespace barnabas::replication
