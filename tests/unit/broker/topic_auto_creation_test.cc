#include "broker/topic_auto_creation.h"

#include <gtest/gtest.h>

#include <utility>

namespace barnabas::broker {
namespace {

using controller::CreatedTopic;
using Names = std::vector<std::string>;

// Keeps what is asked of it until the test answers.
class HeldTopicAdmin final : public controller::TopicAdmin {
 public:
  struct Attempt {
    std::vector<controller::NewTopic> topics;
    controller::CreateTopicsOptions options;
    std::move_only_function<void(std::vector<CreatedTopic>)> done;

    void end(ErrorCode error) {
      std::vector<CreatedTopic> created;
      for (const auto& topic : topics) {
        CreatedTopic& result = created.emplace_back();
        result.name = topic.name;
        result.error = error;
      }
      done(std::move(created));
    }
    [[nodiscard]] Names names() const {
      Names result;
      for (const auto& topic : topics) {
        result.push_back(topic.name);
      }
      return result;
    }
  };

  std::vector<Attempt> attempts;

  void create_topics(std::vector<controller::NewTopic> topics,
                     controller::CreateTopicsOptions options,
                     std::move_only_function<void(std::vector<CreatedTopic>)> done) override {
    attempts.push_back({std::move(topics), options, std::move(done)});
  }
  void delete_topics(
      std::vector<std::string> /*names*/, std::int64_t /*timeout_ms*/,
      std::move_only_function<void(std::vector<controller::DeletedTopic>)> /*done*/) override {
    ADD_FAILURE();
  }
  void create_partitions(
      std::vector<controller::TopicGrowth> /*topics*/, controller::GrowTopicsOptions /*options*/,
      std::move_only_function<void(std::vector<controller::GrownTopic>)> /*done*/) override {
    ADD_FAILURE();
  }
  void elect_leaders(
      controller::LeaderElection /*election*/,
      std::move_only_function<void(std::vector<controller::PartitionOutcome>)> /*done*/) override {
    ADD_FAILURE();
  }
  void alter_reassignments(
      controller::Reassignments /*wanted*/,
      std::move_only_function<void(Result<std::vector<controller::PartitionOutcome>>)> /*done*/)
      override {
    ADD_FAILURE();
  }
  void list_reassignments(
      std::move_only_function<void(Result<std::vector<controller::OngoingReassignment>>)> /*done*/)
      override {
    ADD_FAILURE();
  }
  void allocate_producer_ids(
      BrokerId /*broker*/, BrokerEpoch /*broker_epoch*/,
      std::move_only_function<void(Result<controller::ProducerIdBlock>)> /*done*/) override {
    ADD_FAILURE();
  }
};

class TopicAutoCreationTest : public ::testing::Test {
 protected:
  static config::BrokerConfig loaded() {
    auto config =
        config::BrokerConfig::load({.file_name = "server.properties",
                                    .text = "num.partitions=3\noffsets.topic.num.partitions=7\n",
                                    .overrides = {}});
    EXPECT_TRUE(config);
    return std::move(config).value_or(config::BrokerConfig{});
  }

  const config::BrokerConfig config_ = loaded();
  HeldTopicAdmin admin_;
  TopicAutoCreation creation_{config_, admin_};
};

TEST_F(TopicAutoCreationTest, MakesTopicsAsConfigured) {
  creation_.create({"__consumer_offsets", "plain"});
  ASSERT_EQ(admin_.attempts.size(), 1U);
  const auto& [topics, options, done] = admin_.attempts.front();
  ASSERT_EQ(topics.size(), 2U);
  EXPECT_EQ(topics[0].num_partitions, 7);
  EXPECT_FALSE(topics[0].configs.empty());
  EXPECT_EQ(topics[1].num_partitions, -1);
  EXPECT_TRUE(topics[1].configs.empty());
  EXPECT_EQ(options.default_partitions, 3);
}

TEST_F(TopicAutoCreationTest, OneAttemptServesAllWhoAskMeanwhile) {
  creation_.create({"a", "b"});
  creation_.create({"a"});
  creation_.create({"b", "c"});
  ASSERT_EQ(admin_.attempts.size(), 2U);
  EXPECT_EQ(admin_.attempts[0].names(), (Names{"a", "b"}));
  EXPECT_EQ(admin_.attempts[1].names(), (Names{"c"}));
}

TEST_F(TopicAutoCreationTest, IsAskedForAgainAfterAnAttemptHasEnded) {
  for (const ErrorCode error : {ErrorCode::kNone, ErrorCode::kRequestTimedOut,
                                ErrorCode::kInvalidReplicationFactor, ErrorCode::kNotController}) {
    creation_.create({"a"});
    ASSERT_EQ(admin_.attempts.size(), 1U);
    auto attempt = std::move(admin_.attempts.front());
    admin_.attempts.clear();
    attempt.end(error);
  }
  creation_.create({"a"});
  EXPECT_EQ(admin_.attempts.size(), 1U);
}

}  // namespace
}  // namespace barnabas::broker
