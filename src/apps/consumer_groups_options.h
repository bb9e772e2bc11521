// The command line of kafka-consumer-groups.sh: flags, rules and sentences of Kafka 3.9.1.
// THREAD: any (values)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"
#include "option_parser.h"

namespace barnabas::apps {

struct ConsumerGroupsLine {
  enum class Action : std::uint8_t {
    kHelp,
    kVersion,
    kList,
    kDescribe,
    kDelete,
    kResetOffsets,
    kDeleteOffsets
  };
  Action action = Action::kHelp;
  ParsedOptions options;  // the rest: what is there goes together
  std::int64_t timeout_ms = 0;
  std::vector<std::string> groups;
  std::vector<std::string> topics;
  std::vector<std::string> states;  // filters of --list
  std::vector<std::string> types;
};

[[nodiscard]] std::string_view consumer_groups_help();

// Fails: INVALID_REQUEST with Kafka's sentence.
[[nodiscard]] Result<ConsumerGroupsLine> parse_consumer_groups(std::span<char*> arguments);

}  // namespace barnabas::apps
