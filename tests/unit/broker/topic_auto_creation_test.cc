#include "broker/topic_auto_creation.h"

#include <gtest/gtest.h>

#include <utility>

#include "unit/broker/held_topic_admin.h"

namespace barnabas::broker {
namespace {

using Names = std::vector<std::string>;

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

TEST_F(TopicAutoCreationTest, AnAttemptMayEndAfterIt) {
  {
    TopicAutoCreation gone(config_, admin_);
    gone.create({"a"});
  }
  ASSERT_EQ(admin_.attempts.size(), 1U);
  admin_.attempts.front().end(ErrorCode::kNotController);
}

}  // namespace
}  // namespace barnabas::broker
