#include "offsets_client.h"

#include <algorithm>
#include <string>
#include <vector>

#include "barnabas/protocol/gen/list_offsets.h"
#include "error_text.h"

namespace barnabas::apps {
namespace {

constexpr std::int32_t kConsumer = -1;

Status ask_leader(WireClient& leader, std::vector<TopicPartition>& partitions, std::int64_t time,
                  ListedOffsets& offsets) {
  protocol::ListOffsetsRequest request;
  request.replica_id = kConsumer;
  std::ranges::sort(partitions);
  for (const TopicPartition& partition : partitions) {
    if (request.topics.empty() || request.topics.back().name != partition.topic) {
      request.topics.emplace_back().name = partition.topic;
    }
    auto& asked = request.topics.back().partitions.emplace_back();
    asked.partition_index = partition.partition.value();
    asked.timestamp = time;
  }
  protocol::ListOffsetsResponse response;
  TRY_STATUS(leader.call(protocol::ApiKey::kListOffsets, request, response));
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      Result<std::int64_t> offset = partition.offset;
      if (const Status fine = check_answer(partition.error_code); !fine) {
        offset = std::unexpected(fine.error());
      }
      offsets.insert_or_assign({topic.name, PartitionId(partition.partition_index)},
                               std::move(offset));
    }
  }
  return {};
}

}  // namespace

Result<ListedOffsets> list_offsets(ClusterClient& cluster,
                                   std::span<const TopicPartition> partitions, std::int64_t time) {
  ListedOffsets offsets;
  if (partitions.empty()) {
    return offsets;
  }
  for (const TopicPartition& partition : partitions) {
    offsets.insert_or_assign(partition,
                             fail(ErrorCode::kUnknownTopicOrPartition,
                                  std::string(error_text(ErrorCode::kUnknownTopicOrPartition))));
  }
  TRY(const protocol::MetadataResponse metadata, cluster.metadata(true));
  std::map<std::int32_t, std::vector<TopicPartition>> by_leader;
  for (const auto& topic : metadata.topics) {
    for (const auto& found : topic.partitions) {
      const TopicPartition name{topic.name.value_or(""), PartitionId(found.partition_index)};
      const auto wanted = offsets.find(name);
      if (wanted == offsets.end()) {
        continue;
      }
      if (found.leader_id < 0) {
        wanted->second = fail(ErrorCode::kLeaderNotAvailable,
                              std::string(error_text(ErrorCode::kLeaderNotAvailable)));
        continue;
      }
      by_leader[found.leader_id].push_back(name);
    }
  }
  for (auto& [leader, led] : by_leader) {
    TRY(WireClient* const client, cluster.broker(leader));
    TRY_STATUS(ask_leader(*client, led, time, offsets));
  }
  return offsets;
}

}  // namespace barnabas::apps
