// The command line of kafka-configs.sh for topics and brokers: flags, combinations and sentences of
// Kafka 3.9.1. THREAD: any (values)
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"
#include "option_parser.h"

namespace barnabas::apps {

enum class ConfigsAction : std::uint8_t { kHelp, kVersion, kDescribe, kAlter };

struct ConfigsCommandLine {
  ConfigsAction action = ConfigsAction::kHelp;
  std::string entity_type;                // "topics" or "brokers"
  std::vector<std::string> entity_names;  // empty text: the default of all
  bool all = false;                       // --all
  ParsedOptions options;
};

[[nodiscard]] std::string_view configs_help();

// Fails: INVALID_REQUEST with the sentence that Kafka prints.
[[nodiscard]] Result<ConfigsCommandLine> parse_configs_command(std::span<char*> arguments);

// "k1=v1,k2=[v1,v2],k3=v3". Fails: INVALID_REQUEST.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_added_configs(std::string_view text);

}  // namespace barnabas::apps
