#include "barnabas/zk/znodes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kafka_znodes.h"

namespace barnabas::zk {
namespace {

std::string kafka(std::string_view key) {
  const auto* const found =
      std::ranges::find(kKafkaZnodes, key, &std::pair<std::string_view, std::string_view>::first);
  EXPECT_NE(found, kKafkaZnodes.end()) << key;
  return std::string(found->second);
}

TEST(Znodes, TopicsAreKafkasToTheByteWhateverTheirSize) {
  for (const int n : {1, 3, 11, 12, 13, 24, 25, 100}) {
    TopicZNode topic;
    topic.topic_id = Uuid{1, 2};
    for (int i = 0; i < n; ++i) {
      topic.partitions[PartitionId{i}].replicas = {BrokerId{1}};
    }
    EXPECT_EQ(encode(topic), kafka(fmt::format("topic {}", n)));
    const auto back = decode_topic("t", encode(topic));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->topic_id, topic.topic_id);
    EXPECT_EQ(back->partitions, topic.partitions);
  }
}

TEST(Znodes, ReassignmentsAreKafkasToTheByte) {
  TopicZNode topic;
  topic.partitions[PartitionId{0}] = {{BrokerId{2}, BrokerId{1}}, {BrokerId{2}}, {BrokerId{1}}};
  topic.partitions[PartitionId{1}] = {{BrokerId{2}, BrokerId{1}}, {}, {BrokerId{1}}};
  EXPECT_EQ(encode(topic), kafka("reassign"));
  const auto back = decode_topic("t", encode(topic));
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->topic_id);
  EXPECT_EQ(back->partitions, topic.partitions);
}

TEST(Znodes, PartitionStatesAreKafkasToTheByte) {
  PartitionStateZNode state{
      BrokerId{1}, LeaderEpoch{2}, ControllerEpoch{9}, {BrokerId{1}, BrokerId{2}}, false};
  for (const bool recovering : {false, true}) {
    state.recovering = recovering;
    EXPECT_EQ(encode(state), kafka(recovering ? "state 2" : "state 1"));
    EXPECT_EQ(decode_partition_state({"t", PartitionId{0}}, encode(state)).value(), state);
  }
}

TEST(Znodes, BrokersAreKafkasToTheByte) {
  const std::vector<std::string> names{"PLAINTEXT",   "EXTERNAL", "INTERNAL",     "SASL",
                                       "REPLICATION", "CLIENTS",  "CONTROL_PLANE"};
  for (int n = 1; n <= 7; ++n) {
    for (const bool rack : {false, true}) {
      BrokerZNode node;
      for (int i = 0; i < n; ++i) {
        node.endpoints.push_back({names[static_cast<std::size_t>(i)],
                                  i == 0 && n > 1 ? "SSL" : "PLAINTEXT", fmt::format("h{}", i),
                                  9092 + i});
      }
      node.timestamp_ms = 5;
      if (rack) {
        node.rack = "r\"1";
      }
      std::string ours = encode(node);
      // The recording always names h0:9092, where the first endpoint was not plaintext too.
      if (n > 1) {
        const std::string first_plain = R"("port":9093,"host":"h1")";
        const std::size_t at = ours.find(first_plain);
        ASSERT_NE(at, std::string::npos) << ours;
        ours.replace(at, first_plain.size(), R"("port":9092,"host":"h0")");
      }
      EXPECT_EQ(ours, kafka(fmt::format("broker {}{}", n, rack ? " rack" : "")));
      const auto back = decode_broker(BrokerId{1}, encode(node));
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(back->endpoints, node.endpoints);
      EXPECT_EQ(back->rack, node.rack);
    }
  }
}

TEST(Znodes, ABrokerWithoutAPlaintextEndpointHasNoOldAddress) {
  BrokerZNode node;
  node.endpoints.push_back({"TLS", "SSL", "::1", 9093});
  const std::string text = encode(node);
  EXPECT_NE(text.find(R"("port":-1,"host":null)"), std::string::npos);
  EXPECT_NE(text.find(R"("endpoints":["TLS://[::1]:9093"])"), std::string::npos);
  EXPECT_EQ(decode_broker(BrokerId{1}, text)->endpoints, node.endpoints);
}

TEST(Znodes, OldBrokerVersionsAreRead) {
  const auto one = decode_broker(
      BrokerId{3},
      R"({"version":1,"host":"a","port":9092,"jmx_port":9999,"timestamp":"2233345666"})");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->endpoints.at(0), (BrokerEndPoint{"PLAINTEXT", "PLAINTEXT", "a", 9092}));
  const auto two = decode_broker(
      BrokerId{3},
      R"({"version":2,"host":"a","port":9092,"jmx_port":-1,"timestamp":"1","endpoints":["SSL://b:9093"]})");
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(two->endpoints.at(0), (BrokerEndPoint{"SSL", "SSL", "b", 9093}));
}

TEST(Znodes, ConfigsAreKafkasToTheByte) {
  const std::vector<std::string> keys{"cleanup.policy",
                                      "retention.ms",
                                      "retention.bytes",
                                      "segment.bytes",
                                      "segment.ms",
                                      "max.message.bytes",
                                      "min.insync.replicas",
                                      "unclean.leader.election.enable",
                                      "compression.type",
                                      "index.interval.bytes",
                                      "flush.ms",
                                      "flush.messages",
                                      "preallocate"};
  for (const std::size_t n : {0, 1, 2, 5, 11, 12, 13}) {
    ConfigMap config;
    for (std::size_t i = 0; i < n; ++i) {
      config[keys[i]] = fmt::format("v\u00e9/\\\t\u0001\u2028<{}", i);
    }
    EXPECT_EQ(encode_config(config), kafka(fmt::format("config {}", n)));
    EXPECT_EQ(decode_config("/config/topics/t", encode_config(config)).value(), config);
  }
  EXPECT_TRUE(decode_config("/config/topics/t", std::nullopt)->empty());
  EXPECT_TRUE(decode_config("/config/topics/t", "{}")->empty());
  EXPECT_FALSE(decode_config("/config/topics/t", "{"));
}

TEST(Znodes, SmallOnesAreKafkasToTheByte) {
  EXPECT_EQ(encode_feature_enabled(), kafka("feature"));
  EXPECT_EQ(encode(ProducerIdBlock{BrokerId{2}, ProducerId{1000}, ProducerId{1999}}),
            kafka("block"));
  EXPECT_EQ(encode(ControllerZNode{BrokerId{2}, 77, -1}), kafka("controller"));
  EXPECT_EQ(encode_cluster_id("abc"), kafka("cluster"));
  EXPECT_EQ(encode_config_change(ConfigType::kTopic, "T"), kafka("change"));
  EXPECT_EQ(decode_controller(kafka("controller"))->broker, BrokerId{2});
  EXPECT_EQ(decode_cluster_id(kafka("cluster")).value(), "abc");
  EXPECT_EQ(decode_producer_id_block(kafka("block"))->last, ProducerId{1999});
  EXPECT_EQ(decode_controller_epoch("12").value(), ControllerEpoch{12});
}

TEST(Znodes, NotificationsOfBothVersionsAreRead) {
  const auto two = decode_config_change("/config/changes/x",
                                        R"({"version":2,"entity_path":"users/u/clients/c"})");
  ASSERT_TRUE(two);
  EXPECT_EQ(two->type, "users");
  EXPECT_EQ(two->entity, "u/clients/c");
  const auto one = decode_config_change(
      "/config/changes/x", R"({"version":1,"entity_type":"topics","entity_name":"t"})");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->type, "topics");
  EXPECT_EQ(one->entity, "t");
  for (const char* bad : {R"({"version":3,"entity_path":"topics/t"})", R"({"entity_path":"t"})",
                          R"({"version":2,"entity_path":"/t"})", "[]", ""}) {
    EXPECT_FALSE(decode_config_change("/config/changes/x", bad)) << bad;
  }
}

TEST(Znodes, BrokenContentNamesThePath) {
  const auto broken = decode_topic("t", R"({"partitions":{"0":["a"]}})");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("/brokers/topics/t"), std::string::npos);
  for (const char* bad :
       {"", "{", "[]", "{}", R"({"partitions":[]})", R"({"partitions":{"x":[1]}})",
        R"({"partitions":{"0":1}})", R"({"partitions":{"0":[99999999999]}})",
        R"({"partitions":{},"topic_id":"short"})", R"({"partitions":{},"topic_id":7})"}) {
    EXPECT_FALSE(decode_topic("t", bad)) << bad;
  }
}

TEST(Znodes, StartUpPathsComeInKafkasOrder) {
  const std::vector<std::string> expected{"/consumers",
                                          "/brokers/ids",
                                          "/brokers/topics",
                                          "/config/changes",
                                          "/admin/delete_topics",
                                          "/brokers/seqid",
                                          "/isr_change_notification",
                                          "/latest_producer_id_block",
                                          "/log_dir_event_notification",
                                          "/config/topics",
                                          "/config/clients",
                                          "/config/users",
                                          "/config/brokers",
                                          "/config/ips"};
  EXPECT_EQ(start_up_paths(), expected);
}

}  // namespace
}  // namespace barnabas::zk
