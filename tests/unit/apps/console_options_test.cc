#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "apps/console_consumer_options.h"
#include "apps/console_producer_options.h"
#include "words.h"

namespace barnabas::apps {
namespace {

ConsoleConsumerOptions consumer(Words words) {
  return parse_console_consumer(words.get()).value();
}

std::string consumer_refusal(Words words) {
  const auto parsed = parse_console_consumer(words.get());
  return parsed ? "accepted" : parsed.error().message;
}

ConsoleProducerOptions producer(Words words) {
  return parse_console_producer(words.get()).value();
}

TEST(ConsoleConsumerOptions, ChecksAsKafkaDoes) {
  EXPECT_EQ(consumer_refusal({"--from-beginning"}),
            "Exactly one of --include/--topic is required. ");
  EXPECT_EQ(consumer_refusal({"--topic", "x", "--whitelist", "y"}),
            "Exactly one of --include/--topic is required. --whitelist is DEPRECATED use --include "
            "instead; ignored if --include specified.");
  EXPECT_EQ(consumer_refusal({"--topic", "x", "--offset", "3"}),
            "The partition is required when offset is specified.");
  EXPECT_EQ(consumer_refusal({"--topic", "x", "--partition", "0", "--offset", "-3"}),
            "The provided offset value '-3' is incorrect. Valid values are 'earliest', 'latest', "
            "or a non-negative long.");
  EXPECT_EQ(consumer_refusal({"--include", "x", "--partition", "0"}),
            "The topic is required when partition is specified.");
  EXPECT_EQ(consumer_refusal({"--topic", "x", "--group", "g", "--partition", "0"}),
            "Options group and partition cannot be specified together.");
  EXPECT_EQ(consumer_refusal({"--topic", "x", "--group", "g", "--consumer-property", "group.id=h"}),
            "The group ids provided in different places (directly using '--group', via "
            "'--consumer-property', or via '--consumer.config') do not match. Detected group ids: "
            "'g', 'h'");
  EXPECT_EQ(consumer_refusal({"--topic", "x", "--from-beginning", "--consumer-property",
                              "auto.offset.reset=latest"}),
            "Can't simultaneously specify --from-beginning and 'auto.offset.reset=latest', please "
            "remove one option");
}

TEST(ConsoleConsumerOptions, FindsWhereToStart) {
  EXPECT_EQ(consumer({"--topic", "x"}).offset, RD_KAFKA_OFFSET_END);
  EXPECT_EQ(consumer({"--topic", "x", "--from-beginning"}).offset, RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(consumer({"--topic", "x", "--partition", "1", "--offset", "EARLIEST"}).offset,
            RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(consumer({"--topic", "x", "--partition", "1", "--offset", "12"}).offset, 12);
  EXPECT_EQ(consumer({"--topic", "x", "--consumer-property", "auto.offset.reset=earliest"}).offset,
            RD_KAFKA_OFFSET_BEGINNING);
}

TEST(ConsoleConsumerOptions, TakesMoreServersAsBareWords) {
  const auto options = consumer({"--bootstrap-server", "a:1,b:2", "c:3", "huh", "--topic", "x"});
  EXPECT_EQ(options.servers, (std::vector<HostPort>{{"a", 1}, {"b", 2}, {"c", 3}}));
  EXPECT_EQ(options.notes, std::vector<std::string>{"ignoring 'huh': it belongs to no option"});
  EXPECT_EQ(consumer_refusal({"--bootstrap-server", "foo", "--topic", "x"}),
            "Please provide valid host:port like host1:9091,host2:9092");
}

TEST(ConsoleConsumerOptions, HasJavasDefaults) {
  const auto options = consumer({"--topic", "x"});
  EXPECT_EQ(options.consumer.at("isolation.level"), "read_uncommitted");
  EXPECT_EQ(options.consumer.at("client.id"), "console-consumer");
  EXPECT_EQ(options.consumer.at("auto.offset.reset"), "latest");
  EXPECT_TRUE(options.group.value_or("").starts_with("console-consumer-"));
  EXPECT_EQ(options.consumer.at("group.id"), options.group);
  EXPECT_EQ(options.consumer.at("enable.auto.commit"), "false");
  EXPECT_FALSE(consumer({"--topic", "x", "--partition", "0"}).group.has_value());
  EXPECT_FALSE(consumer({"--topic", "x", "--group", "g"}).consumer.contains("enable.auto.commit"));
  EXPECT_EQ(consumer({"--topic", "x", "--consumer-property", "group.id=g"}).group, "g");
}

TEST(ConsoleProducerOptions, HasKafkasDefaults) {
  const auto options = producer({"--topic", "x"});
  const PropertyMap expected = {{"acks", "-1"},
                                {"batch.size", "16384"},
                                {"bootstrap.servers", "localhost:9092"},
                                {"buffer.memory", "33554432"},
                                {"client.id", "console-producer"},
                                {"compression.type", "none"},
                                {"delivery.timeout.ms", "120000"},
                                {"enable.idempotence", "true"},
                                {"linger.ms", "1000"},
                                {"max.block.ms", "60000"},
                                {"metadata.max.age.ms", "300000"},
                                {"request.timeout.ms", "1500"},
                                {"retries", "3"},
                                {"retry.backoff.ms", "100"},
                                {"send.buffer.bytes", "102400"}};
  EXPECT_EQ(options.producer, expected);
}

TEST(ConsoleProducerOptions, LetsOptionsWinOverPropertiesOverDefaults) {
  const auto options = producer({"--topic", "x", "--producer-property", "linger.ms=5",
                                 "--producer-property", "batch.size=7", "--batch-size", "9",
                                 "--request-required-acks", "1", "--compression-codec"});
  EXPECT_EQ(options.producer.at("linger.ms"), "5");
  EXPECT_EQ(options.producer.at("batch.size"), "9");
  EXPECT_EQ(options.producer.at("acks"), "1");
  EXPECT_EQ(options.producer.at("compression.type"), "gzip");
  EXPECT_EQ(options.producer.at("enable.idempotence"), "false");
}

TEST(ConsoleProducerOptions, TakesTheOldNameOfTheServers) {
  EXPECT_EQ(producer({"--topic", "x", "--broker-list", "a:1"}).servers,
            (std::vector<HostPort>{{"a", 1}}));
  EXPECT_EQ(producer({"--topic", "x", "--broker-list", "a:1", "--bootstrap-server", "b:2"}).servers,
            (std::vector<HostPort>{{"b", 2}}));
}

TEST(ConsoleOptions, HelpFitsAScreen) {
  for (const std::string_view help : {console_producer_help(), console_consumer_help()}) {
    EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 24);
  }
}

}  // namespace
}  // namespace barnabas::apps
