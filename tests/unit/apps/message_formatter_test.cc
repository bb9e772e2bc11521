#include "apps/message_formatter.h"

#include <gtest/gtest.h>

namespace barnabas::apps {
namespace {

using namespace std::string_view_literals;

std::string print(const PropertyMap& properties, const ConsumedRecord& record,
                  std::string_view class_name = "DefaultMessageFormatter") {
  std::vector<std::string> notes;
  const auto formatter = MessageFormatter::make(class_name, properties, notes);
  if (!formatter) {
    return formatter.error().message;
  }
  std::string out;
  const Status written = formatter->write(record, out);
  return written ? out : out + "!" + written.error().message;
}

ConsumedRecord sample() {
  return {.partition = 2,
          .offset = 7,
          .timestamp_type = RecordTimestamp::kCreateTime,
          .timestamp = 1795332946391,
          .key = std::nullopt,
          .value = "hello",
          .headers = {{"h1", "v1"}, {"h2", std::nullopt}}};
}

TEST(MessageFormatter, PrintsTheValueAloneByDefault) {
  EXPECT_EQ(print({}, sample()), "hello\n");
}

TEST(MessageFormatter, PrintsColumnsInKafkasOrder) {
  const PropertyMap all = {{"print.key", "true"},
                           {"print.headers", "true"},
                           {"print.offset", "true"},
                           {"print.partition", "true"},
                           {"print.timestamp", "true"}};
  EXPECT_EQ(print(all, sample()),
            "CreateTime:1795332946391\tPartition:2\tOffset:7\th1:v1,h2:null\tnull\thello\n");
  ConsumedRecord bare = sample();
  bare.headers.clear();
  bare.timestamp_type = RecordTimestamp::kNone;
  EXPECT_EQ(print(all, bare), "NO_TIMESTAMP\tPartition:2\tOffset:7\tNO_HEADERS\tnull\thello\n");
}

TEST(MessageFormatter, TakesSeparatorsAndTheNullLiteral) {
  EXPECT_EQ(print({{"print.key", "true"},
                   {"print.headers", "true"},
                   {"key.separator", "|"},
                   {"headers.separator", ";"},
                   {"null.literal", "NIL"},
                   {"line.separator", "\n\n"}},
                  sample()),
            "h1:v1;h2:NIL|NIL|hello\n\n");
}

TEST(MessageFormatter, EndsTheLineAfterTheLastColumn) {
  EXPECT_EQ(print({{"print.value", "false"}, {"print.offset", "true"}}, sample()), "Offset:7\n");
}

TEST(MessageFormatter, Deserializes) {
  const auto value = [](std::string_view class_name, std::string_view bytes) {
    ConsumedRecord record;
    record.value = bytes;
    return print({{"value.deserializer",
                   "org.apache.kafka.common.serialization." + std::string(class_name)}},
                 record);
  };
  EXPECT_EQ(value("LongDeserializer", "12345678"), "3544952156018063160\n");
  EXPECT_EQ(value("IntegerDeserializer", "\xff\xff\xff\xfe"), "-2\n");
  EXPECT_EQ(value("ShortDeserializer", "\x01\x02"), "258\n");
  EXPECT_EQ(value("DoubleDeserializer", "\x3f\xf8\0\0\0\0\0\0"sv), "1.5\n");
  EXPECT_EQ(value("DoubleDeserializer", "\x40\0\0\0\0\0\0\0"sv), "2.0\n");
  EXPECT_EQ(value("FloatDeserializer", "\x4b\x18\x96\x80"), "1.0E7\n");
  EXPECT_EQ(value("BooleanDeserializer", "\x01"), "true\n");
  EXPECT_EQ(value("StringDeserializer", "gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f\n");
  EXPECT_EQ(value("ByteArrayDeserializer", "\xff\x00"sv), "\xff\x00\n"sv);
  EXPECT_EQ(value("LongDeserializer", "abcd"),
            "!Size of data received by LongDeserializer is not 8");
}

TEST(MessageFormatter, PrintsANullWhateverTheDeserializer) {
  ConsumedRecord record;
  EXPECT_EQ(print({{"value.deserializer", "LongDeserializer"}}, record), "null\n");
}

TEST(MessageFormatter, KnowsKafkasClassesByTheirOldAndNewNames) {
  std::vector<std::string> notes;
  EXPECT_TRUE(MessageFormatter::make("kafka.tools.LoggingMessageFormatter", {}, notes).has_value());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_TRUE(notes[0].starts_with("WARNING: kafka.tools.LoggingMessageFormatter is deprecated"));
  EXPECT_EQ(print({}, sample(), "org.apache.kafka.tools.consumer.NoOpMessageFormatter"), "");
  EXPECT_EQ(print({}, sample(), "foo.Bar"), "--formatter foo.Bar is not supported by this tool");
}

TEST(MessageFormatter, TellsOfADeserializerItDoesNotKnowAndPrintsBytes) {
  std::vector<std::string> notes;
  const auto formatter =
      MessageFormatter::make("DefaultMessageFormatter", {{"key.deserializer", "foo.Bar"}}, notes);
  ASSERT_TRUE(formatter.has_value());
  EXPECT_EQ(notes, std::vector<std::string>{"Unable to instantiate a deserializer from foo.Bar"});
}

}  // namespace
}  // namespace barnabas::apps
