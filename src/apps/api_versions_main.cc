// kafka-broker-api-versions.sh: which requests each broker takes, in which versions, in the words
// of Kafka 3.9.1's tool. "Usable" is what a client of 3.9.1 would use.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>

#include "cluster_client.h"
#include "option_parser.h"
#include "subcommands.h"
#include "tool_main.h"

namespace barnabas::apps {
namespace {

constexpr std::array kOptions = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"help"},
    OptionSpec{"version"},
};

constexpr std::string_view kHelp = R"(Tells which requests each broker takes, in which versions.
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done, 1 an error.
)";

// The requests that Kafka 3.9.1's clients know of, and the newest version of each that they speak.
struct Known {
  std::int16_t key;
  std::string_view name;
  std::int16_t newest;
};
constexpr std::array kKnown = {
    Known{0, "Produce", 11},
    Known{1, "Fetch", 17},
    Known{2, "ListOffsets", 9},
    Known{3, "Metadata", 12},
    Known{4, "LeaderAndIsr", 7},
    Known{5, "StopReplica", 4},
    Known{6, "UpdateMetadata", 8},
    Known{7, "ControlledShutdown", 3},
    Known{8, "OffsetCommit", 9},
    Known{9, "OffsetFetch", 9},
    Known{10, "FindCoordinator", 6},
    Known{11, "JoinGroup", 9},
    Known{12, "Heartbeat", 4},
    Known{13, "LeaveGroup", 5},
    Known{14, "SyncGroup", 5},
    Known{15, "DescribeGroups", 5},
    Known{16, "ListGroups", 5},
    Known{17, "SaslHandshake", 1},
    Known{18, "ApiVersions", 4},
    Known{19, "CreateTopics", 7},
    Known{20, "DeleteTopics", 6},
    Known{21, "DeleteRecords", 2},
    Known{22, "InitProducerId", 5},
    Known{23, "OffsetForLeaderEpoch", 4},
    Known{24, "AddPartitionsToTxn", 5},
    Known{25, "AddOffsetsToTxn", 4},
    Known{26, "EndTxn", 4},
    Known{27, "WriteTxnMarkers", 1},
    Known{28, "TxnOffsetCommit", 4},
    Known{29, "DescribeAcls", 3},
    Known{30, "CreateAcls", 3},
    Known{31, "DeleteAcls", 3},
    Known{32, "DescribeConfigs", 4},
    Known{33, "AlterConfigs", 2},
    Known{34, "AlterReplicaLogDirs", 2},
    Known{35, "DescribeLogDirs", 4},
    Known{36, "SaslAuthenticate", 2},
    Known{37, "CreatePartitions", 3},
    Known{38, "CreateDelegationToken", 3},
    Known{39, "RenewDelegationToken", 2},
    Known{40, "ExpireDelegationToken", 2},
    Known{41, "DescribeDelegationToken", 3},
    Known{42, "DeleteGroups", 2},
    Known{43, "ElectLeaders", 2},
    Known{44, "IncrementalAlterConfigs", 1},
    Known{45, "AlterPartitionReassignments", 0},
    Known{46, "ListPartitionReassignments", 0},
    Known{47, "OffsetDelete", 0},
    Known{48, "DescribeClientQuotas", 1},
    Known{49, "AlterClientQuotas", 1},
    Known{50, "DescribeUserScramCredentials", 0},
    Known{51, "AlterUserScramCredentials", 0},
    Known{55, "DescribeQuorum", 2},
    Known{56, "AlterPartition", 3},
    Known{57, "UpdateFeatures", 1},
    Known{58, "Envelope", 0},
    Known{60, "DescribeCluster", 1},
    Known{61, "DescribeProducers", 0},
    Known{64, "UnregisterBroker", 0},
    Known{65, "DescribeTransactions", 0},
    Known{66, "ListTransactions", 1},
    Known{67, "AllocateProducerIds", 0},
    Known{68, "ConsumerGroupHeartbeat", 0},
    Known{69, "ConsumerGroupDescribe", 0},
    Known{71, "GetTelemetrySubscriptions", 0},
    Known{72, "PushTelemetry", 0},
    Known{74, "ListClientMetricsResources", 0},
    Known{75, "DescribeTopicPartitions", 0},
    Known{76, "ShareGroupHeartbeat", 0},
    Known{77, "ShareGroupDescribe", 0},
    Known{78, "ShareFetch", 0},
    Known{79, "ShareAcknowledge", 0},
    Known{80, "AddRaftVoter", 0},
    Known{81, "RemoveRaftVoter", 0},
    Known{83, "InitializeShareGroupState", 0},
    Known{84, "ReadShareGroupState", 0},
    Known{85, "WriteShareGroupState", 0},
    Known{86, "DeleteShareGroupState", 0},
    Known{87, "ReadShareGroupStateSummary", 0},
};

std::string range_text(const WireClient::VersionRange& range) {
  const auto known = std::ranges::find(kKnown, range.key, &Known::key);
  const bool is_known = known != kKnown.end();
  std::string text =
      fmt::format("{}({}): {}", is_known ? known->name : "UNKNOWN", range.key, range.lowest);
  if (range.lowest != range.highest) {
    text += fmt::format(" to {}", range.highest);
  }
  if (is_known) {
    text += known->newest < range.lowest
                ? std::string(" [unusable: node too new]")
                : fmt::format(" [usable: {}]", std::min(known->newest, range.highest));
  }
  return text;
}

std::string broker_text(const WireClient& client) {
  std::map<std::int16_t, std::string> texts;
  for (const Known& known : kKnown) {
    texts[known.key] = fmt::format("{}({}): UNSUPPORTED", known.name, known.key);
  }
  for (const WireClient::VersionRange& range : client.ranges()) {
    texts[range.key] = range_text(range);
  }
  std::string text;
  for (const auto& [key, one] : texts) {
    text += (text.empty() ? "\n\t" : ",\n\t") + one;
  }
  return "(" + text + "\n)";
}

Status run(const ParsedOptions& options) {
  TRY(ClusterClient cluster, ClusterClient::connect(options));
  TRY(const protocol::MetadataResponse metadata, cluster.metadata(false));
  for (const auto& broker : metadata.brokers) {
    const std::string node = fmt::format("{}:{} (id: {} rack: {})", broker.host, broker.port,
                                         broker.node_id, broker.rack.value_or("null"));
    const Result<WireClient*> client = cluster.broker(broker.node_id);
    fmt::print("{} -> {}\n", node,
               client ? broker_text(**client) : "ERROR: " + client.error().message);
  }
  return {};
}

}  // namespace

int api_versions_main(std::span<char*> arguments) {
  return run_tool({kOptions, kHelp}, arguments, &run);
}

}  // namespace barnabas::apps
