// Committed offsets of a shard: commit, fetch, delete, expire.
#include <algorithm>

#include "barnabas/base/java_length.h"
#include "barnabas/base/logging.h"
#include "barnabas/record/builder.h"
#include "group_records.h"
#include "group_shard.h"

namespace barnabas::coordinator {
namespace {

// Of many tombstones; far below the smallest sensible max.message.bytes.
constexpr std::size_t kTombstoneBatchBytes = std::size_t{256} << 10U;

// What a client hears when its offsets could not be written.
ErrorCode commit_error(ErrorCode written) {
  switch (written) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError:
      return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidFetchSize:
      return ErrorCode::kInvalidCommitOffsetSize;
    default:
      return written;
  }
}

record::BatchOptions batch_options(const GroupOptions& options) {
  record::BatchOptions result;
  result.compression = static_cast<record::CompressionType>(options.compression_codec);
  return result;
}

}  // namespace

protocol::OffsetCommitResponse GroupShard::commit_answer(
    const protocol::OffsetCommitRequest& request, ErrorCode error) {
  protocol::OffsetCommitResponse response;
  for (const auto& topic : request.topics) {
    auto& to = response.topics.emplace_back();
    to.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& entry = to.partitions.emplace_back();
      entry.partition_index = partition.partition_index;
      entry.error_code = static_cast<std::int16_t>(error);
    }
  }
  return response;
}

// One request's offsets on their way into the log.
struct GroupShard::Commit {
  EntryPtr entry;
  std::optional<TransactionalProducer> producer;
  protocol::OffsetCommitResponse response;  // complete but for what is written
  std::vector<std::pair<TopicPartition, CommittedOffset>> offsets;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of each in the response
  Done<protocol::OffsetCommitResponse> done;
};

void GroupShard::commit(const protocol::OffsetCommitRequest& request,
                        std::optional<TransactionalProducer> producer,
                        Done<protocol::OffsetCommitResponse> done, std::int16_t version) {
  const std::int32_t generation = request.generation_id_or_member_epoch;
  EntryPtr entry = find(request.group_id);
  if (entry == nullptr) {
    if (generation >= 0) {  // of a group that was here once
      done(commit_answer(request, ErrorCode::kIllegalGeneration));
      return;
    }
    entry = find_or_make(request.group_id);
  }
  const MemberClaim claim{request.member_id, request.group_instance_id, generation};
  const ErrorCode refused =
      entry->consumer ? entry->consumer->machine.check_commit(claim, producer.has_value(), version)
                      : entry->group->commit(claim, producer.has_value(), now());
  arm(entry);
  if (refused != ErrorCode::kNone) {
    done(commit_answer(request, refused));
    return;
  }
  auto commit = std::make_shared<Commit>();
  commit->entry = std::move(entry);
  commit->producer = producer;
  commit->response = commit_answer(request, ErrorCode::kNone);
  commit->done = std::move(done);
  const auto batch = build(request, *commit);
  if (!batch || commit->offsets.empty()) {
    if (!batch) {
      logging::logger("coordinator")
          .error("offsets of group {} cannot be written: {}", request.group_id,
                 batch.error().message);
      commit->response = commit_answer(request, ErrorCode::kUnknownServerError);
    }
    commit->done(std::move(commit->response));
    return;
  }
  for (const auto& [tp, value] : commit->offsets) {
    if (producer) {
      commit->entry->offsets.begin(producer->id, tp);
      transactions_[producer->id].insert(request.group_id);
    } else {
      commit->entry->offsets.begin(tp);
    }
  }
  ports_.log.append_verified(partition_, *batch, producer ? producer->guard : 0,
                             options_.required_acks, options_.commit_timeout_ms,
                             [self = shared_from_this(), commit](GroupLog::Appended appended) {
                               self->settle(*commit, appended);
                             });
}

// The offsets of a request as one batch, and their places; those whose metadata is too long are
// refused in the response.
Result<ByteVector> GroupShard::build(const protocol::OffsetCommitRequest& request,
                                     Commit& commit) const {
  const std::int64_t now_ms = now().wall_ms;
  const auto longest = static_cast<std::size_t>(std::max(options_.offset_metadata_max_bytes, 0));
  record::BatchOptions options = batch_options(options_);
  options.base_sequence = SequenceNumber(0);  // as Kafka has it, with and without a producer
  if (commit.producer) {
    options.producer_id = commit.producer->id;
    options.producer_epoch = commit.producer->epoch;
    options.is_transactional = true;
  }
  record::BatchBuilder builder(options);
  for (std::size_t t = 0; t < request.topics.size(); ++t) {
    const auto& topic = request.topics[t];
    for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
      const auto& from = topic.partitions[p];
      CommittedOffset value;
      value.offset = Offset(from.committed_offset);
      value.leader_epoch = LeaderEpoch(from.committed_leader_epoch);
      value.metadata = from.committed_metadata.value_or("");
      value.commit_timestamp_ms = from.commit_timestamp == -1 ? now_ms : from.commit_timestamp;
      if (request.retention_time_ms != -1) {
        value.expire_timestamp_ms = now_ms + request.retention_time_ms;
      }
      if (java_length(value.metadata) > longest) {
        commit.response.topics[t].partitions[p].error_code =
            static_cast<std::int16_t>(ErrorCode::kOffsetMetadataTooLarge);
        continue;
      }
      TopicPartition tp{topic.name, PartitionId(from.partition_index)};
      TRY(const ByteVector bytes, encode_offset_value(value));
      builder.add(now_ms, encode_offset_key(request.group_id, tp), bytes);
      commit.offsets.emplace_back(std::move(tp), std::move(value));
      commit.places.emplace_back(t, p);
    }
  }
  ByteVector batch;
  if (builder.record_count() > 0) {
    TRY_STATUS(builder.finish(batch));
  }
  return batch;
}

void GroupShard::settle(Commit& commit, const GroupLog::Appended& appended) {
  GroupOffsets& offsets = commit.entry->offsets;
  const ErrorCode error = commit_error(appended.error);
  for (std::size_t i = 0; i < commit.offsets.size(); ++i) {
    auto& [tp, value] = commit.offsets[i];
    value.record_offset = appended.base_offset;
    if (error == ErrorCode::kNone && commit.producer) {
      offsets.end(commit.producer->id, tp, std::move(value));
    } else if (error == ErrorCode::kNone) {
      offsets.end(tp, std::move(value));
    } else if (commit.producer) {
      offsets.fail(commit.producer->id, tp);
    } else {
      offsets.fail(tp);
    }
    const auto& [t, p] = commit.places[i];
    commit.response.topics[t].partitions[p].error_code = static_cast<std::int16_t>(error);
  }
  commit.done(std::move(commit.response));
}

GroupShard::FetchedGroup GroupShard::fetch(const OffsetFetchGroup& request,
                                           bool require_stable) const {
  FetchedGroup answer;
  answer.group_id = request.group_id;
  const EntryPtr entry = find(request.group_id);
  if (entry != nullptr && entry->consumer) {
    const ErrorCode refused =
        entry->consumer->machine.check_fetch(request.member_id, request.member_epoch);
    if (refused != ErrorCode::kNone) {
      answer.error_code = static_cast<std::int16_t>(refused);
      return answer;
    }
  }
  using Topic = protocol::OffsetFetchResponse::OffsetFetchResponseTopics;
  const auto add = [&](Topic& to, PartitionId partition) {
    auto& out = to.partitions.emplace_back();
    out.partition_index = partition.value();
    out.committed_offset = kNoOffset.value();
    out.committed_leader_epoch = kNoLeaderEpoch.value();
    out.metadata = "";
    if (entry == nullptr) {
      return;
    }
    if (require_stable && entry->offsets.is_unstable(to.name, partition)) {
      out.error_code = static_cast<std::int16_t>(ErrorCode::kUnstableOffsetCommit);
    } else if (const auto* const found = entry->offsets.find(to.name, partition)) {
      out.committed_offset = found->offset.value();
      out.committed_leader_epoch = found->leader_epoch.value();
      out.metadata = found->metadata;
    }
  };
  if (!request.topics) {
    if (entry != nullptr) {
      for (const auto& [topic, partitions] : entry->offsets.committed()) {
        answer.topics.emplace_back().name = topic;
        for (const auto& [partition, value] : partitions) {
          add(answer.topics.back(), partition);
        }
      }
    }
    return answer;
  }
  // Each partition once, however often it is asked for.
  std::map<std::string_view, std::set<std::int32_t>> asked;
  for (const auto& topic : *request.topics) {
    if (!topic.partition_indexes.empty()) {
      asked[topic.name].insert(topic.partition_indexes.begin(), topic.partition_indexes.end());
    }
  }
  for (const auto& [topic, partitions] : asked) {
    answer.topics.emplace_back().name = topic;
    for (const std::int32_t partition : partitions) {
      add(answer.topics.back(), PartitionId(partition));
    }
  }
  return answer;
}

protocol::OffsetDeleteResponse GroupShard::delete_offsets(
    const protocol::OffsetDeleteRequest& request) {
  protocol::OffsetDeleteResponse response;
  const EntryPtr entry = find(request.group_id);
  if (entry == nullptr) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::kGroupIdNotFound);
    return response;
  }
  if (entry->group && !entry->is_empty() &&
      entry->group->protocol_type() != kConsumerProtocolType) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::kNonEmptyGroup);
    return response;
  }
  std::vector<TopicPartition> eligible;
  for (const auto& topic : request.topics) {
    const bool consumed = !entry->is_empty() && is_subscribed(*entry, topic.name);
    auto& to = response.topics.emplace_back();
    to.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& out = to.partitions.emplace_back();
      out.partition_index = partition.partition_index;
      if (consumed) {
        out.error_code = static_cast<std::int16_t>(ErrorCode::kGroupSubscribedToTopic);
      } else {
        eligible.push_back({topic.name, PartitionId(partition.partition_index)});
      }
    }
  }
  remove_offsets(entry, eligible, EmptyGroup::kKept);
  return response;
}

void GroupShard::complete_transaction(ProducerId producer, bool commit) {
  auto node = transactions_.extract(producer);
  if (node.empty()) {
    return;
  }
  for (const auto& group_id : node.mapped()) {
    if (const EntryPtr entry = find(group_id)) {
      entry->offsets.complete(producer, commit);
    }
  }
}

bool GroupShard::is_subscribed(const Entry& entry, std::string_view topic) {
  return entry.consumer ? entry.consumer->machine.is_subscribed_to(topic)
                        : entry.group->is_subscribed_to(topic);
}

std::vector<TopicPartition> GroupShard::expired_offsets(const Entry& entry, Moment moment) const {
  if (entry.consumer) {  // since the commit, of topics that nobody reads
    return entry.offsets.old([&](const std::string& topic, const CommittedOffset& value) {
      if (is_subscribed(entry, topic)) {
        return false;
      }
      return value.expire_timestamp_ms
                 ? moment.wall_ms >= *value.expire_timestamp_ms
                 : moment.wall_ms - value.commit_timestamp_ms >= options_.offsets_retention_ms;
    });
  }
  const Group& group = *entry.group;
  // From when the retention counts: since the group is empty, else since the commit.
  const auto& since_empty = group.state_since_ms();
  const bool by_state = group.protocol_type() && group.is(GroupState::kEmpty);
  const bool by_commit =
      !group.protocol_type() || (group.protocol_type() == kConsumerProtocolType &&
                                 group.subscribed_topics() && group.is(GroupState::kStable));
  if (!by_state && !by_commit) {
    return {};
  }
  return entry.offsets.old([&](const std::string& topic, const CommittedOffset& value) {
    if (!by_state && group.protocol_type() && group.is_subscribed_to(topic)) {
      return false;
    }
    if (value.expire_timestamp_ms) {
      return moment.wall_ms >= *value.expire_timestamp_ms;
    }
    const std::int64_t since =
        by_state ? since_empty.value_or(value.commit_timestamp_ms) : value.commit_timestamp_ms;
    return moment.wall_ms - since >= options_.offsets_retention_ms;
  });
}

std::vector<GroupShard::EntryPtr> GroupShard::all() const {
  std::vector<EntryPtr> entries;
  entries.reserve(groups_.size());
  for (const auto& [id, entry] : groups_) {
    entries.push_back(entry);
  }
  return entries;
}

void GroupShard::expire_offsets() {
  const Moment moment = now();
  for (const auto& entry : all()) {
    remove_offsets(entry, expired_offsets(*entry, moment), EmptyGroup::kRemoved);
  }
}

void GroupShard::forget(const std::vector<TopicPartition>& partitions) {
  for (const auto& entry : all()) {
    remove_offsets(entry, partitions, EmptyGroup::kKept);
  }
}

void GroupShard::remove_offsets(const EntryPtr& entry, const std::vector<TopicPartition>& offsets,
                                EmptyGroup empty) {
  std::vector<ByteVector> tombstones;
  for (const auto& tp : offsets) {
    entry->offsets.forget_in_transactions(tp);
    if (entry->offsets.erase(tp)) {
      tombstones.push_back(encode_offset_key(entry->id, tp));
    }
  }
  if (entry->consumer) {
    if (empty == EmptyGroup::kRemoved && entry->is_empty() && entry->offsets.empty()) {
      std::ranges::move(consumer_tombstones(*entry), std::back_inserter(tombstones));
      entry->timer.reset();
      groups_.erase(entry->id);
    }
  } else {
    Group& group = *entry->group;
    if (group.is(GroupState::kEmpty) && entry->offsets.empty()) {
      group.bury(now());
    }
    if (group.is(GroupState::kDead)) {
      // Generation 0 was never written.
      if (group.generation() > 0) {
        tombstones.push_back(encode_group_key(group.id()));
      }
      entry->timer.reset();
      groups_.erase(group.id());
    }
  }
  if (!tombstones.empty()) {
    write_tombstones(tombstones);
  }
}

// Nobody waits for these: one that is lost is written again when the offsets are found too old.
void GroupShard::write_tombstones(const std::vector<ByteVector>& keys) {
  const auto warn = [partition = partition_](std::string_view why) {
    logging::logger("coordinator")
        .warn("tombstones for __consumer_offsets-{} could not be written: {}", partition.value(),
              why);
  };
  const std::int64_t now_ms = now().wall_ms;
  record::BatchBuilder builder(batch_options(options_));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    builder.add(now_ms, ByteView(keys[i]), std::nullopt);
    if (i + 1 < keys.size() && builder.uncompressed_size_bytes() < kTombstoneBatchBytes) {
      continue;
    }
    ByteVector batch;
    if (const auto built = builder.finish(batch); !built) {
      warn(built.error().message);
      return;
    }
    ports_.log.append(partition_, std::move(batch), 0, options_.commit_timeout_ms,
                      [warn](GroupLog::Appended appended) {
                        if (appended.error != ErrorCode::kNone) {
                          warn(error_name(appended.error));
                        }
                      });
    builder.reset(batch_options(options_));
  }
}

}  // namespace barnabas::coordinator
