#include "barnabas/config/topic_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recorded.h"

namespace barnabas::config {
namespace {

using testing::loaded;

TEST(TopicConfig, WithoutOverridesItIsTheBrokers) {
  const auto broker = loaded(
      "log.retention.hours=1\nlog.segment.bytes=1000\nlog.roll.ms=5000\n"
      "log.message.timestamp.type=LogAppendTime\n");
  const auto topic = resolve_topic_config(broker, {});
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->retention_ms, 3600000);
  EXPECT_EQ(topic->segment_bytes, 1000);
  EXPECT_EQ(topic->segment_ms, 5000);
  EXPECT_EQ(topic->timestamp_type, TimestampType::kLogAppendTime);
  EXPECT_TRUE(topic->cleanup_delete);
  EXPECT_FALSE(topic->cleanup_compact);
}

TEST(TopicConfig, OverridesGoBeforeTheBrokers) {
  const auto topic = resolve_topic_config(
      loaded("log.retention.hours=1\n"),
      {{"retention.ms", "-1"}, {"cleanup.policy", "compact"}, {"compression.type", "zstd"}});
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->retention_ms, -1);
  EXPECT_TRUE(topic->cleanup_compact);
  EXPECT_FALSE(topic->cleanup_delete);
  EXPECT_EQ(topic->compression, TopicCompression::kZstd);
}

TEST(TopicConfig, TheOlderTimestampBoundHoldsWhereTheNewerAreUnset) {
  const auto topic = resolve_topic_config(loaded(""), {{"message.timestamp.difference.max.ms", "9"},
                                                       {"message.timestamp.before.max.ms", "5"}});
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->timestamp_before_max_ms, 5);
  EXPECT_EQ(topic->timestamp_after_max_ms, 9);
}

TEST(TopicConfig, EveryRefusalOfKafkasIsARefusalWithItsText) {
  const auto broker = loaded("");
  for (const auto& fields : testing::recorded("topic")) {
    const auto topic = resolve_topic_config(broker, testing::pairs(fields[1]));
    ASSERT_FALSE(topic) << fields[1];
    EXPECT_EQ(topic.error().message, fields[2]);
    EXPECT_EQ(topic.error().code, ErrorCode::kInvalidConfig);
  }
}

}  // namespace
}  // namespace barnabas::config
