#include "apps/option_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "words.h"

namespace barnabas::apps {
namespace {

using ::testing::ElementsAre;

constexpr std::array kSpecs = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"compression-codec", Argument::kOptional},
    OptionSpec{"list"},
    OptionSpec{"topic", Argument::kRequired},
};

Result<ParsedOptions> parse(Words words) {
  return parse_options(kSpecs, words.get());
}

TEST(OptionParser, TakesOneDashOrTwoAndEqualsSigns) {
  const auto options = parse({"-bootstrap-server", "a:1", "-list", "--topic=x=y"});
  ASSERT_TRUE(options.has_value());
  EXPECT_TRUE(options->has("list"));
  EXPECT_EQ(options->value("bootstrap-server").value(), "a:1");
  EXPECT_EQ(options->value("topic").value(), "x=y");
}

TEST(OptionParser, KeepsBareWordsAndEverythingAfterTwoDashes) {
  const auto options = parse({"--bootstrap-server", "a:1", "b:2", "--", "--list"});
  ASSERT_TRUE(options.has_value());
  EXPECT_THAT(options->words(), ElementsAre("b:2", "--list"));
  EXPECT_FALSE(options->has("list"));
}

TEST(OptionParser, AnOptionalValueIsNotTheNextOption) {
  const auto options = parse({"--compression-codec", "--list"});
  ASSERT_TRUE(options.has_value());
  EXPECT_TRUE(options->has("compression-codec"));
  EXPECT_EQ(options->value("compression-codec").value(), std::nullopt);
  EXPECT_TRUE(options->has("list"));
  EXPECT_EQ(parse({"--compression-codec", "zstd"})->value("compression-codec").value(), "zstd");
}

TEST(OptionParser, ARequiredValueIsTheNextWordWhateverItIs) {
  EXPECT_EQ(parse({"--topic", "--list"})->value("topic").value(), "--list");
  EXPECT_EQ(parse({"--topic"}).error().message, "Option topic requires an argument");
}

TEST(OptionParser, SaysWhatItDoesNotKnow) {
  EXPECT_EQ(parse({"--qwertz"}).error().message, "qwertz is not a recognized option");
  EXPECT_EQ(parse({"--topc", "x"}).error().message,
            "topc is not a recognized option. Did you mean --topic?");
}

TEST(OptionParser, RefusesASecondValueWhereOneIsWanted) {
  const auto options = parse({"--topic", "a", "--topic", "b"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->value("topic").error().message,
            "Found multiple arguments for option topic, but you asked for only one");
  EXPECT_THAT(options->values("topic"), ElementsAre("a", "b"));
}

TEST(OptionParser, ReadsNumbers) {
  EXPECT_EQ(parse({"--topic", "12"})->int32_value("topic", 0).value(), 12);
  EXPECT_EQ(parse({"--list"})->int32_value("topic", 7).value(), 7);
  EXPECT_EQ(parse({"--topic", "5000000000"})->int64_value("topic", 0).value(), 5000000000);
  for (const char* bad : {"x", "1x", "5000000000", "-"}) {
    EXPECT_EQ(parse({"--topic", bad})->int32_value("topic", 0).error().message,
              std::string("Cannot parse argument '") + bad + "' of option topic");
  }
}

}  // namespace
}  // namespace barnabas::apps
