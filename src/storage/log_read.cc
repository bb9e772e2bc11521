// Reads and lookups. No lock of the log is taken: everything goes by the view.
#include <fmt/format.h>

#include <algorithm>

#include "barnabas/base/logging.h"
#include "barnabas/record/legacy.h"
#include "barnabas/record/reader.h"
#include "log_impl.h"

namespace barnabas::storage {

// Finds its way through the segments of a view.
class LogReader {
 public:
  explicit LogReader(const LogView& view) : view_(view) {}

  [[nodiscard]] std::size_t count() const { return view_.segments_->size(); }
  [[nodiscard]] Segment& segment(std::size_t at) const { return *(*view_.segments_)[at]; }
  // The last segment that begins at or below `offset`; count() if there is none.
  [[nodiscard]] std::size_t floor(Offset offset) const {
    const auto& segments = *view_.segments_;
    const auto above = std::upper_bound(
        segments.begin(), segments.end(), offset,
        [](Offset wanted, const auto& candidate) { return wanted < candidate->base_offset(); });
    return above == segments.begin() ? count()
                                     : static_cast<std::size_t>(above - segments.begin()) - 1;
  }
  // How far a segment is readable in this view.
  [[nodiscard]] std::uint64_t limit(std::size_t at) const {
    return at + 1 == count() ? view_.active_size_ : segment(at).size_bytes();
  }
  [[nodiscard]] Offset end_of(std::size_t at) const {
    return at + 1 == count() ? view_.end_ : segment(at + 1).base_offset();
  }

 private:
  const LogView& view_;
};

namespace {

// The whole batch in memory, for lookups inside it.
Result<ByteVector> load_batch(const File& file, const BatchMeta& meta) {
  ByteVector bytes(static_cast<std::size_t>(meta.size_bytes));
  TRY(const std::size_t read, file.read_at(meta.position, bytes));
  if (read != bytes.size()) {
    return fail(ErrorCode::kCorruptMessage, file.path() + " is shorter than its batches");
  }
  return bytes;
}

template <typename Reader>
Result<std::optional<TimestampAndOffset>> first_from(Reader& reader, const BatchMeta& meta,
                                                     std::int64_t timestamp_ms, Offset from) {
  while (true) {
    TRY(const record::RecordView* record, reader.next());
    if (record == nullptr) {
      return std::nullopt;
    }
    if (record->timestamp_ms >= timestamp_ms && record->offset >= from) {
      return TimestampAndOffset{record->timestamp_ms, record->offset, meta.leader_epoch};
    }
  }
}

// The first record not before `timestamp_ms` and not below `from`.
Result<std::optional<TimestampAndOffset>> find_record(const File& file, const BatchMeta& meta,
                                                      std::int64_t timestamp_ms, Offset from) {
  TRY(const ByteVector bytes, load_batch(file, meta));
  if (meta.magic < record::kMagicV2) {
    record::LegacyReader reader;
    TRY_STATUS(reader.start(record::LegacyView(bytes)));
    return first_from(reader, meta, timestamp_ms, from);
  }
  record::RecordReader reader;
  TRY_STATUS(reader.start(record::BatchView(bytes)));
  return first_from(reader, meta, timestamp_ms, from);
}

}  // namespace

Result<LogSlice> LogImpl::read(const LogView& view, Offset from, std::size_t max_bytes,
                               Offset upper_bound, bool at_least_one) const {
  if (from < view.start_offset() || from > view.end_offset()) {
    return fail(ErrorCode::kOffsetOutOfRange,
                fmt::format("Received request for offset {} for partition {}, but we only have log "
                            "segments in the range {} to {}.",
                            from.value(), to_string(partition_), view.start_offset().value(),
                            view.end_offset().value()));
  }
  const Offset upper = std::min(upper_bound, view.end_offset());
  if (from >= upper) {
    LogSlice empty;
    empty.start = from == view.end_offset() ? view.end_metadata() : LogOffsetMetadata{from, {}, {}};
    return empty;
  }
  return noted(read_at(view, from, max_bytes, upper, at_least_one));
}

Result<LogSlice> LogImpl::read_at(const LogView& view, Offset from, std::size_t max_bytes,
                                  Offset upper, bool at_least_one) const {
  const LogReader reader(view);
  LogSlice slice;
  for (std::size_t at = reader.floor(from); at < reader.count(); ++at) {
    Segment& segment = reader.segment(at);
    if (segment.base_offset() >= upper) {
      break;
    }
    std::uint64_t limit = reader.limit(at);
    const auto found = segment.find(from, limit);
    repair_if_damaged((*view.segments_)[at]);
    TRY(const auto first, found);
    if (!first) {
      continue;  // compaction may have emptied the end of it
    }
    slice.start = {from, segment.base_offset(), static_cast<std::int64_t>(first->position)};
    if (upper < reader.end_of(at)) {
      TRY(const auto end, segment.find(upper, limit));
      limit = end ? end->position : limit;
    }
    if (limit <= first->position) {
      return slice;
    }
    const auto whole = static_cast<std::size_t>(first->size_bytes);
    const std::size_t wanted = at_least_one ? std::max(max_bytes, whole) : max_bytes;
    slice.length =
        static_cast<std::size_t>(std::min<std::uint64_t>(wanted, limit - first->position));
    slice.first_batch_incomplete = slice.length < whole;
    if (slice.length > 0) {
      slice.position = first->position;
      TRY(slice.file, segment.file());
    }
    return slice;
  }
  slice.start = view.end_metadata();
  return slice;
}

Result<std::vector<AbortedTransaction>> LogImpl::aborted_transactions(const LogView& view,
                                                                      Offset from,
                                                                      Offset upper_bound) const {
  const LogReader reader(view);
  std::vector<AbortedTxn> found;
  bool complete = false;
  for (std::size_t at = reader.floor(from); at < reader.count() && !complete; ++at) {
    TRY_STATUS(noted(reader.segment(at).txn_index().collect(from, upper_bound, found, complete)));
  }
  std::vector<AbortedTransaction> result;
  result.reserve(found.size());
  for (const auto& txn : found) {
    result.push_back({txn.producer_id, txn.first_offset});
  }
  return result;
}

// An entry of the index counts only if a batch bears it out: one that names too low an offset would
// show a reader what was aborted.
Result<std::vector<AbortedTransaction>> LogImpl::aborted_transactions(const LogView& view,
                                                                      const LogSlice& slice) const {
  const LogReader reader(view);
  const std::size_t at = reader.floor(slice.start.segment_base_offset);
  if (at == reader.count()) {
    return std::vector<AbortedTransaction>{};
  }
  TRY(auto found, aborted_transactions(view, slice.start.offset, reader.end_of(at)));
  if (found.empty()) {
    return found;
  }
  Segment& segment = reader.segment(at);
  const auto length = static_cast<std::int64_t>(slice.length);
  TRY(const auto upper, noted(segment.fetch_upper_bound(slice.start.position, length)));
  if (upper && *upper < reader.end_of(at)) {
    TRY(const auto batch, noted(segment.find(*upper, reader.limit(at))));
    if (batch && static_cast<std::int64_t>(batch->position) >= slice.start.position + length) {
      std::erase_if(found, [&](const auto& txn) { return txn.first_offset >= *upper; });
    }
  }
  return found;
}

TimestampAndOffset LogImpl::earliest() const {
  const Offset start = start_offset();
  const auto first = epochs_->earliest();
  return {kNoTimestamp, start,
          first && first->start_offset <= start ? first->epoch : kNoLeaderEpoch};
}

TimestampAndOffset LogImpl::latest() const {
  const auto last = epochs_->latest();
  return {kNoTimestamp, end_offset(), last ? last->epoch : kNoLeaderEpoch};
}

Result<std::optional<TimestampAndOffset>> LogImpl::max_timestamp() const {
  const LogView now = view();
  const LogReader reader(now);
  std::size_t best = 0;
  TimestampOffset largest;
  for (std::size_t at = 0; at < reader.count(); ++at) {
    TRY(const TimestampOffset here, noted(reader.segment(at).max_timestamp()));
    repair_if_damaged((*now.segments_)[at]);
    if (at == 0 || here.timestamp_ms > largest.timestamp_ms) {
      largest = here;
      best = at;
    }
  }
  if (largest.offset >= now.end_offset()) {
    return std::nullopt;  // nothing but what was written after the view was taken
  }
  Segment& segment = reader.segment(best);
  TRY(const auto first, noted(segment.find(largest.offset, reader.limit(best))));
  if (!first) {
    return std::nullopt;
  }
  TRY(auto file, noted(segment.file()));
  BatchScanner scanner(*file, first->position, reader.limit(best));
  while (true) {
    TRY(const auto meta, noted(scanner.next()));
    if (!meta) {
      return std::nullopt;
    }
    if (meta->max_timestamp_ms == largest.timestamp_ms) {
      return find_record(*file, *meta, largest.timestamp_ms, Offset(0));
    }
  }
}

Result<std::optional<TimestampAndOffset>> LogImpl::find_timestamp(const LogView& view,
                                                                  std::int64_t timestamp_ms) const {
  const LogReader reader(view);
  std::size_t at = 0;
  for (; at < reader.count(); ++at) {
    TRY(const std::int64_t largest, reader.segment(at).largest_timestamp_ms());
    repair_if_damaged((*view.segments_)[at]);
    if (largest >= timestamp_ms) {
      break;
    }
  }
  if (at == reader.count()) {
    return std::nullopt;
  }
  Segment& segment = reader.segment(at);
  TRY(const auto from, segment.position_for_timestamp(timestamp_ms, view.start_offset(),
                                                      view.end_offset(), reader.limit(at)));
  repair_if_damaged((*view.segments_)[at]);
  if (!from) {
    return std::nullopt;
  }
  TRY(auto file, segment.file());
  BatchScanner scanner(*file, *from, reader.limit(at));
  while (true) {
    TRY(const auto meta, scanner.next());
    if (!meta) {
      return std::nullopt;
    }
    if (meta->max_timestamp_ms < timestamp_ms) {
      continue;
    }
    TRY(auto found, find_record(*file, *meta, timestamp_ms, view.start_offset()));
    if (found) {
      return found;
    }
  }
}

// Kafka's legacyFetchOffsetsBefore.
std::vector<Offset> LogImpl::offsets_before(std::int64_t timestamp_ms,
                                            std::int32_t max_count) const {
  constexpr std::int64_t kNewest = -1;
  constexpr std::int64_t kOldest = -2;
  const LogView now = view();
  const LogReader reader(now);
  struct Mark {
    Offset offset;
    std::int64_t written_ms;
  };
  std::vector<Mark> marks;
  for (std::size_t at = 0; at < reader.count(); ++at) {
    const Segment& segment = reader.segment(at);
    marks.push_back(
        {std::max(segment.base_offset(), now.start_offset()), segment.last_modified_ms()});
  }
  if (reader.limit(reader.count() - 1) > 0) {
    marks.push_back({now.end_offset(), context_.clock->wall_ms()});
  }
  std::vector<Offset> found;
  const auto is_wanted = [&](std::size_t i) {
    return timestamp_ms == kNewest ||
           (timestamp_ms == kOldest ? i == 0 : marks[i].written_ms <= timestamp_ms);
  };
  bool started = false;
  for (std::size_t i = marks.size(); i-- > 0;) {
    started = started || is_wanted(i);
    if (started && std::cmp_less(found.size(), max_count)) {
      found.push_back(marks[i].offset);
    }
  }
  return found;
}

Result<std::optional<TimestampAndOffset>> LogImpl::offset_for_timestamp(
    std::int64_t timestamp_ms) const {
  return noted(find_timestamp(view(), timestamp_ms));
}

void LogImpl::repair_if_damaged(const std::shared_ptr<Segment>& segment) const {
  if (!segment->take_index_damage()) {
    return;
  }
  context_.disk->post([self = shared_from_this(), segment] {
    const Status repaired = self->noted(self->repair_indexes(segment));
    if (repaired) {
      logging::logger("storage").info("{}: the indexes of segment {} are built anew",
                                      to_string(self->partition_), segment->base_offset().value());
    } else {
      // Readers go on without them; the next start tries again.
      logging::logger("storage").warn("{}: {}", to_string(self->partition_),
                                      repaired.error().message);
    }
  });
}

// The batches are walked without the lock; what was appended meanwhile, under it.
Status LogImpl::repair_indexes(const std::shared_ptr<Segment>& segment) const {
  std::uint64_t truncations = 0;
  {
    const MutexLock lock(mutex_);
    truncations = truncations_;
  }
  IndexContents contents;
  TRY_STATUS(segment->gather_index_contents(contents, segment->size_bytes()));
  const MutexLock lock(mutex_);
  TRY_STATUS(usable());
  if (truncations != truncations_ || std::ranges::count(*segments_, segment) == 0) {
    return {};  // it is another segment by now
  }
  TRY_STATUS(segment->gather_index_contents(contents, segment->size_bytes()));
  return segment->replace_indexes(contents, config_.segment_index_bytes,
                                  segments_->back() == segment);
}

}  // namespace barnabas::storage
