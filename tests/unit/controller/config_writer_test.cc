// Changes of configurations through a broker.
#include "cluster_fixture.h"

namespace barnabas::controller {
namespace {

class ConfigWriterTest : public ClusterFixture {
 protected:
  Status edit(Node& node, zk::ConfigType type, const std::string& entity, ConfigEdit edit,
              bool validate_only = false) {
    std::optional<Status> status;
    node.controller->config_admin().edit_config(
        type, entity, std::move(edit), validate_only,
        [&status](Status answer) { status = std::move(answer); });
    time_.run_all();
    EXPECT_TRUE(status) << "no answer";
    return status.value_or(Status{});
  }
  static ConfigEdit setting(const std::string& key, const std::string& value) {
    return [key, value](const zk::ConfigMap& now) -> Result<zk::ConfigMap> {
      zk::ConfigMap next = now;
      next[key] = value;
      return next;
    };
  }
};

TEST_F(ConfigWriterTest, AChangeAndItsNotificationAreOneWrite) {
  Node& node = start(1);
  Node& other = start(2);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  std::vector<std::vector<std::string>> writes;
  tree_.on_write([&writes](const std::vector<zk::WriteOp>& ops) {
    auto& paths = writes.emplace_back();
    for (const auto& op : ops) {
      paths.push_back(zk::path_of(op));
    }
  });
  ASSERT_TRUE(edit(other, zk::ConfigType::kTopic, "t", setting("retention.ms", "5")));
  ASSERT_EQ(writes.size(), 1U);
  EXPECT_EQ(writes[0], (std::vector<std::string>{"/brokers/topics/t", "/config/topics/t",
                                                 "/config/changes/config_change_"}));
  EXPECT_EQ(tree_.data("/config/topics/t"), R"({"version":1,"config":{"retention.ms":"5"}})");
  EXPECT_EQ(tree_.data("/config/changes/config_change_0000000000"),
            R"({"version":2,"entity_path":"topics/t"})");
  const zk::ConfigMap expected{{"retention.ms", "5"}};
  EXPECT_EQ(node.configs.told["topics/t"], expected) << "the other broker learns of it";
  EXPECT_EQ(other.configs.told["topics/t"], expected);
}

TEST_F(ConfigWriterTest, TheOneWhoAskedIsAnsweredWhenThisBrokerKnows) {
  Node& node = start(1);
  bool answered = false;
  node.controller->config_admin().edit_config(
      zk::ConfigType::kBroker, "1", setting("log.retention.ms", "7"), false, [&](Status status) {
        answered = true;
        EXPECT_TRUE(status);
        EXPECT_EQ(node.configs.told["brokers/1"], (zk::ConfigMap{{"log.retention.ms", "7"}}));
      });
  time_.run_all();
  EXPECT_TRUE(answered);
}

TEST_F(ConfigWriterTest, OfAllBrokers) {
  Node& node = start(1);
  ASSERT_TRUE(edit(node, zk::ConfigType::kBroker, "<default>", setting("a", "1")));
  ASSERT_TRUE(edit(node, zk::ConfigType::kBroker, "<default>", setting("b", "2")));
  EXPECT_EQ(tree_.data("/config/brokers/<default>"), R"({"version":1,"config":{"a":"1","b":"2"}})");
  EXPECT_EQ(tree_.data("/config/changes/config_change_0000000001"),
            R"({"version":2,"entity_path":"brokers/<default>"})");
}

TEST_F(ConfigWriterTest, WhatIsRefusedOrOnlyValidatedWritesNothing) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  int writes = 0;
  tree_.on_write([&writes](const std::vector<zk::WriteOp>&) { ++writes; });
  const auto refused =
      edit(node, zk::ConfigType::kTopic, "t", [](const zk::ConfigMap&) -> Result<zk::ConfigMap> {
        return fail(ErrorCode::kInvalidConfig, "no");
      });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "no");
  EXPECT_TRUE(edit(node, zk::ConfigType::kTopic, "t", setting("a", "1"), true));
  EXPECT_EQ(writes, 0);
}

TEST_F(ConfigWriterTest, ATopicThatHasGoneGetsNoConfiguration) {
  Node& node = start(1);
  const auto refused = edit(node, zk::ConfigType::kTopic, "nosuch", setting("a", "1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(refused.error().message, "The topic 'nosuch' does not exist.");
  EXPECT_FALSE(tree_.exists("/config/topics/nosuch"));
}

TEST_F(ConfigWriterTest, SomebodyElsesChangeInBetweenIsKept) {
  Node& node = start(1);
  ASSERT_EQ(create_one(node, topic("t")).error, ErrorCode::kNone);
  bool first = true;
  const auto done = edit(
      node, zk::ConfigType::kTopic, "t", [&](const zk::ConfigMap& now) -> Result<zk::ConfigMap> {
        if (std::exchange(first, false)) {
          EXPECT_TRUE(
              tree_.write({zk::SetOp{"/config/topics/t", zk::encode_config({{"theirs", "1"}})}}));
        }
        zk::ConfigMap next = now;
        next["ours"] = "2";
        return next;
      });
  ASSERT_TRUE(done);
  EXPECT_EQ(tree_.data("/config/topics/t"), R"({"version":1,"config":{"theirs":"1","ours":"2"}})");
}

TEST_F(ConfigWriterTest, AfterTheStopNobodyWaitsForEver) {
  Node& node = start(1);
  std::optional<Status> status;
  node.home.post([&node] { node.controller->stop(); });
  time_.run_all();
  node.controller->config_admin().edit_config(zk::ConfigType::kBroker, "1", setting("a", "1"),
                                              false, [&status](Status answer) { status = answer; });
  time_.run_all();
  ASSERT_TRUE(status);
  EXPECT_FALSE(*status);
}

}  // namespace
}  // namespace barnabas::controller
