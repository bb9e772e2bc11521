#include "transactions_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "barnabas/protocol/gen/write_txn_markers.h"
#include "coordinator_client.h"
#include "error_text.h"

namespace barnabas::apps {
namespace {

using protocol::ApiKey;

constexpr std::int16_t kFirstWithDuration = 1;
constexpr std::chrono::seconds kPatience{5};  // with a coordinator that still loads

std::unexpected<Error> unknown_partition() {
  return fail(ErrorCode::kUnknownTopicOrPartition,
              std::string(error_text(ErrorCode::kUnknownTopicOrPartition)));
}

std::string words_of(const AbortSpec& spec) {
  return fmt::format(
      "AbortTransactionSpec(topicPartition={}, producerId={}, producerEpoch={}, "
      "coordinatorEpoch={})",
      to_string(spec.partition), spec.producer_id, spec.producer_epoch, spec.coordinator_epoch);
}

// The sentence of Java's AdminClient for what WriteTxnMarkers answered.
Status marker_outcome(std::int16_t code, const AbortSpec& spec) {
  const Status fine = check_answer(code);
  if (fine) {
    return {};
  }
  const ErrorCode error = fine.error().code;
  std::string why;
  switch (error) {
    case ErrorCode::kClusterAuthorizationFailed:
      why = "failed due to cluster authorization error";
      break;
    case ErrorCode::kInvalidProducerEpoch:
      why = "failed due an invalid producer epoch";
      break;
    case ErrorCode::kTransactionCoordinatorFenced:
      why = fmt::format(
          "failed since the provided coordinator epoch {} has been fenced by the active "
          "coordinator",
          spec.coordinator_epoch);
      break;
    default:
      why = "failed due to unexpected error: " + fine.error().message;
  }
  return fail(error, fmt::format("WriteTxnMarkers request with {} {}", words_of(spec), why));
}

}  // namespace

Result<std::map<std::int32_t, std::vector<TransactionListing>>> TransactionsClient::list(
    const std::vector<std::int64_t>& producer_ids, std::int64_t duration_ms) {
  TRY(const protocol::MetadataResponse metadata, cluster_.metadata(false));
  std::map<std::int32_t, std::vector<TransactionListing>> found;
  for (const auto& broker : metadata.brokers) {
    TRY(WireClient* const client, cluster_.broker(broker.node_id));
    protocol::ListTransactionsRequest request;
    request.producer_id_filters = producer_ids;
    request.duration_filter = duration_ms;
    const std::int16_t version = client->version_of(ApiKey::kListTransactions);
    if (duration_ms >= 0 && version >= 0 && version < kFirstWithDuration) {
      return fail(ErrorCode::kUnsupportedVersion,
                  fmt::format("broker {} cannot filter by duration", broker.node_id));
    }
    protocol::ListTransactionsResponse response;
    TRY_STATUS(client->call(ApiKey::kListTransactions, request, response));
    TRY_STATUS(check_answer(response.error_code));
    found[broker.node_id] = std::move(response.transaction_states);
  }
  return found;
}

Result<DescribedTransaction> TransactionsClient::describe(const std::string& id) {
  DescribedTransaction described;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto ask = [&](WireClient& client, const Coordinator& coordinator) -> Status {
    protocol::DescribeTransactionsRequest request;
    request.transactional_ids.push_back(id);
    protocol::DescribeTransactionsResponse response;
    TRY_STATUS(client.call(ApiKey::kDescribeTransactions, request, response));
    if (response.transaction_states.size() != 1) {
      return fail(ErrorCode::kUnknownServerError, "DescribeTransactions answered another id");
    }
    described.coordinator = coordinator.id;
    described.state = std::move(response.transaction_states.front());
    const Status fine = check_answer(described.state.error_code);
    if (!fine && fine.error().code == ErrorCode::kTransactionalIdNotFound) {
      return fail(fine.error().code,
                  fmt::format("DescribeTransactions request for transactionalId `{}` failed "
                              "because the ID could not be found",
                              id));
    }
    return fine;
  };
  TRY_STATUS(ask_coordinator(cluster_, CoordinatorType::kTransaction, id, deadline, ask));
  return described;
}

Result<std::int32_t> TransactionsClient::leader_of(const TopicPartition& wanted) {
  TRY(const protocol::MetadataResponse metadata, cluster_.metadata(true));
  for (const auto& topic : metadata.topics) {
    for (const auto& partition : topic.partitions) {
      if (topic.name == wanted.topic && partition.partition_index == wanted.partition.value()) {
        if (partition.leader_id < 0) {
          return fail(ErrorCode::kLeaderNotAvailable,
                      std::string(error_text(ErrorCode::kLeaderNotAvailable)));
        }
        return partition.leader_id;
      }
    }
  }
  return unknown_partition();
}

Status TransactionsClient::ask_producers(std::int32_t broker,
                                         const std::vector<TopicPartition>& partitions,
                                         std::map<TopicPartition, ProducerStates>& found) {
  TRY(WireClient* const client, cluster_.broker(broker));
  protocol::DescribeProducersRequest request;
  for (const TopicPartition& partition : partitions) {
    if (request.topics.empty() || request.topics.back().name != partition.topic) {
      request.topics.emplace_back().name = partition.topic;
    }
    request.topics.back().partition_indexes.push_back(partition.partition.value());
  }
  protocol::DescribeProducersResponse response;
  TRY_STATUS(client->call(ApiKey::kDescribeProducers, request, response));
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      TRY_STATUS(check_answer(partition.error_code, partition.error_message));
      found[{topic.name, PartitionId(partition.partition_index)}] =
          std::move(partition.active_producers);
    }
  }
  return {};
}

Result<std::map<TopicPartition, ProducerStates>> TransactionsClient::producers(
    const std::vector<TopicPartition>& partitions, std::optional<std::int32_t> broker) {
  std::map<std::int32_t, std::vector<TopicPartition>> by_broker;
  if (broker) {
    by_broker[*broker] = partitions;
  } else if (partitions.size() == 1) {
    TRY(const std::int32_t leader, leader_of(partitions.front()));
    by_broker[leader] = partitions;
  } else {
    TRY(const protocol::MetadataResponse metadata, cluster_.metadata(true));
    for (const auto& topic : metadata.topics) {
      for (const auto& partition : topic.partitions) {
        const TopicPartition name{topic.name.value_or(""), PartitionId(partition.partition_index)};
        if (partition.leader_id >= 0 && std::ranges::find(partitions, name) != partitions.end()) {
          by_broker[partition.leader_id].push_back(name);
        }
      }
    }
  }
  std::map<TopicPartition, ProducerStates> found;
  for (auto& [id, wanted] : by_broker) {
    std::ranges::sort(wanted);
    TRY_STATUS(ask_producers(id, wanted, found));
  }
  return found;
}

Status TransactionsClient::abort(const AbortSpec& spec) {
  TRY(const std::int32_t leader, leader_of(spec.partition));
  TRY(WireClient* const client, cluster_.broker(leader));
  protocol::WriteTxnMarkersRequest request;
  auto& marker = request.markers.emplace_back();
  marker.producer_id = spec.producer_id;
  marker.producer_epoch = spec.producer_epoch;
  marker.transaction_result = false;
  marker.coordinator_epoch = spec.coordinator_epoch;
  marker.topics.push_back({spec.partition.topic, {spec.partition.partition.value()}});
  protocol::WriteTxnMarkersResponse response;
  TRY_STATUS(client->call(ApiKey::kWriteTxnMarkers, request, response));
  for (const auto& answered : response.markers) {
    for (const auto& topic : answered.topics) {
      for (const auto& partition : topic.partitions) {
        return marker_outcome(partition.error_code, spec);
      }
    }
  }
  return fail(ErrorCode::kUnknownServerError, "WriteTxnMarkers answered nothing");
}

Result<std::vector<TopicPartition>> TransactionsClient::partitions(
    const std::optional<std::string>& topic, std::optional<std::int32_t> broker) {
  TRY(const protocol::MetadataResponse metadata, cluster_.metadata(true));
  std::vector<TopicPartition> found;
  bool known = !topic;
  for (const auto& one : metadata.topics) {
    if (topic && one.name != *topic) {
      continue;
    }
    known = true;
    for (const auto& partition : one.partitions) {
      if (!broker ||
          std::ranges::find(partition.replica_nodes, *broker) != partition.replica_nodes.end()) {
        found.push_back({one.name.value_or(""), PartitionId(partition.partition_index)});
      }
    }
  }
  if (!known) {
    return unknown_partition();
  }
  return found;
}

}  // namespace barnabas::apps
