// kafka-log-dirs.sh: which replicas lie in which log dir of which broker, as one line of JSON on
// standard output, in Kafka's words (3.9.1).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/protocol/gen/describe_log_dirs.h"
#include "cluster_client.h"
#include "error_text.h"
#include "java_hash_order.h"
#include "option_parser.h"
#include "subcommands.h"
#include "tool_main.h"

namespace barnabas::apps {
namespace {

using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;
using Partition = DescribeLogDirsResponse::DescribeLogDirsPartition;

constexpr std::array kOptions = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"broker-list", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"describe"},
    OptionSpec{"help"},
    OptionSpec{"topic-list", Argument::kRequired},
    OptionSpec{"version"},
};

constexpr std::string_view kHelp = R"(Shows what lies in the log dirs of brokers, as JSON.
  --describe
  --broker-list 0,1,2           of these brokers (all)
  --topic-list a,b              of these topics (all)
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done, 1 an error.
)";

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

// Split at commas; empty items do not count.
std::vector<std::string> items_of(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) {
      items.push_back(text.substr(at, end - at));
    }
    at = end + 1;
  }
  return items;
}

Result<std::set<std::int32_t>> brokers_to_ask(const ParsedOptions& options,
                                              const protocol::MetadataResponse& metadata) {
  std::set<std::int32_t> alive;
  for (const auto& broker : metadata.brokers) {
    alive.insert(broker.node_id);
  }
  TRY(const auto list, options.value("broker-list"));
  std::set<std::int32_t> asked;
  for (const std::string& item : items_of(list.value_or(""))) {
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(item.data(), item.data() + item.size(), id);
    if (error != std::errc{} || stop != item.data() + item.size()) {
      return refuse(fmt::format("For input string: \"{}\"", item));
    }
    asked.insert(id);
  }
  std::vector<std::int32_t> strangers;
  std::ranges::set_difference(asked, alive, std::back_inserter(strangers));
  if (!strangers.empty()) {
    return refuse(fmt::format(
        "ERROR: The given brokers do not exist from --broker-list: {}. Current existent "
        "brokers: {}",
        fmt::join(strangers, ","), fmt::join(alive, ",")));
  }
  return asked.empty() ? alive : asked;
}

std::string quoted(const std::string& text) {
  return boost::json::serialize(boost::json::string(text));
}

std::string partitions_text(const DescribeLogDirsResponse::DescribeLogDirsResult& dir,
                            const std::set<std::string>& topics) {
  std::vector<TopicPartition> names;
  std::vector<const Partition*> partitions;
  for (const auto& topic : dir.topics) {
    for (const Partition& partition : topic.partitions) {
      names.push_back({topic.name, PartitionId(partition.partition_index)});
      partitions.push_back(&partition);
    }
  }
  // Kafka's tool puts what it prints into a second map, in the order of the first.
  std::vector<TopicPartition> printed;
  std::vector<const Partition*> of_printed;
  for (const std::size_t i : java_hash_order(names)) {
    if (topics.empty() || topics.contains(names[i].topic)) {
      printed.push_back(names[i]);
      of_printed.push_back(partitions[i]);
    }
  }
  std::string text;
  for (const std::size_t i : java_hash_order(printed)) {
    text += fmt::format(R"({}{{"partition":{},"size":{},"offsetLag":{},"isFuture":{}}})",
                        text.empty() ? "" : ",", quoted(to_string(printed[i])),
                        of_printed[i]->partition_size, of_printed[i]->offset_lag,
                        of_printed[i]->is_future_key);
  }
  return text;
}

std::string broker_text(std::int32_t broker, const DescribeLogDirsResponse& response,
                        const std::set<std::string>& topics) {
  std::vector<std::string> paths;
  for (const auto& dir : response.results) {
    paths.push_back(dir.log_dir);
  }
  std::string text;
  for (const std::size_t i : java_hash_order(paths)) {
    const auto& dir = response.results[i];
    const auto code = static_cast<ErrorCode>(dir.error_code);
    const std::string error =
        code == ErrorCode::kNone ? "null"
                                 : quoted("org.apache.kafka.common.errors." + java_exception(code));
    text +=
        fmt::format(R"({}{{"partitions":[{}],"error":{},"logDir":{}}})", text.empty() ? "" : ",",
                    partitions_text(dir, topics), error, quoted(dir.log_dir));
  }
  return fmt::format(R"({{"broker":{},"logDirs":[{}]}})", broker, text);
}

Status describe(const ParsedOptions& options) {
  if (!options.has("describe")) {
    return refuse("Missing required argument \"[describe]\"");
  }
  TRY(const auto list, options.value("topic-list"));
  const auto items = items_of(list.value_or(""));
  const std::set<std::string> topics(items.begin(), items.end());
  TRY(ClusterClient cluster, ClusterClient::connect(options));
  TRY(const protocol::MetadataResponse metadata, cluster.metadata(false));
  TRY(const std::set<std::int32_t> brokers, brokers_to_ask(options, metadata));
  fmt::print("Querying brokers for log directories information\n");
  std::string text;
  for (const std::int32_t broker : brokers) {
    TRY(WireClient* const client, cluster.broker(broker));
    DescribeLogDirsRequest request;
    request.topics = std::nullopt;
    DescribeLogDirsResponse response;
    TRY_STATUS(client->call(protocol::ApiKey::kDescribeLogDirs, request, response));
    TRY_STATUS(check_answer(response.error_code));
    text += (text.empty() ? "" : ",") + broker_text(broker, response, topics);
  }
  fmt::print("Received log directory information from brokers {}\n", fmt::join(brokers, ","));
  fmt::print("{{\"brokers\":[{}],\"version\":1}}\n", text);
  return {};
}

}  // namespace

int log_dirs_main(std::span<char*> arguments) {
  return run_tool({kOptions, kHelp, true}, arguments, &describe);
}

}  // namespace barnabas::apps
