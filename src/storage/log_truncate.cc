// Cutting a log at its end (truncation) and at its start (retention, DeleteRecords).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "barnabas/base/logging.h"
#include "log_impl.h"

namespace barnabas::storage {

std::int64_t LogImpl::total_bytes() const {
  std::int64_t total = 0;
  for (const auto& segment : *segments_) {
    total += static_cast<std::int64_t>(segment->size_bytes());
  }
  return total;
}

// Takes segments, which are in no list any more, out of the way: renamed now, removed later.
Status LogImpl::remove_segments(const SegmentList& doomed) {
  for (const auto& segment : doomed) {
    TRY(auto paths, segment->mark_deleted());
    TRY(auto snapshot, producers_->mark_snapshot_deleted(segment->base_offset()));
    if (snapshot) {
      paths.push_back(std::move(*snapshot));
    }
    context_.reaper->remove_later(std::move(paths), config_.file_delete_delay_ms, context_.log_dir);
  }
  return {};
}

// Before anything is cut: the checkpoint on the disk must not say that what is written there later
// was synced. Otherwise a crash after the next appends would leave them unchecked.
Status LogImpl::lower_recovery_point(Offset offset) {
  while (true) {
    {
      const MutexLock lock(mutex_);
      TRY_STATUS(usable());
      if (recovery_point_ <= offset) {
        return {};
      }
      ++truncations_;  // a flush that is under way must not raise it again
      recovery_point_ = offset;
    }
    TRY_STATUS(noted(context_.checkpoint_recovery_points()));
  }
}

Result<bool> LogImpl::truncate_to(Offset offset) {
  if (offset.value() < 0) {
    return fail(ErrorCode::kOffsetOutOfRange,
                fmt::format("Cannot truncate partition {} to a negative offset ({})",
                            to_string(partition_), offset.value()));
  }
  bool epochs_changed = false;
  bool cut = false;
  const MutexLock rewriting(rewrite_mutex_);
  TRY_STATUS(lower_recovery_point(offset));
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(usable());
    if (offset >= log_end_) {
      // An epoch may have begun at the end without a record.
      epochs_changed = epochs_->truncate_from_end(log_end_);
    } else {
      logging::logger("storage").info("{}: truncating to offset {}", to_string(partition_),
                                      offset.value());
      TRY_STATUS(noted(segments_->front()->base_offset() > offset ? truncate_fully_locked(offset)
                                                                  : truncate_locked(offset)));
      epochs_changed = true;
      cut = true;
    }
  }
  if (cut) {
    tell_truncation();
  }
  if (epochs_changed) {
    flush_epochs_later();
  }
  return cut;
}

// From the active segment's start, as in Kafka.
void LogImpl::tell_truncation() {
  if (context_.on_truncation) {
    context_.on_truncation(*this, view().active_base_);
  }
}

std::uint64_t LogImpl::truncations() const {
  const MutexLock lock(mutex_);
  return truncations_;
}

Status LogImpl::truncate_locked(Offset offset) {
  ++truncations_;
  auto kept = std::make_shared<SegmentList>();
  SegmentList doomed;
  for (const auto& segment : *segments_) {
    (segment->base_offset() > offset ? doomed : *kept).push_back(segment);
  }
  // The recovery point first: whatever fails below, the end of the log is checked again.
  recovery_point_ = std::min(recovery_point_, offset);
  segments_ = kept;
  // From the newest back, so that a crash in between leaves no gap.
  std::ranges::reverse(doomed);
  TRY_STATUS(remove_segments(doomed));
  TRY_STATUS(kept->back()->truncate_to(offset, config_.segment_index_bytes));
  // Or else what was cut could come back behind what is appended next.
  const auto cut = kept->back()->sync();
  TRY_STATUS(cut ? Status{} : synced(std::unexpected(cut.error())));
  TRY_STATUS(synced(context_.vfs->sync_directory(directory_->get())));
  log_end_ = offset;
  epochs_->truncate_from_end(offset);
  log_start_ = std::min(offset, log_start_);
  TRY_STATUS(rebuild_producer_state(*producers_, *segments_, log_start_, offset,
                                    context_.clock->wall_ms(), false));
  if (high_watermark() > log_end_) {
    high_watermark_.store(log_end_.value(), std::memory_order_release);
  }
  publish();
  return {};
}

Status LogImpl::truncate_fully_locked(Offset offset) {
  ++truncations_;
  recovery_point_ = std::min(recovery_point_, offset);
  SegmentList doomed = *segments_;
  std::ranges::reverse(doomed);
  TRY_STATUS(remove_segments(doomed));
  TRY(auto fresh, create_segment(offset));
  TRY_STATUS(synced(context_.vfs->sync_directory(directory_->get())));
  segments_ = std::make_shared<const SegmentList>(SegmentList{std::move(fresh)});
  log_end_ = offset;
  log_start_ = offset;
  epochs_->clear();
  TRY_STATUS(producers_->truncate_fully_and_start_at(offset));
  TRY_STATUS(rebuild_producer_state(*producers_, *segments_, log_start_, offset,
                                    context_.clock->wall_ms(), false));
  high_watermark_.store(offset.value(), std::memory_order_release);
  recovery_point_ = offset;
  publish();
  return {};
}

Status LogImpl::truncate_fully_and_start_at(Offset offset) {
  const MutexLock rewriting(rewrite_mutex_);
  TRY_STATUS(lower_recovery_point(offset));
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(usable());
    TRY_STATUS(noted(truncate_fully_locked(offset)));
  }
  tell_truncation();
  flush_epochs_later();
  return {};
}

void LogImpl::raise_log_start(Offset offset) {
  if (offset <= log_start_) {
    return;
  }
  log_start_ = offset;
  recovery_point_ = std::max(recovery_point_, offset);
  if (epochs_->truncate_from_start(offset)) {
    flush_epochs_later();
  }
  producers_->on_log_start(offset);
}

Result<Offset> LogImpl::delete_records_before(Offset offset) {
  const MutexLock lock(mutex_);
  TRY_STATUS(usable());
  if (offset > high_watermark() || offset.value() < 0) {
    return fail(ErrorCode::kOffsetOutOfRange,
                fmt::format("Cannot increment the log start offset to {} of partition {} since it "
                            "is larger than the high watermark {}",
                            offset.value(), to_string(partition_), high_watermark().value()));
  }
  raise_log_start(offset);
  publish();
  return log_start_;
}

// Removes `doomed`, the oldest segments, having rolled when they are all there are.
Status LogImpl::delete_segments(SegmentList doomed) {
  if (doomed.size() == segments_->size()) {
    const Offset active_base = segments_->back()->base_offset();
    TRY_STATUS(roll_locked(log_end_));
    if (segments_->back()->base_offset() == active_base) {
      doomed.pop_back();  // it was empty, and has been made anew
    }
  }
  if (doomed.empty()) {
    return {};
  }
  auto kept = std::make_shared<SegmentList>(
      segments_->begin() + static_cast<std::ptrdiff_t>(doomed.size()), segments_->end());
  // Readers are turned away before the files go.
  raise_log_start(kept->front()->base_offset());
  segments_ = std::move(kept);
  publish();
  return remove_segments(doomed);
}

// Deletes from the oldest on while the predicate holds; nothing at or above the high watermark.
Result<int> LogImpl::delete_while(std::string_view reason, const DeletePredicate& doomed) {
  SegmentList found;
  const SegmentList& segments = *segments_;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment* next = i + 1 < segments.size() ? segments[i + 1].get() : nullptr;
    const Offset upper = next != nullptr ? next->base_offset() : log_end_;
    if (high_watermark() < upper || (next == nullptr && segments[i]->size_bytes() == 0)) {
      break;
    }
    TRY(const bool goes, doomed(*segments[i], next));
    if (!goes) {
      break;
    }
    found.push_back(segments[i]);
  }
  if (found.empty()) {
    return 0;
  }
  logging::logger("storage").info("{}: deleting {} segments from offset {} on due to {}",
                                  to_string(partition_), found.size(),
                                  found.front()->base_offset().value(), reason);
  const int count = static_cast<int>(found.size());
  TRY_STATUS(delete_segments(std::move(found)));
  return count;
}

Result<int> LogImpl::delete_old_segments() {
  const MutexLock rewriting(rewrite_mutex_);
  const MutexLock lock(mutex_);
  TRY_STATUS(usable());
  TRY(int deleted,
      noted(delete_while("log start offset breach",
                         [this](Segment&, const Segment* next) REQUIRES(mutex_) -> Result<bool> {
                           return next != nullptr && next->base_offset() <= log_start_;
                         })));
  if (!config_.cleanup_delete) {
    return deleted;
  }
  if (config_.retention_bytes >= 0 && total_bytes() >= config_.retention_bytes) {
    std::int64_t surplus = total_bytes() - config_.retention_bytes;
    TRY(const int by_size,
        noted(delete_while("retention.bytes",
                           [&surplus](Segment& segment, const Segment*) -> Result<bool> {
                             const auto size = static_cast<std::int64_t>(segment.size_bytes());
                             if (surplus - size < 0) {
                               return false;
                             }
                             surplus -= size;
                             return true;
                           })));
    deleted += by_size;
  }
  if (config_.retention_ms >= 0) {
    const std::int64_t now = context_.wall->now_ms();
    const std::int64_t keep_ms = config_.retention_ms;
    TRY(const int by_time,
        noted(delete_while("retention.ms",
                           [now, keep_ms](Segment& segment, const Segment*) -> Result<bool> {
                             TRY(const std::int64_t largest, segment.largest_timestamp_ms());
                             return now - largest > keep_ms;
                           })));
    deleted += by_time;
  }
  return deleted;
}

}  // namespace barnabas::storage
