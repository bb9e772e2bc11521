// Rolling to a new segment, bringing what is written to stable storage, closing.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "barnabas/base/logging.h"
#include "log_impl.h"

namespace barnabas::storage {
namespace {

// With more producers a snapshot would hold the log up.
constexpr std::size_t kMaxPassingProducers = 4096;
// What recovering a segment costs, be it ever so small.
constexpr std::uint64_t kSegmentCostBytes = std::uint64_t{1} << 20U;

// The segments that overlap [from, to).
SegmentList overlapping(const SegmentList& segments, Offset from, Offset to) {
  SegmentList result;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool ends_before = i + 1 < segments.size() && segments[i + 1]->base_offset() <= from;
    if (!ends_before && segments[i]->base_offset() < to) {
      result.push_back(segments[i]);
    }
  }
  return result;
}

}  // namespace

// After a failed fsync nobody knows what is on the disk: it is never tried again.
Status LogImpl::synced(const Status& status) const {
  if (!status && !abandoned_.load(std::memory_order_acquire) &&
      !is_out_of_descriptors(status.error())) {
    context_.log_dir->take_offline(status.error());
  }
  return status;
}

// Uniform in [0, min(segment.jitter.ms, segment.ms)); splitmix64.
std::int64_t LogImpl::next_jitter_ms() {
  if (config_.segment_jitter_ms <= 0) {
    return 0;
  }
  jitter_state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t mixed = jitter_state_;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  mixed ^= mixed >> 31U;
  return static_cast<std::int64_t>(
      mixed % static_cast<std::uint64_t>(std::min(config_.segment_jitter_ms,
                                                  std::max<std::int64_t>(config_.segment_ms, 1))));
}

Result<std::shared_ptr<Segment>> LogImpl::create_segment(Offset base) {
  const SegmentEnvironment env{context_.vfs, context_.clock, directory_};
  auto segment = std::make_shared<Segment>(env, base, config_, next_jitter_ms());
  // What a crash left under these names holds nothing that was acknowledged.
  TRY_STATUS(segment->remove_leftover_txn_index());
  TRY_STATUS(segment->create(config_));
  return segment;
}

// Kafka's way out where an index has no room for a single entry (KAFKA-6388).
Status LogImpl::replace_empty_active() {
  const auto old = segments_->back();
  logging::logger("storage").warn("{}: rolling the empty segment {} again", to_string(partition_),
                                  old->base_offset().value());
  TRY(auto doomed, old->mark_deleted());
  auto list = std::make_shared<SegmentList>(segments_->begin(), segments_->end() - 1);
  TRY(auto fresh, create_segment(old->base_offset()));
  list->push_back(std::move(fresh));
  segments_ = std::move(list);
  context_.reaper->remove_later(std::move(doomed), config_.file_delete_delay_ms, context_.log_dir);
  publish();
  return {};
}

Status LogImpl::roll_locked(Offset expected_base) {
  const Offset base = std::max(expected_base, log_end_);
  Segment& old = active();
  if (old.base_offset() == base) {
    if (old.size_bytes() > 0) {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("Trying to roll a new log segment for topic partition {} with start "
                              "offset {} while it already exists",
                              to_string(partition_), base.value()));
    }
    return replace_empty_active();
  }
  TRY_STATUS(old.become_inactive());
  TRY(auto fresh, create_segment(base));
  auto list = std::make_shared<SegmentList>(*segments_);
  list->push_back(std::move(fresh));
  segments_ = std::move(list);
  // The snapshot's offset is the new segment's, so that recovery can begin with the pair.
  producers_->update_map_end_offset(base);
  auto snapshot = producers_->take_snapshot(SnapshotKind::kPlain);
  if (!snapshot) {
    // Recovery goes back to the one before.
    logging::logger("storage").warn("{}: {}", to_string(partition_), snapshot.error().message);
    snapshot = noted(std::move(snapshot));
  } else {
    note_snapshot();
  }
  publish();
  logging::logger("storage").info("{}: rolled new log segment at offset {}", to_string(partition_),
                                  base.value());
  flush_rolled_later(base, snapshot ? *snapshot : std::nullopt);
  return {};
}

Status LogImpl::roll() {
  const MutexLock lock(mutex_);
  TRY_STATUS(usable());
  return noted(roll_locked(log_end_));
}

void LogImpl::flush_rolled_later(Offset base, std::optional<std::string> snapshot) {
  context_.disk->post([self = shared_from_this(), base, snapshot = std::move(snapshot)] {
    if (snapshot) {
      const MutexLock serial(self->flush_mutex_);
      if (self->offline() || self->abandoned_.load(std::memory_order_acquire)) {
        return;
      }
      auto file = self->context_.vfs->open(*snapshot, OpenMode::kReadWrite);
      // It may have been deleted with its segment by now.
      if (file && !self->synced((*file)->sync())) {
        return;
      }
    }
    const Status flushed = self->flush_range(base, base);
    if (!flushed && !self->abandoned_.load(std::memory_order_acquire)) {
      logging::logger("storage").error("{}: {}", to_string(self->partition_),
                                       flushed.error().message);
    }
  });
}

Status LogImpl::sync_segments(const SegmentList& segments, Offset recovery_point) {
  bool new_files = false;
  for (const auto& segment : segments) {
    TRY_STATUS(noted(segment->save_indexes()));
    const auto changed = segment->sync();
    if (!changed) {
      return synced(std::unexpected(changed.error()));
    }
    new_files = new_files || (*changed && segment->base_offset() >= recovery_point);
  }
  if (new_files) {
    TRY_STATUS(synced(context_.vfs->sync_directory(directory_->get())));
  }
  return {};
}

Status LogImpl::flush_range(Offset flush_below, Offset new_recovery_point) {
  std::uint64_t synced = 0;
  TRY_STATUS(flush_range_serially(flush_below, new_recovery_point, synced));
  if (synced > 0 && !abandoned_.load(std::memory_order_acquire)) {
    context_.synced_bytes(synced);
  }
  return {};
}

Status LogImpl::flush_range_serially(Offset flush_below, Offset new_recovery_point,
                                     std::uint64_t& synced) {
  const MutexLock serial(flush_mutex_);
  SegmentList segments;
  std::shared_ptr<Segment> active_segment;
  Offset from;
  std::uint64_t truncations = 0;
  std::uint64_t bytes = 0;
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(usable());
    if (flush_below <= recovery_point_) {
      return {};
    }
    from = recovery_point_;
    truncations = truncations_;
    active_segment = segments_->back();
    segments = overlapping(*segments_, from, flush_below);
    bytes = std::exchange(unsynced_bytes_, 0);
  }
  // Epochs first: once the recovery point has moved, the batches are not asked for them again.
  TRY_STATUS(noted(epochs_->flush()));
  TRY_STATUS(sync_segments(segments, from));
  for (const auto& segment : segments) {
    if (segment != active_segment) {
      segment->close_index_files();
      bytes += kSegmentCostBytes;
    }
  }
  synced = bytes;
  const MutexLock lock(mutex_);
  // What was cut and written again meanwhile is not covered.
  if (truncations == truncations_ && new_recovery_point > recovery_point_) {
    recovery_point_ = std::min(new_recovery_point, log_end_);
    last_flush_ms_ = monotonic_ms(*context_.clock);
  }
  return {};
}

void LogImpl::follow_if_due(std::uint64_t written) {
  unsynced_bytes_ += written;
  bytes_since_snapshot_ += written;
  const std::uint64_t in_log_dir = context_.log_dir->add_bytes_since_snapshots(written);
  if (following_) {
    return;
  }
  if (unsynced_bytes_ >= context_.flush_behind_bytes) {
    follow_with(&LogImpl::flush_behind);
  } else if (in_log_dir >= context_.snapshot_behind_bytes &&
             bytes_since_snapshot_ >= context_.worth_a_snapshot()) {
    follow_with(&LogImpl::snapshot_behind);
  }
}

void LogImpl::follow_with(Status (LogImpl::*work)()) {
  following_ = true;
  context_.disk->post([self = shared_from_this(), work] {
    const Status done = ((*self).*work)();
    {
      const MutexLock lock(self->mutex_);
      self->following_ = false;
      if (!done) {
        self->unsynced_bytes_ = 0;  // not again with the very next append
        self->note_snapshot();
      }
    }
    if (!done && !self->abandoned_.load(std::memory_order_acquire)) {
      logging::logger("storage").error("{}: {}", to_string(self->partition_), done.error().message);
    }
  });
}

void LogImpl::note_snapshot() {
  context_.log_dir->take_bytes_since_snapshots(std::exchange(bytes_since_snapshot_, 0));
}

// A snapshot between two rolls, in the place of the one before; none where it would cost too much.
// The path of a file that was written.
Result<std::optional<std::string>> LogImpl::take_passing_snapshot(std::optional<Offset>& place) {
  note_snapshot();
  if (producers_->count() > kMaxPassingProducers) {
    return std::nullopt;
  }
  auto taken = producers_->take_snapshot(SnapshotKind::kPassing);
  if (!taken) {
    return is_out_of_space(taken.error()) ? Result<std::optional<std::string>>(std::nullopt)
                                          : noted(std::move(taken));
  }
  if (*taken) {
    TRY_STATUS(noted(remove_passing_snapshot(place)));
    place = log_end_;
  }
  return taken;
}

Status LogImpl::remove_passing_snapshot(std::optional<Offset>& place) {
  const auto old = std::exchange(place, std::nullopt);
  const auto is_base = [&](const auto& segment) { return segment->base_offset() == *old; };
  // Where the log ends or a segment begins it serves like any other.
  return !old || *old == log_end_ || old == synced_snapshot_ || old == written_snapshot_ ||
                 std::ranges::any_of(*segments_, is_base)
             ? Status{}
             : producers_->remove_snapshot(*old);
}

// What a flush by the operator's settings does, with a snapshot of the producers, so that neither
// batches nor producers below it are looked at after a crash of the machine.
Status LogImpl::flush_behind() {
  std::optional<std::string> snapshot;
  Offset end;
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(usable());
    end = log_end_;
    TRY(snapshot, take_passing_snapshot(synced_snapshot_));
    if (!snapshot && written_snapshot_ == end) {
      TRY_STATUS(noted(remove_passing_snapshot(synced_snapshot_)));
      synced_snapshot_ = std::exchange(written_snapshot_, std::nullopt);
      snapshot = producers_->snapshot_path(end);
    }
  }
  if (snapshot) {
    auto file = context_.vfs->open(*snapshot, OpenMode::kReadWrite);
    // A truncation may have removed it by now.
    if (file) {
      TRY_STATUS(synced((*file)->sync()));
    }
  }
  return flush_range(end, end);
}

// Nothing is synced: enough for a start after the process has died and the machine has not. The
// snapshot comes last, for it says that all below it is written.
Status LogImpl::snapshot_behind() {
  std::shared_ptr<Segment> segment;
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(usable());
    segment = segments_->back();
  }
  TRY_STATUS(noted(epochs_->flush()));
  TRY_STATUS(noted(segment->save_indexes()));
  const MutexLock lock(mutex_);
  TRY_STATUS(usable());
  TRY(const auto taken, take_passing_snapshot(written_snapshot_));
  return {};
}

Status LogImpl::flush(Offset offset) {
  return flush_range(offset, offset);
}

Status LogImpl::flush() {
  const Offset end = end_offset();
  return flush_range(end, end);
}

Status LogImpl::close() {
  const MutexLock rewriting(rewrite_mutex_);
  std::optional<std::string> snapshot;
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(usable());
    TRY_STATUS(noted(active().become_inactive()));
    // At the end of the log, so that nothing has to be read again at start.
    TRY(snapshot, noted(producers_->take_snapshot(SnapshotKind::kPlain)));
    TRY_STATUS(noted(remove_passing_snapshot(synced_snapshot_)));
    TRY_STATUS(noted(remove_passing_snapshot(written_snapshot_)));
  }
  if (snapshot) {
    TRY(auto file, noted(context_.vfs->open(*snapshot, OpenMode::kReadWrite)));
    TRY_STATUS(synced(file->sync()));
  }
  const Offset end = end_offset();
  TRY_STATUS(flush_range(end + 1, end));
  const MutexLock serial(flush_mutex_);
  TRY_STATUS(noted(epochs_->flush()));
  if (snapshot) {
    TRY_STATUS(synced(context_.vfs->sync_directory(directory_->get())));
  }
  const MutexLock lock(mutex_);
  recovery_point_ = std::max(recovery_point_, log_end_);
  closed_ = true;
  return {};
}

}  // namespace barnabas::storage
