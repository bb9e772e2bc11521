// TxnOffsetCommit (key 28), versions 0 to 4: offsets that hold when the transaction commits.
// Partitions that do not exist are answered here; before the group coordinator writes the rest, the
// transaction's is asked whether the partition of __consumer_offsets belongs to the transaction.
// Rules: KafkaApis.handleTxnOffsetCommitRequest, GroupCoordinator.handleTxnCommitOffsets of 3.9.1.
#include <memory>
#include <string>
#include <utility>

#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/offset_commit.h"
#include "barnabas/protocol/gen/txn_offset_commit.h"
#include "group_answers.h"
#include "handler_table.h"
#include "thread_state.h"
#include "transaction_verification.h"

namespace barnabas::broker {
namespace {

using coordinator::TransactionalProducer;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;
using protocol::TxnOffsetCommitRequest;
using protocol::TxnOffsetCommitResponse;

constexpr std::int16_t kFirstWithLoadError = 2;
constexpr std::int16_t kFirstWithAbortable = 4;

TxnOffsetCommitResponse response_of(const OffsetCommitResponse& from) {
  TxnOffsetCommitResponse response;
  for (const auto& topic : from.topics) {
    auto& to = response.topics.emplace_back();
    to.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& entry = to.partitions.emplace_back();
      entry.partition_index = partition.partition_index;
      entry.error_code = partition.error_code;
    }
  }
  return response;
}

struct Call {
  explicit Call(PendingAnswer pending) : answer(std::move(pending)) {}

  void refuse(ErrorCode error) {
    OffsetCommitResponse all;
    for (const auto& topic : commit.topics) {
      auto& to = all.topics.emplace_back();
      to.name = topic.name;
      for (const auto& partition : topic.partitions) {
        auto& entry = to.partitions.emplace_back();
        entry.partition_index = partition.partition_index;
        entry.error_code = static_cast<std::int16_t>(error);
      }
    }
    send(response_of(all));
  }

  void send(TxnOffsetCommitResponse response) {
    merge_topics(response, std::move(unknown));
    for (auto& topic : response.topics) {
      for (auto& partition : topic.partitions) {
        // Clients of old end when they hear of a load.
        if (answer.version() < kFirstWithLoadError &&
            partition.error_code ==
                static_cast<std::int16_t>(ErrorCode::kCoordinatorLoadInProgress)) {
          partition.error_code = static_cast<std::int16_t>(ErrorCode::kCoordinatorNotAvailable);
        }
      }
    }
    answer.send(response);
  }

  PendingAnswer answer;
  OffsetCommitRequest commit;
  TransactionalProducer producer;
  TxnOffsetCommitResponse unknown;  // what does not exist
};

// What exists goes into call.commit, the rest into call.unknown.
void take_over(const metadata::ClusterSnapshot& cluster, TxnOffsetCommitRequest& request,
               Call& call) {
  call.producer = {ProducerId(request.producer_id), ProducerEpoch(request.producer_epoch), 0};
  OffsetCommitRequest& commit = call.commit;
  commit.group_id = std::move(request.group_id);
  commit.generation_id_or_member_epoch = request.generation_id;
  commit.member_id = std::move(request.member_id);
  commit.group_instance_id = std::move(request.group_instance_id);
  for (auto& topic : request.topics) {
    OffsetCommitRequest::OffsetCommitRequestTopic good;
    TxnOffsetCommitResponse::TxnOffsetCommitResponseTopic bad;
    for (auto& partition : topic.partitions) {
      if (cluster.partition(topic.name, PartitionId(partition.partition_index)) == nullptr) {
        auto& entry = bad.partitions.emplace_back();
        entry.partition_index = partition.partition_index;
        entry.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition);
        continue;
      }
      auto& to = good.partitions.emplace_back();
      to.partition_index = partition.partition_index;
      to.committed_offset = partition.committed_offset;
      to.committed_leader_epoch = partition.committed_leader_epoch;
      to.committed_metadata = std::move(partition.committed_metadata);
    }
    if (!bad.partitions.empty()) {
      bad.name = topic.name;
      call.unknown.topics.push_back(std::move(bad));
    }
    if (!good.partitions.empty()) {
      good.name = std::move(topic.name);
      commit.topics.push_back(std::move(good));
    }
  }
}

// THREAD: home (the connection's)
void commit(Services& services, const std::shared_ptr<Call>& call) {
  services.groups.commit_offsets(std::move(call->commit), call->producer,
                                 [call](const OffsetCommitResponse& committed) {
                                   Executor& home = call->answer.home();
                                   home.post([call, response = response_of(committed)]() mutable {
                                     call->send(std::move(response));
                                   });
                                 });
}

// As GroupMetadataManager.maybeConvertOffsetCommitError has it, for what a verification can say.
ErrorCode commit_error(ErrorCode error) {
  return error == ErrorCode::kNetworkException ? ErrorCode::kCoordinatorLoadInProgress : error;
}

}  // namespace

void handle_txn_offset_commit(RequestContext& context, protocol::Reader& body) {
  TxnOffsetCommitRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  auto call = std::make_shared<Call>(context.pending());
  std::string transactional_id = std::move(request.transactional_id);
  take_over(context.thread.metadata(), request, *call);
  if (call->commit.topics.empty()) {
    call->send({});
    return;
  }
  Services& services = context.services;
  TopicPartition partition{std::string(metadata::kGroupMetadataTopic),
                           services.groups.partition_for(call->commit.group_id)};
  const auto* const replica = context.thread.replicas().find(partition.topic, partition.partition);
  const auto log = replica == nullptr ? nullptr : replica->log();
  if (log != nullptr && !call->commit.group_id.empty()) {
    call->producer.guard =
        log->begin_verification(call->producer.id, call->producer.epoch, kNoSequence).value();
  }
  if (call->producer.guard == 0) {
    commit(services, call);  // the transaction is open there, or the coordinator says what is wrong
    return;
  }
  verify_transaction(services, context.connection.home(),
                     {std::move(transactional_id),
                      {call->producer.id, call->producer.epoch},
                      {std::move(partition)},
                      context.version() >= kFirstWithAbortable},
                     [&services, call](const std::vector<ErrorCode>& errors) {
                       if (errors.front() == ErrorCode::kNone) {
                         commit(services, call);
                       } else {
                         call->refuse(commit_error(errors.front()));
                       }
                     });
}

}  // namespace barnabas::broker
