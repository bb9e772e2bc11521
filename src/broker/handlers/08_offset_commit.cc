// OffsetCommit (key 8), versions 1 to 9.
// Partitions that do not exist are answered here; the rest is the coordinator's.
#include <map>
#include <utility>

#include "barnabas/protocol/gen/offset_commit.h"
#include "group_answers.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;

// Takes out what does not exist and says so in the answer.
OffsetCommitResponse take_out_unknown(const metadata::ClusterSnapshot& cluster,
                                      OffsetCommitRequest& request) {
  OffsetCommitResponse refused;
  std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> known;
  for (auto& topic : request.topics) {
    const auto* const info = cluster.topic(topic.name);
    OffsetCommitRequest::OffsetCommitRequestTopic good;
    OffsetCommitResponse::OffsetCommitResponseTopic bad;
    for (auto& partition : topic.partitions) {
      if (info != nullptr && info->partition(PartitionId(partition.partition_index)) != nullptr) {
        good.partitions.push_back(std::move(partition));
      } else {
        auto& entry = bad.partitions.emplace_back();
        entry.partition_index = partition.partition_index;
        entry.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition);
      }
    }
    if (!bad.partitions.empty()) {
      bad.name = topic.name;
      refused.topics.push_back(std::move(bad));
    }
    if (!good.partitions.empty()) {
      good.name = std::move(topic.name);
      known.push_back(std::move(good));
    }
  }
  request.topics = std::move(known);
  return refused;
}

}  // namespace

void handle_offset_commit(RequestContext& context, protocol::Reader& body) {
  OffsetCommitRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  OffsetCommitResponse refused = take_out_unknown(context.thread.metadata(), request);
  if (request.topics.empty()) {
    context.answer(refused);
    return;
  }
  context.services.groups.commit_offsets(
      std::move(request), std::nullopt,
      answer_at_home<OffsetCommitResponse>(
          context.pending(),
          [refused = std::move(refused)](OffsetCommitResponse& response, std::int16_t) mutable {
            merge_topics(response, std::move(refused));
          }));
}

}  // namespace barnabas::broker
