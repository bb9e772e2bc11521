#include "apps/topics_options.h"

#include <gtest/gtest.h>

#include "words.h"

namespace barnabas::apps {
namespace {

std::string refusal(Words words) {
  const auto parsed = parse_topics(words.get());
  return parsed ? "accepted" : parsed.error().message;
}

TopicSpec spec_of(Words words) {
  return topic_spec(parse_topics(words.get())->options).value();
}

std::string spec_refusal(Words words) {
  const auto spec = topic_spec(parse_topics(words.get())->options);
  return spec ? "accepted" : spec.error().message;
}

// Sentences as Kafka 3.9.1's TopicCommand printed them.
TEST(TopicsOptions, WantsExactlyOneAction) {
  const std::string kOne =
      "Command must include exactly one action: --list, --describe, --create, --alter or --delete";
  EXPECT_EQ(refusal({"--topic", "x"}), kOne);
  EXPECT_EQ(refusal({"--list", "--create", "--topic", "x"}), kOne);
  EXPECT_EQ(refusal({"--list", "--describe", "--delete"}), kOne);
  EXPECT_EQ(refusal({"--list"}), "accepted");
}

TEST(TopicsOptions, NamesWhatIsMissing) {
  EXPECT_EQ(refusal({"--create"}), "Missing required argument \"[topic]\"");
  EXPECT_EQ(refusal({"--delete"}), "Missing required argument \"[topic]\"");
  EXPECT_EQ(refusal({"--alter", "--topic", "x"}), "Missing required argument \"[partitions]\"");
  EXPECT_EQ(refusal({"--describe", "--if-exists"}),
            "--topic or --topic-id is required to describe a topic");
}

TEST(TopicsOptions, RefusesWhatDoesNotGoTogether) {
  EXPECT_EQ(refusal({"--list", "--config", "a=b"}),
            "Option \"[config]\" can't be used with option \"[list]\"");
  EXPECT_EQ(refusal({"--create", "--topic", "x", "--replica-assignment", "1", "--partitions", "2"}),
            "Option \"[replica-assignment]\" can't be used with option \"[partitions]\"");
  EXPECT_EQ(refusal({"--alter", "--topic", "x", "--delete-config", "a", "--partitions", "3"}),
            "Option \"[delete-config]\" can't be used with option \"[bootstrap-server]\"");
  EXPECT_EQ(refusal({"--describe", "--under-replicated-partitions", "--topics-with-overrides"}),
            "Option \"[under-replicated-partitions]\" can't be used with option "
            "\"[topics-with-overrides]\"");
  EXPECT_EQ(refusal({"--create", "--topic", "x", "--if-exists"}),
            "Option \"[if-exists]\" can't be used with option \"[create]\"");
  EXPECT_EQ(refusal({"--list", "--if-not-exists"}),
            "Option \"[if-not-exists]\" can't be used with option \"[list]\"");
  EXPECT_EQ(refusal({"--alter", "--topic", "x", "--config", "a=b", "--partitions", "3"}),
            "Option combination \"[[bootstrap-server], [config]]\" can't be used with option "
            "\"[alter]\" (the kafka-configs CLI supports altering topic configs with a "
            "--bootstrap-server option)");
}

TEST(TopicsOptions, PointsFromZooKeeperToTheBootstrapServer) {
  EXPECT_EQ(refusal({"--zookeeper", "localhost:2181", "--list"}),
            "zookeeper is not a recognized option. Use --bootstrap-server host:9092");
}

TEST(TopicsOptions, ReadsASpec) {
  const TopicSpec spec =
      spec_of({"--create", "--topic", "x", "--partitions", "3", "--replication-factor", "2",
               "--config", "retention.ms = 10", "--config", "cleanup.policy=compact,delete"});
  EXPECT_EQ(spec.name, "x");
  EXPECT_EQ(spec.partitions, 3);
  EXPECT_EQ(spec.replication_factor, 2);
  EXPECT_EQ(spec.configs, (std::map<std::string, std::string>{
                              {"retention.ms", "10"}, {"cleanup.policy", "compact,delete"}}));
  const TopicSpec bare = spec_of({"--create", "--topic", "x"});
  EXPECT_EQ(bare.partitions, std::nullopt);
  EXPECT_EQ(bare.replication_factor, std::nullopt);
}

TEST(TopicsOptions, ReadsAReplicaAssignment) {
  const TopicSpec spec =
      spec_of({"--create", "--topic", "x", "--replica-assignment", "1:2, 2 :3,"});
  EXPECT_EQ(spec.assignment, (std::vector<std::vector<std::int32_t>>{{1, 2}, {2, 3}}));
  const auto refused = [](const std::string& text) {
    return spec_refusal({"--create", "--topic", "x", "--replica-assignment", text});
  };
  EXPECT_EQ(refused("1:1"), "Partition replica lists may not contain duplicate entries: 1");
  EXPECT_EQ(refused("1,1:2"), "Partition 1 has different replication factor: [1, 2]");
  EXPECT_EQ(refused("a"), "For input string: \"a\"");
}

TEST(TopicsOptions, RefusesConfigsThatAreNotKeyAndValue) {
  for (const char* config : {"foo", "a=b=c", "a="}) {
    EXPECT_EQ(spec_refusal({"--create", "--topic", "x", "--config", config}),
              "requirement failed: Invalid topic config: all configs to be added must be in the "
              "format \"key=val\".");
  }
}

TEST(TopicsOptions, ChecksBounds) {
  const auto bounds = [](Words words) {
    const Status checked = check_bounds(topic_spec(parse_topics(words.get())->options).value());
    return checked ? "in bounds" : checked.error().message;
  };
  EXPECT_EQ(bounds({"--create", "--topic", "x", "--partitions", "0"}),
            "The partitions must be greater than 0");
  EXPECT_EQ(bounds({"--create", "--topic", "x", "--replication-factor", "32768"}),
            "The replication factor must be between 1 and 32767 inclusive");
  EXPECT_EQ(bounds({"--create", "--topic", "x", "--replication-factor", "32767"}), "in bounds");
}

TEST(TopicsOptions, HelpFitsAScreen) {
  const std::string_view help = topics_help();
  EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 24);
}

}  // namespace
}  // namespace barnabas::apps
