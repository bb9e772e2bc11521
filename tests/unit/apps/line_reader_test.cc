#include "apps/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barnabas::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::string> lines_of(std::string_view text, std::size_t chunk) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  const auto drain = [&] {
    while (const auto line = splitter.next()) {
      lines.emplace_back(*line);
    }
  };
  for (std::size_t at = 0; at < text.size(); at += chunk) {
    splitter.feed(text.substr(at, chunk));
    drain();
  }
  splitter.finish();
  drain();
  return lines;
}

TEST(LineSplitter, EndsLinesAsJavaDoesHoweverTheInputIsCut) {
  for (std::size_t chunk = 1; chunk < 12; ++chunk) {
    EXPECT_THAT(lines_of("a\rb\r\nc\n\nlast", chunk), ElementsAre("a", "b", "c", "", "last"));
    EXPECT_THAT(lines_of("a\r\n", chunk), ElementsAre("a"));
    EXPECT_THAT(lines_of("\r\r\n\n", chunk), ElementsAre("", "", ""));
  }
  EXPECT_TRUE(lines_of("", 1).empty());
}

RecordReader reader(const PropertyMap& properties) {
  return std::move(RecordReader::make(properties).value());
}

TEST(RecordReader, TakesTheWholeLineByDefault) {
  RecordReader plain = reader({});
  LineRecord record;
  ASSERT_TRUE(plain.read("a\tb", record).has_value());
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, "a\tb");
  EXPECT_TRUE(record.headers.empty());
}

TEST(RecordReader, ParsesKeysAndHeaders) {
  RecordReader both =
      reader({{"parse.key", "true"}, {"parse.headers", " TRUE "}, {"null.marker", "NIL"}});
  LineRecord record;
  ASSERT_TRUE(both.read("h1:v1,h2:NIL,h3:\tk\tv\tw", record).has_value());
  EXPECT_THAT(record.headers, ElementsAre(Pair("h1", std::optional<std::string_view>("v1")),
                                          Pair("h2", std::optional<std::string_view>()),
                                          Pair("h3", std::optional<std::string_view>(""))));
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.value, "v\tw");
  ASSERT_TRUE(both.read("NIL\tNIL\tNIL", record).has_value());
  EXPECT_TRUE(record.headers.empty());
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, std::nullopt);
}

TEST(RecordReader, DropsEmptyPairsAtTheEndAsJavasSplitDoes) {
  RecordReader headers = reader({{"parse.headers", "true"}});
  LineRecord record;
  ASSERT_TRUE(headers.read("a:1,b:2,,\tv", record).has_value());
  EXPECT_EQ(record.headers.size(), 2U);
}

TEST(RecordReader, TakesTheHeadersSeparatorAsARegularExpression) {
  RecordReader headers = reader({{"parse.headers", "true"}, {"headers.separator", "[;|]"}});
  LineRecord record;
  ASSERT_TRUE(headers.read("a:1;b:2|c:3\tv", record).has_value());
  EXPECT_THAT(record.headers, ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
}

TEST(RecordReader, NamesTheLineThatDoesNotFit) {
  RecordReader keys = reader({{"parse.key", "true"}, {"key.separator", ":"}});
  LineRecord record;
  ASSERT_TRUE(keys.read("a:b", record).has_value());
  EXPECT_EQ(keys.read("bad", record).error().message,
            "No key separator found on line number 2: 'bad'");
  RecordReader headers = reader({{"parse.headers", "true"}, {"null.marker", "NIL"}});
  EXPECT_EQ(headers.read("v", record).error().message,
            "No headers delimiter found on line number 1: 'v'");
  EXPECT_EQ(headers.read("h1\tv", record).error().message,
            "No header key separator found in pair 'h1' on line number 2");
  EXPECT_EQ(headers.read("NIL:x\tv", record).error().message,
            "Header keys should not be equal to the null marker 'NIL' as they can't be null");
}

TEST(RecordReader, GoesOnWhenErrorsAreIgnored) {
  RecordReader keys =
      reader({{"parse.key", "true"}, {"key.separator", ":"}, {"ignore.error", "true"}});
  LineRecord record;
  ASSERT_TRUE(keys.read("bad", record).has_value());
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, "bad");
  ASSERT_TRUE(keys.read(":", record).has_value());
  EXPECT_EQ(record.key, "");
  EXPECT_EQ(record.value, "");
}

TEST(RecordReader, RefusesSeparatorsThatAreAlike) {
  const auto refusal = [](const PropertyMap& properties) {
    return RecordReader::make(properties).error().message;
  };
  EXPECT_EQ(refusal({{"headers.separator", ":"}}),
            "headers.separator and headers.key.separator may not be equal");
  EXPECT_EQ(refusal({{"headers.delimiter", ","}}),
            "headers.delimiter and headers.separator may not be equal");
  EXPECT_EQ(refusal({{"null.marker", "\t"}}), "null.marker and key.separator may not be equal");
  EXPECT_EQ(refusal({{"headers.separator", "("}}), "headers.separator: ( is an invalid regex.");
}

}  // namespace
}  // namespace barnabas::apps
