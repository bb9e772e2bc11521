// kafka-get-offsets.sh: where partitions begin and end, or the offset at a time. Offsets go to
// standard output, one partition a line; what is wrong to standard error, in Kafka's words (3.9.1).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/regex.hpp>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "cluster_client.h"
#include "offsets_client.h"
#include "option_parser.h"
#include "rdkafka_client.h"
#include "subcommands.h"
#include "tool_version.h"
#include "topic_filter.h"

namespace barnabas::apps {
namespace {

constexpr std::array kOptions = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"broker-list", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"exclude-internal-topics"},
    OptionSpec{"help"},
    OptionSpec{"partitions", Argument::kRequired},
    OptionSpec{"time", Argument::kRequired},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"topic-partitions", Argument::kRequired},
    OptionSpec{"version"},
};

constexpr std::string_view kHelp =
    R"(Prints offsets of partitions, one TOPIC:PARTITION:OFFSET a line.
  --topic EXPRESSION            topics by a regular expression (all)
  --partitions 0,1              partitions (all)
  --topic-partitions a:0,b:1-3,c   topics and partitions by rules, instead of the two; the end of a
                                range does not belong to it
  --time T                      latest (-1), earliest (-2), max-timestamp (-3), earliest-local (-4),
                                latest-tiered (-5), or milliseconds since 1970 (latest)
  --exclude-internal-topics     leave Kafka's own topics out
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done, 1 an error.
)";

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end && !text.empty() ? std::optional(number)
                                                              : std::nullopt;
}

Result<std::int64_t> parse_time(const std::string& text) {
  static const std::map<std::string, std::int64_t, std::less<>> kNames = {{"latest", -1},
                                                                          {"earliest", -2},
                                                                          {"max-timestamp", -3},
                                                                          {"earliest-local", -4},
                                                                          {"latest-tiered", -5}};
  if (const auto named = kNames.find(text); named != kNames.end()) {
    return named->second;
  }
  const auto number = whole_number(text);
  if (!number) {
    return refuse(fmt::format(
        "Malformed time argument {}. Please use -1 or latest / -2 or earliest / -3 or "
        "max-timestamp / -4 or earliest-local / -5 or latest-tiered, or a specified long format "
        "timestamp",
        text));
  }
  return *number;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// One of --topic-partitions: topics by an expression, partitions from `first` on, below `end`.
struct Rule {
  TopicFilter topics;
  std::int64_t first = 0;
  std::int64_t end = INT64_MAX;
};

Result<Rule> parse_rule(const std::string& text) {
  static const boost::regex kRule("([^:,]*)(?::(?:([0-9]*)|(?:([0-9]*)-([0-9]*))))?");
  boost::smatch parts;
  if (!boost::regex_match(text, parts, kRule)) {
    return refuse(fmt::format("Invalid rule specification: {}", text));
  }
  TRY(TopicFilter topics, TopicFilter::make(parts[1].length() > 0 ? parts[1].str() : ".*"));
  Rule rule{std::move(topics)};
  if (parts[2].length() > 0) {
    rule.first = whole_number(parts[2].str()).value_or(INT64_MAX - 1);
    rule.end = rule.first + 1;
  } else {
    rule.first = parts[3].length() > 0 ? whole_number(parts[3].str()).value_or(INT64_MAX) : 0;
    rule.end = parts[4].length() > 0 ? whole_number(parts[4].str()).value_or(INT64_MAX) : INT64_MAX;
  }
  return rule;
}

// Which partitions are asked for.
struct Wanted {
  std::vector<Rule> rules;                           // any of them
  std::optional<std::set<std::int64_t>> partitions;  // and one of these
  bool exclude_internal = false;

  [[nodiscard]] bool matches(const std::string& topic, bool internal,
                             std::int32_t partition) const {
    const bool allowed =
        !(internal && exclude_internal) && (!partitions || partitions->contains(partition));
    return allowed && std::ranges::any_of(rules, [&](const Rule& rule) {
             return rule.topics.matches(topic) && rule.first <= partition && partition < rule.end;
           });
  }
};

Result<Wanted> wanted_of(const ParsedOptions& options) {
  TRY(const auto topic, options.value("topic"));
  TRY(const auto partitions, options.value("partitions"));
  TRY(const auto rules, options.value("topic-partitions"));
  if (rules && (topic || partitions)) {
    return refuse("--topic-partitions cannot be used with --topic or --partitions");
  }
  Wanted wanted;
  wanted.exclude_internal = options.has("exclude-internal-topics");
  if (rules) {
    for (const std::string& text : split_at_commas(*rules)) {
      TRY(Rule rule, parse_rule(text));
      wanted.rules.push_back(std::move(rule));
    }
    return wanted;
  }
  TRY(TopicFilter filter, TopicFilter::make(topic.value_or(".*")));
  wanted.rules.push_back({std::move(filter)});
  if (partitions && !partitions->empty()) {
    wanted.partitions.emplace();
    for (const std::string& text : split_at_commas(*partitions)) {
      const auto number = whole_number(text);
      if (!number) {
        return refuse(
            fmt::format("--partitions expects a comma separated list of numeric "
                        "partition ids, but received: {}",
                        *partitions));
      }
      wanted.partitions->insert(*number);
    }
  }
  return wanted;
}

Status print_offsets(const ParsedOptions& options) {
  TRY(const Wanted wanted, wanted_of(options));
  TRY(const auto time_text, options.value("time"));
  TRY(const std::int64_t time,
      time_text ? parse_time(*time_text) : Result<std::int64_t>(kLatestOffset));
  TRY(ClusterClient cluster, ClusterClient::connect(options));
  TRY(const protocol::MetadataResponse metadata, cluster.metadata(true));
  std::vector<TopicPartition> partitions;
  for (const auto& topic : metadata.topics) {
    const std::string name = topic.name.value_or("");
    for (const auto& partition : topic.partitions) {
      if (wanted.matches(name, topic.is_internal, partition.partition_index)) {
        partitions.push_back({name, PartitionId(partition.partition_index)});
      }
    }
  }
  if (partitions.empty()) {
    return refuse("Could not match any topic-partitions with the specified filters");
  }
  TRY(const ListedOffsets offsets, list_offsets(cluster, partitions, time));
  for (const auto& [partition, offset] : offsets) {
    if (!offset) {
      say(fmt::format("Skip getting offsets for topic-partition {} due to error: {}",
                      to_string(partition), offset.error().message));
    } else if (*offset >= 0) {
      fmt::print("{}:{}:{}\n", partition.topic, partition.partition.value(), *offset);
    }
  }
  return {};
}

}  // namespace

int get_offsets_main(std::span<char*> arguments) {
  auto options = parse_options(kOptions, arguments);
  if (!options) {
    say(fmt::format("Error occurred: {}", options.error().message));
    return 1;
  }
  if (options->has("help")) {
    fmt::print("{}", kHelp);
    return 0;
  }
  if (options->has("version")) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  if (const Status done = print_offsets(*options); !done) {
    say(fmt::format("Error occurred: {}", done.error().message));
    return 1;
  }
  return 0;
}

}  // namespace barnabas::apps
