#include "apps/topic_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/java_hash_order.h"
#include "apps/topic_filter.h"

namespace barnabas::apps {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> ordered(const std::vector<std::string>& names, std::size_t capacity) {
  std::vector<std::string> out;
  for (const std::size_t i : java_hash_order(names, capacity)) {
    out.push_back(names[i]);
  }
  return out;
}

TEST(JavaHashOrder, IsThatOfAHashMap) {
  EXPECT_EQ(java_string_hash("hello"), 99162322);
  EXPECT_EQ(java_string_hash(""), 0);
  // As Kafka's tool printed them.
  EXPECT_THAT(ordered({"ra", "rb"}, 2), ElementsAre("rb", "ra"));
  // As a JDK 17 gave them back.
  const std::vector<std::string> names = {
      "first",  "second",   "third",  "my.topic_x", "quickstart-events",
      "orders", "payments", "clicks", "a_b",        "t1",
      "t2",     "t3",       "t4"};
  EXPECT_THAT(ordered(names, 16),
              ElementsAre("t4", "quickstart-events", "a_b", "payments", "my.topic_x", "second",
                          "third", "clicks", "orders", "t1", "first", "t2", "t3"));
  EXPECT_THAT(ordered(names, 13),
              ElementsAre("t4", "quickstart-events", "a_b", "payments", "my.topic_x", "second",
                          "third", "clicks", "orders", "t1", "first", "t2", "t3"));
  EXPECT_THAT(ordered(names, 4),
              ElementsAre("t4", "quickstart-events", "a_b", "payments", "my.topic_x", "second",
                          "third", "clicks", "orders", "t1", "first", "t2", "t3"));
}

TEST(TopicFilter, MatchesWholeNames) {
  const auto filter = [](std::string_view text) { return TopicFilter::make(text).value(); };
  EXPECT_TRUE(filter("my.topic").matches("my.topic"));
  EXPECT_TRUE(filter("my.topic").matches("my-topic"));  // a dot is any character
  EXPECT_FALSE(filter("my").matches("my.topic"));
  EXPECT_TRUE(filter("a, b").matches("b"));
  EXPECT_TRUE(filter("\"test.*\"").matches("tester"));
  EXPECT_TRUE(filter("(?i)ABC").matches("abc"));
  EXPECT_FALSE(filter("(?!__).*").matches("__consumer_offsets"));
  EXPECT_FALSE(filter("").matches("x"));
  EXPECT_EQ(TopicFilter::make("(").error().message, "( is an invalid regex.");
}

TopicMetadata topic_of(std::string name, std::int32_t partitions) {
  TopicMetadata topic;
  topic.name = std::move(name);
  topic.topic_id = *Uuid::parse("GEpRvihaQNeT_PCy44_FBA");
  for (std::int32_t i = partitions - 1; i >= 0; --i) {  // brokers give them in any order
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = i;
    partition.leader_id = 1;
    partition.replica_nodes = {1, 2};
    partition.isr_nodes = {1, 2};
  }
  return topic;
}

TopicConfigs configs_of(std::initializer_list<std::pair<const char*, const char*>> overrides) {
  TopicConfigs configs;
  for (const auto& [name, value] : overrides) {
    auto& config = configs.emplace_back();
    config.name = name;
    config.value = value;
    config.config_source = 1;
  }
  auto& minimum = configs.emplace_back();
  minimum.name = "min.insync.replicas";
  minimum.value = "2";
  minimum.config_source = 5;
  return configs;
}

std::string describe(const TopicMetadata& topic, const TopicConfigs& configs,
                     const DescribeFilter& filter = {}, const Reassignments& moves = {}) {
  std::string text;
  append_description(topic, configs, moves, {1, 2}, filter, text);
  return text;
}

TEST(TopicDescription, IsKafkas) {
  EXPECT_EQ(describe(topic_of("t", 2), configs_of({{"retention.ms", "1000"}})),
            "Topic: t\tTopicId: GEpRvihaQNeT_PCy44_FBA\tPartitionCount: 2\tReplicationFactor: 2\t"
            "Configs: retention.ms=1000\n"
            "\tTopic: t\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1,2\tElr: N/A\t"
            "LastKnownElr: N/A\n"
            "\tTopic: t\tPartition: 1\tLeader: 1\tReplicas: 1,2\tIsr: 1,2\tElr: N/A\t"
            "LastKnownElr: N/A\n");
}

TEST(TopicDescription, LeavesAnIdOutThatIsNotThere) {
  TopicMetadata topic = topic_of("t", 1);
  topic.topic_id = {};
  EXPECT_TRUE(describe(topic, configs_of({})).starts_with("Topic: t\tPartitionCount: 1\t"));
}

TEST(TopicDescription, KnowsLeadersAmongLiveBrokersOnly) {
  TopicMetadata topic = topic_of("t", 1);
  topic.partitions[0].leader_id = -1;
  EXPECT_THAT(describe(topic, configs_of({})), ::testing::HasSubstr("\tLeader: none\t"));
  topic.partitions[0].leader_id = 9;
  EXPECT_THAT(describe(topic, configs_of({})), ::testing::HasSubstr("\tLeader: none\t"));
}

TEST(TopicDescription, ShowsTopicsWithOverridesWithoutPartitions) {
  const DescribeFilter filter{.with_overrides = true};
  EXPECT_EQ(describe(topic_of("t", 2), configs_of({}), filter), "");
  EXPECT_EQ(describe(topic_of("t", 2), configs_of({{"a", "b"}}), filter),
            "Topic: t\tTopicId: GEpRvihaQNeT_PCy44_FBA\tPartitionCount: 2\tReplicationFactor: 2\t"
            "Configs: a=b\n");
}

TEST(TopicDescription, ReportsTheStatesAskedFor) {
  TopicMetadata topic = topic_of("t", 3);
  topic.partitions[0].isr_nodes = {1};  // partition 2: under replicated and under min ISR
  topic.partitions[1].leader_id = -1;   // partition 1: unavailable
  const TopicConfigs configs = configs_of({});
  const auto partitions = [&](const DescribeFilter& filter) {
    const std::string text = describe(topic, configs, filter);
    std::string numbers;
    for (std::size_t at = text.find("Partition: "); at != std::string::npos;
         at = text.find("Partition: ", at + 1)) {
      numbers += text[at + 11];
    }
    return numbers;
  };
  EXPECT_EQ(partitions({.under_replicated = true}), "2");
  EXPECT_EQ(partitions({.unavailable = true}), "1");
  EXPECT_EQ(partitions({.under_min_isr = true}), "12");
  EXPECT_EQ(partitions({.at_min_isr = true}), "01");
}

TEST(TopicDescription, TellsOfReassignments) {
  TopicMetadata topic = topic_of("t", 1);
  topic.partitions[0].replica_nodes = {3, 1, 2};
  const Reassignments moves = {{{"t", 0}, {{3, 1, 2}, {3}, {2}}}};
  const std::string text = describe(topic, configs_of({}), {}, moves);
  EXPECT_THAT(text, ::testing::HasSubstr("ReplicationFactor: 2\t"));
  EXPECT_THAT(text, ::testing::HasSubstr("\tAdding Replicas: 3\tRemoving Replicas: 2\tElr: N/A"));
}

}  // namespace
}  // namespace barnabas::apps
