#include "barnabas/config/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "recorded.h"

namespace barnabas::config {
namespace {

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    constexpr std::string_view kCodes = "\\nrtfe";
    constexpr std::string_view kMeanings = "\\\n\r\t\f=";
    out += kMeanings[kCodes.find(text[++i])];
  }
  return out;
}

// Every text that java.util.Properties read in the recording is read alike.
TEST(Properties, ReadsWhatJavaReads) {
  for (const auto& fields : testing::recorded("props")) {
    const auto parsed = Properties::parse(unescaped(fields[0]));
    ASSERT_TRUE(parsed) << fields[0];
    std::map<std::string, std::string, std::less<>> ours;
    for (const auto& property : parsed->entries()) {
      ours[property.key] = property.value;
    }
    std::map<std::string, std::string, std::less<>> javas;
    for (const auto& [key, value] : testing::pairs(fields[1])) {
      javas[unescaped(key)] = unescaped(value);
    }
    EXPECT_EQ(ours, javas) << fields[0];
  }
}

TEST(Properties, KeepsTheLineWhereAnEntryBegins) {
  const auto parsed = Properties::parse("# one\n\na=1,\\\n  2\nb=3\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->find("a")->line, 3);
  EXPECT_EQ(parsed->find("b")->line, 5);
  EXPECT_EQ(parsed->find("c"), nullptr);
}

TEST(Properties, TheLastDuplicateWinsAndTheEarlierOneIsKnown) {
  const auto parsed = Properties::parse("a=1\nb=2\na=3\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->find("a")->value, "3");
  EXPECT_EQ(parsed->find("a")->line, 3);
  EXPECT_EQ(parsed->entries().size(), 2U);
  ASSERT_EQ(parsed->shadowed().size(), 1U);
  EXPECT_EQ(parsed->shadowed().front().line, 1);
}

TEST(Properties, AMalformedUnicodeEscapeNamesItsLine) {
  const auto parsed = Properties::parse("a=1\nb=C:\\users\n");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, ::testing::HasSubstr("line 2: malformed \\uXXXX"));
}

TEST(Properties, BytesThatAreNotEscapesPassThrough) {
  const auto parsed = Properties::parse("\xef\xbb\xbfrack=\xe6\x9c\xba\xe6\x9e\xb6\n");
  ASSERT_TRUE(parsed);
  ASSERT_NE(parsed->find("rack"), nullptr);
  EXPECT_EQ(parsed->find("rack")->value, "\xe6\x9c\xba\xe6\x9e\xb6");
}

}  // namespace
}  // namespace barnabas::config
