// Appends: each produce request is treated as Kafka's UnifiedLog.append treats it, one after the
// other, and consecutive ones are written together.
#include <fmt/format.h>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/legacy.h"
#include "log_impl.h"

namespace barnabas::storage {

// What the append needs to know of its batches.
struct LogImpl::BatchFacts {
  Offset first_offset = kNoOffset;
  Offset last_offset = kNoOffset;
  LeaderEpoch last_epoch = kNoLeaderEpoch;
  std::int64_t max_timestamp_ms = kNoTimestamp;
  Offset offset_of_max_timestamp = kNoOffset;  // the last of the batch that holds it

  void add(const record::BatchView& batch) {
    add(batch.base_offset(), batch.last_offset(), batch.leader_epoch(), batch.max_timestamp_ms());
  }
  // A message of magic 0 or 1 says its last offset and knows no epoch.
  void add(const record::LegacyView& message) {
    add(message.offset(), message.offset(), kNoLeaderEpoch, message.timestamp_ms());
  }

 private:
  void add(Offset first, Offset last, LeaderEpoch epoch, std::int64_t timestamp_ms) {
    if (first_offset == kNoOffset) {
      first_offset = first;
    }
    last_offset = last;
    last_epoch = epoch;
    if (timestamp_ms > max_timestamp_ms) {
      max_timestamp_ms = timestamp_ms;
      offset_of_max_timestamp = last_offset;
    }
  }
};

// Appends that are staged and not yet written.
struct LogImpl::Gather {
  std::span<LeaderAppend> appends;
  std::size_t first = 0;  // of those in the current write
  Offset end_before;
  std::optional<Error> failure;  // of a write; everything after it is refused
  bool epochs_changed = false;
};

namespace {

void refuse(LeaderAppend& append, const Error& error) {
  append.error = error.code;
  append.message = error.message;
  append.base_offset = kNoOffset;
  append.last_offset = kNoOffset;
  append.duplicate = false;
}

}  // namespace

Status LogImpl::usable() const {
  if (context_.log_dir->offline()) {
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("The log dir {} is already offline due to a previous I/O error",
                            context_.log_dir->path()));
  }
  if (closed_) {
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("The log of {} is closed", to_string(partition_)));
  }
  return {};
}

void LogImpl::begin_gather(Gather& gather, std::size_t next) {
  gather.first = next;
  gather.end_before = log_end_;
  aborted_.clear();
  producers_->begin_group();
  active().begin_gather();
}

// Undoes what is staged; `next` is the first append that is not part of it.
void LogImpl::fail_gather(Gather& gather, std::size_t next, const Error& error) {
  producers_->rollback_group();
  log_end_ = gather.end_before;
  gather.failure = error;
  gather.failure->code = ErrorCode::kKafkaStorageError;
  for (std::size_t i = gather.first; i < next && i < gather.appends.size(); ++i) {
    if (gather.appends[i].error == ErrorCode::kNone) {
      refuse(gather.appends[i], *gather.failure);
    }
  }
}

// Writes what is staged.
Status LogImpl::commit_gather(Gather& gather, std::size_t next) {
  const std::uint64_t bytes = active().staged_size() - active().size_bytes();
  const Status written = noted(active().write_gathered());
  if (!written) {
    fail_gather(gather, next, written.error());
    return std::unexpected(*gather.failure);
  }
  producers_->commit_group();
  for (const auto& txn : aborted_) {
    const Status indexed = noted(active().txn_index().append(txn));
    if (!indexed) {
      // The records are written; recovery builds the transaction index anew.
      logging::logger("storage").error("{}: {}", to_string(partition_), indexed.error().message);
    }
  }
  start_writeback();
  follow_if_due(bytes);
  publish();
  return {};
}

// Rolls if Kafka would, having written what is staged for the segment before.
Status LogImpl::make_room(Gather& gather, std::size_t index, const BatchFacts& facts,
                          std::int64_t bytes) {
  Segment::RollParams params;
  params.max_segment_ms = config_.max_segment_ms();
  params.max_segment_bytes = config_.segment_bytes;
  params.max_timestamp_ms = facts.max_timestamp_ms;
  params.max_offset = facts.last_offset;
  params.bytes = bytes;
  params.now_ms = context_.clock->wall_ms();
  TRY(const bool should_roll, noted(active().should_roll(params)));
  if (!should_roll) {
    return {};
  }
  TRY_STATUS(commit_gather(gather, index));
  const Status rolled = noted(roll_locked(facts.first_offset));
  begin_gather(gather, index);
  return rolled;
}

Status LogImpl::stage_checked(Gather& gather, std::size_t index, LeaderEpoch epoch) {
  LeaderAppend& append = gather.appends[index];
  append.log_start_offset = log_start_;
  BatchFacts facts;
  Offset next = log_end_;
  for (MutableBytes rest = append.records; !rest.empty();) {
    const record::BatchView batch(rest);
    if (rest.size() < record::kBatchOverhead || batch.magic() != record::kMagicV2 ||
        batch.size_bytes() < static_cast<std::int64_t>(record::kBatchOverhead) ||
        static_cast<std::size_t>(batch.size_bytes()) > rest.size()) {
      return fail(ErrorCode::kCorruptMessage,
                  fmt::format("{}: not whole batches of magic 2", to_string(partition_)));
    }
    record::stamp_base_offset(rest, next);
    record::stamp_leader_epoch(rest, epoch);
    facts.add(batch);
    next = facts.last_offset + 1;
    rest = rest.subspan(static_cast<std::size_t>(batch.size_bytes()));
  }
  if (append.records.empty()) {
    return fail(ErrorCode::kInvalidRecord,
                fmt::format("{}: an append without a record", to_string(partition_)));
  }
  gather.epochs_changed |= epochs_->assign(epoch, facts.first_offset);
  const auto bytes = static_cast<std::int64_t>(append.records.size());
  if (bytes > config_.segment_bytes) {
    return fail(ErrorCode::kRecordListTooLarge,
                fmt::format("Message batch size is {} bytes in append to partition {}, which "
                            "exceeds the maximum configured segment size of {}.",
                            bytes, to_string(partition_), config_.segment_bytes));
  }
  TRY_STATUS(make_room(gather, index, facts, bytes));
  const ProducerState::Context producer_context{append.origin, append.crc_is_producers,
                                                log_end_.value() == 0, config_.verify_transactions,
                                                append.guard};
  TRY(const auto duplicate, producers_->append(append.records, producer_context, aborted_));
  if (duplicate) {
    append.duplicate = true;
    append.base_offset = duplicate->first_offset();
    append.last_offset = duplicate->last_offset;
    append.log_append_time_ms = duplicate->timestamp_ms;
    return {};
  }
  const Status staged = active().stage(append.records, facts.last_offset, facts.max_timestamp_ms,
                                       facts.offset_of_max_timestamp);
  if (!staged) {
    active().abandon_gather();
    fail_gather(gather, index, noted(staged).error());
    return std::unexpected(*gather.failure);
  }
  append.base_offset = facts.first_offset;
  append.last_offset = facts.last_offset;
  log_end_ = facts.last_offset + 1;
  return {};
}

void LogImpl::stage_leader_append(Gather& gather, std::size_t index, LeaderEpoch epoch) {
  LeaderAppend& append = gather.appends[index];
  append.error = ErrorCode::kNone;
  append.duplicate = false;
  if (gather.failure) {
    refuse(append, *gather.failure);
    return;
  }
  const Status staged = stage_checked(gather, index, epoch);
  if (!staged) {
    refuse(append, staged.error());
  }
}

void LogImpl::append_as_leader(std::span<LeaderAppend> appends, LeaderEpoch epoch) {
  Gather gather;
  gather.appends = appends;
  bool must_flush = false;
  {
    const MutexLock lock(mutex_);
    const Status open = usable();
    if (!open) {
      for (auto& append : appends) {
        refuse(append, open.error());
      }
      return;
    }
    begin_gather(gather, 0);
    for (std::size_t i = 0; i < appends.size(); ++i) {
      stage_leader_append(gather, i, epoch);
    }
    if (!gather.failure) {
      // Marks what it refuses by itself.
      static_cast<void>(commit_gather(gather, appends.size()));
    }
    must_flush = log_end_ - recovery_point_ >= config_.flush_messages;
  }
  if (gather.epochs_changed) {
    flush_epochs_later();
  }
  if (must_flush) {
    Status flushed = flush();
    if (!flushed) {
      flushed.error().code = ErrorCode::kKafkaStorageError;
      for (auto& append : appends) {
        if (append.error == ErrorCode::kNone) {
          refuse(append, flushed.error());
        }
      }
    }
  }
}

Status LogImpl::write_follower_batches(ByteView records, const BatchFacts& facts) {
  Gather gather;  // of one append, which needs no results
  begin_gather(gather, 0);
  TRY_STATUS(make_room(gather, 0, facts, static_cast<std::int64_t>(records.size())));
  const ProducerState::Context context{AppendOrigin::kReplication, false, false};
  TRY_STATUS(producers_->append(records, context, aborted_));
  const Status staged = noted(active().stage(records, facts.last_offset, facts.max_timestamp_ms,
                                             facts.offset_of_max_timestamp));
  if (!staged) {
    active().abandon_gather();
    fail_gather(gather, 0, staged.error());
    return staged;
  }
  log_end_ = facts.last_offset + 1;
  return commit_gather(gather, 0);
}

Result<Log::FollowerAppend> LogImpl::append_as_follower(ByteView records) {
  bool must_flush = false;
  TRY(const FollowerAppend result, append_fetched(records, must_flush));
  if (must_flush) {
    TRY_STATUS(flush());
  }
  return result;
}

Result<Log::FollowerAppend> LogImpl::append_fetched(ByteView records, bool& must_flush) {
  const MutexLock lock(mutex_);
  TRY_STATUS(usable());
  FollowerAppend result;
  BatchFacts facts;
  bool epochs_changed = false;
  record::BatchCursor cursor(records);
  for (auto step = cursor.next(); step != record::BatchStep::kEnd; step = cursor.next()) {
    const record::BatchView batch = cursor.batch();
    const record::LegacyView message(batch.bytes());
    const bool legacy = step == record::BatchStep::kBatch && batch.magic() != record::kMagicV2;
    if (step == record::BatchStep::kCorrupt ||
        !(legacy ? message.crc_is_valid() : batch.crc_is_valid())) {
      return fail(ErrorCode::kCorruptMessage,
                  fmt::format("Record is corrupt in topic partition {} at byte {} of the fetched "
                              "records",
                              to_string(partition_), cursor.position()));
    }
    const Offset smallest = facts.last_offset == kNoOffset ? log_end_ : facts.last_offset + 1;
    if (batch.base_offset() < smallest) {
      return fail(
          ErrorCode::kOffsetOutOfRange,
          fmt::format("Unexpected offset in append to {}: {} is less than the next offset "
                      "{}",
                      to_string(partition_), batch.base_offset().value(), smallest.value()));
    }
    if (legacy) {
      facts.add(message);
    } else {
      facts.add(batch);
    }
    result.valid_bytes = cursor.position();
  }
  if (result.valid_bytes == 0) {
    return result;
  }
  const ByteView whole = records.first(result.valid_bytes);
  for (ByteView rest = whole; !rest.empty();) {
    const record::BatchView batch(rest);
    // An old format in an old leader's log: truncation goes by the high watermark until a leader
    // writes the new one, as in Kafka.
    epochs_changed |= batch.magic() == record::kMagicV2
                          ? epochs_->assign(batch.leader_epoch(), batch.base_offset())
                          : epochs_->clear();
    rest = rest.subspan(static_cast<std::size_t>(batch.size_bytes()));
  }
  if (epochs_changed) {
    flush_epochs_later();
  }
  TRY_STATUS(write_follower_batches(whole, facts));
  result.first_offset = facts.first_offset;
  result.last_offset = facts.last_offset;
  result.last_leader_epoch = facts.last_epoch;
  must_flush = log_end_ - recovery_point_ >= config_.flush_messages;
  return result;
}

void LogImpl::start_writeback() {
  const Segment::DirtyRange range = active().take_dirty_range();
  if (range.length == 0) {
    return;
  }
  auto file = active().file();
  if (file) {
    context_.disk->post(
        [file = *file, range] { file->start_writeback(range.position, range.length); });
  }
}

void LogImpl::publish() {
  const Offset unstable = producers_->first_unstable_offset();
  has_unstable_.store(unstable != kNoOffset, std::memory_order_release);
  const MutexLock lock(view_mutex_);
  if (view_.segments_ != segments_) {
    view_.segments_ = segments_;
  }
  view_.start_ = log_start_;
  view_.end_ = log_end_;
  view_.first_unstable_ = unstable == kNoOffset ? kNoOffset : std::max(unstable, log_start_);
  view_.active_base_ = segments_->back()->base_offset();
  view_.active_size_ = segments_->back()->size_bytes();
}

void LogImpl::flush_epochs_later() {
  context_.disk->post([self = shared_from_this()] {
    const MutexLock serial(self->flush_mutex_);
    if (self->abandoned_.load(std::memory_order_acquire) || self->offline()) {
      return;
    }
    const Status flushed = self->noted(self->epochs_->flush());
    if (!flushed) {
      logging::logger("storage").error("{}: {}", to_string(self->partition_),
                                       flushed.error().message);
    }
  });
}

}  // namespace barnabas::storage
