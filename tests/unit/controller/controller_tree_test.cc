// What the controller makes of what others do to the tree and to the session: notes of old tools
// and brokers, whole nodes that a tool rewrites, a session that ends and is followed by another
// one.
#include <gtest/gtest.h>

#include "cluster_fixture.h"

namespace barnabas::controller {
namespace {

class ControllerTreeTest : public ClusterFixture {
 protected:
  // Leaves a note, as an old tool does, and sees it taken away.
  void leave(const std::string& path, const std::string& text) {
    ASSERT_TRUE(tree_.write({zk::CreateOp{path, text}}));
    time_.run_all();
    EXPECT_FALSE(tree_.exists(path)) << path << " " << text;
  }
  // The session has ended: a new one, registered, and the controller told.
  void rejoin(Node& node) {
    node.session->renew_session([&node](zk::StoreResult<zk::SessionId>) {
      zk::BrokerZNode znode;
      znode.endpoints.push_back({"PLAINTEXT", "PLAINTEXT", "h", 9092});
      zk::register_broker(*node.session, node.id, znode, [&node](Result<BrokerEpoch> epoch) {
        ASSERT_TRUE(epoch);
        node.epoch = *epoch;
        node.controller->rejoined(*epoch);
      });
    });
    time_.run_all();
  }
};

TEST_F(ControllerTreeTest, ReassignmentsThatCannotBeAreRefusedAndTakenOut) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t", 2)).error, ErrorCode::kNone);
  const auto before = tree_.data("/brokers/topics/t");
  for (const char* replicas : {"[1]", "[9]", "[1,9]", "[]", "[1,1]"}) {
    leave("/admin/reassign_partitions",
          fmt::format(R"({{"version":1,"partitions":[{{"topic":"t","partition":0,"replicas":{}}},)"
                      R"({{"topic":"none","partition":0,"replicas":[1]}}]}})",
                      replicas));
  }
  leave("/admin/reassign_partitions", "nonsense");
  EXPECT_EQ(tree_.data("/brokers/topics/t"), before);
  EXPECT_TRUE(node.controller->is_active());
}

TEST_F(ControllerTreeTest, APreferredElectionGivesTheLeadBack) {
  Node& node = start(1);
  start(2);
  NewTopic both;
  both.name = "t";
  both.assignments = {{PartitionId{0}, {BrokerId{2}, BrokerId{1}}}};
  ASSERT_EQ(create_one(node, both).error, ErrorCode::kNone);
  auto state = state_of("t");
  ASSERT_EQ(state.leader, BrokerId{2});
  const std::string note =
      R"({"version":1,"partitions":[{"topic":"t","partition":0},{"topic":"none","partition":3}]})";
  leave("/admin/preferred_replica_election", note);
  EXPECT_EQ(state_of("t"), state) << "the preferred replica leads already";
  // Somebody has moved the lead; the controller hears of it by a note of the ISR.
  state.leader = BrokerId{1};
  state.leader_epoch = LeaderEpoch{1};
  ASSERT_TRUE(tree_.write({zk::SetOp{"/brokers/topics/t/partitions/0/state", encode(state)}}));
  leave("/isr_change_notification/isr_change_0000000000", note);
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->topic("t")->partitions.at(0)->leader, BrokerId{1});
  leave("/admin/preferred_replica_election", note);
  EXPECT_EQ(state_of("t").leader, BrokerId{2});
  EXPECT_EQ(state_of("t").leader_epoch, LeaderEpoch{2});
}

TEST_F(ControllerTreeTest, NotesThatWereLeftBeforeTheOfficeAreAnswered) {
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/isr_change_notification/isr_change_0000000000", "{}"}}));
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/log_dir_event_notification/log_dir_event_0000000000",
                                        R"({"version":1,"broker":1,"event":1})"}}));
  ASSERT_TRUE(tree_.write(
      {zk::CreateOp{"/admin/reassign_partitions", R"({"version":1,"partitions":[]})"}}));
  start(1);
  EXPECT_TRUE(tree_.children("/isr_change_notification").empty());
  EXPECT_TRUE(tree_.children("/log_dir_event_notification").empty());
  EXPECT_FALSE(tree_.exists("/admin/reassign_partitions"));
}

TEST_F(ControllerTreeTest, ABrokerThatLostALogDirIsOrderedItsReplicasAgain) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t", 3)).error, ErrorCode::kNone);
  const std::size_t before = brokers_[BrokerId{1}].requests.size();
  leave("/log_dir_event_notification/log_dir_event_0000000000",
        R"({"version":1,"broker":1,"event":1})");
  const auto& requests = brokers_[BrokerId{1}].requests;
  EXPECT_NE(std::find(requests.begin() + static_cast<std::ptrdiff_t>(before), requests.end(),
                      "LeaderAndIsr epoch 1"),
            requests.end());
}

TEST_F(ControllerTreeTest, AToolThatDropsTheTopicsIdGivesNobodyAnother) {
  Node& node = start(1);
  const auto made = create_one(node, topic("t"));
  ASSERT_EQ(made.error, ErrorCode::kNone);
  ASSERT_TRUE(tree_.write(
      {zk::SetOp{"/brokers/topics/t", R"({"version":2,"partitions":{"0":[1],"1":[1]},)"
                                      R"("adding_replicas":{},"removing_replicas":{}})"}}));
  time_.run_all();
  const auto written = zk::decode_topic("t", tree_.data("/brokers/topics/t"));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->topic_id, made.topic_id);
  EXPECT_EQ(written->partitions.size(), 2U);
  EXPECT_EQ(state_of("t", 1).leader, BrokerId{1});
}

TEST_F(ControllerTreeTest, ANewSessionTakesTheOfficeWithoutLeavingAnybodyLeaderless) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t", 2)).error, ErrorCode::kNone);
  const auto state = state_of("t");
  const auto replicas = brokers_[BrokerId{1}].replicas.size();
  node.session->expire();
  time_.run_all();
  EXPECT_FALSE(node.controller->is_active());
  EXPECT_NE(brokers_[BrokerId{1}].snapshot->topic("t"), nullptr) << "what was known stays known";
  bool leaderless = false;
  tree_.on_write([&](const std::vector<zk::WriteOp>& ops) {
    for (const zk::WriteOp& op : ops) {
      const auto* const set = std::get_if<zk::SetOp>(&op);
      leaderless = leaderless || (set != nullptr && set->data &&
                                  set->data->find(R"("leader":-1)") != std::string::npos);
    }
  });
  rejoin(node);
  EXPECT_TRUE(node.controller->is_active());
  EXPECT_EQ(node.controller->epoch(), ControllerEpoch{2});
  EXPECT_FALSE(leaderless);
  EXPECT_EQ(state_of("t").leader, state.leader);
  EXPECT_EQ(brokers_[BrokerId{1}].replicas.size(), replicas);
  // Watches and configurations are this session's now.
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/config/topics/late", R"({"version":1,"config":{}})"}}));
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/brokers/topics/late", R"({"partitions":{"0":[1]}})"}}));
  ASSERT_TRUE(tree_.write({zk::SetOp{"/config/topics/t", R"({"version":1,"config":{"a":"2"}})"}}));
  ASSERT_TRUE(tree_.write(
      {zk::CreateOp{"/config/changes/config_change_", R"({"version":2,"entity_path":"topics/t"})",
                    zk::CreateMode::kPersistentSequential}}));
  time_.run_all();
  EXPECT_EQ(state_of("late").leader, BrokerId{1});
  EXPECT_EQ(node.configs.told["topics/t"], (zk::ConfigMap{{"a", "2"}}));
}

}  // namespace
}  // namespace barnabas::controller
