#include "apps/transactions_options.h"

#include <gtest/gtest.h>

#include "apps/text_table.h"
#include "words.h"

namespace barnabas::apps {
namespace {

std::string refusal(Words words) {
  const auto line = parse_transactions(words.get());
  return line ? "accepted" : line.error().message;
}

// Sentences as Kafka 3.9.1's TransactionsCommand printed them.
TEST(TransactionsOptions, WantsACommandAndWhatItNeeds) {
  EXPECT_EQ(refusal({}), "too few arguments");
  EXPECT_EQ(refusal({"frobnicate"}),
            "invalid choice: 'frobnicate' (choose from 'list', 'describe', 'describe-producers', "
            "'abort', 'find-hanging')");
  EXPECT_EQ(refusal({"describe"}), "argument --transactional-id is required");
  EXPECT_EQ(refusal({"abort"}), "argument --partition is required");
  EXPECT_EQ(refusal({"list", "--topic", "t"}), "unrecognized arguments: '--topic'");
  EXPECT_EQ(refusal({"describe-producers", "--topic", "t", "--partition", "x"}),
            "argument --partition: could not convert 'x' to Integer (For input string: \"x\")");
  EXPECT_EQ(refusal({"list"}), "accepted");
}

TEST(TransactionsOptions, FindsTheCommandAmongValues) {
  const auto line = parse_transactions(
      Words({"--bootstrap-server", "h:1", "describe", "--transactional-id", "describe"}).get());
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->command, "describe");
  EXPECT_EQ(line->transactional_id, "describe");
  EXPECT_TRUE(line->options.words().empty());
  const auto other = parse_transactions(
      Words({"--command-config", "list", "find-hanging", "h:2", "--broker-id", "3"}).get());
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->command, "find-hanging");
  EXPECT_EQ(other->broker_id, 3);
  EXPECT_EQ(other->options.words(), std::vector<std::string>{"h:2"});
  EXPECT_EQ(other->max_transaction_timeout_min, 15);
}

TEST(TransactionsOptions, HelpFitsAScreen) {
  const std::string_view help = transactions_help();
  EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 24);
}

TEST(TextTable, PadsAndTabsEachColumn) {
  EXPECT_EQ(table_text({"Id", "State"}, {{"longer", "x"}}), "Id    \tState\t\nlonger\tx    \t\n");
}

}  // namespace
}  // namespace barnabas::apps
