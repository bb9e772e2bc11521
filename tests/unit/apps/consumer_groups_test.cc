#include <gtest/gtest.h>

#include "apps/consumer_groups_options.h"
#include "apps/consumer_groups_text.h"
#include "apps/java_time.h"
#include "apps/reset_plan.h"
#include "words.h"

namespace barnabas::apps {
namespace {

std::string refusal(Words words) {
  const auto line = parse_consumer_groups(words.get());
  return line ? "accepted" : line.error().message;
}

// Sentences as Kafka 3.9.1's ConsumerGroupCommand printed them.
TEST(ConsumerGroupsOptions, WantsExactlyOneAction) {
  const std::string one =
      "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, "
      "--delete-offsets";
  EXPECT_EQ(refusal({"--group", "g"}), one);
  EXPECT_EQ(refusal({"--list", "--describe", "--all-groups"}), one);
  EXPECT_EQ(refusal({"--list"}), "accepted");
}

TEST(ConsumerGroupsOptions, RefusesWhatDoesNotGoTogether) {
  EXPECT_EQ(refusal({"--list", "--members"}),
            "Option(s) [members] are unavailable given other options on the command line");
  EXPECT_EQ(refusal({"--list", "--group", "g"}),
            "Option \"[group]\" can't be used with option \"[list]\"");
  EXPECT_EQ(refusal({"--describe", "--group", "g", "--members", "--offsets"}),
            "Option [describe] takes at most one of these options: [members], [offsets], [state]");
  EXPECT_EQ(refusal({"--reset-offsets", "--group", "g", "--to-latest", "--shift-by", "1"}),
            "Option \"[to-latest]\" can't be used with option \"[shift-by]\"");
  EXPECT_EQ(refusal({"--delete", "--group", "g", "--topic", "t"}),
            "The consumer does not support topic-specific offset deletion from a consumer group.");
  EXPECT_EQ(refusal({"--list", "--timeout", "x"}), "Cannot parse argument 'x' of option timeout");
}

TEST(ConsumerGroupsOptions, ReadsFilters) {
  const auto line = parse_consumer_groups(
      Words({"--list", "--state", "stable, EMPTY", "--type", "classic"}).get());
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->states, (std::vector<std::string>{"Stable", "Empty"}));
  EXPECT_EQ(line->types, std::vector<std::string>{"Classic"});
  EXPECT_EQ(refusal({"--list", "--type", "foo"}),
            "Invalid types list 'foo'. Valid types are: Consumer, Classic");
}

TEST(ConsumerGroupsOptions, HelpFitsAScreen) {
  const std::string_view help = consumer_groups_help();
  EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 24);
}

TEST(ConsumerGroupsText, AlignsColumnsAndEndsRows) {
  const GroupMember member{"member-1",
                           "",
                           "client",
                           "/127.0.0.1",
                           {{"t", PartitionId(10)}, {"t", PartitionId(2)}, {"a", PartitionId(0)}}};
  const GroupDescription group{"g", "Stable", "range", {member}, {1, "host", 9092}};
  EXPECT_EQ(members_text(group, true),
            "\nGROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     "
            "ASSIGNMENT\n"
            "g               member-1        /127.0.0.1      client          3               (0), "
            "(10,2)\n");
  EXPECT_EQ(state_text(group),
            "\nGROUP                     COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE      "
            "     #MEMBERS\n"
            "g                         host:9092  (1)            range                Stable      "
            "    1\n");
  OffsetRow row;
  row.partition = {"t", PartitionId(2)};
  row.log_end = 7;
  EXPECT_EQ(
      offsets_text("g", {row}),
      "\nGROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG       "
      "      CONSUMER-ID     HOST            CLIENT-ID\n"
      "g               t               2          -               7               -         "
      "      -               -               -\n");
}

TEST(ConsumerGroupsText, ShowsInstancesWhereThereAreAny) {
  const GroupMember member{"m", "static-1", "c", "/h", {}};
  const GroupDescription group{"g", "Stable", "range", {member}, {}};
  EXPECT_TRUE(members_text(group, false).contains("GROUP-INSTANCE-ID"));
  EXPECT_TRUE(members_text(group, false).contains("static-1 "));
}

TEST(ConsumerGroupsText, TellsTheStateBeforeTheTable) {
  EXPECT_EQ(state_note({"g", "Dead", "", {}, {}}, 0).out,
            "\nError: Consumer group 'g' does not exist.\n");
  EXPECT_EQ(state_note({"g", "Empty", "", {}, {}}, 1).err,
            "\nConsumer group 'g' has no active members.\n");
  EXPECT_EQ(state_note({"g", "PreparingRebalance", "", {}, {}}, 1).err,
            "\nWarning: Consumer group 'g' is rebalancing.\n");
  EXPECT_FALSE(state_note({"g", "Empty", "", {}, {}}, 0).table);
}

TEST(JavaTime, ReadsDates) {
  EXPECT_EQ(parse_java_datetime("2020-01-01T00:00:00.000"), 1577836800000);
  EXPECT_EQ(parse_java_datetime("2020-01-01T00:00:00.5Z"), 1577836800005);
  EXPECT_EQ(parse_java_datetime("2020-01-01T00:00:00.000+01:30"), 1577836800000 - 5400000);
  EXPECT_EQ(parse_java_datetime("2020-01-01T00:00:00.000-08"), 1577836800000 + 8 * 3600000);
  EXPECT_EQ(parse_java_datetime("2020-02-30T00:00:00.000").error().message,
            "java.text.ParseException: Unparseable date: \"2020-02-30T00:00:00.000Z\"");
  EXPECT_FALSE(parse_java_datetime("2020-01-01").has_value());
  EXPECT_FALSE(parse_java_datetime("2020-01-01T24:00:00.000").has_value());
}

TEST(JavaTime, ReadsDurations) {
  EXPECT_EQ(parse_java_duration("P1DT2H3M4.5S"), 93784500);
  EXPECT_EQ(parse_java_duration("pt-5m"), -300000);
  EXPECT_EQ(parse_java_duration("-PT1.0001S"), -1001);
  EXPECT_EQ(parse_java_duration("PT0S"), 0);
  for (const char* wrong : {"", "P", "PT", "P1DT", "5", "P1W", "PT1.5M"}) {
    EXPECT_EQ(parse_java_duration(wrong).error().message, "Text cannot be parsed to a Duration")
        << wrong;
  }
  EXPECT_FALSE(parse_java_duration("P999999999999D").has_value());
}

TEST(ResetPlan, ReadsBothForms) {
  const GroupOffsets offsets = {{{"t", PartitionId(0)}, 5}, {{"u", PartitionId(1)}, 7}};
  EXPECT_EQ(parse_reset_plan("t,0,5\n\"u\", 1 ,7\r\n", "g"), (ResetPlan{{"g", offsets}}));
  EXPECT_EQ(parse_reset_plan("g,t,0,5\ng,u,1,7", ""), (ResetPlan{{"g", offsets}}));
  EXPECT_EQ(parse_reset_plan("h,t,0,5\n", "g"), (ResetPlan{{"h", {{{"t", PartitionId(0)}, 5}}}}));
  EXPECT_EQ(parse_reset_plan("\"a,\"\"b\",t,0,5", ""),
            (ResetPlan{{"a,\"b", {{{"t", PartitionId(0)}, 5}}}}));
}

TEST(ResetPlan, NamesTheLineThatIsWrong) {
  EXPECT_EQ(parse_reset_plan("t,0,5\nt,zero,5\n", "g").error().message,
            "the line 't,zero,5' is not topic,partition,offset");
  EXPECT_EQ(parse_reset_plan("t,0,5\n", "").error().message,
            "the line 't,0,5' is not group,topic,partition,offset");
}

TEST(ResetPlan, QuotesAsJackson) {
  const std::string group = "a group";
  EXPECT_EQ(reset_plan_line(nullptr, {"t-1_x.y", PartitionId(3)}, 9), "t-1_x.y,3,9\n");
  EXPECT_EQ(reset_plan_line(&group, {"a-topic-of-25-characters-", PartitionId(3)}, 9),
            "\"a group\",\"a-topic-of-25-characters-\",3,9\n");
}

}  // namespace
}  // namespace barnabas::apps
