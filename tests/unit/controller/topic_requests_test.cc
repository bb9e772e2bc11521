#include "controller/topic_requests.h"

#include <gtest/gtest.h>

namespace barnabas::controller {
namespace {

class TopicRequestsTest : public ::testing::Test {
 protected:
  TopicRequestsTest() {
    context_.brokers[BrokerId{1}] = {};
    context_.add_topic("taken", {});
    context_.add_topic("my.topic", {});
    TopicInfo leaving;
    leaving.to_be_deleted = true;
    context_.add_topic("leaving", std::move(leaving));
  }
  static NewTopic topic(const std::string& name) {
    NewTopic topic;
    topic.name = name;
    return topic;
  }
  std::pair<ErrorCode, std::string> refusal(const NewTopic& topic,
                                            const std::set<std::string>& just_accepted = {}) {
    const TopicRules rules{context_, validator_, *random_};
    const auto judged = judge_topic(topic, options_, rules, just_accepted);
    return judged ? std::pair(ErrorCode::kNone, std::string())
                  : std::pair(judged.error().code, judged.error().message);
  }
  using Refusal = std::pair<ErrorCode, std::string>;

  ControllerContext context_;
  CreateTopicsOptions options_;
  TopicConfigValidator validator_;
  std::unique_ptr<Random> random_ = make_seeded_random(1);
};

TEST_F(TopicRequestsTest, DefaultsAreTheBrokers) {
  options_.default_partitions = 7;
  const TopicRules rules{context_, validator_, *random_};
  const auto judged = judge_topic(topic("t"), options_, rules, {});
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->assignment.size(), 7U);
  EXPECT_EQ(judged->assignment.at(PartitionId{6}), std::vector{BrokerId{1}});
}

TEST_F(TopicRequestsTest, NamesAreRefusedWithKafkasSentences) {
  EXPECT_EQ(refusal(topic("taken")),
            Refusal(ErrorCode::kTopicAlreadyExists, "Topic 'taken' already exists."));
  EXPECT_EQ(refusal(topic("leaving")),
            Refusal(ErrorCode::kTopicAlreadyExists, "Topic 'leaving' is marked for deletion."));
  EXPECT_EQ(refusal(topic("my_topic")),
            Refusal(ErrorCode::kInvalidTopicException,
                    "Topic 'my_topic' collides with existing topics: my.topic"));
  EXPECT_EQ(refusal(topic("a_b"), {"a.b"}).first, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(refusal(topic("")).first, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(refusal(topic("new.topic")).first, ErrorCode::kNone);
}

TEST_F(TopicRequestsTest, CountsAreLookedAtBeforeTheName) {
  NewTopic bad = topic("bad name");
  bad.replication_factor = 2;
  EXPECT_EQ(refusal(bad), Refusal(ErrorCode::kInvalidReplicationFactor,
                                  "Replication factor: 2 larger than available brokers: 1."));
  bad.replication_factor = 1;
  bad.num_partitions = 0;
  EXPECT_EQ(refusal(bad).first, ErrorCode::kInvalidPartitions);
  bad.num_partitions = -1;
  EXPECT_EQ(refusal(bad).first, ErrorCode::kInvalidTopicException);
}

TEST_F(TopicRequestsTest, AssignmentsAreRefusedWithKafkasSentences) {
  NewTopic manual = topic("t");
  const auto with = [&](std::vector<std::pair<int, std::vector<int>>> assignments) {
    manual.assignments.clear();
    for (const auto& [partition, raw] : assignments) {
      std::vector<BrokerId> ids;
      for (const int id : raw) {
        ids.emplace_back(id);
      }
      manual.assignments.emplace_back(PartitionId{partition}, ids);
    }
    return refusal(manual);
  };
  EXPECT_EQ(with({{0, {1, 2}}, {1, {2, 9}}}).first, ErrorCode::kNone);
  EXPECT_EQ(with({{0, {1, 2}}, {1, {2}}}),
            Refusal(ErrorCode::kInvalidReplicaAssignment,
                    "All partitions should have the same number of replicas"));
  EXPECT_EQ(with({{0, {1, 1}}}),
            Refusal(ErrorCode::kInvalidReplicaAssignment,
                    "Duplicate replica assignment found: HashMap(0 -> ArrayBuffer(1, 1))"));
  EXPECT_EQ(with({{1, {1}}}),
            Refusal(ErrorCode::kInvalidReplicaAssignment,
                    "partitions should be a consecutive 0-based integer sequence"));
  EXPECT_EQ(with({{-1, {1}}, {0, {1}}}).first, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(with({{0, {}}}).first, ErrorCode::kInvalidReplicaAssignment);
  manual.num_partitions = 1;
  EXPECT_EQ(with({{0, {1}}}),
            Refusal(ErrorCode::kInvalidRequest,
                    "Both numPartitions or replicationFactor and replicasAssignments were set. "
                    "Both cannot be used at the same time."));
}

TEST_F(TopicRequestsTest, ConfigsAreJudgedByTheBroker) {
  NewTopic configured = topic("t");
  configured.configs = {{"retention.ms", "1"}, {"a", std::nullopt}, {"b", std::nullopt}};
  EXPECT_EQ(refusal(configured),
            Refusal(ErrorCode::kInvalidConfig, "Null value not supported for topic configs: a,b"));
  configured.configs = {{"nonsense", "1"}};
  validator_ = [](const std::string& name, const zk::ConfigMap& config) -> Status {
    EXPECT_EQ(name, "t");
    return config.contains("nonsense")
               ? fail(ErrorCode::kInvalidConfig, "Unknown topic config name: nonsense")
               : Status{};
  };
  EXPECT_EQ(refusal(configured),
            Refusal(ErrorCode::kInvalidConfig, "Unknown topic config name: nonsense"));
}

}  // namespace
}  // namespace barnabas::controller
