// Elections, brokers that come and go, and two that both believe they are controller.
#include "cluster_fixture.h"

namespace barnabas::controller {
namespace {

class ControllerOfficeTest : public ClusterFixture {};

TEST_F(ControllerOfficeTest, TheFirstBrokerTakesOfficeInOneWrite) {
  std::vector<std::vector<std::string>> writes;
  tree_.on_write([&](const std::vector<zk::WriteOp>& ops) {
    auto& paths = writes.emplace_back();
    for (const zk::WriteOp& op : ops) {
      paths.push_back(zk::path_of(op));
    }
  });
  Node& node = start(1);
  ASSERT_TRUE(node.started);
  EXPECT_TRUE(*node.started);
  EXPECT_TRUE(node.controller->is_active());
  EXPECT_EQ(node.controller->epoch(), ControllerEpoch{1});
  EXPECT_EQ(tree_.data("/controller_epoch"), "1");
  EXPECT_EQ(zk::decode_controller(tree_.data("/controller"))->broker, BrokerId{1});
  EXPECT_EQ(tree_.data("/feature"), R"({"features":{},"version":2,"status":1})");
  const std::vector<std::vector<std::string>> expected{{"/brokers/ids/1", "/brokers/ids/1"},
                                                       {"/controller_epoch"},
                                                       {"/controller", "/controller_epoch"},
                                                       {"/controller_epoch", "/feature"}};
  EXPECT_EQ(writes, expected);
  EXPECT_TRUE(brokers_[BrokerId{1}].snapshot->has_metadata());
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->controller(), BrokerId{1});
  EXPECT_TRUE(node.controller->idle());
}

TEST_F(ControllerOfficeTest, ATreeThatCannotBeReadIsSaidAtTheStart) {
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/controller_epoch", "nonsense"}}));
  Node& node = start(1);
  ASSERT_TRUE(node.started);
  ASSERT_FALSE(*node.started);
  EXPECT_NE(node.started->error().message.find("/controller_epoch"), std::string::npos);
  EXPECT_FALSE(node.controller->is_active());
}

TEST_F(ControllerOfficeTest, OneOfManyWinsAndAllKnowIt) {
  for (int id = 1; id <= 3; ++id) {
    begin(id);
  }
  time_.run_all();
  const BrokerId winner = active().id;
  for (const auto& [id, node] : nodes_) {
    EXPECT_TRUE(node->started && node->started->has_value());
    EXPECT_EQ(brokers_[id].snapshot->controller(), winner);
    EXPECT_EQ(brokers_[id].snapshot->brokers().size(), 3U);
  }
}

TEST_F(ControllerOfficeTest, AnotherTakesOverWithAHigherEpochAndLeadersMove) {
  start(1);
  start(2);
  ASSERT_EQ(active().id, BrokerId{1});
  NewTopic both = topic("t", 4, 2);
  ASSERT_EQ(create_one(active(), both).error, ErrorCode::kNone);
  kill(1);
  EXPECT_EQ(active().id, BrokerId{2});
  EXPECT_EQ(active().controller->epoch(), ControllerEpoch{2});
  int moved = 0;
  for (int partition = 0; partition < 4; ++partition) {
    const auto state = state_of("t", partition);
    EXPECT_EQ(state.leader, BrokerId{2});
    EXPECT_EQ(state.isr, std::vector{BrokerId{2}});
    EXPECT_EQ(state.controller_epoch, ControllerEpoch{2});
    // As in Kafka: the survivor's own +1, the dead one's first to nobody, then to the survivor.
    EXPECT_TRUE(state.leader_epoch == LeaderEpoch{1} || state.leader_epoch == LeaderEpoch{2});
    moved += state.leader_epoch == LeaderEpoch{2} ? 1 : 0;
    const HeldReplica& held = brokers_[BrokerId{2}].replicas[{"t", PartitionId{partition}}];
    EXPECT_EQ(held.leader, 2);
    EXPECT_EQ(held.leader_epoch, state.leader_epoch.value());
    const auto* seen = brokers_[BrokerId{2}].snapshot->partition("t", PartitionId{partition});
    EXPECT_EQ(seen->leader, BrokerId{2});
    EXPECT_EQ(seen->offline_replicas, std::vector{BrokerId{1}});
  }
  EXPECT_EQ(moved, 2);
}

TEST_F(ControllerOfficeTest, APartitionWithoutALiveReplicaWaitsForIt) {
  start(1);
  start(2);
  NewTopic alone = topic("t");
  alone.num_partitions = -1;
  alone.replication_factor = -1;
  alone.assignments = {{PartitionId{0}, {BrokerId{2}}}};
  ASSERT_EQ(create_one(active(), alone).error, ErrorCode::kNone);
  kill(2);
  auto state = state_of("t");
  EXPECT_EQ(state.leader, zk::kLeaderNone);
  EXPECT_EQ(state.isr, std::vector{BrokerId{2}});
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->partition("t", PartitionId{0})->leader, kNoBroker);
  start(2);
  state = state_of("t");
  EXPECT_EQ(state.leader, BrokerId{2});
  EXPECT_EQ(brokers_[BrokerId{2}].replicas.at({"t", PartitionId{0}}).leader, 2);
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->partition("t", PartitionId{0})->leader, BrokerId{2});
}

TEST_F(ControllerOfficeTest, ANewRegistrationLeavesTheIsrBeforeItComesBack) {
  start(1);
  start(2);
  ASSERT_EQ(create_one(active(), topic("t", 1, 2)).error, ErrorCode::kNone);
  const auto before = state_of("t");
  ASSERT_EQ(before.isr.size(), 2U);
  // Gone and back before the controller has looked once.
  nodes_[BrokerId{2}]->session->expire_silently();
  nodes_.erase(BrokerId{2});
  brokers_[BrokerId{2}].replicas.clear();
  start(2);
  const auto after = state_of("t");
  EXPECT_EQ(after.isr, std::vector{BrokerId{1}});
  EXPECT_EQ(after.leader, BrokerId{1});
  EXPECT_GT(after.leader_epoch, before.leader_epoch);
  EXPECT_EQ(brokers_[BrokerId{2}].replicas.at({"t", PartitionId{0}}).leader_epoch,
            after.leader_epoch.value());
}

TEST_F(ControllerOfficeTest, NewEndpointsReachEverybody) {
  start(1);
  start(2);
  zk::BrokerZNode moved;
  moved.endpoints.push_back({"PLAINTEXT", "PLAINTEXT", "elsewhere", 1234});
  ASSERT_TRUE(tree_.write({zk::SetOp{"/brokers/ids/2", encode(moved)}}));
  time_.run_all();
  for (const auto& [id, broker] : brokers_) {
    EXPECT_EQ(broker.snapshot->broker(BrokerId{2})->endpoint("PLAINTEXT")->port, 1234);
  }
  ASSERT_TRUE(tree_.write({zk::SetOp{"/brokers/ids/2", "nonsense"}}));
  time_.run_all();
  EXPECT_TRUE(active().controller->idle());
}

TEST_F(ControllerOfficeTest, OneThatDoesNotKnowItIsDeposedDoesNoHarm) {
  start(1);
  start(2);
  Node& old = *nodes_[BrokerId{1}];
  ASSERT_TRUE(old.controller->is_active());
  // Broker 1 keeps its session but hears nothing, and its seat is given away.
  tree_.deafen(*old.session);
  ASSERT_TRUE(tree_.write({zk::DeleteOp{"/controller"}}));
  time_.run_all();
  ASSERT_TRUE(nodes_[BrokerId{2}]->controller->is_active());
  ASSERT_TRUE(old.controller->is_active()) << "it must still believe it is";
  const auto paths = tree_.paths();
  const auto refused = create_one(old, topic("stolen"));
  EXPECT_EQ(refused.error, ErrorCode::kNotController);
  EXPECT_EQ(tree_.paths(), paths);
  EXPECT_FALSE(old.controller->is_active());
  EXPECT_EQ(old.controller->epoch(), ControllerEpoch{0});
  // What it still sends is refused by the brokers.
  EXPECT_EQ(create_one(*nodes_[BrokerId{2}], topic("mine")).error, ErrorCode::kNone);
  EXPECT_EQ(brokers_[BrokerId{1}].controller_epoch, 2);
  // And it is ready to follow.
  kill(2);
  EXPECT_EQ(active().id, BrokerId{1});
  EXPECT_EQ(active().controller->epoch(), ControllerEpoch{3});
}

TEST_F(ControllerOfficeTest, EveryKindOfWriteOfADeposedOneIsRefused) {
  start(1);
  start(2);
  ASSERT_EQ(create_one(active(), topic("t", 2, 2)).error, ErrorCode::kNone);
  Node& old = *nodes_[BrokerId{1}];
  std::optional<Result<ProducerIdBlock>> block;
  const std::vector<std::function<void()>> deeds{
      [&] { EXPECT_EQ(remove(old, "t").error, ErrorCode::kNotController); },
      [&] {
        old.controller->admin().allocate_producer_ids(
            BrokerId{1}, old.epoch, [&](Result<ProducerIdBlock> answer) { block = answer; });
        time_.run_all();
        EXPECT_EQ(block->error().code, ErrorCode::kNotController);
      },
      [&] { EXPECT_EQ(create_one(old, topic("u")).error, ErrorCode::kNotController); }};
  for (const auto& deed : deeds) {
    // Whoever is in office gives the seat to 1, who then loses it without hearing of it.
    while (!old.controller->is_active()) {
      ASSERT_TRUE(tree_.write({zk::DeleteOp{"/controller"}}));
      time_.run_all();
    }
    tree_.deafen(*old.session);
    ASSERT_TRUE(tree_.write({zk::DeleteOp{"/controller"}}));
    time_.run_all();
    ASSERT_TRUE(nodes_[BrokerId{2}]->controller->is_active());
    const auto before = tree_.tree().last_zxid();
    deed();
    EXPECT_EQ(tree_.tree().last_zxid(), before) << "something was written";
    EXPECT_FALSE(old.controller->is_active());
  }
}

TEST_F(ControllerOfficeTest, AnExpiredSessionEndsTheOffice) {
  start(1);
  Node& node = start(2);
  Node& old = active();
  std::optional<std::vector<CreatedTopic>> late;
  old.controller->admin().create_topics({topic("t")}, {}, [&](auto results) { late = results; });
  old.session->expire();
  time_.run_all();
  EXPECT_FALSE(old.controller->is_active());
  EXPECT_TRUE(node.controller->is_active());
  ASSERT_TRUE(late) << "a request was left without an answer";
  EXPECT_NE(late->front().error, ErrorCode::kNone);
}

TEST_F(ControllerOfficeTest, AStoppedControllerAnswersAndFallsSilent) {
  Node& node = start(1);
  std::optional<std::vector<CreatedTopic>> waiting;
  brokers_[BrokerId{1}].alive = false;  // metadata never arrives
  node.controller->admin().create_topics({topic("t")}, {},
                                         [&](auto results) { waiting = results; });
  time_.run_all();
  EXPECT_FALSE(waiting);
  node.controller->stop();
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->front().error, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(create_one(node, topic("u")).error, ErrorCode::kNotController);
  ASSERT_TRUE(tree_.write({zk::DeleteOp{"/controller"}}));
  time_.run_all();
  EXPECT_FALSE(tree_.exists("/controller"));
}

TEST_F(ControllerOfficeTest, ProducerIdsComeInBlocksThatNobodyElseGets) {
  Node& node = start(1);
  const auto allocate = [&](BrokerId broker, BrokerEpoch epoch) {
    Result<ProducerIdBlock> block = fail(ErrorCode::kUnknownServerError, "no answer");
    node.controller->admin().allocate_producer_ids(
        broker, epoch, [&](Result<ProducerIdBlock> answer) { block = std::move(answer); });
    time_.run_all();
    return block;
  };
  EXPECT_EQ(tree_.data("/latest_producer_id_block"), std::nullopt);
  const auto first = allocate(BrokerId{1}, node.epoch);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->first, ProducerId{0});
  EXPECT_EQ(first->last, ProducerId{999});
  EXPECT_EQ(allocate(BrokerId{1}, node.epoch)->first, ProducerId{1000});
  EXPECT_EQ(tree_.data("/latest_producer_id_block"),
            R"({"version":1,"broker":1,"block_start":"1000","block_end":"1999"})");
  EXPECT_EQ(allocate(BrokerId{7}, node.epoch).error().code, ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(allocate(BrokerId{1}, BrokerEpoch{1}).error().code, ErrorCode::kStaleBrokerEpoch);
  ASSERT_TRUE(tree_.write({zk::SetOp{
      "/latest_producer_id_block",
      R"({"version":1,"broker":1,"block_start":"0","block_end":"9223372036854775000"})"}}));
  EXPECT_EQ(allocate(BrokerId{1}, node.epoch).error().code, ErrorCode::kUnknownServerError);
}

TEST_F(ControllerOfficeTest, ConfigurationsAreToldAtTheStartAndOnEachChange) {
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/config/topics/t", zk::encode_config({{"a", "1"}})}}));
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/config/brokers/1", zk::encode_config({{"b", "2"}})}}));
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/config/changes/config_change_",
                                        zk::encode_config_change(zk::ConfigType::kTopic, "t"),
                                        zk::CreateMode::kPersistentSequential}}));
  Node& one = start(1);
  Node& two = start(2);
  for (Node* node : {&one, &two}) {
    EXPECT_EQ(node->configs.told["topics/t"], (zk::ConfigMap{{"a", "1"}}));
    EXPECT_EQ(node->configs.told["brokers/1"], (zk::ConfigMap{{"b", "2"}}));
    EXPECT_EQ(node->configs.count, 2);
  }
  const auto change = [&](const std::string& type_and_entity) {
    ASSERT_TRUE(
        tree_.write({zk::CreateOp{"/config/changes/config_change_",
                                  R"({"version":2,"entity_path":")" + type_and_entity + R"("})",
                                  zk::CreateMode::kPersistentSequential}}));
    time_.run_all();
  };
  ASSERT_TRUE(tree_.write({zk::SetOp{"/config/topics/t", zk::encode_config({{"a", "9"}})}}));
  change("topics/t");
  ASSERT_TRUE(
      tree_.write({zk::CreateOp{"/config/brokers/<default>", zk::encode_config({{"c", "3"}})}}));
  change("brokers/<default>");
  change("topics/unknown");
  change("users/u");
  change("topics");
  for (Node* node : {&one, &two}) {
    EXPECT_EQ(node->configs.told["topics/t"], (zk::ConfigMap{{"a", "9"}}));
    EXPECT_EQ(node->configs.told["brokers/<default>"], (zk::ConfigMap{{"c", "3"}}));
    EXPECT_TRUE(node->configs.told["topics/unknown"].empty());
    EXPECT_EQ(node->configs.count, 5);
  }
  EXPECT_EQ(tree_.children("/config/changes").size(), 6U);
  time_.advance(std::chrono::minutes(16));
  change("topics/t");
  EXPECT_EQ(tree_.children("/config/changes").size(), 1U) << "old notifications are removed";
}

}  // namespace
}  // namespace barnabas::controller
