// ListOffsets (key 2), versions 0 to 9: the ends of a log, offsets by timestamp, the record with
// the largest timestamp. What has to read the log runs on the disk pool.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/list_offsets.h"
#include "fetch_read.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;
using replication::PartitionView;
using storage::TimestampAndOffset;
using PartitionAnswer = ListOffsetsResponse::ListOffsetsPartitionResponse;
using PartitionQuestion = ListOffsetsRequest::ListOffsetsPartition;

constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kMaxTimestamp = -3;
constexpr std::int64_t kEarliestLocal = -4;
constexpr std::int64_t kLatestTiered = -5;
constexpr std::int16_t kFirstWithLeaderEpoch = 4;
constexpr std::int32_t kConsumer = -1;
constexpr std::int32_t kDebuggingConsumer = -2;

constexpr bool reads_the_log(std::int64_t timestamp) {
  return timestamp >= 0 || timestamp == kMaxTimestamp;
}

// The version that gave a special timestamp its meaning; none for a timestamp that has none.
std::optional<std::int16_t> first_version_of(std::int64_t timestamp) {
  switch (timestamp) {
    case kLatest:
    case kEarliest:
      return 0;
    case kMaxTimestamp:
      return 7;
    case kEarliestLocal:
      return 8;
    case kLatestTiered:
      return 9;
    default:
      return timestamp >= 0 ? std::optional<std::int16_t>(0) : std::nullopt;
  }
}

// Everything that answering takes, so that it can run on another thread.
struct Job {
  ListOffsetsRequest request;
  std::int16_t version;
  BrokerId local;
  std::shared_ptr<const replication::ReplicaTable> replicas;
  std::shared_ptr<const metadata::ClusterSnapshot> metadata;
};

// The first offset that the asker may not see.
Offset bound_for(const PartitionView& view, const ListOffsetsRequest& request) {
  if (request.replica_id != kConsumer) {
    return view.log_view.end_offset();
  }
  return request.isolation_level == 1 ? view.last_stable : view.high_watermark;
}

Result<TimestampAndOffset> look_up(const PartitionView& view, std::int64_t timestamp,
                                   Offset bound) {
  const TimestampAndOffset none{kNoTimestamp, kNoOffset, kNoLeaderEpoch};
  switch (timestamp) {
    case kLatest:
      return TimestampAndOffset{kNoTimestamp, bound, view.leader_epoch};
    case kEarliest:
    case kEarliestLocal:
      return view.log->earliest();
    case kLatestTiered:
      return none;  // no tier beyond the local disk
    default:
      break;
  }
  auto found = timestamp == kMaxTimestamp ? view.log->max_timestamp()
                                          : view.log->offset_for_timestamp(timestamp);
  if (!found) {
    return std::unexpected(std::move(found).error());
  }
  return *found && (*found)->offset < bound ? **found : none;
}

void refuse(PartitionAnswer& answer, ErrorCode error) {
  answer.error_code = static_cast<std::int16_t>(error);
  answer.timestamp = kNoTimestamp;
  answer.offset = kNoOffset.value();
}

std::vector<std::int64_t> offsets_before(const PartitionView& view,
                                         const PartitionQuestion& question, Offset bound) {
  const auto all = view.log->offsets_before(question.timestamp, question.max_num_offsets);
  const bool hidden = std::ranges::any_of(all, [&](Offset offset) { return offset > bound; });
  std::vector<std::int64_t> visible;
  if (hidden) {
    visible.push_back(bound.value());
  }
  for (const Offset offset : all) {
    if (offset <= bound) {
      visible.push_back(offset.value());
    }
  }
  return visible;
}

void answer_partition(const Job& job, const std::string& topic, const PartitionQuestion& question,
                      PartitionAnswer& answer) {
  const PartitionId id(question.partition_index);
  const auto partition = job.replicas->share(topic, id);
  if (partition == nullptr) {
    refuse(answer, job.metadata->partition(topic, id) != nullptr
                       ? ErrorCode::kNotLeaderOrFollower
                       : ErrorCode::kUnknownTopicOrPartition);
    return;
  }
  const auto first_version = first_version_of(question.timestamp);
  if (!first_version || job.version < *first_version) {
    refuse(answer, ErrorCode::kUnsupportedVersion);
    return;
  }
  const PartitionView view = partition->view();
  const LeaderEpoch asked(question.current_leader_epoch);
  const ErrorCode leader = replication::Partition::check_leader(view, job.local, asked);
  if (leader != ErrorCode::kNone &&
      !(leader == ErrorCode::kNotLeaderOrFollower && view.log != nullptr &&
        job.request.replica_id == kDebuggingConsumer)) {
    refuse(answer, leader);
    return;
  }
  if (job.version == 0) {
    answer.old_style_offsets = offsets_before(view, question, bound_for(view, job.request));
    return;
  }
  const auto found = look_up(view, question.timestamp, bound_for(view, job.request));
  if (!found) {
    refuse(answer, found.error().code);
    return;
  }
  answer.timestamp = found->timestamp_ms;
  answer.offset = found->offset.value();
  if (job.version >= kFirstWithLeaderEpoch) {
    answer.leader_epoch = found->leader_epoch.value();
  }
}

ListOffsetsResponse answer_all(const Job& job) {
  std::set<std::pair<std::string_view, std::int32_t>> seen;
  std::set<std::pair<std::string_view, std::int32_t>> doubles;
  for (const auto& topic : job.request.topics) {
    for (const auto& partition : topic.partitions) {
      if (!seen.emplace(topic.name, partition.partition_index).second) {
        doubles.emplace(topic.name, partition.partition_index);
      }
    }
  }
  ListOffsetsResponse response;
  for (const auto& topic : job.request.topics) {
    auto& topic_answer = response.topics.emplace_back();
    topic_answer.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& answer = topic_answer.partitions.emplace_back();
      answer.partition_index = partition.partition_index;
      if (job.version > 0 && doubles.contains({topic.name, partition.partition_index})) {
        refuse(answer, ErrorCode::kInvalidRequest);
      } else {
        answer_partition(job, topic.name, partition, answer);
      }
    }
  }
  return response;
}

}  // namespace

void handle_list_offsets(RequestContext& context, protocol::Reader& body) {
  auto job = std::make_shared<Job>();
  if (!context.decode(body, job->request)) {
    return;
  }
  context.thread.gather().flush();
  job->version = context.version();
  job->local = context.services.broker_id;
  job->replicas = context.services.replicas.table();
  job->metadata = context.services.metadata.load();
  bool reads = job->version == 0;
  for (const auto& topic : job->request.topics) {
    reads |= std::ranges::any_of(
        topic.partitions, [](const auto& partition) { return reads_the_log(partition.timestamp); });
  }
  if (!reads) {
    context.answer(answer_all(*job));
    return;
  }
  context.services.disk.post([job = std::move(job), pending = context.pending()]() mutable {
    auto response = std::make_shared<ListOffsetsResponse>(answer_all(*job));
    Executor& home = pending.home();
    home.post([pending = std::move(pending), response = std::move(response)] {
      pending.send(*response);
    });
  });
}

}  // namespace barnabas::broker
