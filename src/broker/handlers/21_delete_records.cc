// DeleteRecords (key 21), versions 0 to 2: moves the start of logs. Segments that lie below it are
// removed by the next round of retention.
#include <map>

#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/delete_records.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;

Result<Offset> delete_records(ThreadState& thread, const std::string& topic, PartitionId id,
                              Offset offset) {
  if (thread.metadata().partition(topic, id) == nullptr) {
    return fail(ErrorCode::kUnknownTopicOrPartition);
  }
  if (metadata::is_internal_topic(topic)) {
    return fail(ErrorCode::kInvalidTopicException);
  }
  const auto* const table = &thread.replicas();
  const auto partition = table->share(topic, id);
  if (partition == nullptr) {
    return fail(ErrorCode::kNotLeaderOrFollower);
  }
  const auto log = partition->log();
  if (log != nullptr && log->offline()) {
    return fail(ErrorCode::kKafkaStorageError);
  }
  return partition->delete_records_before(offset);
}

}  // namespace

void handle_delete_records(RequestContext& context, protocol::Reader& body) {
  DeleteRecordsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.thread.gather().flush();
  // Each partition once, as in Kafka, which keeps them in a map: the last offset given holds.
  std::map<TopicPartition, Offset> asked;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      asked.insert_or_assign({topic.name, PartitionId(partition.partition_index)},
                             Offset(partition.offset));
    }
  }
  DeleteRecordsResponse response;
  for (const auto& [name, offset] : asked) {
    if (response.topics.empty() || response.topics.back().name != name.topic) {
      response.topics.emplace_back().name = name.topic;
    }
    const auto low_watermark = delete_records(context.thread, name.topic, name.partition, offset);
    auto& answer = response.topics.back().partitions.emplace_back();
    answer.partition_index = name.partition.value();
    answer.low_watermark = low_watermark ? low_watermark->value() : kNoOffset.value();
    answer.error_code =
        static_cast<std::int16_t>(low_watermark ? ErrorCode::kNone : low_watermark.error().code);
  }
  context.answer(response);
}

}  // namespace barnabas::broker
