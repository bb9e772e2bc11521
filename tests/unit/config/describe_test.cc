// What DescribeConfigs shows, against what Kafka's own ConfigHelper showed for the same settings.
#include "barnabas/config/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "recorded.h"

namespace barnabas::config {
namespace {

using testing::loaded;

// As the recording prints an entry: name value source readOnly type synonyms.
testing::Fields printed(const DescribedConfig& entry) {
  std::string synonyms;
  for (const auto& synonym : entry.synonyms) {
    synonyms += (synonyms.empty() ? "" : "|") + std::to_string(static_cast<int>(synonym.source)) +
                ":" + synonym.name + "=" + synonym.value.value_or("null");
  }
  return {entry.name,
          entry.sensitive ? "<hidden>" : entry.value.value_or("<null>"),
          std::to_string(static_cast<int>(entry.source)),
          entry.read_only ? "true" : "false",
          std::to_string(static_cast<int>(entry.type)),
          synonyms};
}

struct Case {
  std::vector<std::string> broker = {"zookeeper.connect=localhost:2181"};
  TopicOverrides topic;
  std::vector<testing::Fields> topic_entries;
  std::vector<testing::Fields> broker_entries;
};

std::map<std::string, Case> cases() {
  std::map<std::string, Case> all;
  for (const auto& fields : testing::recorded("describe")) {
    Case& one = all[fields[0]];
    for (const auto& [key, value] : testing::pairs(fields[2])) {
      if (fields[1] == "broker") {
        one.broker.push_back(key + "=" + value);
      } else {
        one.topic[key] = value;
      }
    }
  }
  for (auto fields : testing::recorded("entry")) {
    Case& one = all[fields[0]];
    auto& entries = fields[1] == "topic" ? one.topic_entries : one.broker_entries;
    fields.erase(fields.begin(), fields.begin() + 2);
    entries.push_back(std::move(fields));
  }
  return all;
}

std::optional<std::string> as_kafka(const DescribedConfig& entry,
                                    const std::optional<std::string>& value) {
  return value ? std::optional(testing::kafkas_default(entry.name, *value)) : std::nullopt;
}

// What Kafka does not have.
bool left_out(const DescribedConfig& entry) {
  return entry.name.starts_with("x.");
}

TEST(Describe, ATopicIsDescribedAsKafkaDescribesIt) {
  for (const auto& [number, one] : cases()) {
    const auto ours = describe_topic(loaded("", one.broker), one.topic);
    ASSERT_EQ(ours.size(), one.topic_entries.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_EQ(printed(ours[i]), one.topic_entries[i]) << "case " << number;
    }
  }
}

TEST(Describe, ABrokerIsDescribedAsKafkaDescribesIt) {
  std::size_t compared = 0;
  for (const auto& [number, one] : cases()) {
    auto ours = describe_broker(loaded("", one.broker));
    std::erase_if(ours, left_out);
    for (const auto& expected : one.broker_entries) {
      const auto found = std::ranges::find(ours, expected.front(), &DescribedConfig::name);
      ASSERT_NE(found, ours.end()) << expected.front();
      found->value = as_kafka(*found, found->value);
      for (auto& synonym : found->synonyms) {
        synonym.value = as_kafka(*found, synonym.value);
      }
      EXPECT_EQ(printed(*found), expected) << "case " << number;
      ++compared;
    }
    // The first case was recorded whole.
    if (number == "0") {
      EXPECT_EQ(ours.size(), one.broker_entries.size());
    }
  }
  EXPECT_GT(compared, 330U);
}

TEST(Describe, SecretsAndUnknownKeysAreHiddenEverywhere) {
  const auto all = describe_broker(loaded("ssl.key.password=secret\nunknown.key=secret\n"));
  for (const auto& entry : all) {
    EXPECT_NE(entry.value.value_or(""), "secret") << entry.name;
    for (const auto& synonym : entry.synonyms) {
      EXPECT_NE(synonym.value.value_or(""), "secret") << entry.name;
    }
  }
  const auto found = std::ranges::find(all, "unknown.key", &DescribedConfig::name);
  ASSERT_NE(found, all.end());
  EXPECT_TRUE(found->sensitive);
  EXPECT_EQ(found->type, KeyType::kUnknown);
}

TEST(Describe, DynamicSettingsGoBeforeTheFile) {
  const auto broker = loaded("log.retention.ms=1\n");
  const DynamicBrokerOverrides dynamic{.per_broker = {{"log.retention.ms", "3"}},
                                       .cluster_wide = {{"log.retention.ms", "2"}}};
  const auto all = describe_broker(broker, dynamic);
  const auto found = std::ranges::find(all, "log.retention.ms", &DescribedConfig::name);
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->value, "3");
  EXPECT_EQ(found->source, ConfigSourceKind::kDynamicBroker);
  ASSERT_EQ(found->synonyms.size(), 4U);
  EXPECT_EQ(found->synonyms[1].source, ConfigSourceKind::kDynamicDefaultBroker);
  EXPECT_EQ(found->synonyms[2].source, ConfigSourceKind::kStaticBroker);
  const auto defaults = describe_cluster_defaults(broker, dynamic);
  ASSERT_EQ(defaults.size(), 1U);
  EXPECT_EQ(defaults.front().value, "2");
  EXPECT_EQ(defaults.front().synonyms.size(), 1U);
}

TEST(Describe, EveryEntryIsDocumented) {
  for (const auto& entry : describe_broker(loaded(""))) {
    EXPECT_FALSE(entry.documentation.empty()) << entry.name;
  }
  for (const auto& entry : describe_topic(loaded(""), {})) {
    EXPECT_FALSE(entry.documentation.empty()) << entry.name;
  }
}

}  // namespace
}  // namespace barnabas::config
