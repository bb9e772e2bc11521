// kafka-delete-records.sh: moves the start of logs to the offsets that a JSON file names. What was
// done goes to standard output, what is wrong to standard error, in Kafka's words (3.9.1).
#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/protocol/gen/delete_records.h"
#include "cluster_client.h"
#include "error_text.h"
#include "java_hash_order.h"
#include "option_parser.h"
#include "subcommands.h"
#include "tool_main.h"

namespace barnabas::apps {
namespace {

namespace json = boost::json;

constexpr std::int32_t kBrokerTimeoutMs = 30000;  // AdminClient's request.timeout.ms
constexpr std::int64_t kEarliestVersion = 1;

constexpr std::array kOptions = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"help"},
    OptionSpec{"offset-json-file", Argument::kRequired},
    OptionSpec{"version"},
};

constexpr std::string_view kHelp = R"(Deletes the records of partitions below given offsets.
  --offset-json-file FILE       {"partitions": [{"topic": "foo", "partition": 1, "offset": 1}],
                                "version": 1}; the offset -1 stands for the high watermark
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done (also where a partition has an error of its own), 1 an error.
)";

using Offsets = std::map<TopicPartition, std::int64_t>;

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

Result<const json::value*> member(const json::object& object, std::string_view name) {
  const json::value* const found = object.if_contains(name);
  if (found == nullptr) {
    return refuse(fmt::format("No such field exists: `{}`", name));
  }
  return found;
}

Result<std::int64_t> integer(const json::value& value, std::string_view type) {
  if (const auto* number = value.if_int64()) {
    return *number;
  }
  return refuse(fmt::format("Expected `{}` value, received {}", type, json::serialize(value)));
}

Result<Offsets> parse_offsets(const std::string& text) {
  boost::system::error_code bad;
  const json::value root = json::parse(text, bad);
  if (bad || !root.is_object()) {
    return refuse("The input string is not a valid JSON");
  }
  const json::object& object = root.get_object();
  if (const json::value* const version = object.if_contains("version")) {
    TRY(const std::int64_t number, integer(*version, "Integer"));
    if (number != kEarliestVersion) {
      return refuse(fmt::format("Not supported version field value {}", number));
    }
  }
  const json::value* const partitions = object.if_contains("partitions");
  if (partitions == nullptr) {
    return refuse("Missing partitions field");
  }
  if (!partitions->is_array()) {
    return refuse("Expected JSON array, received " + json::serialize(*partitions));
  }
  Offsets offsets;
  std::set<TopicPartition> twice;
  for (const json::value& row : partitions->get_array()) {
    if (!row.is_object()) {
      return refuse("Expected JSON object, received " + json::serialize(row));
    }
    TRY(const json::value* const topic, member(row.get_object(), "topic"));
    if (!topic->is_string()) {
      return refuse("Expected `String` value, received " + json::serialize(*topic));
    }
    TRY(const json::value* const index, member(row.get_object(), "partition"));
    TRY(const std::int64_t partition, integer(*index, "Integer"));
    TRY(const json::value* const offset_value, member(row.get_object(), "offset"));
    TRY(const std::int64_t offset, integer(*offset_value, "Long"));
    const TopicPartition name{std::string(topic->get_string()),
                              PartitionId(static_cast<std::int32_t>(partition))};
    if (!offsets.emplace(name, offset).second) {
      twice.insert(name);
    }
  }
  if (!twice.empty()) {
    std::string names;
    for (const TopicPartition& name : twice) {
      names += (names.empty() ? "" : ",") + to_string(name);
    }
    return refuse("Offset json file contains duplicate topic partitions: " + names);
  }
  return offsets;
}

// The low watermark of a partition, or why there is none.
using Outcomes = std::map<TopicPartition, Result<std::int64_t>>;

Status ask_leader(ClusterClient& cluster, std::int32_t leader, const Offsets& offsets,
                  Outcomes& outcomes) {
  TRY(WireClient* const client, cluster.broker(leader));
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  for (const auto& [partition, offset] : offsets) {
    if (request.topics.empty() || request.topics.back().name != partition.topic) {
      request.topics.emplace_back().name = partition.topic;
    }
    request.topics.back().partitions.push_back({partition.partition.value(), offset});
  }
  protocol::DeleteRecordsResponse response;
  TRY_STATUS(client->call(protocol::ApiKey::kDeleteRecords, request, response));
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      Result<std::int64_t> outcome = partition.low_watermark;
      if (const Status fine = check_answer(partition.error_code); !fine) {
        outcome = std::unexpected(fine.error());
      }
      outcomes.insert_or_assign({topic.name, PartitionId(partition.partition_index)},
                                std::move(outcome));
    }
  }
  return {};
}

Result<Outcomes> delete_all(ClusterClient& cluster, const Offsets& offsets) {
  TRY(const protocol::MetadataResponse metadata, cluster.metadata(true));
  Outcomes outcomes;
  for (const auto& [partition, offset] : offsets) {
    outcomes.emplace(partition, fail(ErrorCode::kUnknownTopicOrPartition,
                                     std::string(error_text(ErrorCode::kUnknownTopicOrPartition))));
  }
  std::map<std::int32_t, Offsets> by_leader;
  for (const auto& topic : metadata.topics) {
    for (const auto& partition : topic.partitions) {
      const auto wanted =
          offsets.find({topic.name.value_or(""), PartitionId(partition.partition_index)});
      if (wanted != offsets.end()) {
        by_leader[partition.leader_id].insert(*wanted);
      }
    }
  }
  for (const auto& [leader, part] : by_leader) {
    TRY_STATUS(ask_leader(cluster, leader, part, outcomes));
  }
  return outcomes;
}

void print_outcomes(const Outcomes& outcomes) {
  std::vector<TopicPartition> names;
  for (const auto& [partition, outcome] : outcomes) {
    names.push_back(partition);
  }
  for (const std::size_t i : java_hash_order(names)) {
    const Result<std::int64_t>& outcome = outcomes.at(names[i]);
    if (outcome) {
      fmt::print("partition: {}\tlow_watermark: {}\n", to_string(names[i]), *outcome);
    } else {
      fmt::print("partition: {}\terror: org.apache.kafka.common.errors.{}: {}\n",
                 to_string(names[i]), java_exception(outcome.error().code),
                 outcome.error().message);
    }
  }
}

Status delete_records(const ParsedOptions& options) {
  TRY(const auto path, options.value("offset-json-file"));
  if (!path) {
    return refuse("Missing required argument \"[offset-json-file]\"");
  }
  std::ifstream file(*path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return refuse(fmt::format("Unable to read file {}", *path));
  }
  TRY(const Offsets offsets, parse_offsets(text.str()));
  TRY(ClusterClient cluster, ClusterClient::connect(options));
  fmt::print("Executing records delete operation\n");
  TRY(const Outcomes outcomes, delete_all(cluster, offsets));
  fmt::print("Records delete operation completed:\n");
  print_outcomes(outcomes);
  return {};
}

}  // namespace

int delete_records_main(std::span<char*> arguments) {
  return run_tool({kOptions, kHelp, true}, arguments, &delete_records);
}

}  // namespace barnabas::apps
