// The table of keys against Kafka's own, key by key and value by value.
#include "barnabas/config/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "recorded.h"

namespace barnabas::config {
namespace {

using ::testing::HasSubstr;

std::string type_text(KeyType type) {
  constexpr std::string_view kNames[] = {"",     "BOOLEAN", "STRING", "INT",   "SHORT",
                                         "LONG", "DOUBLE",  "LIST",   "CLASS", "PASSWORD"};
  return std::string(kNames[static_cast<std::size_t>(type)]);
}

std::string mode_text(DynamicMode mode) {
  switch (mode) {
    case DynamicMode::kReadOnly:
      return "read-only";
    case DynamicMode::kPerBroker:
      return "per-broker";
    case DynamicMode::kClusterWide:
      return "cluster-wide";
  }
  return "";
}

std::string bound(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) {
    text.pop_back();
  }
  return text;
}

std::string spaced(std::string_view list) {
  std::string text;
  for (const auto& item : testing::split(list, ',')) {
    text += (text.empty() ? "" : ", ") + item;
  }
  return text;
}

// Our check in the words of the recording. Two validators of Kafka's say nothing that the type does
// not say already, or belong to KRaft.
std::string check_text(const KeySpec& spec) {
  switch (spec.check) {
    case Check::kNone:
      return "none";
    case Check::kRange: {
      const auto& [low, high] = spec.range;
      return "Range [" + (std::isfinite(low) ? bound(low) + "," : std::string()) + "..." +
             (std::isfinite(high) ? "," + bound(high) : std::string()) + "]";
    }
    case Check::kOneOf:
      return "ValidString [" + spaced(spec.allowed) + "]";
    case Check::kOneOfIgnoringCase:
      return "CaseInsensitiveValidString (case insensitive) [" + spaced(spec.allowed) + "]";
    case Check::kListOf:
      return "ValidList [" + spaced(spec.allowed) + "]";
    case Check::kGzipLevel:
      return " [1,...,9] or -1";
    case Check::kThrottledReplicas:
      return "ThrottledReplicaListValidator "
             "[partitionId]:[brokerId],[partitionId]:[brokerId],...";
    case Check::kMetadataVersion:
      return "MetadataVersionValidator";
    case Check::kNonEmpty:
      return "NonEmptyString non-empty string";
    case Check::kMinusOneOrPositive:
      return "LambdaValidator";
  }
  return "";
}

bool same_check(const KeySpec& spec, const std::string& kafkas) {
  if (kafkas.starts_with("NonNullValidator") || kafkas.starts_with("ControllerQuorum")) {
    return spec.check == Check::kNone;
  }
  const std::string ours = check_text(spec);
  if (spec.check == Check::kMetadataVersion || spec.check == Check::kMinusOneOrPositive) {
    return kafkas.starts_with(ours);
  }
  return ours == kafkas;
}

// fields: kind name type default mode check visibility
void expect_same(const KeySpec& spec, const testing::Fields& fields) {
  EXPECT_EQ(type_text(spec.type), fields[2]) << spec.name;
  EXPECT_EQ(testing::kafkas_default(spec.name, spec.default_value.value_or("<null>")), fields[3])
      << spec.name;
  EXPECT_TRUE(same_check(spec, fields[5]))
      << spec.name << ": " << check_text(spec) << " against " << fields[5];
  EXPECT_EQ(spec.internal ? "internal" : "public", fields[6]) << spec.name;
}

TEST(KeyTable, HoldsExactlyKafkasBrokerKeys) {
  std::set<std::string, std::less<>> known;
  for (const auto& fields : testing::recorded("key")) {
    if (fields[0] == "broker") {
      known.insert(fields[1]);
      const KeySpec* spec = find_broker_key(fields[1]);
      ASSERT_NE(spec, nullptr) << fields[1];
      expect_same(*spec, fields);
      EXPECT_EQ(mode_text(spec->mode), fields[4]) << spec->name;
    }
  }
  EXPECT_EQ(known.size(), 328U);
  EXPECT_EQ(broker_keys().size(), known.size());
}

TEST(KeyTable, HoldsExactlyKafkasTopicKeysInKafkasOrder) {
  std::size_t place = 0;
  for (const auto& fields : testing::recorded("key")) {
    if (fields[0] == "topic") {
      ASSERT_LT(place, topic_keys().size());
      const TopicKeySpec& spec = topic_keys()[place++];
      EXPECT_EQ(spec.name, fields[1]);
      expect_same(spec, fields);
      EXPECT_EQ(spec.broker_key.empty() ? "none" : spec.broker_key, fields[4]) << spec.name;
    }
  }
  EXPECT_EQ(place, 36U);
  EXPECT_EQ(topic_keys().size(), place);
}

TEST(KeyTable, ModesAddUpAsKafkaSays) {
  std::map<DynamicMode, int> count;
  for (const auto& spec : broker_keys()) {
    ++count[spec.mode];
  }
  EXPECT_EQ(count[DynamicMode::kReadOnly], 239);
  EXPECT_EQ(count[DynamicMode::kPerBroker], 37);
  EXPECT_EQ(count[DynamicMode::kClusterWide], 52);
}

TEST(KeyTable, EveryKeyIsDocumentedAndEveryRefusalHasAReason) {
  for (const auto table : {broker_keys(), own_keys()}) {
    for (const auto& spec : table) {
      EXPECT_FALSE(spec.doc.empty()) << spec.name;
      EXPECT_TRUE(spec.doc.ends_with('.')) << spec.name;
      EXPECT_EQ(spec.handling == Handling::kRefused, !spec.refusal.empty()) << spec.name;
    }
  }
  for (const auto& spec : topic_keys()) {
    EXPECT_TRUE(spec.doc.ends_with('.')) << spec.name;
  }
}

TEST(KeyTable, DefaultsPassTheirOwnChecks) {
  for (const auto table : {broker_keys(), own_keys()}) {
    for (const auto& spec : table) {
      if (spec.default_value) {
        EXPECT_EQ(check_value(spec, *spec.default_value), *spec.default_value) << spec.name;
      }
    }
  }
}

// fields: kind name raw ok|error text
TEST(Values, AreReadAndRefusedAsKafkaDoes) {
  int refused = 0;
  for (const auto& fields : testing::recorded("value")) {
    const KeySpec* spec =
        fields[0] == "broker" ? find_broker_key(fields[1]) : find_topic_key(fields[1]);
    ASSERT_NE(spec, nullptr);
    const auto ours = check_value(*spec, fields[2]);
    if (fields[3] == "ok") {
      ASSERT_TRUE(ours) << fields[1] << "=" << fields[2] << ": " << ours.error().message;
      EXPECT_EQ(*ours, fields[4]) << fields[1] << "=" << fields[2];
    } else {
      ++refused;
      ASSERT_FALSE(ours) << fields[1] << "=" << fields[2] << ": " << fields[4];
      EXPECT_EQ(ours.error().message, fields[4]);
      EXPECT_EQ(ours.error().code, ErrorCode::kInvalidConfig);
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(Values, WhatIsAllowedIsSaidInWords) {
  EXPECT_EQ(describe_allowed(*find_broker_key("num.partitions")), "an integer of at least 1");
  EXPECT_EQ(describe_allowed(*find_broker_key("log.cleanup.policy")),
            "a comma separated list of compact, delete");
  EXPECT_EQ(describe_allowed(*find_broker_key("broker.id")),
            "an integer from -2147483648 to 2147483647");
  EXPECT_EQ(describe_allowed(*find_broker_key("delete.topic.enable")), "true or false");
  EXPECT_EQ(describe_allowed(*find_broker_key("log.cleaner.min.cleanable.ratio")),
            "a number from 0 to 1");
}

TEST(NearestKey, IsFoundWithinTwoEdits) {
  EXPECT_EQ(nearest_broker_key("num.partition"), "num.partitions");
  EXPECT_EQ(nearest_broker_key("log.retention.hour"), "log.retention.hours");
  EXPECT_EQ(nearest_broker_key("listner"), "listeners");
  EXPECT_EQ(nearest_broker_key("brokerid"), "broker.id");
  EXPECT_EQ(nearest_broker_key("nothing.like.it"), std::nullopt);
  EXPECT_EQ(nearest_broker_key(""), std::nullopt);
}

}  // namespace
}  // namespace barnabas::config
