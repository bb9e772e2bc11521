// Topics made and deleted: by requests, and by old tools that write into the tree.
#include "cluster_fixture.h"

namespace barnabas::controller {
namespace {

class ControllerTopicsTest : public ClusterFixture {
 protected:
  // The paths written, one line a write, without the check of the controller's epoch.
  void watch_writes() {
    tree_.on_write([this](const std::vector<zk::WriteOp>& ops) {
      std::string line;
      for (const zk::WriteOp& op : ops) {
        if (std::holds_alternative<zk::CheckOp>(op)) {
          EXPECT_EQ(zk::path_of(op), zk::kControllerEpochPath);
          continue;
        }
        const char* const verb = std::holds_alternative<zk::CreateOp>(op) ? "create"
                                 : std::holds_alternative<zk::SetOp>(op)  ? "set"
                                                                          : "delete";
        line += fmt::format("{}{} {}", line.empty() ? "" : ", ", verb, zk::path_of(op));
      }
      writes_.push_back(line);
    });
  }
  // What kafka-topics --zookeeper of 2.8 writes.
  void create_like_an_old_tool(const std::string& name, const std::string& partitions) {
    ASSERT_TRUE(
        tree_.write({zk::CreateOp{"/config/topics/" + name, zk::encode_config({{"a", "1"}})}}));
    ASSERT_TRUE(tree_.write(
        {zk::CreateOp{"/brokers/topics/" + name,
                      R"({"partitions":)" + partitions +
                          R"(,"adding_replicas":{},"removing_replicas":{},"version":3})"}}));
    time_.run_all();
  }

  std::vector<std::string> writes_;
};

TEST_F(ControllerTopicsTest, CreationWritesAsKafkaAndAnswersWhenMetadataIsHere) {
  Node& node = start(1);
  watch_writes();
  NewTopic asked = topic("t", 2);
  asked.configs = {{"retention.ms", "5"}};
  bool answered = false;
  node.controller->admin().create_topics({asked}, {}, [&](std::vector<CreatedTopic> results) {
    answered = true;
    const CreatedTopic& result = results.at(0);
    EXPECT_EQ(result.error, ErrorCode::kNone);
    EXPECT_EQ(result.num_partitions, 2);
    EXPECT_EQ(result.replication_factor, 1);
    EXPECT_EQ(result.configs, (zk::ConfigMap{{"retention.ms", "5"}}));
    const auto* seen = brokers_[BrokerId{1}].snapshot->topic("t");
    ASSERT_NE(seen, nullptr) << "answered before this broker knew the topic";
    EXPECT_EQ(seen->id, result.topic_id);
    EXPECT_EQ(seen->partitions.size(), 2U);
  });
  time_.run_all();
  ASSERT_TRUE(answered);
  const std::vector<std::string> expected{"create /config/topics/t, create /brokers/topics/t",
                                          "create /brokers/topics/t/partitions",
                                          "create /brokers/topics/t/partitions/0",
                                          "create /brokers/topics/t/partitions/1",
                                          "create /brokers/topics/t/partitions/0/state",
                                          "create /brokers/topics/t/partitions/1/state"};
  EXPECT_EQ(writes_, expected);
  EXPECT_EQ(tree_.data("/config/topics/t"), R"({"version":1,"config":{"retention.ms":"5"}})");
  EXPECT_EQ(tree_.data("/brokers/topics/t/partitions/0/state"),
            R"({"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]})");
  const HeldReplica& held = brokers_[BrokerId{1}].replicas.at({"t", PartitionId{0}});
  EXPECT_TRUE(held.was_new);
  EXPECT_EQ(held.leader, 1);
  EXPECT_EQ(held.partition_epoch, 0);
  EXPECT_EQ(node.configs.told["topics/t"], (zk::ConfigMap{{"retention.ms", "5"}}))
      << "the broker must know the configuration of a new topic before it leads it";
}

TEST_F(ControllerTopicsTest, ManyTopicsOneRequest) {
  Node& node = start(1);
  const auto results =
      create(node, {topic("a"), topic("b.c"), topic("b_c"), topic("bad name"), topic("d", 0)});
  std::vector<ErrorCode> errors;
  for (const CreatedTopic& result : results) {
    errors.push_back(result.error);
  }
  EXPECT_EQ(errors,
            (std::vector{ErrorCode::kNone, ErrorCode::kNone, ErrorCode::kInvalidTopicException,
                         ErrorCode::kInvalidTopicException, ErrorCode::kInvalidPartitions}));
  EXPECT_EQ(create_one(node, topic("a")).message, "Topic 'a' already exists.");
}

TEST_F(ControllerTopicsTest, ValidationWritesNothing) {
  Node& node = start(1);
  watch_writes();
  CreateTopicsOptions options;
  options.validate_only = true;
  const CreatedTopic result = create_one(node, topic("t", 3), options);
  EXPECT_EQ(result.error, ErrorCode::kNone);
  EXPECT_EQ(result.num_partitions, 3);
  EXPECT_TRUE(result.topic_id.is_zero());
  EXPECT_TRUE(writes_.empty());
}

TEST_F(ControllerTopicsTest, WithoutTimeItIsMadeAllTheSame) {
  Node& node = start(1);
  CreateTopicsOptions options;
  options.timeout_ms = 0;
  EXPECT_EQ(create_one(node, topic("t"), options).error, ErrorCode::kRequestTimedOut);
  EXPECT_NE(brokers_[BrokerId{1}].snapshot->topic("t"), nullptr);
}

TEST_F(ControllerTopicsTest, WithoutALiveReplicaTheRequestTimesOut) {
  Node& node = start(1);
  NewTopic nowhere = topic("t", -1, -1);
  nowhere.assignments = {{PartitionId{0}, {BrokerId{9}}}};
  CreateTopicsOptions options;
  options.timeout_ms = 5000;
  std::optional<ErrorCode> error;
  node.controller->admin().create_topics({nowhere}, options,
                                         [&](auto results) { error = results.at(0).error; });
  time_.advance(std::chrono::milliseconds(4999));
  EXPECT_FALSE(error);
  time_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(error, ErrorCode::kRequestTimedOut);
  EXPECT_TRUE(tree_.exists("/brokers/topics/t"));
}

TEST_F(ControllerTopicsTest, OnlyTheControllerAnswers) {
  start(1);
  Node& other = start(2);
  ASSERT_FALSE(other.controller->is_active());
  EXPECT_EQ(create_one(other, topic("t")).error, ErrorCode::kNotController);
  EXPECT_EQ(remove(other, "t").error, ErrorCode::kNotController);
  EXPECT_FALSE(tree_.exists("/brokers/topics/t"));
}

TEST_F(ControllerTopicsTest, DeletionWritesAsKafka) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t", 2)).error, ErrorCode::kNone);
  watch_writes();
  EXPECT_EQ(remove(node, "t").error, ErrorCode::kNone);
  const std::vector<std::string> expected{
      "create /admin/delete_topics/t",
      "set /brokers/topics/t/partitions/0/state",
      "set /brokers/topics/t/partitions/1/state",
      "delete /brokers/topics/t/partitions/0/state",
      "delete /brokers/topics/t/partitions/0",
      "delete /brokers/topics/t/partitions/1/state",
      "delete /brokers/topics/t/partitions/1",
      "delete /brokers/topics/t/partitions",
      "delete /brokers/topics/t, delete /config/topics/t, delete /admin/delete_topics/t"};
  EXPECT_EQ(writes_, expected);
  expect_gone("t");
  EXPECT_EQ(remove(node, "t").error, ErrorCode::kUnknownTopicOrPartition);
  // The name is free again at once, for a topic of another id.
  const CreatedTopic again = create_one(node, topic("t"));
  EXPECT_EQ(again.error, ErrorCode::kNone);
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->topic("t")->id, again.topic_id);
}

TEST_F(ControllerTopicsTest, TheStateSaysThatATopicIsGoing) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  zk::PartitionStateZNode going;
  tree_.on_write([&](const std::vector<zk::WriteOp>& ops) {
    if (const auto* set = std::get_if<zk::SetOp>(&ops.back())) {
      going = zk::decode_partition_state({"t", PartitionId{0}}, set->data).value();
    }
  });
  ASSERT_EQ(remove(node, "t").error, ErrorCode::kNone);
  EXPECT_EQ(going.leader, zk::kLeaderNone);
  EXPECT_EQ(going.leader_epoch, LeaderEpoch{1});
  EXPECT_EQ(going.isr, std::vector{BrokerId{1}});
}

TEST_F(ControllerTopicsTest, ADeadReplicaHaltsTheDeletionUntilItIsBack) {
  Node& node = start(1);
  start(2);
  ASSERT_EQ(create_one(node, topic("t", 2, 2)).error, ErrorCode::kNone);
  kill(2);
  EXPECT_EQ(remove(node, "t").error, ErrorCode::kNone) << "no client sees it any more";
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->topic("t"), nullptr);
  EXPECT_TRUE(tree_.exists("/admin/delete_topics/t"));
  EXPECT_TRUE(tree_.exists("/brokers/topics/t"));
  EXPECT_EQ(create_one(node, topic("t")).message, "Topic 't' is marked for deletion.");
  EXPECT_EQ(remove(node, "t").error, ErrorCode::kNone);
  start(2);
  expect_gone("t");
}

TEST_F(ControllerTopicsTest, ABrokerThatFailsToDeleteIsAskedAgainWhenItIsBack) {
  Node& node = start(1);
  start(2);
  ASSERT_EQ(create_one(node, topic("t", 1, 2)).error, ErrorCode::kNone);
  brokers_[BrokerId{2}].fail_deletions = true;
  EXPECT_EQ(remove(node, "t").error, ErrorCode::kNone);
  EXPECT_TRUE(tree_.exists("/admin/delete_topics/t"));
  brokers_[BrokerId{2}].fail_deletions = false;
  kill(2);
  start(2);
  expect_gone("t");
}

TEST_F(ControllerTopicsTest, AMarkWithoutATopicIsRemoved) {
  start(1);
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/admin/delete_topics/nothing", std::nullopt}}));
  time_.run_all();
  EXPECT_FALSE(tree_.exists("/admin/delete_topics/nothing"));
}

TEST_F(ControllerTopicsTest, DeletionCanBeForbidden) {
  Node& node = start(1, false);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  EXPECT_EQ(remove(node, "t").error, ErrorCode::kTopicDeletionDisabled);
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/admin/delete_topics/t", std::nullopt}}));
  time_.run_all();
  EXPECT_FALSE(tree_.exists("/admin/delete_topics/t"));
  EXPECT_NE(brokers_[BrokerId{1}].snapshot->topic("t"), nullptr);
}

TEST_F(ControllerTopicsTest, WhatAnOldToolMakesGetsAnIdAndLeaders) {
  Node& node = start(1);
  create_like_an_old_tool("old", R"({"0":[1],"1":[1]})");
  const auto written = zk::decode_topic("old", tree_.data("/brokers/topics/old"));
  ASSERT_TRUE(written && written->topic_id);
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->topic("old")->id, *written->topic_id);
  EXPECT_EQ(state_of("old", 1).leader, BrokerId{1});
  EXPECT_EQ(node.configs.told["topics/old"], (zk::ConfigMap{{"a", "1"}}));
  EXPECT_EQ(create_one(node, topic("old")).message, "Topic 'old' already exists.");
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/admin/delete_topics/old", std::nullopt}}));
  time_.run_all();
  expect_gone("old");
}

TEST_F(ControllerTopicsTest, ATopicThatTheControllerHasNotSeenYetIsNotOverwritten) {
  Node& node = start(1);
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/brokers/topics/t", R"({"partitions":{"0":[1]}})"}}));
  // Asked before the controller has had a turn to look.
  EXPECT_EQ(create_one(node, topic("t", 5)).message, "Topic 't' already exists.");
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->topic("t")->partitions.size(), 1U);
}

TEST_F(ControllerTopicsTest, PartitionsAddedInTheTreeComeUp) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  auto written = zk::decode_topic("t", tree_.data("/brokers/topics/t")).value();
  written.partitions[PartitionId{1}].replicas = {BrokerId{1}};
  ASSERT_TRUE(tree_.write({zk::SetOp{"/brokers/topics/t", encode(written)}}));
  time_.run_all();
  EXPECT_EQ(state_of("t", 1).leader, BrokerId{1});
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->topic("t")->partitions.size(), 2U);
  EXPECT_EQ(state_of("t", 0).leader_epoch, LeaderEpoch{0}) << "the others are left alone";
}

TEST_F(ControllerTopicsTest, ATopicThatVanishesFromTheTreeIsForgotten) {
  Node& node = start(1);
  create_like_an_old_tool("t", "{}");
  ASSERT_TRUE(tree_.write({zk::DeleteOp{"/brokers/topics/t"}}));
  time_.run_all();
  EXPECT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
}

TEST_F(ControllerTopicsTest, BrokenNodesAreSteppedOver) {
  Node& node = start(1);
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/brokers/topics/broken", "nonsense"}}));
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/brokers/ids/nonsense", "{}"}}));
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/brokers/ids/7", "nonsense"}}));
  time_.run_all();
  EXPECT_TRUE(node.controller->is_active());
  EXPECT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
}

}  // namespace
}  // namespace barnabas::controller
