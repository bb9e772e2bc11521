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

OffsetDeleteResponse take_out_unknown(const metadata::ClusterSnapshot& cluster,
                                      OffsetDeleteRequest& request) {
  OffsetDeleteResponse refused;
  std::vector<OffsetDeleteRequest::OffsetDeleteRequestTopic> known;
  for (auto& topic : request.topics) {
    const auto* const info = cluster.topic(topic.name);
    if (info != nullptr) {
      known.push_back(std::move(topic));
      continue;
    }
    auto& to = refused.topics.emplace_back();
    to.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& entry = to.partitions.emplace_back();
      entry.partition_index = partition.partition_index;
      entry.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition);
    }
  }
  request.topics = std::move(known);
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
              std::ranges::move(refused.topics, std::back_inserter(response.topics));
            }
          }));
}

}  // namespace barnabas::broker
