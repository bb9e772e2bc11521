// Finding the way inside a segment: by its indexes, without them where they do not belong to the
// .log file, and past a damaged batch; and what a new pair of indexes would hold.
//
// An index is only believed as far as the batch it leads to bears it out: the entry of an append
// names its last offset, so the batch that begins there cannot begin above it; a time index entry
// names the batch that holds that very timestamp.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "barnabas/base/logging.h"
#include "io_errors.h"
#include "segment.h"

namespace barnabas::storage {
namespace {

// How far behind a damaged batch the next whole one is looked for; larger than a batch may be that
// anyone configures.
constexpr std::uint64_t kSearchBytes = std::uint64_t{32} << 20U;
constexpr std::size_t kSearchPiece = std::size_t{64} << 10U;
// Index entries that are tried, from the nearest back, before a walk from the file's beginning.
constexpr int kEntriesTried = 4;

std::unexpected<Error> corrupt(const File& file, std::uint64_t position, std::string_view what) {
  return fail(ErrorCode::kCorruptMessage,
              fmt::format("{} at byte {}: {}", file.path(), position, what));
}

// An index that does not hold, or that somebody has deleted.
bool is_lost(const Error& error) {
  return is_corrupt(error) || error.sys_errno == ENOENT;
}

// Whether a whole batch with the right CRC begins there.
Result<std::optional<BatchMeta>> whole_batch(const File& file, std::uint64_t position,
                                             std::uint64_t limit) {
  BatchChecker checker(file, position, limit);
  return checker.next();
}

// The first whole batch from `from` on that begins at or above `lowest`.
Result<std::optional<BatchMeta>> search_batch(const File& file, std::uint64_t from,
                                              std::uint64_t limit, Offset lowest) {
  std::vector<std::byte> piece(kSearchPiece);
  const std::uint64_t end = std::min(limit, from + kSearchBytes);
  for (std::uint64_t at = from; at + record::kUpToMagic <= end;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), limit - at));
    TRY(const std::size_t read, file.read_at(at, {piece.data(), wanted}));
    std::size_t i = 0;
    for (; i + record::kUpToMagic <= read; ++i) {
      const record::BatchView view(ByteView(piece.data() + i, read - i));
      if (view.magic() < 0 || view.magic() > record::kMagicV2 ||
          view.length() < record::kSmallestLength || view.base_offset() < lowest ||
          at + i + static_cast<std::uint64_t>(view.size_bytes()) > limit) {
        continue;
      }
      TRY(auto found, whole_batch(file, at + i, limit));
      if (found) {
        return found;
      }
    }
    if (i == 0) {
      break;
    }
    at += i;
  }
  return std::nullopt;
}

}  // namespace

// Walks from an index entry, or from the beginning, to the batch that holds `offset`.
Result<std::optional<BatchMeta>> Segment::find_from(const OffsetPosition& entry, Offset offset,
                                                    std::uint64_t limit) {
  TRY(auto opened, file());
  const auto from = static_cast<std::uint64_t>(entry.position);
  if (entry.position < 0 || (from > 0 && from >= limit)) {
    return corrupt(*opened, from, "no batch, though an index entry leads there");
  }
  BatchScanner scanner(*opened, from, limit);
  for (bool first = from > 0;; first = false) {
    TRY(auto meta, scanner.next());
    if (!meta) {
      if (scanner.position() < limit) {
        return corrupt(*opened, scanner.position(), "a batch that is longer than the segment");
      }
      return meta;
    }
    if (first && meta->base_offset > entry.offset) {
      return corrupt(*opened, from, "not the batch that an index entry says");
    }
    if (meta->last_offset >= offset) {
      return meta;
    }
  }
}

Result<std::optional<BatchMeta>> Segment::find(Offset offset, std::uint64_t limit) {
  const auto entry = offset_index_.lookup(offset);
  if (entry) {
    auto found = find_from(*entry, offset, limit);
    if (found || !is_corrupt(found.error())) {
      return found;
    }
  } else if (!is_lost(entry.error())) {
    return std::unexpected(entry.error());
  }
  note_index_damage(kIndexSuffix);
  return find_past_damage(offset, limit);
}

void Segment::note_index_damage(std::string_view suffix) {
  if (!index_damaged_.exchange(true, std::memory_order_acq_rel)) {
    logging::logger("storage").warn("{} does not match its log; searching without it",
                                    path(suffix));
  }
}

// The nearest place at or before `offset` from which a walk can begin: an index entry that a whole
// batch bears out, or the beginning.
Result<OffsetPosition> Segment::trusted_entry(const File& file, Offset offset,
                                              std::uint64_t limit) {
  Offset target = offset;
  for (int i = 0; i < kEntriesTried && target > base_; ++i) {
    const auto entry = offset_index_.lookup(target);
    if (!entry) {
      if (!is_lost(entry.error())) {
        return std::unexpected(entry.error());
      }
      break;
    }
    const auto from = static_cast<std::uint64_t>(entry->position);
    if (entry->position <= 0 || entry->offset > target) {
      break;
    }
    if (from < limit) {
      TRY(const auto batch, whole_batch(file, from, limit));
      if (batch && batch->base_offset <= entry->offset && batch->base_offset >= base_) {
        return *entry;
      }
    }
    target = entry->offset - 1;
  }
  return OffsetPosition{base_, 0};
}

// As find(), where index or batches do not hold. Damaged batches are passed over; an offset that
// lies in one is CORRUPT_MESSAGE.
Result<std::optional<BatchMeta>> Segment::find_past_damage(Offset offset, std::uint64_t limit) {
  TRY(auto opened, file());
  TRY(const OffsetPosition start, trusted_entry(*opened, offset, limit));
  auto at = static_cast<std::uint64_t>(start.position);
  Offset lowest = base_;
  std::optional<BatchMeta> before;
  while (at < limit) {
    BatchScanner scanner(*opened, at, limit);
    const auto step = scanner.next();
    if (!step && !is_corrupt(step.error())) {
      return std::unexpected(step.error());
    }
    if (step && *step && (*step)->base_offset >= lowest) {
      before = **step;
      if (before->last_offset >= offset) {
        return before;
      }
      at = scanner.position();
      lowest = before->last_offset + 1;
      continue;
    }
    // The header before this place may have lied about its length.
    std::uint64_t from = at + 1;
    if (before) {
      TRY(const auto holds, whole_batch(*opened, before->position, limit));
      if (!holds) {
        from = before->position + 1;
        lowest = before->base_offset + 1;
      }
    }
    TRY(const auto next, search_batch(*opened, from, limit, lowest));
    if (!next || next->base_offset > offset) {
      return corrupt(*opened, from - 1,
                     fmt::format("a damaged batch holds offset {}", offset.value()));
    }
    before.reset();
    at = next->position;
  }
  return std::nullopt;
}

Result<Segment::End> Segment::read_end() {
  if (size_bytes() == 0) {
    return End{base_, true};
  }
  TRY(const OffsetPosition last, offset_index_.last_entry());
  TRY(const TimestampOffset newest, time_index_.last_entry());
  TRY(auto opened, file());
  BatchScanner scanner(*opened, static_cast<std::uint64_t>(last.position), size_bytes());
  End end{base_, true};
  for (bool first = last.position > 0;; first = false) {
    TRY(const auto meta, scanner.next());
    if (!meta) {
      end.whole = scanner.position() == size_bytes();
      return end;
    }
    if ((first && meta->base_offset > last.offset) ||
        meta->max_timestamp_ms > newest.timestamp_ms) {
      return corrupt(*opened, meta->position, "the indexes do not fit");
    }
    end.next_offset = meta->last_offset + 1;
  }
}

// Whether the time index ends as the batches do. It looks at the batch of the last entry and at
// those behind the last entry of the offset index, not at all of them.
Result<bool> Segment::time_index_fits(const TimestampOffset& last) {
  const std::uint64_t limit = size_bytes();
  TRY(auto opened, file());
  if (time_index_.file().count() > 0) {
    const auto batch = find(last.offset, limit);
    if (!batch && !is_corrupt(batch.error())) {
      return std::unexpected(batch.error());
    }
    if (!batch || !*batch || last.offset < base_ || (*batch)->base_offset > last.offset ||
        (*batch)->max_timestamp_ms != last.timestamp_ms) {
      return false;
    }
  }
  const auto tail = offset_index_.last_entry();
  if (!tail) {
    return is_lost(tail.error()) ? Result<bool>(false) : std::unexpected(tail.error());
  }
  BatchScanner scanner(
      *opened, static_cast<std::uint64_t>(std::max<std::int64_t>(tail->position, 0)), limit);
  while (true) {
    TRY(const auto meta, scanner.next_if_whole());
    if (!meta) {
      return true;
    }
    if (meta->max_timestamp_ms > last.timestamp_ms) {
      return false;
    }
  }
}

Result<TimestampOffset> Segment::find_max_timestamp() {
  const auto last = time_index_.last_entry();
  if (last) {
    TRY(const bool fits, time_index_fits(*last));
    if (fits) {
      return *last;
    }
  } else if (!is_lost(last.error())) {
    return std::unexpected(last.error());
  }
  note_index_damage(kTimeIndexSuffix);
  IndexContents all;
  TRY_STATUS(gather_index_contents(all, size_bytes()));
  return all.max_timestamp;
}

Result<TimestampOffset> Segment::max_timestamp() {
  {
    const MutexLock lock(timestamp_mutex_);
    if (published_timestamp_) {
      return *published_timestamp_;
    }
  }
  TRY(const TimestampOffset last, find_max_timestamp());
  const MutexLock lock(timestamp_mutex_);
  if (!published_timestamp_) {
    published_timestamp_ = last;
  }
  return *published_timestamp_;
}

Result<std::int64_t> Segment::largest_timestamp_ms() {
  TRY(const TimestampOffset largest, max_timestamp());
  if (largest.timestamp_ms >= 0) {
    return largest.timestamp_ms;
  }
  TRY(const FileInfo info, env_.vfs->stat(path(kLogSuffix)));
  return info.modified_ms;
}

Result<std::optional<std::uint64_t>> Segment::position_for_timestamp(std::int64_t timestamp_ms,
                                                                     Offset from, Offset end,
                                                                     std::uint64_t limit) {
  Offset target = std::max(from, base_);
  const auto entry = time_index_.lookup(timestamp_ms);
  if (!entry && !is_lost(entry.error())) {
    return std::unexpected(entry.error());
  }
  if (entry && entry->timestamp_ms >= 0 && entry->offset >= end) {
    return std::nullopt;  // written after the view was taken; all before it is earlier
  }
  bool fits = entry.has_value();
  if (entry && entry->timestamp_ms != kNoTimestamp) {
    const auto batch = find(std::max(entry->offset, base_), limit);
    if (!batch && !is_corrupt(batch.error())) {
      return std::unexpected(batch.error());
    }
    fits = batch && *batch && (*batch)->base_offset <= entry->offset &&
           (*batch)->max_timestamp_ms == entry->timestamp_ms;
    if (fits) {
      target = std::max(target, entry->offset);
    }
  }
  if (!fits) {
    note_index_damage(kTimeIndexSuffix);
  }
  TRY(const auto first, find(target, limit));
  return first ? std::optional(first->position) : std::nullopt;
}

Result<std::optional<Offset>> Segment::fetch_upper_bound(std::int64_t position,
                                                         std::int64_t bytes) {
  TRY(const auto entry, offset_index_.ceiling_of_position(position + bytes));
  return entry ? std::optional(entry->offset) : std::nullopt;
}

Status Segment::gather_index_contents(IndexContents& contents, std::uint64_t limit) const {
  TRY(auto opened, file());
  BatchScanner scanner(*opened, contents.position, limit);
  while (true) {
    TRY(const auto meta, scanner.next());
    if (!meta) {
      if (scanner.position() < limit) {
        return corrupt(*opened, scanner.position(), "a batch that is longer than the segment");
      }
      return {};
    }
    if (!fits_offset(meta->last_offset)) {
      return corrupt(*opened, meta->position, "an offset that is not the segment's");
    }
    TimestampOffset& largest = contents.max_timestamp;
    if (meta->max_timestamp_ms > largest.timestamp_ms) {
      largest = {meta->max_timestamp_ms, meta->last_offset};
    }
    if (static_cast<std::int64_t>(meta->position - contents.last_entry_at) >
        index_interval_bytes_) {
      contents.offsets.push_back({meta->last_offset, static_cast<std::int64_t>(meta->position)});
      if (contents.times.empty() || largest.timestamp_ms > contents.times.back().timestamp_ms) {
        contents.times.push_back(largest);
      }
      contents.last_entry_at = meta->position;
    }
    contents.position = scanner.position();
  }
}

Status Segment::replace_indexes(const IndexContents& contents, std::int32_t max_index_bytes,
                                bool active) {
  dirty_.store(true, std::memory_order_release);
  TRY_STATUS(offset_index_.file().create(max_index_bytes, true));
  TRY_STATUS(time_index_.file().create(max_index_bytes, true));
  TRY_STATUS(append_contents(contents));
  if (active) {
    return save_indexes();
  }
  TRY_STATUS(
      time_index_.maybe_append(contents.max_timestamp.timestamp_ms, contents.max_timestamp.offset));
  TRY_STATUS(trim_both_indexes());
  close_index_files();
  return {};
}

}  // namespace barnabas::storage
