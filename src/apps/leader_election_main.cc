// kafka-leader-election.sh: has leaders of partitions elected. Outcomes go to standard output, what
// is wrong to standard error, in Kafka's words (3.9.1).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/protocol/gen/elect_leaders.h"
#include "cluster_client.h"
#include "error_text.h"
#include "java_hash_order.h"
#include "option_parser.h"
#include "rdkafka_client.h"
#include "subcommands.h"
#include "tool_version.h"

namespace barnabas::apps {
namespace {

namespace json = boost::json;

constexpr std::int32_t kTimeoutMs = 15000;  // half of the 30 s that Kafka's tool gives itself
constexpr std::int8_t kPreferred = 0;
constexpr std::int8_t kUnclean = 1;

constexpr std::array kOptions = {
    OptionSpec{"admin.config", Argument::kRequired},
    OptionSpec{"all-topic-partitions"},
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"election-type", Argument::kRequired},
    OptionSpec{"help"},
    OptionSpec{"partition", Argument::kRequired},
    OptionSpec{"path-to-json-file", Argument::kRequired},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"version"},
};

constexpr std::string_view kHelp = R"(Has leaders of partitions elected.
  --election-type TYPE          REQUIRED: preferred (the first replica), or unclean (any that lives,
                                where there is no leader: records may be lost)
  --topic T --partition N       one partition; or
  --all-topic-partitions        all of them; or
  --path-to-json-file FILE      {"partitions": [{"topic": "foo", "partition": 1}]}
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --admin.config FILE           properties of the Java AdminClient
  --help, --version
Exit code: 0 done, 1 an error, also where a leader could not be elected.
)";

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

using Partitions = std::vector<TopicPartition>;
using Wanted = std::optional<Partitions>;  // nothing: all

Result<Partitions> parse_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return refuse(fmt::format("Unable to read file {}", path));
  }
  boost::system::error_code bad;
  const json::value root = json::parse(text.str(), bad);
  if (bad || !root.is_object()) {
    return refuse("Replica election data is empty");
  }
  const json::value* const list = root.get_object().if_contains("partitions");
  if (list == nullptr || !list->is_array()) {
    return refuse("Replica election data is missing \"partitions\" field");
  }
  Partitions partitions;
  std::set<TopicPartition> twice;
  for (const json::value& row : list->get_array()) {
    const json::object* const object = row.if_object();
    const json::value* const topic = object == nullptr ? nullptr : object->if_contains("topic");
    const json::value* const number =
        object == nullptr ? nullptr : object->if_contains("partition");
    if (topic == nullptr || number == nullptr || !topic->is_string() || !number->is_int64()) {
      return refuse("no topic and partition in " + json::serialize(row));
    }
    TopicPartition one{std::string(topic->get_string()),
                       PartitionId(static_cast<std::int32_t>(number->get_int64()))};
    if (std::ranges::find(partitions, one) != partitions.end()) {
      twice.insert(one);
    }
    partitions.push_back(std::move(one));
  }
  if (!twice.empty()) {
    std::vector<std::string> names;
    for (const TopicPartition& one : twice) {
      names.push_back(to_string(one));
    }
    return refuse(fmt::format("Replica election data contains duplicate partitions: [{}]",
                              fmt::join(names, ", ")));
  }
  return partitions;
}

Result<std::int8_t> election_type(const ParsedOptions& options) {
  TRY(const auto text, options.value("election-type"));
  std::string lower = text.value_or("");
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "preferred" || lower == "unclean") {
    return lower == "preferred" ? kPreferred : kUnclean;
  }
  return refuse(fmt::format("Cannot parse argument '{}' of option election-type", *text));
}

Result<Wanted> wanted_of(const ParsedOptions& options) {
  if (!options.has("election-type")) {
    return refuse("Missing required option(s): election-type");
  }
  const int scopes = static_cast<int>(options.has("topic")) +
                     static_cast<int>(options.has("all-topic-partitions")) +
                     static_cast<int>(options.has("path-to-json-file"));
  if (scopes != 1) {
    return refuse(
        "One and only one of the following options is required: topic, "
        "all-topic-partitions, path-to-json-file");
  }
  if (options.has("topic") && !options.has("partition")) {
    return refuse("Missing required option(s): partition");
  }
  if (!options.has("topic") && options.has("partition")) {
    return refuse("Option partition is only allowed if topic is used");
  }
  TRY(const auto topic, options.value("topic"));
  TRY(const auto path, options.value("path-to-json-file"));
  TRY(const std::int32_t partition, options.int32_value("partition", 0));
  if (topic) {
    return Wanted(Partitions{{*topic, PartitionId(partition)}});
  }
  if (path) {
    TRY(Partitions partitions, parse_file(*path));
    return Wanted(std::move(partitions));
  }
  return Wanted();
}

// What became of the partitions; the requests go to the controller.
Result<std::map<TopicPartition, Error>> elect(ClusterClient& cluster, std::int8_t type,
                                              const Wanted& wanted) {
  TRY(const protocol::MetadataResponse metadata, cluster.metadata(false));
  TRY(WireClient* const controller, cluster.broker(metadata.controller_id));
  protocol::ElectLeadersRequest request;
  request.election_type = type;
  request.timeout_ms = kTimeoutMs;
  request.topic_partitions = std::nullopt;
  if (wanted) {
    request.topic_partitions.emplace();
    std::map<std::string, std::vector<std::int32_t>> by_topic;
    for (const TopicPartition& one : *wanted) {
      by_topic[one.topic].push_back(one.partition.value());
    }
    for (auto& [topic, partitions] : by_topic) {
      request.topic_partitions->push_back({topic, std::move(partitions)});
    }
  }
  protocol::ElectLeadersResponse response;
  TRY_STATUS(controller->call(protocol::ApiKey::kElectLeaders, request, response));
  TRY_STATUS(check_answer(response.error_code));
  std::map<TopicPartition, Error> outcomes;
  for (const auto& topic : response.replica_election_results) {
    for (const auto& partition : topic.partition_result) {
      const Status fine = check_answer(partition.error_code, partition.error_message);
      outcomes[{topic.topic, PartitionId(partition.partition_id)}] =
          fine ? Error{ErrorCode::kNone, "", 0} : fine.error();
    }
  }
  return outcomes;
}

std::string names_of(const Partitions& partitions) {
  std::vector<std::string> names;
  for (const std::size_t i : java_hash_order(partitions)) {
    names.push_back(to_string(partitions[i]));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Status print_outcomes(const std::map<TopicPartition, Error>& outcomes, std::string_view type) {
  Partitions elected;
  Partitions not_needed;
  Partitions failed;
  for (const auto& [partition, error] : outcomes) {
    (error.code == ErrorCode::kNone                ? elected
     : error.code == ErrorCode::kElectionNotNeeded ? not_needed
                                                   : failed)
        .push_back(partition);
  }
  if (!elected.empty()) {
    fmt::print("Successfully completed leader election ({}) for partitions {}\n", type,
               names_of(elected));
  }
  if (!not_needed.empty()) {
    fmt::print("Valid replica already elected for partitions {}\n", names_of(not_needed));
  }
  for (const std::size_t i : java_hash_order(failed)) {
    const Error& error = outcomes.at(failed[i]);
    fmt::print(
        "Error completing leader election ({}) for partition: {}: "
        "org.apache.kafka.common.errors.{}: {}\n",
        type, to_string(failed[i]), java_exception(error.code), error.message);
  }
  if (!failed.empty()) {
    return refuse(fmt::format("{} replica(s) could not be elected", failed.size()));
  }
  return {};
}

Status run(const ParsedOptions& options) {
  TRY(const Wanted wanted, wanted_of(options));
  TRY(const std::int8_t type, election_type(options));
  TRY(ClusterClient cluster, ClusterClient::connect(options));
  TRY(const auto outcomes, elect(cluster, type, wanted));
  return print_outcomes(outcomes, type == kPreferred ? "PREFERRED" : "UNCLEAN");
}

}  // namespace

int leader_election_main(std::span<char*> arguments) {
  // Kafka's own name for what the other tools call --command-config.
  std::vector<std::string> words(arguments.begin(), arguments.end());
  std::vector<char*> renamed;
  for (std::string& word : words) {
    if (word == "--admin.config") {
      word = "--command-config";
    }
    renamed.push_back(word.data());
  }
  const auto options = parse_options(kOptions, renamed);
  if (!options) {
    say(options.error().message);
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
  if (const Status done = run(*options); !done) {
    std::fflush(stdout);
    say(done.error().message);
    return 1;
  }
  return 0;
}

}  // namespace barnabas::apps
