// DescribeProducers (key 61), version 0: who writes into partitions that this broker leads.
#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/describe_producers.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using PartitionResponse = protocol::DescribeProducersResponse::PartitionResponse;

void describe(RequestContext& context, const TopicPartition& partition, PartitionResponse& out) {
  const auto* const replica = context.thread.replicas().find(partition.topic, partition.partition);
  const auto log = replica == nullptr || !replica->is_leader() ? nullptr : replica->log();
  if (log == nullptr) {
    const auto& cluster = context.thread.metadata();
    ErrorCode error = ErrorCode::kNotLeaderOrFollower;
    if (replica != nullptr && replica->offline()) {
      error = ErrorCode::kKafkaStorageError;
    } else if (cluster.partition(partition.topic, partition.partition) == nullptr) {
      error = ErrorCode::kUnknownTopicOrPartition;
    }
    out.error_code = static_cast<std::int16_t>(error);
    return;
  }
  for (const auto& producer : log->active_producers()) {
    auto& to = out.active_producers.emplace_back();
    to.producer_id = producer.producer_id.value();
    to.producer_epoch = producer.epoch.value();
    to.last_sequence = producer.last_sequence.value();
    to.last_timestamp = producer.last_timestamp_ms;
    to.coordinator_epoch = producer.coordinator_epoch;
    to.current_txn_start_offset = producer.current_txn_start_offset.value();
  }
}

}  // namespace

void handle_describe_producers(RequestContext& context, protocol::Reader& body) {
  protocol::DescribeProducersRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  protocol::DescribeProducersResponse response;
  for (const auto& topic : request.topics) {
    auto& to = response.topics.emplace_back();
    to.name = topic.name;
    const auto valid = metadata::validate_topic_name(topic.name);
    const bool known = context.thread.metadata().topic(topic.name) != nullptr;
    for (const std::int32_t index : topic.partition_indexes) {
      auto& out = to.partitions.emplace_back();
      out.partition_index = index;
      if (!valid) {
        out.error_code = static_cast<std::int16_t>(valid.error().code);
        out.error_message = valid.error().message;
      } else if (!known) {
        out.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition);
        out.error_message = "This server does not host this topic-partition.";
      } else {
        describe(context, {topic.name, PartitionId(index)}, out);
      }
    }
  }
  context.answer(response);
}

}  // namespace barnabas::broker
