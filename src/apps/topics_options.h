// The command line of kafka-topics.sh: flags, combinations and sentences of Kafka 3.9.1.
// THREAD: any (values)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"
#include "option_parser.h"

namespace barnabas::apps {

enum class TopicsAction : std::uint8_t {
  kHelp,
  kVersion,
  kCreate,
  kList,
  kAlter,
  kDescribe,
  kDelete
};

struct TopicsCommandLine {
  TopicsAction action = TopicsAction::kHelp;
  ParsedOptions options;
};

[[nodiscard]] std::string_view topics_help();

// Fails: INVALID_REQUEST for what Kafka answers with its usage.
[[nodiscard]] Result<TopicsCommandLine> parse_topics(std::span<char*> arguments);

// What --create and --alter are told of a topic. Nothing: the broker's default.
struct TopicSpec {
  std::string name;
  std::optional<std::int32_t> partitions;
  std::optional<std::int32_t> replication_factor;
  std::vector<std::vector<std::int32_t>> assignment;  // broker ids of partition 0, 1, ...
  std::map<std::string, std::string> configs;
};

// Fails: INVALID_REQUEST for what Kafka answers with "Error while executing topic command".
[[nodiscard]] Result<TopicSpec> topic_spec(const ParsedOptions& options);
// The bounds that Kafka's tool checks itself. Fails as topic_spec.
[[nodiscard]] Status check_bounds(const TopicSpec& spec);

}  // namespace barnabas::apps
