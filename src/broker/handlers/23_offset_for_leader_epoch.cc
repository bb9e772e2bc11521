// OffsetForLeaderEpoch (key 23), versions 0 to 4: where the records of a leader epoch end, by which
// clients and followers notice that what they hold is not what the leader holds.
#include "barnabas/protocol/gen/offset_for_leader_epoch.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;
using Question = OffsetForLeaderEpochRequest::OffsetForLeaderPartition;
using Answer = OffsetForLeaderEpochResponse::EpochEndOffset;

ErrorCode answer_partition(RequestContext& context, const std::string& topic,
                           const Question& question, Answer& answer) {
  const PartitionId id(question.partition);
  const auto* const partition = context.thread.replicas().find(topic, id);
  if (partition == nullptr) {
    return context.thread.metadata().partition(topic, id) != nullptr
               ? ErrorCode::kNotLeaderOrFollower
               : ErrorCode::kUnknownTopicOrPartition;
  }
  const auto view = partition->view();
  if (view.log != nullptr && view.log->offline()) {
    return ErrorCode::kKafkaStorageError;
  }
  const ErrorCode leader = replication::Partition::check_leader(
      view, context.services.broker_id, LeaderEpoch(question.current_leader_epoch));
  if (leader != ErrorCode::kNone) {
    return leader;
  }
  const auto end = view.log->end_offset_for_epoch(LeaderEpoch(question.leader_epoch));
  answer.leader_epoch = end.epoch.value();
  answer.end_offset = end.end_offset.value();
  return ErrorCode::kNone;
}

}  // namespace

void handle_offset_for_leader_epoch(RequestContext& context, protocol::Reader& body) {
  OffsetForLeaderEpochRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.thread.gather().flush();
  OffsetForLeaderEpochResponse response;
  for (const auto& topic : request.topics) {
    auto& topic_answer = response.topics.emplace_back();
    topic_answer.topic = topic.topic;
    for (const auto& question : topic.partitions) {
      auto& answer = topic_answer.partitions.emplace_back();
      answer.partition = question.partition;
      answer.error_code =
          static_cast<std::int16_t>(answer_partition(context, topic.topic, question, answer));
    }
  }
  context.answer(response);
}

}  // namespace barnabas::broker
