#include "apps/client_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <span>

#include "apps/rdkafka_client.h"

namespace barnabas::apps {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// What the properties add to those that are always set.
TranslatedProperties translated(ClientKind kind, const PropertyMap& java) {
  TranslatedProperties out = translate_properties(kind, java).value();
  for (const char* always : {"reconnect.backoff.ms", "reconnect.backoff.max.ms"}) {
    if (!java.contains(always)) {
      out.librdkafka.erase(always);
    }
  }
  return out;
}

TEST(ClientProperties, ComesBackToARestartedBrokerAsSoonAsJavaDoes) {
  EXPECT_THAT(
      translate_properties(ClientKind::kConsumer, {})->librdkafka,
      ElementsAre(Pair("reconnect.backoff.max.ms", "1000"), Pair("reconnect.backoff.ms", "50")));
  EXPECT_EQ(translate_properties(ClientKind::kConsumer, {{"reconnect.backoff.ms", "7"}})
                ->librdkafka.at("reconnect.backoff.ms"),
            "7");
}

TEST(ClientProperties, RenamesWhatHasAnotherName) {
  const auto out = translated(
      ClientKind::kConsumer,
      {{"fetch.max.wait.ms", "20"}, {"receive.buffer.bytes", "65536"}, {"group.id", "g"}});
  EXPECT_THAT(out.librdkafka, ElementsAre(Pair("fetch.wait.max.ms", "20"), Pair("group.id", "g"),
                                          Pair("socket.receive.buffer.bytes", "65536")));
  EXPECT_THAT(out.notes, IsEmpty());
}

TEST(ClientProperties, ConvertsUnitsAndKeepsWithinTheRange) {
  const auto out = translated(ClientKind::kProducer, {{"buffer.memory", "33554432"},
                                                      {"batch.size", "0"},
                                                      {"linger.ms", "9999999"},
                                                      {"send.buffer.bytes", "-1"}});
  EXPECT_THAT(out.librdkafka, ElementsAre(Pair("batch.size", "1"), Pair("linger.ms", "900000"),
                                          Pair("queue.buffering.max.kbytes", "32768"),
                                          Pair("socket.send.buffer.bytes", "0")));
}

TEST(ClientProperties, IgnoresJavasClassesAndTellsOfWhatIsLost) {
  const auto out =
      translated(ClientKind::kProducer,
                 {{"key.serializer", "org.apache.kafka.common.serialization.StringSerializer"},
                  {"value.serializer", "org.apache.kafka.common.serialization.StringSerializer"},
                  {"interceptor.classes", "a.B"}});
  EXPECT_THAT(out.librdkafka, IsEmpty());
  EXPECT_THAT(out.notes,
              ElementsAre("interceptor.classes is not supported by this tool and ignored"));
}

TEST(ClientProperties, RefusesBadValuesInJavasWords) {
  const auto refusal = [](ClientKind kind, const PropertyMap& java) {
    return translate_properties(kind, java).error().message;
  };
  EXPECT_EQ(refusal(ClientKind::kProducer, {{"compression.type", "foo"}}),
            "Invalid value foo for configuration compression.type: String must be one of: none, "
            "gzip, snappy, lz4, zstd");
  EXPECT_EQ(refusal(ClientKind::kProducer, {{"acks", "5"}}),
            "Invalid value 5 for configuration acks: String must be one of: all, -1, 0, 1");
  EXPECT_EQ(refusal(ClientKind::kConsumer, {{"isolation.level", "foo"}}),
            "Invalid value foo for configuration isolation.level: String must be one of: "
            "read_committed, read_uncommitted");
  EXPECT_EQ(refusal(ClientKind::kProducer, {{"linger.ms", "soon"}}),
            "Invalid value soon for configuration linger.ms: Not a number");
}

TEST(ClientProperties, ReadsAJaasLine) {
  const auto out = translated(ClientKind::kConsumer,
                              {{"sasl.jaas.config",
                                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                                "username=\"al ice\" password='se;cret';"}});
  EXPECT_THAT(out.librdkafka,
              ElementsAre(Pair("sasl.password", "se;cret"), Pair("sasl.username", "al ice")));
}

TEST(ClientProperties, TranslatesAssignors) {
  const auto out =
      translated(ClientKind::kConsumer, {{"partition.assignment.strategy",
                                          "org.apache.kafka.clients.consumer.RangeAssignor,"
                                          "org.apache.kafka.clients.consumer."
                                          "CooperativeStickyAssignor"}});
  EXPECT_THAT(out.librdkafka,
              Contains(Pair("partition.assignment.strategy", "range,cooperative-sticky")));
}

void expect_known(ClientKind kind, std::span<const char* const> names) {
  const ConfHandle conf(rd_kafka_conf_new());
  for (const char* name : names) {
    const auto out = translated(kind, {{name, "10"}});
    ASSERT_EQ(out.librdkafka.size(), 1U) << name;
    const auto& [key, value] = *out.librdkafka.begin();
    std::array<char, 256> error{};
    EXPECT_EQ(rd_kafka_conf_set(conf.get(), key.c_str(), value.c_str(), error.data(), error.size()),
              RD_KAFKA_CONF_OK)
        << name << ": " << error.data();
  }
}

TEST(ClientProperties, YieldsNamesThatLibrdkafkaKnows) {
  constexpr std::array kProducer = {"metadata.max.age.ms",
                                    "connections.max.idle.ms",
                                    "reconnect.backoff.ms",
                                    "reconnect.backoff.max.ms",
                                    "receive.buffer.bytes",
                                    "send.buffer.bytes",
                                    "socket.connection.setup.timeout.ms",
                                    "batch.size",
                                    "linger.ms",
                                    "buffer.memory",
                                    "max.request.size",
                                    "max.in.flight.requests.per.connection",
                                    "delivery.timeout.ms",
                                    "request.timeout.ms",
                                    "retries",
                                    "retry.backoff.ms",
                                    "compression.zstd.level"};
  constexpr std::array kConsumer = {"auto.commit.interval.ms", "session.timeout.ms",
                                    "heartbeat.interval.ms",   "max.poll.interval.ms",
                                    "fetch.min.bytes",         "fetch.max.bytes",
                                    "fetch.max.wait.ms",       "max.partition.fetch.bytes",
                                    "request.timeout.ms",      "retry.backoff.ms"};
  expect_known(ClientKind::kProducer, kProducer);
  expect_known(ClientKind::kConsumer, kConsumer);
}

TEST(ClientProperties, SplitsKeyValueWords) {
  const std::vector<std::string> words = {"a=b=c", "d", "e="};
  EXPECT_THAT(parse_key_values(words), ElementsAre(Pair("a", "b=c"), Pair("d", ""), Pair("e", "")));
}

TEST(ClientProperties, NamesTheFileItCannotRead) {
  EXPECT_EQ(load_properties_file("/nonexistent/x.properties").error().message,
            "cannot read /nonexistent/x.properties: No such file or directory");
}

}  // namespace
}  // namespace barnabas::apps
