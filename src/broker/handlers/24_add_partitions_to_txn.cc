// AddPartitionsToTxn (key 24), versions 0 to 5: partitions join an open transaction or open one.
// Since version 4 for many transactions at once, and verifying only, as brokers ask each other.
// Rules: KafkaApis.handleAddPartitionsToTxnRequest of Kafka 3.9.1.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/add_partitions_to_txn.h"
#include "handler_table.h"
#include "thread_state.h"
#include "transaction_answers.h"
#include "transaction_service.h"

namespace barnabas::broker {
namespace {

using protocol::AddPartitionsToTxnRequest;
using protocol::AddPartitionsToTxnResponse;
using Transaction = AddPartitionsToTxnRequest::AddPartitionsToTxnTransaction;
using Topics = std::vector<AddPartitionsToTxnRequest::AddPartitionsToTxnTopic>;
using TopicResults = std::vector<AddPartitionsToTxnResponse::AddPartitionsToTxnTopicResult>;

constexpr std::int16_t kFirstBatched = 4;

// One request; each of its transactions is answered by the coordinator on its own.
struct Call {
  explicit Call(PendingAnswer pending) : answer(std::move(pending)) {}

  void one_done() {
    if (--outstanding > 0) {
      return;
    }
    if (answer.version() < kFirstBatched && !response.results_by_transaction.empty()) {
      response.results_by_topic_v3_and_below =
          std::move(response.results_by_transaction.front().topic_results);
      response.results_by_transaction.clear();
    }
    answer.send(response);
  }

  PendingAnswer answer;
  AddPartitionsToTxnResponse response;
  std::size_t outstanding = 1;  // one for the loop that begins them
};

std::vector<TopicPartition> partitions_of(const Topics& topics) {
  std::vector<TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const std::int32_t partition : topic.partitions) {
      partitions.push_back({topic.name, PartitionId(partition)});
    }
  }
  return partitions;
}

// `errors` in the order of partitions_of().
TopicResults results_of(const Topics& topics, const std::vector<ErrorCode>& errors) {
  TopicResults results;
  std::size_t next = 0;
  for (const auto& topic : topics) {
    auto& to = results.emplace_back();
    to.name = topic.name;
    for (const std::int32_t partition : topic.partitions) {
      auto& result = to.results_by_partition.emplace_back();
      result.partition_index = partition;
      result.partition_error_code = static_cast<std::int16_t>(errors[next++]);
    }
  }
  return results;
}

// One partition that does not exist fails all of them.
std::optional<std::vector<ErrorCode>> unknown_partitions(
    const metadata::ClusterSnapshot& cluster, const std::vector<TopicPartition>& partitions) {
  const auto exists = [&](const TopicPartition& partition) {
    return cluster.partition(partition.topic, partition.partition) != nullptr;
  };
  if (std::ranges::all_of(partitions, exists)) {
    return std::nullopt;
  }
  std::vector<ErrorCode> errors;
  for (const auto& partition : partitions) {
    errors.push_back(exists(partition) ? ErrorCode::kOperationNotAttempted
                                       : ErrorCode::kUnknownTopicOrPartition);
  }
  return errors;
}

void begin(RequestContext& context, const std::shared_ptr<Call>& call, std::size_t index,
           Transaction transaction) {
  auto partitions = partitions_of(transaction.topics);
  if (const auto errors = unknown_partitions(context.thread.metadata(), partitions)) {
    call->response.results_by_transaction[index].topic_results =
        results_of(transaction.topics, *errors);
    return;
  }
  ++call->outstanding;
  const coordinator::ProducerIdAndEpoch producer{ProducerId(transaction.producer_id),
                                                 ProducerEpoch(transaction.producer_epoch)};
  const std::size_t count = partitions.size();
  auto answer = [call, index,
                 topics = std::move(transaction.topics)](std::vector<ErrorCode> errors) mutable {
    Executor& home = call->answer.home();
    home.post([call, index, topics = std::move(topics), errors = std::move(errors)] {
      call->response.results_by_transaction[index].topic_results = results_of(topics, errors);
      call->one_done();
    });
  };
  auto& coordinator = context.services.transactions.coordinator();
  if (transaction.verify_only) {
    coordinator.verify_partitions(std::move(transaction.transactional_id), producer,
                                  std::move(partitions), std::move(answer));
  } else {
    coordinator.add_partitions(
        std::move(transaction.transactional_id), producer, std::move(partitions),
        [answer = std::move(answer), count, version = context.version()](ErrorCode error) mutable {
          answer(std::vector<ErrorCode>(count, transaction_error(error, version)));
        });
  }
}

}  // namespace

void handle_add_partitions_to_txn(RequestContext& context, protocol::Reader& body) {
  AddPartitionsToTxnRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  if (context.version() < kFirstBatched) {
    auto& only = request.transactions.emplace_back();
    only.transactional_id = std::move(request.v3_and_below_transactional_id);
    only.producer_id = request.v3_and_below_producer_id;
    only.producer_epoch = request.v3_and_below_producer_epoch;
    only.topics = std::move(request.v3_and_below_topics);
  }
  auto call = std::make_shared<Call>(context.pending());
  for (const auto& transaction : request.transactions) {
    call->response.results_by_transaction.emplace_back().transactional_id =
        transaction.transactional_id;
  }
  for (std::size_t i = 0; i < request.transactions.size(); ++i) {
    begin(context, call, i, std::move(request.transactions[i]));
  }
  call->one_done();
}

}  // namespace barnabas::broker
