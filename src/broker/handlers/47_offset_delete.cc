// OffsetDelete (key 47), version 0. Partitions that do not exist are answered here.
#include <utility>

#include "barnabas/protocol/gen/offset_delete.h"
#include "group_answers.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using protocol::OffsetDeleteRequest;
using protocol::OffsetDeleteResponse;

// Takes out what does not exist and says so in the answer.
OffsetDeleteResponse take_out_unknown(const metadata::ClusterSnapshot& cluster,
                                      OffsetDeleteRequest& request) {
  OffsetDeleteResponse refused;
  for (auto& topic : request.topics) {
    const auto* const info = cluster.topic(topic.name);
    OffsetDeleteResponse::OffsetDeleteResponseTopic bad;
    std::erase_if(topic.partitions, [&](const auto& partition) {
      const bool known =
          info != nullptr && info->partition(PartitionId(partition.partition_index)) != nullptr;
      if (!known) {
        auto& entry = bad.partitions.emplace_back();
        entry.partition_index = partition.partition_index;
        entry.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition);
      }
      return !known;
    });
    if (!bad.partitions.empty()) {
      bad.name = topic.name;
      refused.topics.push_back(std::move(bad));
    }
  }
  std::erase_if(request.topics, [](const auto& topic) { return topic.partitions.empty(); });
  return refused;
}

}  // namespace

void handle_offset_delete(RequestContext& context, protocol::Reader& body) {
  OffsetDeleteRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  OffsetDeleteResponse refused = take_out_unknown(context.thread.metadata(), request);
  context.services.groups.delete_offsets(
      std::move(request),
      answer_at_home<OffsetDeleteResponse>(
          context.pending(),
          [refused = std::move(refused)](OffsetDeleteResponse& response, std::int16_t) mutable {
            if (response.error_code == 0) {
              merge_topics(response, std::move(refused));
            }
          }));
}

}  // namespace barnabas::broker
