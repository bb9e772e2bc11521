#include "compaction.h"

#include <fmt/format.h>

#include <algorithm>

#include "barnabas/base/logging.h"

namespace barnabas::storage {

class Compaction::Source {
 public:
  Source(std::shared_ptr<File> file, std::uint64_t from, std::uint64_t limit)
      : file_(std::move(file)), limit_(limit), checker_(*file_, from, limit) {}

  // The next batch, valid until the next call; empty at the end.
  [[nodiscard]] Result<ByteView> next() {
    TRY(const auto meta, checker_.next());
    if (!meta) {
      if (checker_.position() < limit_) {
        return fail(ErrorCode::kCorruptMessage, fmt::format("{} holds no valid batch at byte {}",
                                                            file_->path(), checker_.position()));
      }
      return ByteView{};
    }
    const auto size = static_cast<std::size_t>(meta->size_bytes);
    if (checker_.bytes().size() == size) {
      return checker_.bytes();
    }
    large_.resize(size);
    TRY(const std::size_t read, file_->read_at(meta->position, large_));
    if (read != size) {
      return fail(ErrorCode::kCorruptMessage, file_->path() + " has become shorter");
    }
    return ByteView(large_);
  }

 private:
  std::shared_ptr<File> file_;
  std::uint64_t limit_;
  BatchChecker checker_;
  ByteVector large_;  // a batch beyond the checker's buffer
};

namespace {

// The timestamp of the first batch; kNoTimestamp of a segment without one.
Result<std::int64_t> first_timestamp_ms(const Segment& segment) {
  TRY(auto file, segment.file());
  BatchScanner scanner(*file, 0, segment.size_bytes());
  TRY(const auto first, scanner.next());
  return first ? first->max_timestamp_ms : kNoTimestamp;
}

// The sum of what cannot be a timestamp difference is as good as for ever.
std::int64_t minus(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_sub_overflow(a, b, &result) ? (b > 0 ? INT64_MIN : INT64_MAX) : result;
}

}  // namespace

Result<DirtyRange> find_dirty_range(const CompactionView& view, std::optional<Offset> cleaned_up_to,
                                    std::int64_t now_ms) {
  DirtyRange range;
  range.first_dirty = cleaned_up_to.value_or(view.log_start);
  if (range.first_dirty < view.log_start || range.first_dirty > view.log_end) {
    range.first_dirty = view.log_start;
    range.checkpoint_is_off = true;
  }
  const LogConfig& config = view.config;
  range.first_uncleanable = view.segments.back()->base_offset();
  // A segment that is not stable to its end is left for later as a whole.
  for (std::size_t i = 0; i + 1 < view.segments.size(); ++i) {
    if (view.segments[i + 1]->base_offset() > view.last_stable) {
      range.first_uncleanable = view.segments[i]->base_offset();
      break;
    }
  }
  const std::int64_t too_new = minus(now_ms, config.min_compaction_lag_ms);
  const std::int64_t overdue = minus(now_ms, config.max_compaction_lag_ms);
  for (std::size_t i = 0; i + 1 < view.segments.size(); ++i) {
    if (view.segments[i + 1]->base_offset() <= range.first_dirty) {
      continue;
    }
    Segment& segment = *view.segments[i];
    if (config.min_compaction_lag_ms > 0) {
      TRY(const std::int64_t largest, segment.largest_timestamp_ms());
      if (largest > too_new) {
        range.first_uncleanable = std::min(range.first_uncleanable, segment.base_offset());
      }
    }
    if (config.max_compaction_lag_ms < INT64_MAX && !range.is_overdue) {
      TRY(const std::int64_t first, first_timestamp_ms(segment));
      range.is_overdue = first > 0 && first < overdue;
    }
  }
  // A segment that is clean in part counts on both sides, as in Kafka.
  for (std::size_t i = 0; i < view.segments.size(); ++i) {
    const Segment& segment = *view.segments[i];
    if (segment.base_offset() < range.first_dirty) {
      range.clean_bytes += segment.size_bytes();
    }
    if (segment.base_offset() < range.first_uncleanable && i + 1 < view.segments.size() &&
        view.segments[i + 1]->base_offset() > range.first_dirty) {
      range.dirty_bytes += segment.size_bytes();
    }
  }
  range.first_uncleanable = std::max(range.first_uncleanable, range.first_dirty);
  return range;
}

Compaction::Compaction(std::shared_ptr<LogImpl> log, CompactionView view, const DirtyRange& range,
                       const CompactionOptions& options, std::int64_t now_ms)
    : log_(std::move(log)),
      view_(std::move(view)),
      range_(range),
      options_(options),
      now_ms_(now_ms),
      latest_(options.map_bytes, options.map_load_factor),
      end_(range.first_dirty) {
  const auto& segments = view_.segments;
  while (at_ + 1 < segments.size() && segments[at_ + 1]->base_offset() <= range_.first_dirty) {
    ++at_;
  }
}

Compaction::~Compaction() {
  if (target_) {
    const Status removed = target_->remove_files();
    if (!removed) {
      logging::logger("storage").warn("{}", removed.error().message);
    }
  }
}

Offset Compaction::end_of_segment(std::size_t number) const {
  return number + 1 < view_.segments.size() ? view_.segments[number + 1]->base_offset()
                                            : view_.log_end;
}

// Of transactions that overlap [from, until), by the indexes of the segments from there on.
Result<std::vector<AbortedTxn>> Compaction::aborted_in(Offset from, Offset until) const {
  std::vector<AbortedTxn> found;
  bool complete = false;
  for (std::size_t i = 0; i < view_.segments.size() && !complete; ++i) {
    if (end_of_segment(i) > from) {
      TRY_STATUS(view_.segments[i]->txn_index().collect(from, until, found, complete));
    }
  }
  return found;
}

Status Compaction::step() {
  switch (phase_) {
    case Phase::kLooking:
      return look_on();
    case Phase::kWriting:
      return write_on();
    case Phase::kDone:
      break;
  }
  return {};
}

// Notes the keys of a batch. False: the table is full.
Result<bool> Compaction::take_keys(ByteView bytes) {
  const record::BatchView batch(bytes);
  const auto take = [&](auto& reader) -> Result<bool> {
    while (true) {
      TRY(const record::RecordView* record, reader.next());
      if (record == nullptr) {
        return true;
      }
      if (record->key && record->offset >= range_.first_dirty &&
          !latest_.put(*record->key, record->offset)) {
        return false;
      }
    }
  };
  if (batch.magic() < record::kMagicV2) {
    TRY_STATUS(legacy_reader_.start(record::LegacyView(bytes)));
    return take(legacy_reader_);
  }
  if (batch.is_control()) {
    TRY_STATUS(seen_.on_marker(batch, unused_));
    return true;
  }
  if (seen_.on_batch(batch) || batch.record_count() == 0) {
    return true;
  }
  TRY_STATUS(reader_.start(batch));
  return take(reader_);
}

Status Compaction::look_on() {
  std::uint64_t looked_at = 0;
  while (looked_at < options_.step_bytes) {
    if (at_ >= view_.segments.size() ||
        view_.segments[at_]->base_offset() >= range_.first_uncleanable) {
      begin_writing();
      return {};
    }
    Segment& segment = *view_.segments[at_];
    if (!source_) {
      if (segment.base_offset() <= range_.first_dirty) {
        TRY(const auto aborted, aborted_in(range_.first_dirty, range_.first_uncleanable));
        seen_.add_aborted(aborted);
      }
      TRY(const OffsetPosition from, segment.offset_index().lookup(range_.first_dirty));
      TRY(auto file, segment.file());
      source_ = std::make_unique<Source>(std::move(file), static_cast<std::uint64_t>(from.position),
                                         segment.size_bytes());
    }
    TRY(const ByteView bytes, source_->next());
    if (bytes.empty()) {
      latest_.update_latest_offset(end_of_segment(at_) - 1);
      source_.reset();
      ++at_;
      continue;
    }
    looked_at += bytes.size();
    read_bytes_ += bytes.size();
    TRY(const bool fits, take_keys(bytes));
    if (!fits) {
      begin_writing();
      return {};
    }
    BatchMeta meta;
    if (parse_batch_meta(bytes, 0, meta) && meta.last_offset >= range_.first_dirty) {
      latest_.update_latest_offset(meta.last_offset);
    }
  }
  return {};
}

void Compaction::begin_writing() {
  source_.reset();
  end_ = std::max(latest_.latest_offset() + 1, range_.first_dirty);
  const auto& segments = view_.segments;
  while (segments_to_write_ < segments.size() &&
         segments[segments_to_write_]->base_offset() < end_) {
    ++segments_to_write_;
  }
  std::size_t clean = 0;
  while (clean < segments.size() && segments[clean]->base_offset() < range_.first_dirty) {
    ++clean;
  }
  if (clean > 0) {
    legacy_horizon_ms_ = segments[clean - 1]->last_modified_ms() - view_.config.delete_retention_ms;
  }
  phase_ = segments_to_write_ == 0 || latest_.latest_offset() == kNoOffset ? Phase::kDone
                                                                           : Phase::kWriting;
}

// As many neighbours as fit one segment. Kafka's groupSegmentsBySize.
Status Compaction::begin_group() {
  const auto& segments = view_.segments;
  group_begin_ = group_end_;
  std::uint64_t bytes = 0;
  std::int64_t offset_entries = 0;
  std::int64_t time_entries = 0;
  while (group_end_ < segments_to_write_) {
    Segment& next = *segments[group_end_];
    TRY_STATUS(next.offset_index().file().load());
    TRY_STATUS(next.time_index().file().load());
    bytes += next.size_bytes();
    offset_entries += next.offset_index().file().count();
    time_entries += next.time_index().file().count();
    const LogConfig& config = view_.config;
    const auto fits = [&config](std::int64_t entries, std::size_t entry_bytes) {
      return entries * static_cast<std::int64_t>(entry_bytes) <= config.segment_index_bytes;
    };
    // What a segment that is written anew may hold at most; entries are only made where it grows.
    if (group_end_ > group_begin_ &&
        (bytes > static_cast<std::uint64_t>(config.segment_bytes) ||
         !fits(offset_entries, OffsetIndex::kEntryBytes) ||
         !fits(time_entries, TimeIndex::kEntryBytes) ||
         (next.size_bytes() > 0 &&
          !segments[group_begin_]->fits_offset(end_of_segment(group_end_) - 1)))) {
      break;
    }
    ++group_end_;
  }
  if (!filter_) {
    filter_ = std::make_unique<BatchFilter>(
        FilterOptions{now_ms_, view_.config.delete_retention_ms, end_}, latest_, view_.producers);
  }
  TRY(target_, log_->create_cleaned_segment(segments[group_begin_]->base_offset()));
  return begin_source(group_begin_);
}

Status Compaction::begin_source(std::size_t number) {
  at_ = number;
  Segment& segment = *view_.segments[number];
  TRY(const auto aborted, aborted_in(segment.base_offset(), end_of_segment(number)));
  filter_->begin_segment(aborted, segment.last_modified_ms() > legacy_horizon_ms_);
  TRY(auto file, segment.file());
  source_ = std::make_unique<Source>(std::move(file), 0, segment.size_bytes());
  return {};
}

Status Compaction::write_on() {
  if (!target_) {
    return begin_group();
  }
  std::uint64_t looked_at = 0;
  while (looked_at < options_.step_bytes) {
    TRY(const ByteView bytes, source_->next());
    if (!bytes.empty()) {
      looked_at += bytes.size();
      read_bytes_ += bytes.size();
      TRY_STATUS(filter_->filter(bytes, output_));
      continue;
    }
    source_.reset();
    if (at_ + 1 == group_end_) {
      TRY_STATUS(write_pieces());
      return finish_group();
    }
    TRY_STATUS(begin_source(at_ + 1));
  }
  return write_pieces();
}

Status Compaction::write_pieces() {
  for (const AbortedTxn& transaction : filter_->take_aborted()) {
    TRY_STATUS(target_->txn_index().append(transaction));
  }
  target_->begin_gather();
  ByteView rest(output_);
  while (!rest.empty()) {
    BatchMeta meta;
    if (!parse_batch_meta(rest, 0, meta)) {
      return fail(ErrorCode::kCorruptMessage, "compaction wrote what is no batch");
    }
    const auto size = static_cast<std::size_t>(meta.size_bytes);
    TRY_STATUS(target_->stage(rest.first(size), meta.last_offset, meta.max_timestamp_ms,
                              meta.last_offset));
    rest = rest.subspan(size);
  }
  TRY_STATUS(target_->write_gathered());
  written_bytes_ += output_.size();
  output_.clear();
  return {};
}

Status Compaction::finish_group() {
  const SegmentList replaced(view_.segments.begin() + static_cast<std::ptrdiff_t>(group_begin_),
                             view_.segments.begin() + static_cast<std::ptrdiff_t>(group_end_));
  // From here on the log answers for the files.
  TRY_STATUS(log_->replace_segments(std::exchange(target_, nullptr), replaced, view_.truncations));
  if (group_end_ == segments_to_write_) {
    phase_ = Phase::kDone;
  }
  return {};
}

}  // namespace barnabas::storage
