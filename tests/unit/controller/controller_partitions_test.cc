// Requests about topics that are there: more partitions, other leaders, other replicas.
#include "cluster_fixture.h"

namespace barnabas::controller {
namespace {

class ControllerPartitionsTest : public ClusterFixture {
 protected:
  GrownTopic grow(Node& node, TopicGrowth growth, GrowTopicsOptions options = {}) {
    std::optional<std::vector<GrownTopic>> results;
    node.controller->admin().create_partitions(
        {std::move(growth)}, options,
        [&results](std::vector<GrownTopic> answer) { results = std::move(answer); });
    time_.run_all();
    if (!results) {
      time_.advance(std::chrono::minutes(1));
    }
    EXPECT_TRUE(results) << "no answer";
    return results ? results->front() : GrownTopic{};
  }
  std::vector<PartitionOutcome> elect(Node& node, LeaderElection election) {
    std::optional<std::vector<PartitionOutcome>> results;
    node.controller->admin().elect_leaders(
        std::move(election),
        [&results](std::vector<PartitionOutcome> answer) { results = std::move(answer); });
    time_.run_all();
    EXPECT_TRUE(results) << "no answer";
    return results.value_or(std::vector<PartitionOutcome>{});
  }
  static LeaderElection election_of(const std::string& topic, bool unclean = false) {
    return {std::set<TopicPartition>{{topic, PartitionId{0}}}, unclean, 30000};
  }
};

TEST_F(ControllerPartitionsTest, AddedPartitionsAreAnsweredWhenMetadataIsHere) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t", 2)).error, ErrorCode::kNone);
  bool answered = false;
  node.controller->admin().create_partitions({{"t", 4, std::nullopt}}, {}, [&](auto results) {
    answered = true;
    EXPECT_EQ(results.at(0).error, ErrorCode::kNone);
    const auto* seen = brokers_[BrokerId{1}].snapshot->topic("t");
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(seen->known_partitions, 4U) << "answered before this broker knew them";
  });
  time_.run_all();
  ASSERT_TRUE(answered);
  const auto node_data = zk::decode_topic("t", tree_.data("/brokers/topics/t"));
  ASSERT_TRUE(node_data);
  EXPECT_EQ(node_data->partitions.size(), 4U);
  EXPECT_TRUE(node_data->topic_id) << "the topic's id must stay";
  EXPECT_TRUE(brokers_[BrokerId{1}].replicas.at({"t", PartitionId{3}}).was_new);
  EXPECT_EQ(state_of("t", 3).leader, BrokerId{1});
}

TEST_F(ControllerPartitionsTest, ValidationWritesNothing) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  const auto before = tree_.data("/brokers/topics/t");
  EXPECT_EQ(grow(node, {"t", 3, std::nullopt}, {.validate_only = true}).error, ErrorCode::kNone);
  EXPECT_EQ(tree_.data("/brokers/topics/t"), before);
  EXPECT_EQ(grow(node, {"t", 1, std::nullopt}, {.validate_only = true}).error,
            ErrorCode::kInvalidPartitions);
}

TEST_F(ControllerPartitionsTest, WithoutTimeTheyAreMadeAllTheSame) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  EXPECT_EQ(grow(node, {"t", 3, std::nullopt}, {.timeout_ms = 0}).error,
            ErrorCode::kRequestTimedOut);
  EXPECT_EQ(brokers_[BrokerId{1}].snapshot->topic("t")->known_partitions, 3U);
}

TEST_F(ControllerPartitionsTest, OnlyTheControllerAnswers) {
  start(1);
  Node& other = start(2);
  EXPECT_EQ(grow(other, {"t", 3, std::nullopt}).error, ErrorCode::kNotController);
  EXPECT_EQ(elect(other, election_of("t")).at(0).error, ErrorCode::kNotController);
  std::optional<ErrorCode> error;
  other.controller->admin().list_reassignments(
      [&](auto listed) { error = listed ? ErrorCode::kNone : listed.error().code; });
  time_.run_all();
  EXPECT_EQ(error, ErrorCode::kNotController);
}

TEST_F(ControllerPartitionsTest, ATopicThatIsBeingDeletedDoesNotGrow) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  brokers_[BrokerId{1}].fail_deletions = true;
  remove(node, "t", 0);
  const GrownTopic refused = grow(node, {"t", 3, std::nullopt});
  EXPECT_EQ(refused.error, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(refused.message, "The topic is queued for deletion.");
}

TEST_F(ControllerPartitionsTest, ThePreferredReplicaLeadsAgain) {
  Node& node = start(1);
  start(2);
  NewTopic asked = topic("t", -1, -1);
  asked.assignments = {{PartitionId{0}, {BrokerId{2}, BrokerId{1}}}};
  ASSERT_EQ(create_one(node, asked).error, ErrorCode::kNone);
  EXPECT_EQ(elect(node, election_of("t")).at(0).error, ErrorCode::kElectionNotNeeded);
  kill(2);
  EXPECT_EQ(state_of("t").leader, BrokerId{1});
  const auto failed = elect(node, election_of("t")).at(0);
  EXPECT_EQ(failed.error, ErrorCode::kPreferredLeaderNotAvailable);
  EXPECT_EQ(failed.message,
            "Failed to elect leader for partition t-0 under strategy "
            "PreferredReplicaPartitionLeaderElectionStrategy");
  EXPECT_EQ(elect(node, election_of("nosuch")).at(0).error, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(ControllerPartitionsTest, AnUncleanElectionTakesWhoeverIsAlive) {
  Node& node = start(1);
  start(2);
  NewTopic asked = topic("t", -1, -1);
  asked.assignments = {{PartitionId{0}, {BrokerId{2}, BrokerId{1}}}};
  ASSERT_EQ(create_one(node, asked).error, ErrorCode::kNone);
  auto state = state_of("t");
  state.isr = {BrokerId{2}};  // broker 1 has fallen behind
  ASSERT_TRUE(tree_.write({zk::SetOp{"/brokers/topics/t/partitions/0/state", encode(state)}}));
  kill(2);
  EXPECT_EQ(state_of("t").leader, zk::kLeaderNone);
  EXPECT_EQ(elect(node, election_of("t", false)).at(0).error,
            ErrorCode::kPreferredLeaderNotAvailable);
  EXPECT_EQ(elect(node, election_of("t", true)).at(0).error, ErrorCode::kNone);
  EXPECT_EQ(state_of("t").leader, BrokerId{1});
  EXPECT_EQ(elect(node, election_of("t", true)).at(0).error, ErrorCode::kElectionNotNeeded);
}

TEST_F(ControllerPartitionsTest, ATopicThatAllowsItGetsALeaderAtOnce) {
  Node& node = start(1);
  start(2);
  NewTopic asked = topic("t", -1, -1);
  asked.assignments = {{PartitionId{0}, {BrokerId{2}, BrokerId{1}}}};
  ASSERT_EQ(create_one(node, asked).error, ErrorCode::kNone);
  auto state = state_of("t");
  state.isr = {BrokerId{2}};
  ASSERT_TRUE(tree_.write({zk::SetOp{"/brokers/topics/t/partitions/0/state", encode(state)}}));
  kill(2);
  ASSERT_EQ(state_of("t").leader, zk::kLeaderNone);
  std::optional<Status> changed;
  node.controller->config_admin().edit_config(
      zk::ConfigType::kTopic, "t",
      [](const zk::ConfigMap& now) -> Result<zk::ConfigMap> {
        zk::ConfigMap next = now;
        next["unclean.leader.election.enable"] = "true";
        return next;
      },
      false, [&changed](Status status) { changed = status; });
  time_.run_all();
  ASSERT_TRUE(changed && *changed);
  EXPECT_EQ(state_of("t").leader, BrokerId{1});
}

TEST_F(ControllerPartitionsTest, UncleanForAllTopics) {
  Node& node = start(1);
  start(2);
  NewTopic asked = topic("t", -1, -1);
  asked.assignments = {{PartitionId{0}, {BrokerId{2}, BrokerId{1}}}};
  ASSERT_EQ(create_one(node, asked).error, ErrorCode::kNone);
  auto state = state_of("t");
  state.isr = {BrokerId{2}};
  ASSERT_TRUE(tree_.write({zk::SetOp{"/brokers/topics/t/partitions/0/state", encode(state)}}));
  kill(2);
  ASSERT_EQ(state_of("t").leader, zk::kLeaderNone);
  node.home.post([&node] { node.controller->set_unclean_leader_election(true); });
  time_.run_all();
  EXPECT_EQ(state_of("t").leader, BrokerId{1});
}

TEST_F(ControllerPartitionsTest, ReassignmentsAreJudgedAsKafkaDoes) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  const auto alter = [&](std::optional<std::vector<BrokerId>> replicas,
                         const std::string& name = "t") {
    std::optional<PartitionOutcome> outcome;
    node.controller->admin().alter_reassignments({{{name, PartitionId{0}}, std::move(replicas)}},
                                                 [&outcome](auto results) {
                                                   ASSERT_TRUE(results);
                                                   outcome = results->at(0);
                                                 });
    time_.run_all();
    EXPECT_TRUE(outcome);
    return outcome ? std::pair(outcome->error, outcome->message)
                   : std::pair(ErrorCode::kNone, std::string());
  };
  using Outcome = std::pair<ErrorCode, std::string>;
  EXPECT_EQ(alter(std::vector{BrokerId{1}}), Outcome(ErrorCode::kNone, ""));
  EXPECT_EQ(alter(std::nullopt), Outcome(ErrorCode::kNoReassignmentInProgress,
                                         "No partition reassignment is in progress."));
  EXPECT_EQ(alter(std::vector<BrokerId>{}),
            Outcome(ErrorCode::kInvalidReplicaAssignment,
                    "Empty replica list specified in partition reassignment."));
  EXPECT_EQ(alter(std::vector{BrokerId{1}, BrokerId{7}}),
            Outcome(ErrorCode::kInvalidReplicaAssignment,
                    "Replica assignment has brokers that are not alive. Replica list: "
                    "ArrayBuffer(7), live broker list: Set(1)"));
  EXPECT_EQ(alter(std::vector{BrokerId{1}, BrokerId{1}}),
            Outcome(ErrorCode::kInvalidReplicaAssignment,
                    "Duplicate replica ids in partition reassignment replica list: ArrayBuffer(1, "
                    "1)"));
  EXPECT_EQ(alter(std::vector{BrokerId{-1}}).first, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(alter(std::vector{BrokerId{1}}, "nosuch"),
            Outcome(ErrorCode::kUnknownTopicOrPartition, "The partition does not exist."));
}

TEST_F(ControllerPartitionsTest, AMoveThatAnotherControllerBeganIsListed) {
  zk::TopicZNode moving;
  moving.topic_id = random_->uuid();
  moving.partitions[PartitionId{0}] = {{BrokerId{2}, BrokerId{1}}, {BrokerId{2}}, {BrokerId{1}}};
  ASSERT_TRUE(tree_.write({zk::CreateOp{"/brokers/topics/t", encode(moving)}}));
  Node& node = start(1);
  std::optional<std::vector<OngoingReassignment>> listed;
  node.controller->admin().list_reassignments([&](auto result) {
    ASSERT_TRUE(result);
    listed = std::move(*result);
  });
  time_.run_all();
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().assignment, moving.partitions[PartitionId{0}]);
  EXPECT_EQ(grow(node, {"t", 3, std::nullopt}).error, ErrorCode::kReassignmentInProgress);
}

}  // namespace
}  // namespace barnabas::controller
