#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "barnabas/config/broker_config.h"
#include "recorded.h"

namespace barnabas::config {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::loaded;
using testing::refusals;
using ::testing::StartsWith;

std::vector<std::string> warnings(const BrokerConfig& config) {
  std::vector<std::string> lines;
  for (const auto& problem : config.warnings()) {
    lines.push_back(problem.to_string());
  }
  return lines;
}

TEST(Load, NothingGivenIsTheEmbeddedModeWithKafkasDefaults) {
  const auto config = loaded("");
  EXPECT_TRUE(config.metadata.embedded);
  EXPECT_EQ(config.identity.broker_id, kNoBroker);
  EXPECT_THAT(config.log_dirs.dirs, ElementsAre("/tmp/kafka-logs"));
  ASSERT_EQ(config.listeners.listeners.size(), 1U);
  EXPECT_EQ(config.listeners.listeners.front().port, 9092);
  EXPECT_EQ(config.listeners.advertised, config.listeners.listeners);
  EXPECT_EQ(config.listeners.inter_broker_listener_name, "PLAINTEXT");
  EXPECT_EQ(config.sockets.listen_backlog, 1024);
  EXPECT_TRUE(config.topics.auto_create_topics);
  EXPECT_THAT(config.warnings(), IsEmpty());
  EXPECT_THAT(config.given(), IsEmpty());
}

TEST(Load, EveryRefusalOfKafkasIsARefusalWithItsText) {
  for (const auto& fields : testing::recorded("load")) {
    std::string text;
    for (const auto& [key, value] : testing::pairs(fields[1])) {
      text += key + "=" + value + "\n";
    }
    // A text that we say more after, and one end of a sentence that differs, are cut at the dot.
    const std::string kafkas = fields[2].substr(0, fields[2].find(" and not greater than"));
    EXPECT_THAT(refusals(text), Contains(HasSubstr(kafkas))) << text;
  }
}

TEST(Load, AllErrorsAreNamedAtOnceWithFileAndLine) {
  const auto lines = refusals(
      "# comment\nnum.partitions=three\nbroker.id=7\nlog.segment.bytes=1\nlisteners=:9092\n",
      {"num.io.threads=0", "nonsense"});
  EXPECT_THAT(lines, Contains("f.properties:2: Invalid value three for configuration "
                              "num.partitions: Not a number of type INT (allowed: an integer of at "
                              "least 1)"));
  EXPECT_THAT(lines, Contains(StartsWith("f.properties:4: Invalid value 1 for configuration "
                                         "log.segment.bytes: Value must be at least 14")));
  EXPECT_THAT(lines, Contains(StartsWith("f.properties:5: Error creating broker listeners")));
  EXPECT_THAT(lines, Contains(StartsWith("--override: Invalid value 0 for configuration "
                                         "num.io.threads")));
  EXPECT_THAT(lines, Contains("--override: 'nonsense' is not of the form key=value"));
  EXPECT_EQ(lines.size(), 5U);
}

TEST(Load, AnOverrideReplacesTheFile) {
  const auto config = loaded("broker.id=1\nlisteners=PLAINTEXT://:9092\n",
                             {"listeners=PLAINTEXT://:0", " broker.id = 5"});
  EXPECT_EQ(config.identity.broker_id, BrokerId{5});
  EXPECT_EQ(config.listeners.listeners.front().port, 0);
}

TEST(Load, NodeIdAndBrokerIdStandForEachOther) {
  EXPECT_EQ(loaded("node.id=4").identity.broker_id, BrokerId{4});
  EXPECT_EQ(loaded("node.id=4").given().at("broker.id"), "4");
  EXPECT_EQ(loaded("broker.id=4").get_int("node.id"), 4);
}

TEST(Load, AnUnknownKeyIsWarnedOfWithItsNearestName) {
  const auto config = loaded("a=1\nnum.partition=3\n");
  EXPECT_THAT(warnings(config),
              ElementsAre("f.properties:1: unknown key a",
                          "f.properties:2: unknown key num.partition - did you mean "
                          "num.partitions?"));
}

TEST(Load, StrictModeRefusesAnUnknownKey) {
  EXPECT_THAT(refusals("x.config.strict=true\nnum.partition=3\n"),
              ElementsAre(HasSubstr("did you mean num.partitions?")));
}

TEST(Load, KeysOfOtherPartsOfKafkaAreNotUnknown) {
  EXPECT_THAT(loaded("super.users=User:a\nallow.everyone.if.no.acl.found=true\n").warnings(),
              IsEmpty());
}

TEST(Load, OldNamesNameTheirSuccessor) {
  EXPECT_THAT(refusals("port=9093\nhost.name=a\nadvertised.host.name=b\nadvertised.port=5\n"),
              ElementsAre(HasSubstr("use listeners=PLAINTEXT://:9093"),
                          HasSubstr("use listeners=PLAINTEXT://a:9092"),
                          HasSubstr("use advertised.listeners=PLAINTEXT://b:9092"),
                          HasSubstr("use advertised.listeners=PLAINTEXT://<host>:5")));
}

TEST(Load, KraftKeysAreRefusedWithAReason) {
  EXPECT_THAT(refusals("process.roles=broker,controller\n"),
              ElementsAre("f.properties:1: KRaft key process.roles: this server uses ZooKeeper or "
                          "its embedded store; remove the line"));
}

TEST(Load, WhatCannotBeKeptIsRefused) {
  EXPECT_THAT(refusals("authorizer.class.name=kafka.security.authorizer.AclAuthorizer\n"),
              ElementsAre(HasSubstr("ACLs are not enforced")));
  EXPECT_THAT(loaded("authorizer.class.name=\n").warnings(), IsEmpty());
  EXPECT_THAT(refusals("create.topic.policy.class.name=a.B\n"),
              ElementsAre(HasSubstr("runs none; remove the line")));
  EXPECT_THAT(refusals("zookeeper.metadata.migration.enable=true\n"),
              ElementsAre(HasSubstr("migration to KRaft")));
  EXPECT_THAT(refusals("listeners=PLAINTEXT://:1,SSL://:2\n"),
              ElementsAre(HasSubstr("listener SSL asks for SSL")));
  EXPECT_THAT(refusals("config.providers=file\n"), ElementsAre(HasSubstr("not run here")));
}

TEST(Load, ZooKeeperAbsentEmptyOrGiven) {
  EXPECT_THAT(refusals("zookeeper.connect=\n"),
              ElementsAre(AllOf(StartsWith("f.properties:1: zookeeper.connect is empty"),
                                HasSubstr("remove the line"))));
  EXPECT_THAT(refusals("zookeeper.connect=/kafka\n"), ElementsAre(HasSubstr("is empty")));
  const auto config = loaded("zookeeper.connect=a:2181,b:2181/kafka\n");
  EXPECT_FALSE(config.metadata.embedded);
  EXPECT_EQ(config.metadata.zookeeper_connect, "a:2181,b:2181/kafka");
  EXPECT_EQ(config.metadata.connection_timeout_ms, 18000);
}

TEST(Load, TheInterBrokerVersionIsBounded) {
  EXPECT_THAT(refusals("inter.broker.protocol.version=2.8\n"),
              ElementsAre(HasSubstr("3.0 to 3.9")));
  EXPECT_THAT(refusals("inter.broker.protocol.version=4.0-IV0\n"),
              ElementsAre(HasSubstr("3.0 to 3.9")));
  EXPECT_EQ(
      loaded("inter.broker.protocol.version=3.0\n").get_string("inter.broker.protocol.version"),
      "3.0");
}

TEST(Load, TimesOfConsumerGroupsAreWithinTheirBounds) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"group.consumer.heartbeat.interval.ms=100",
       "group.consumer.heartbeat.interval.ms must be greater than or equals to "
       "group.consumer.min.heartbeat.interval.ms"},
      {"group.consumer.heartbeat.interval.ms=60000",
       "group.consumer.heartbeat.interval.ms must be less than or equals to "
       "group.consumer.max.heartbeat.interval.ms"},
      {"group.consumer.session.timeout.ms=44999",
       "group.consumer.session.timeout.ms must be greater than or equals to "
       "group.consumer.min.session.timeout.ms"},
      {"group.consumer.max.session.timeout.ms=44999",
       "group.consumer.max.session.timeout.ms must be greater than or equals to "
       "group.consumer.min.session.timeout.ms"},
      {"group.coordinator.rebalance.protocols=consumer",
       "Disabling the 'classic' protocol is not supported."},
  };
  for (const auto& [line, refusal] : rows) {
    EXPECT_THAT(refusals(line + "\n"), Contains(HasSubstr(refusal))) << line;
  }
  EXPECT_TRUE(testing::load("group.consumer.min.heartbeat.interval.ms=100\n"
                            "group.consumer.heartbeat.interval.ms=100\n")
                  .has_value());
}

TEST(Load, AWildcardListenerSaysHowToListenEverywhere) {
  EXPECT_THAT(refusals("listeners=PLAINTEXT://0.0.0.0:9092\n"),
              ElementsAre(HasSubstr("leave the host out")));
}

TEST(Load, LogDirsAreSplitAndMustDiffer) {
  EXPECT_THAT(loaded("log.dirs=/a, /b ,/c\n").log_dirs.dirs, ElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(loaded("log.dir=/d\n").log_dirs.dirs, ElementsAre("/d"));
  EXPECT_THAT(refusals("log.dirs=/a,/b,/a\n"),
              ElementsAre(HasSubstr("Duplicate log directory found: /a")));
}

TEST(Load, AListenersOwnKeyIsCheckedAsTheKeyItStandsFor) {
  EXPECT_THAT(refusals("listener.name.internal.ssl.client.auth=x\n"),
              ElementsAre(HasSubstr("configuration listener.name.internal.ssl.client.auth: String "
                                    "must be one of: required, requested, none")));
  EXPECT_THAT(loaded("listener.name.a.scram-sha-256.sasl.jaas.config=x\n").warnings(), IsEmpty());
  EXPECT_THAT(loaded("listener.name.a.nothing=x\n").warnings(), ::testing::SizeIs(1));
}

TEST(Load, BoundsOfConnectionsByAddressAndByListener) {
  const auto config = loaded(
      "listeners=PLAINTEXT://:9092,INTERNAL://:9093\n"
      "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT\n"
      "max.connections=100\nmax.connection.creation.rate=7\nquota.window.num=3\n"
      "listener.name.internal.max.connections=20\n"
      "max.connections.per.ip.overrides=127.0.0.1:5, ::1:6,host.example:0\n");
  EXPECT_EQ(config.sockets.by_listener.at("INTERNAL").max_connections, 20);
  EXPECT_EQ(config.sockets.by_listener.at("INTERNAL").max_connection_creation_rate, 7);
  EXPECT_EQ(config.sockets.by_listener.at("PLAINTEXT").max_connections, 100);
  EXPECT_EQ(config.sockets.connection_rate_window_ms, 3000);
  const std::map<std::string, std::int32_t> overrides{
      {"127.0.0.1", 5}, {"::1", 6}, {"host.example", 0}};
  EXPECT_EQ(config.sockets.max_connections_per_ip_overrides, overrides);
  EXPECT_THAT(refusals("max.connections.per.ip.overrides=127.0.0.1\n"),
              ElementsAre(HasSubstr("127.0.0.1 is not host:count")));
  EXPECT_THAT(refusals("listener.name.plaintext.max.connections=-1\n"),
              ElementsAre(HasSubstr("listener.name.plaintext.max.connections")));
}

TEST(Load, ALineThatDoesNotCountIsWarnedOf) {
  const auto config = loaded("num.partitions=1\nnum.partitions=2\n");
  EXPECT_EQ(config.topics.num_partitions, 2);
  EXPECT_THAT(warnings(config), ElementsAre("f.properties:1: num.partitions is given again in line "
                                            "2; this line does not count"));
}

TEST(Load, KeysWithoutEffectAreKnown) {
  EXPECT_THAT(loaded("num.io.threads=4\nnum.partitions=2\n").without_effect(),
              ElementsAre("num.io.threads"));
}

std::string sample(const std::string& name) {
  std::ifstream file(std::string(BARNABAS_SAMPLE_CONFIG_DIR) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

TEST(Samples, LoadWithoutAnyWarning) {
  for (const auto* name : {"standalone.properties", "server.properties", "server1.properties",
                           "server2.properties", "server3.properties"}) {
    EXPECT_THAT(warnings(loaded(sample(name))), IsEmpty()) << name;
  }
}

TEST(Samples, StandaloneIsEmbeddedAndServerIsKafkasOwn) {
  EXPECT_TRUE(loaded(sample("standalone.properties")).metadata.embedded);
  const auto server = loaded(sample("server.properties"));
  EXPECT_EQ(server.metadata.zookeeper_connect, "localhost:2181");
  // The values of the sample file that Kafka 3.9 ships.
  const BrokerConfig::Given kafkas = {{"broker.id", "0"},
                                      {"node.id", "0"},
                                      {"num.network.threads", "3"},
                                      {"num.io.threads", "8"},
                                      {"socket.send.buffer.bytes", "102400"},
                                      {"socket.receive.buffer.bytes", "102400"},
                                      {"socket.request.max.bytes", "104857600"},
                                      {"log.dirs", "/tmp/kafka-logs"},
                                      {"num.partitions", "1"},
                                      {"num.recovery.threads.per.data.dir", "1"},
                                      {"offsets.topic.replication.factor", "1"},
                                      {"transaction.state.log.replication.factor", "1"},
                                      {"transaction.state.log.min.isr", "1"},
                                      {"log.retention.hours", "168"},
                                      {"log.retention.check.interval.ms", "300000"},
                                      {"zookeeper.connect", "localhost:2181"},
                                      {"zookeeper.connection.timeout.ms", "18000"},
                                      {"group.initial.rebalance.delay.ms", "0"}};
  EXPECT_EQ(server.given(), kafkas);
}

}  // namespace
}  // namespace barnabas::config
