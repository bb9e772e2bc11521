// Produce (key 0), versions 3 to 11. Records pass through as bytes: one batch of magic 2 for each
// partition is checked and stamped where it was received. Older versions, whose message sets have
// to be converted, are not served.
#include <algorithm>
#include <optional>

#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/produce.h"
#include "barnabas/record/batch.h"
#include "handler_table.h"
#include "produce_gather.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

constexpr std::string_view kAdminClient = "__admin_client";  // may write to internal topics

bool is_transactional(const protocol::Records& records) {
  return records.bytes().size() >= record::kBatchOverhead &&
         record::BatchView(records.bytes()).magic() == record::kMagicV2 &&
         record::BatchView(records.bytes()).is_transactional();
}

// The error that the request as a whole gets, before any partition is looked at.
std::optional<Error> judge_request(const RequestContext& context, ProduceCall& call) {
  bool transactional = false;
  std::size_t place = 0;
  for (const auto& topic : call.request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      ProduceOutcome& outcome = call.outcomes[place++];
      const auto batch = record::single_batch(
          protocol::writable_part(context.frame, partition.records.bytes()), context.version());
      if (batch) {
        outcome.batch = *batch;
      } else if (batch.error().code == ErrorCode::kCorruptMessage) {
        return batch.error();  // Kafka's parser gives up on all of it
      } else {
        outcome.batch_error = batch.error().code;
      }
      transactional |= is_transactional(partition.records);
    }
  }
  if (transactional) {
    // No transaction coordinator here has ever registered the partition for a transaction.
    return Error{call.request.transactional_id ? ErrorCode::kInvalidTxnState
                                               : ErrorCode::kTransactionalIdAuthorizationFailed,
                 {}};
  }
  if (call.request.acks < -1 || call.request.acks > 1) {
    return Error{ErrorCode::kInvalidRequiredAcks, {}};
  }
  return std::nullopt;
}

void add_partition(RequestContext& context, ProduceCall& call, std::size_t place,
                   const std::string& topic,
                   const protocol::ProduceRequest::PartitionProduceData& data) {
  ProduceOutcome& outcome = call.outcomes[place];
  const PartitionId id(data.index);
  replication::Partition* const partition = context.thread.replicas().find(topic, id);
  if (partition == nullptr) {
    const bool known = context.thread.metadata().partition(topic, id) != nullptr;
    outcome.error = known ? ErrorCode::kNotLeaderOrFollower : ErrorCode::kUnknownTopicOrPartition;
    return;
  }
  if (outcome.batch_error != ErrorCode::kNone) {
    outcome.error = outcome.batch_error;
    return;
  }
  if (metadata::is_internal_topic(topic) && context.header.client_id != kAdminClient) {
    outcome.error = ErrorCode::kInvalidTopicException;
    return;
  }
  context.thread.gather().add(call, place, *partition, outcome.batch);
}

}  // namespace

void handle_produce(RequestContext& context, protocol::Reader& body) {
  ProduceGather& gather = context.thread.gather();
  ProduceCall& call = gather.begin(context);
  if (!context.decode(body, call.request)) {
    gather.give_back(call);
    return;
  }
  std::size_t count = 0;
  for (const auto& topic : call.request.topic_data) {
    count += topic.partition_data.size();
  }
  call.outcomes.resize(count);
  if (const auto refused = judge_request(context, call)) {
    for (auto& outcome : call.outcomes) {
      outcome.error = refused->code;
      if (!refused->message.empty()) {
        outcome.message = refused->message;
      }
    }
    gather.submit(call);
    return;
  }
  std::size_t place = 0;
  for (const auto& topic : call.request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      add_partition(context, call, place++, topic.name, partition);
    }
  }
  gather.submit(call);
}

}  // namespace barnabas::broker
