// Fetch (key 1), versions 0 to 17: file ranges of the log, long polls, incremental sessions, topics
// by name or (13 and later) by id. Versions 0 to 3 get their records converted (fetch_convert.h).
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "barnabas/protocol/gen/fetch.h"
#include "delayed_fetch.h"
#include "fetch_convert.h"
#include "fetch_read.h"
#include "fetch_session.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using protocol::FetchRequest;

constexpr std::int16_t kFirstWithTopicIds = 13;
constexpr std::int16_t kFirstWithReplicaState = 15;  // the replica's id moved into a tagged field

std::int32_t replica_of(const FetchRequest& request, std::int16_t version) {
  return version >= kFirstWithReplicaState ? request.replica_state.replica_id : request.replica_id;
}

// Kafka keeps the partitions of a request in a map: the last entry of a partition counts, at the
// place of the first.
void drop_doubles(std::vector<FetchItem>& items) {
  using Key = std::tuple<Uuid, std::string, PartitionId>;
  std::map<Key, std::size_t> places;
  std::vector<FetchItem> single;
  for (auto& item : items) {
    const auto [found, is_new] =
        places.try_emplace(Key{item.topic_id, item.topic, item.partition}, single.size());
    if (is_new) {
      single.push_back(std::move(item));
    } else {
      single[found->second] = std::move(item);
    }
  }
  items = std::move(single);
}

FetchSessionRequest session_request(const FetchRequest& request, std::int16_t version,
                                    const metadata::ClusterSnapshot& cluster) {
  FetchSessionRequest result;
  result.session_id = request.session_id;
  result.session_epoch = request.session_epoch;
  result.by_topic_id = version >= kFirstWithTopicIds;
  result.from_follower = replica_of(request, version) >= 0;
  for (const auto& topic : request.topics) {
    const auto* const known = result.by_topic_id ? cluster.topic(topic.topic_id) : nullptr;
    for (const auto& partition : topic.partitions) {
      auto& item = result.items.emplace_back();
      item.topic = known == nullptr ? topic.topic : known->name;
      item.topic_id = topic.topic_id;
      item.partition = PartitionId(partition.partition);
      item.current_leader_epoch = LeaderEpoch(partition.current_leader_epoch);
      item.fetch_offset = Offset(partition.fetch_offset);
      item.last_fetched_epoch = LeaderEpoch(partition.last_fetched_epoch);
      item.max_bytes = partition.partition_max_bytes;
    }
  }
  if (result.items.size() > 1) {
    drop_doubles(result.items);
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const std::int32_t partition : topic.partitions) {
      auto& item = result.forgotten.emplace_back();
      item.topic = topic.topic;
      item.topic_id = topic.topic_id;
      item.partition = PartitionId(partition);
    }
  }
  return result;
}

// Converted records are held in memory: no more of them than one partition asks for, or a few MiB.
// Up to version 2 not even the first batch may go beyond the sizes asked for.
void bound_conversion(std::int16_t version, FetchJob& job) {
  std::int32_t largest = kMaxConvertedAnswer;
  for (const auto& item : job.context.items) {
    largest = std::max(largest, item.max_bytes);
  }
  job.limits.max_bytes = std::min(job.limits.max_bytes, largest);
  job.limits.first_batch_whole = version > kLastFetchWithHardLimit;
}

}  // namespace

void handle_fetch(RequestContext& context, protocol::Reader& body) {
  FetchRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  // What this train has produced so far is read by its fetches.
  context.thread.gather().flush();
  Services& services = context.services;
  const std::int32_t most = services.config.requests.fetch_max_bytes;
  FetchJob job{context.pending(),
               services.fetch_sessions.open(
                   session_request(request, context.version(), context.thread.metadata())),
               FetchLimits{}, request.max_wait_ms};
  const bool from_follower = replica_of(request, context.version()) >= 0;
  job.limits.max_bytes = from_follower ? request.max_bytes : std::min(request.max_bytes, most);
  job.limits.min_bytes = std::min(request.min_bytes, job.limits.max_bytes);
  job.limits.read_committed = request.isolation_level == 1;
  job.limits.from_follower = from_follower;
  job.limits.replica = BrokerId(replica_of(request, context.version()));
  if (oldest_magic_of(context.version())) [[unlikely]] {
    bound_conversion(context.version(), job);
  }
  const FetchReader reader(services.broker_id, context.thread.replicas(),
                           context.thread.metadata());
  FetchPass pass = reader.read(job.context.items, job.context.by_topic_id, job.limits);
  const bool enough = pass.bytes >= static_cast<std::size_t>(std::max(job.limits.min_bytes, 0));
  if (request.max_wait_ms <= 0 || job.context.items.empty() || enough || pass.answer_now) {
    answer_fetch(services, job, std::move(pass));
    return;
  }
  std::make_shared<DelayedFetch>(services, std::move(job))->start(context.thread.share_waits());
}

}  // namespace barnabas::broker
