// Checking a segment after a crash, and building its indexes anew.
#include <algorithm>
#include <cerrno>

#include "barnabas/base/logging.h"
#include "io_errors.h"
#include "segment.h"

namespace barnabas::storage {
namespace {

// Nothing that an index can hold is larger; what is, is not read.
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 30U;

}  // namespace

// The entries of the offset index below `end`, up to the first that cannot be one.
Result<std::vector<OffsetPosition>> Segment::offsets_below(Offset end) const {
  TRY(const std::string bytes, read_file(*env_.vfs, path(kIndexSuffix), kMaxIndexBytes));
  std::vector<OffsetPosition> entries;
  OffsetPosition before{base_ - 1, 0};
  for (std::size_t at = 0; at + OffsetIndex::kEntryBytes <= bytes.size();
       at += OffsetIndex::kEntryBytes) {
    const std::byte* entry = as_bytes(bytes).data() + at;
    const OffsetPosition next{base_ + load_be<std::int32_t>(entry),
                              load_be<std::int32_t>(entry + 4)};
    if (next.offset <= before.offset || next.position <= before.position || next.offset >= end ||
        static_cast<std::uint64_t>(next.position) >= size_bytes()) {
      break;
    }
    entries.push_back(next);
    before = next;
  }
  return entries;
}

Result<std::vector<TimestampOffset>> Segment::times_below(Offset end) const {
  TRY(const std::string bytes, read_file(*env_.vfs, path(kTimeIndexSuffix), kMaxIndexBytes));
  std::vector<TimestampOffset> entries;
  TimestampOffset before{kNoTimestamp, base_ - 1};
  for (std::size_t at = 0; at + TimeIndex::kEntryBytes <= bytes.size();
       at += TimeIndex::kEntryBytes) {
    const std::byte* entry = as_bytes(bytes).data() + at;
    const TimestampOffset next{load_be<std::int64_t>(entry),
                               base_ + load_be<std::int32_t>(entry + 8)};
    if (next.timestamp_ms <= before.timestamp_ms || next.offset <= before.offset ||
        next.offset >= end) {
      break;
    }
    entries.push_back(next);
    before = next;
  }
  return entries;
}

// Whether the batch that the last time index entry names is there, and has that timestamp.
Result<bool> Segment::time_entry_holds(const IndexContents& contents) const {
  const TimestampOffset last = contents.times.back();
  const auto above =
      std::ranges::upper_bound(contents.offsets, last.offset, {}, &OffsetPosition::offset);
  const auto from =
      above == contents.offsets.begin() ? 0 : static_cast<std::uint64_t>((above - 1)->position);
  TRY(auto opened, file());
  BatchScanner scanner(*opened, from, size_bytes());
  while (true) {
    TRY(const auto meta, scanner.next_if_whole());
    if (!meta) {
      return false;
    }
    if (meta->last_offset >= last.offset) {
      return meta->base_offset <= last.offset && meta->max_timestamp_ms == last.timestamp_ms;
    }
  }
}

// Walks the headers from the last offset index entry on, with which every larger timestamp up to
// its batch went into the time index: where the batches below the end end, and the largest
// timestamp of them. False: they do not fit the entries, or do not end there.
Result<bool> Segment::walk_synced(SyncedPart& part) const {
  IndexContents& contents = part.indexes;
  const Offset end = part.end;
  if (!contents.times.empty()) {
    TRY(const bool holds, time_entry_holds(contents));
    if (!holds) {
      return false;
    }
    contents.max_timestamp = contents.times.back();
  }
  TRY(auto opened, file());
  const auto from =
      contents.offsets.empty() ? 0 : static_cast<std::uint64_t>(contents.offsets.back().position);
  BatchScanner scanner(*opened, from, size_bytes());
  bool index_met = contents.offsets.empty();
  Offset next = base_;
  while (next < end) {
    TRY(const auto step, scanner.next_if_whole());
    if (!step || step->last_offset >= end || step->base_offset < next) {
      return false;
    }
    const BatchMeta& meta = *step;
    next = meta.last_offset + 1;
    part.last_epoch = meta.leader_epoch;
    if (!contents.offsets.empty() && meta.position == from) {
      index_met = meta.base_offset <= contents.offsets.back().offset;
    }
    if (meta.max_timestamp_ms > contents.max_timestamp.timestamp_ms) {
      contents.max_timestamp = {meta.max_timestamp_ms, meta.last_offset};
    }
  }
  contents.position = scanner.position();
  return index_met && next == end;
}

Result<std::optional<SyncedPart>> Segment::synced_part(Offset end) {
  SyncedPart part;
  part.end = end;
  auto offsets = offsets_below(end);
  auto times = times_below(end);
  for (const Error* error :
       {offsets ? nullptr : &offsets.error(), times ? nullptr : &times.error()}) {
    if (error != nullptr && error->sys_errno != 0 && error->sys_errno != ENOENT) {
      return std::unexpected(*error);
    }
  }
  if (!offsets || !times || (times->empty() && !offsets->empty())) {
    return std::nullopt;
  }
  const Status transactions = txn_index_.check(base_, Offset(INT64_MAX));
  if (!transactions) {
    return is_corrupt(transactions.error()) ? Result<std::optional<SyncedPart>>(std::nullopt)
                                            : std::unexpected(transactions.error());
  }
  part.indexes.max_timestamp = {kNoTimestamp, base_};
  part.indexes.offsets = std::move(*offsets);
  part.indexes.times = std::move(*times);
  if (!part.indexes.offsets.empty()) {
    part.indexes.last_entry_at = static_cast<std::uint64_t>(part.indexes.offsets.back().position);
  }
  TRY(const bool fits, walk_synced(part));
  return fits ? std::optional(std::move(part)) : std::nullopt;
}

Status Segment::append_contents(const IndexContents& contents) {
  for (const auto& entry : contents.offsets) {
    static_cast<void>(offset_index_.append(entry.offset, entry.position));  // saved by the caller
  }
  for (const auto& entry : contents.times) {
    TRY_STATUS(time_index_.maybe_append(entry.timestamp_ms, entry.offset));
  }
  return {};
}

Status Segment::reset_indexes(std::int32_t max_index_bytes) {
  dirty_.store(true, std::memory_order_release);
  TRY_STATUS(offset_index_.file().create(max_index_bytes, true));
  TRY_STATUS(time_index_.file().create(max_index_bytes, true));
  staged_.max_timestamp = {kNoTimestamp, base_};
  staged_.max_timestamp_known = true;
  return {};
}

Status Segment::finish_rebuild() {
  TRY_STATUS(
      time_index_.maybe_append(staged_.max_timestamp.timestamp_ms, staged_.max_timestamp.offset));
  // Entries that find no room stay in memory: the next save tries again, and should there be none,
  // a start builds them anew.
  if (const Status trimmed = trim_both_indexes(); !trimmed) {
    if (!is_out_of_space(trimmed.error())) {
      return trimmed;
    }
    logging::logger("storage").warn("{}", trimmed.error().message);
  }
  staged_.rolling_timestamp_ms.reset();
  staged_.bytes_since_index_entry = 0;
  publish_max_timestamp();
  return {};
}

Result<RecoveryResult> Segment::recover(std::int32_t max_index_bytes, BatchVisitor& visitor,
                                        const std::optional<SyncedPart>& synced) {
  TRY_STATUS(reset_indexes(max_index_bytes));
  RecoveryResult result;
  result.next_offset = base_;
  std::uint64_t last_entry_at = 0;
  if (synced) {
    TRY_STATUS(txn_index_.truncate_to(synced->end));
    TRY_STATUS(append_contents(synced->indexes));
    staged_.max_timestamp = synced->indexes.max_timestamp;
    result.next_offset = synced->end;
    result.valid_bytes = synced->indexes.position;
    last_entry_at = synced->indexes.last_entry_at;
  } else {
    TRY_STATUS(txn_index_.reset());
  }
  TRY(auto opened, file());
  TRY(const std::uint64_t file_bytes, opened->size());
  BatchChecker checker(*opened, result.valid_bytes, file_bytes);
  std::vector<AbortedTxn> aborted;
  while (true) {
    TRY(const auto meta, checker.next());
    if (!meta || !fits_offset(meta->last_offset) || meta->base_offset < result.next_offset) {
      break;
    }
    if (meta->max_timestamp_ms > staged_.max_timestamp.timestamp_ms) {
      staged_.max_timestamp = {meta->max_timestamp_ms, meta->last_offset};
    }
    if (static_cast<std::int64_t>(result.valid_bytes - last_entry_at) > index_interval_bytes_) {
      TRY_STATUS(
          add_index_entries(meta->last_offset, static_cast<std::int64_t>(result.valid_bytes)));
      TRY_STATUS(save_indexes_if_due());
      last_entry_at = result.valid_bytes;
    }
    aborted.clear();
    TRY_STATUS(visitor.on_batch(*meta, checker.bytes(), aborted));
    for (const auto& txn : aborted) {
      TRY_STATUS(txn_index_.append(txn));
    }
    result.valid_bytes += static_cast<std::uint64_t>(meta->size_bytes);
    result.next_offset = meta->last_offset + 1;
  }
  result.cut_bytes = file_bytes - result.valid_bytes;
  if (result.cut_bytes > 0) {
    TRY_STATUS(opened->truncate(result.valid_bytes));
  }
  adopt(result.valid_bytes);
  TRY_STATUS(finish_rebuild());
  return result;
}

Status Segment::rebuild_indexes(std::int32_t max_index_bytes) {
  TRY_STATUS(reset_indexes(max_index_bytes));
  TRY(auto opened, file());
  BatchScanner scanner(*opened, 0, size_bytes());
  std::uint64_t last_entry_at = 0;
  while (true) {
    TRY(const auto meta, scanner.next_if_whole());
    if (!meta || !fits_offset(meta->last_offset)) {
      return finish_rebuild();
    }
    if (meta->max_timestamp_ms > staged_.max_timestamp.timestamp_ms) {
      staged_.max_timestamp = {meta->max_timestamp_ms, meta->last_offset};
    }
    if (static_cast<std::int64_t>(meta->position - last_entry_at) > index_interval_bytes_) {
      TRY_STATUS(add_index_entries(meta->last_offset, static_cast<std::int64_t>(meta->position)));
      TRY_STATUS(save_indexes_if_due());
      last_entry_at = meta->position;
    }
  }
}

}  // namespace barnabas::storage
