#include "barnabas/metadata/topic_name.h"

#include <gtest/gtest.h>

namespace barnabas::metadata {
namespace {

std::string refusal(std::string_view name) {
  const Status status = validate_topic_name(name);
  if (status) {
    return "accepted";
  }
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidTopicException);
  return status.error().message;
}

// The sentences are those of org.apache.kafka.common.internals.Topic, 3.9.1.
TEST(TopicName, RefusalsAreKafkasSentences) {
  EXPECT_EQ(refusal(""), "Topic name is invalid: the empty string is not allowed");
  EXPECT_EQ(refusal("."), "Topic name is invalid: '.' is not allowed");
  EXPECT_EQ(refusal(".."), "Topic name is invalid: '..' is not allowed");
  EXPECT_EQ(refusal("a b"),
            "Topic name is invalid: 'a b' contains one or more characters other than ASCII "
            "alphanumerics, '.', '_' and '-'");
  const std::string longest(249, 'x');
  EXPECT_EQ(refusal(longest), "accepted");
  EXPECT_EQ(refusal(longest + "x"), "Topic name is invalid: the length of '" + longest +
                                        "x' is longer than the max allowed length 249");
  for (const char* bad : {"a/b", "a\n", "a\xc3\xa9", "a:b", "a,b", "a*"}) {
    EXPECT_NE(refusal(bad), "accepted") << bad;
  }
  for (const char* good : {"a", "A-1_b.c", "...", "_", "-"}) {
    EXPECT_EQ(refusal(good), "accepted") << good;
  }
}

TEST(TopicName, DotsAndUnderscoresCollide) {
  EXPECT_TRUE(has_collision_chars("a.b"));
  EXPECT_TRUE(has_collision_chars("a_b"));
  EXPECT_FALSE(has_collision_chars("a-b"));
  EXPECT_TRUE(topic_names_collide("a.b_c", "a_b.c"));
  EXPECT_FALSE(topic_names_collide("a.b", "a-b"));
  EXPECT_FALSE(topic_names_collide("a.b", "a.bc"));
}

TEST(TopicName, KafkasOwnTopics) {
  EXPECT_TRUE(is_internal_topic("__consumer_offsets"));
  EXPECT_TRUE(is_internal_topic("__transaction_state"));
  EXPECT_TRUE(is_internal_topic("__share_group_state"));
  EXPECT_FALSE(is_internal_topic("__cluster_metadata"));
}

}  // namespace
}  // namespace barnabas::metadata
