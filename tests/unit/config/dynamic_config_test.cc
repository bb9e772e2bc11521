// Settings of a running broker: what is taken, what is refused and with which words, what holds.
#include "barnabas/config/dynamic_config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "barnabas/config/topic_config.h"
#include "recorded.h"

namespace barnabas::config {
namespace {

std::string refusal(const BrokerConfig::Given& overrides, bool per_broker = true) {
  const Status status = check_dynamic(overrides, per_broker);
  if (!status) {
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidRequest);
  }
  return status ? "" : status.error().message;
}

TEST(DynamicConfigTest, RefusalsAreKafkas) {
  EXPECT_EQ(refusal({{"broker.id", "2"}}),
            "Cannot update these configs dynamically: Set(broker.id)");
  EXPECT_EQ(refusal({{"num.partitions", "2"}, {"auto.create.topics.enable", "false"}}),
            "Cannot update these configs dynamically: Set(num.partitions, "
            "auto.create.topics.enable)");
  EXPECT_EQ(refusal({{"log.retention.ms", "x"}}),
            "Invalid value x for configuration log.retention.ms: Not a number of type LONG");
  EXPECT_EQ(refusal({{"listeners", "PLAINTEXT://:9"}}, false),
            "Cannot update these configs at default cluster level, broker id must be specified: "
            "Set(listeners)");
  EXPECT_EQ(refusal({{"ssl.keystore.type", "PEM"}}),
            "These security configs can be dynamically updated only per-listener using the "
            "listener prefix: HashSet(ssl.keystore.type)");
}

TEST(DynamicConfigTest, WhatWouldChangeNothingIsNotTaken) {
  EXPECT_EQ(refusal({{"listeners", "PLAINTEXT://:9"}}),
            "Cannot update these configs dynamically: Set(listeners)");
  EXPECT_EQ(refusal({{"listener.name.plaintext.ssl.keystore.type", "PEM"}}),
            "Cannot update these configs dynamically: "
            "Set(listener.name.plaintext.ssl.keystore.type)");
  EXPECT_EQ(refusal({{"num.io.threads", "4"}}),
            "Cannot update these configs dynamically: Set(num.io.threads)");
}

TEST(DynamicConfigTest, DefaultsOfTopicsAndUnknownKeysAreTaken) {
  EXPECT_EQ(refusal({{"log.retention.ms", "1000"}, {"message.max.bytes", "2000"}}), "");
  EXPECT_EQ(refusal({{"log.segment.bytes", "1048576"}}, false), "");
  EXPECT_EQ(refusal({{"unclean.leader.election.enable", "true"}}, false), "");
  EXPECT_EQ(refusal({{"no.such.key", "1"}}), "");
  EXPECT_FALSE(changes_at_run_time("no.such.key"));
}

TEST(DynamicConfigTest, ABrokersOwnHoldsBeforeThoseOfAllBeforeTheFile) {
  const BrokerConfig file =
      testing::loaded("zookeeper.connect=z:1\nlog.retention.hours=1\nmessage.max.bytes=1000\n");
  DynamicBrokerOverrides dynamic;
  dynamic.cluster_wide = {{"log.retention.ms", "5"}, {"message.max.bytes", "2000"}};
  dynamic.per_broker = {{"message.max.bytes", "3000"}, {"log.segment.bytes", "not a number"}};
  const BrokerConfig now = with_dynamic(file, dynamic);
  EXPECT_EQ(now.effective("message.max.bytes"), "3000");
  EXPECT_EQ(now.effective("log.segment.bytes"), "1073741824");
  const auto topic = resolve_topic_config(now, {});
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->retention_ms, 5);
  EXPECT_EQ(topic->max_message_bytes, 3000);
  EXPECT_EQ(resolve_topic_config(file, {})->max_message_bytes, 1000);
}

TEST(DynamicConfigTest, DescribedWithTheirSources) {
  const BrokerConfig file = testing::loaded("zookeeper.connect=z:1\nmessage.max.bytes=1000\n");
  DynamicBrokerOverrides dynamic;
  dynamic.cluster_wide = {{"message.max.bytes", "2000"}};
  dynamic.per_broker = {{"message.max.bytes", "3000"}};
  const auto all = describe_topic(file, {{"retention.ms", "1"}}, dynamic);
  const auto entry = std::ranges::find(all, "max.message.bytes", &DescribedConfig::name);
  ASSERT_NE(entry, all.end());
  EXPECT_EQ(entry->value, "3000");
  EXPECT_EQ(entry->source, ConfigSourceKind::kDynamicBroker);
  const std::vector<ConfigSynonym> expected{
      {"message.max.bytes", "3000", ConfigSourceKind::kDynamicBroker},
      {"message.max.bytes", "2000", ConfigSourceKind::kDynamicDefaultBroker},
      {"message.max.bytes", "1000", ConfigSourceKind::kStaticBroker},
      {"message.max.bytes", "1048588", ConfigSourceKind::kDefault}};
  EXPECT_EQ(entry->synonyms, expected);
}

}  // namespace
}  // namespace barnabas::config
