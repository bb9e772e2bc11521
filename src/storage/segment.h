// One segment: a .log file of batches from its base offset on, with its three indexes. Kafka's
// LogSegment: same conditions to roll, same index entries, same files.
//
// Threads: what changes a segment runs under the lock of its log ("the writer"); reads come from
// any thread and look no further than the LogView they were given. Files are opened on first use.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/vfs.h"
#include "barnabas/storage/log_config.h"
#include "batch_scan.h"
#include "file_names.h"
#include "offset_index.h"
#include "time_index.h"
#include "transaction_index.h"

namespace barnabas::storage {

struct SegmentEnvironment {
  Vfs* vfs = nullptr;
  const Clock* clock = nullptr;
  std::shared_ptr<const DirectoryPath> directory;
};

// What recovery tells of each batch it found whole.
class BatchVisitor {
 public:
  virtual ~BatchVisitor() = default;
  // `bytes`: the batch, or its header where it is very large. Aborted transactions that end here
  // are added to `aborted`.
  virtual Status on_batch(const BatchMeta& meta, ByteView bytes,
                          std::vector<AbortedTxn>& aborted) = 0;
};

struct RecoveryResult {
  std::uint64_t valid_bytes = 0;
  std::uint64_t cut_bytes = 0;
  Offset next_offset;  // after the last whole batch
};

// What the offset and the time index of a segment hold.
struct IndexContents {
  std::vector<OffsetPosition> offsets;
  std::vector<TimestampOffset> times;
  TimestampOffset max_timestamp;
  std::uint64_t position = 0;       // so far the batches have been looked at
  std::uint64_t last_entry_at = 0;  // the batch of the last entry
};

// What the names of a segment's files end in.
enum class FileStage : std::uint8_t {
  kCurrent,  // nothing
  kCleaned,  // .cleaned: compaction is writing it
  kSwap,     // .swap: whole, and about to take the place of what it was made from
  kDeleted,  // .deleted: to be removed
};

// What need not be checked again: the batches below the recovery point, which were synced, or below
// a snapshot of the producers, where the kernel that took them over still runs.
struct SyncedPart {
  Offset end;
  LeaderEpoch last_epoch = kNoLeaderEpoch;  // of the last batch below the end
  IndexContents indexes;
};

class Segment {
 public:
  Segment(const SegmentEnvironment& env, Offset base, const LogConfig& config,
          std::int64_t roll_jitter_ms, FileStage stage = FileStage::kCurrent);

  // Creates the files of an empty active segment.
  [[nodiscard]] Status create(const LogConfig& config);
  // Removes a .txnindex that a crash left under this segment's name.
  [[nodiscard]] Status remove_leftover_txn_index() {
    return txn_index_.exists() ? env_.vfs->remove(path(kTxnIndexSuffix)) : Status{};
  }
  // Takes over the files that lie there; `size` is that of the .log file.
  void adopt(std::uint64_t size);
  // An adopted segment becomes the active one again.
  [[nodiscard]] Status make_active(std::int32_t max_index_bytes);

  [[nodiscard]] Offset base_offset() const { return base_; }
  // When the .log file was last written; 0 where that cannot be told.
  [[nodiscard]] std::int64_t last_modified_ms() const;
  [[nodiscard]] std::uint64_t size_bytes() const { return size_.load(std::memory_order_acquire); }
  [[nodiscard]] FileStage stage() const { return stage_.load(std::memory_order_acquire); }
  [[nodiscard]] bool deleted() const { return stage() == FileStage::kDeleted; }

  // Writer. Whether what comes next belongs into a new segment.
  struct RollParams {
    std::int64_t max_segment_ms = 0;
    std::int64_t max_segment_bytes = 0;
    std::int64_t max_timestamp_ms = kNoTimestamp;
    Offset max_offset;
    std::int64_t bytes = 0;
    std::int64_t now_ms = 0;
  };
  [[nodiscard]] Result<bool> should_roll(const RollParams& params);
  [[nodiscard]] bool fits_offset(Offset offset) const {
    return offset >= base_ && offset - base_ <= INT32_MAX;
  }

  // Writer. A gather: stage() takes note of appends one after the other, as if each were written;
  // write() writes them all at once; if that fails, everything since begin() is as it was.
  void begin_gather();
  [[nodiscard]] Status stage(ByteView records, Offset last_offset, std::int64_t max_timestamp_ms,
                             Offset offset_of_max_timestamp);
  [[nodiscard]] Status write_gathered();
  void abandon_gather();
  [[nodiscard]] bool has_gathered() const { return !pieces_.empty(); }
  [[nodiscard]] std::uint64_t staged_size() const { return staged_.size; }

  // Writer. Seals it: the last time index entry, indexes and file cut to what they hold.
  [[nodiscard]] Status become_inactive();
  // Index entries that are only in memory go to their files.
  [[nodiscard]] Status save_indexes();
  // Content and indexes are on stable storage when this returns. False: nothing had changed since
  // the last time. An error may mean a failed fsync. THREAD: disk
  [[nodiscard]] Result<bool> sync();
  void close_index_files();
  // Asks for dirty pages to be written once enough of them have gathered; returns the range that
  // the disk executor should start on, length 0 for none. Writer.
  struct DirtyRange {
    std::uint64_t position = 0;
    std::uint64_t length = 0;
  };
  [[nodiscard]] DirtyRange take_dirty_range();
  [[nodiscard]] Result<std::shared_ptr<File>> file() const EXCLUDES(file_mutex_);

  // Readers. The first batch whose last offset is not below `offset`, looking no further than
  // `limit`; null: there is none. Where the index does not fit it goes without; CORRUPT_MESSAGE:
  // the offset lies in a damaged batch.
  [[nodiscard]] Result<std::optional<BatchMeta>> find(Offset offset, std::uint64_t limit);
  // Where to begin looking for the first record that is not before `timestamp_ms` in the batches of
  // [from, end), which end at `limit`; null: there is none.
  [[nodiscard]] Result<std::optional<std::uint64_t>> position_for_timestamp(
      std::int64_t timestamp_ms, Offset from, Offset end, std::uint64_t limit);
  // Whether a reader has found an index that does not fit; true once only. THREAD: any
  [[nodiscard]] bool take_index_damage() {
    return index_damaged_.load(std::memory_order_acquire) &&
           !damage_taken_.exchange(true, std::memory_order_acq_rel);
  }
  // Adds what indexes of the batches in [contents.position, limit) would hold. CORRUPT_MESSAGE: a
  // batch does not hold. THREAD: disk
  [[nodiscard]] Status gather_index_contents(IndexContents& contents, std::uint64_t limit) const;
  // The offset after the last whole batch, from the index's last entry on; `whole` tells whether
  // the file ends there, too. CORRUPT_MESSAGE: the index leads nowhere.
  struct End {
    Offset next_offset;
    bool whole = true;
  };
  [[nodiscard]] Result<End> read_end();
  [[nodiscard]] Result<TimestampOffset> max_timestamp() EXCLUDES(timestamp_mutex_);
  // The largest timestamp of a record, or the file's modification time where there is none.
  [[nodiscard]] Result<std::int64_t> largest_timestamp_ms();
  // The last offset a fetch of `bytes` from `position` can hold, from the index; null: not known.
  [[nodiscard]] Result<std::optional<Offset>> fetch_upper_bound(std::int64_t position,
                                                                std::int64_t bytes);
  [[nodiscard]] OffsetIndex& offset_index() { return offset_index_; }
  [[nodiscard]] TimeIndex& time_index() { return time_index_; }
  [[nodiscard]] TransactionIndex& txn_index() { return txn_index_; }

  // Writer. Cuts the segment at `offset`. Returns the bytes cut.
  [[nodiscard]] Result<std::uint64_t> truncate_to(Offset offset, std::int32_t max_index_bytes);
  // The part below `end`, with the index entries that hold for it; none where they or the headers
  // do not fit: then everything is checked. THREAD: disk
  [[nodiscard]] Result<std::optional<SyncedPart>> synced_part(Offset end);
  // Checks every batch behind the synced part, cuts the file after the last valid one and builds
  // the indexes anew.
  [[nodiscard]] Result<RecoveryResult> recover(std::int32_t max_index_bytes, BatchVisitor& visitor,
                                               const std::optional<SyncedPart>& synced);
  // Builds the indexes anew from the batches, without touching the .log file.
  [[nodiscard]] Status rebuild_indexes(std::int32_t max_index_bytes);
  // Puts new indexes in the place of those that do not fit.
  [[nodiscard]] Status replace_indexes(const IndexContents& contents, std::int32_t max_index_bytes,
                                       bool active);
  // CORRUPT_MESSAGE where the indexes cannot belong to this .log file.
  [[nodiscard]] Status check_indexes();

  // Renames the files to the names of another stage; returns their new paths. A file that is not
  // there is passed over.
  [[nodiscard]] Result<std::vector<std::string>> move_to(FileStage stage);
  [[nodiscard]] Result<std::vector<std::string>> mark_deleted() {
    return move_to(FileStage::kDeleted);
  }
  // The time that the file says it was last written.
  [[nodiscard]] Status set_last_modified_ms(std::int64_t ms) {
    return env_.vfs->set_modified_ms(path(kLogSuffix), ms);
  }
  [[nodiscard]] Status remove_files();

 private:
  // What an append changes, apart from the files; copied at begin_gather().
  struct State {
    std::uint64_t size = 0;
    TimestampOffset max_timestamp;
    bool max_timestamp_known = false;
    std::optional<std::int64_t> rolling_timestamp_ms;
    std::int64_t bytes_since_index_entry = 0;
  };

  [[nodiscard]] std::string path(std::string_view suffix) const;
  [[nodiscard]] Status add_index_entries(Offset last_offset, std::int64_t position);
  [[nodiscard]] Status save_indexes_if_due();
  // The time index always goes first: recovery relies on it that what the offset index names went
  // into both.
  [[nodiscard]] Status save_both_indexes();
  [[nodiscard]] Status trim_both_indexes();
  [[nodiscard]] Status load_max_timestamp();
  [[nodiscard]] Status load_first_timestamp();
  void publish_max_timestamp() EXCLUDES(timestamp_mutex_);
  [[nodiscard]] Result<TimestampOffset> scan_max_timestamp();
  [[nodiscard]] Result<std::optional<BatchMeta>> find_from(const OffsetPosition& entry,
                                                           Offset offset, std::uint64_t limit);
  [[nodiscard]] Result<std::optional<BatchMeta>> find_past_damage(Offset offset,
                                                                  std::uint64_t limit);
  [[nodiscard]] Result<OffsetPosition> trusted_entry(const File& file, Offset offset,
                                                     std::uint64_t limit);
  [[nodiscard]] Result<bool> time_index_fits(const TimestampOffset& last);
  [[nodiscard]] Result<TimestampOffset> find_max_timestamp();
  void note_index_damage(std::string_view suffix);
  [[nodiscard]] Status reset_indexes(std::int32_t max_index_bytes);
  [[nodiscard]] Status finish_rebuild();
  [[nodiscard]] Status append_contents(const IndexContents& contents);
  [[nodiscard]] Result<std::vector<OffsetPosition>> offsets_below(Offset end) const;
  [[nodiscard]] Result<std::vector<TimestampOffset>> times_below(Offset end) const;
  [[nodiscard]] Result<bool> time_entry_holds(const IndexContents& contents) const;
  [[nodiscard]] Result<bool> walk_synced(SyncedPart& part) const;

  SegmentEnvironment env_;
  Offset base_;
  std::int32_t index_interval_bytes_;
  std::int64_t roll_jitter_ms_;
  std::int64_t created_ms_;
  bool preallocated_ = false;
  std::atomic<FileStage> stage_;
  std::atomic<bool> dirty_{false};  // changed since the last sync
  std::atomic<bool> index_damaged_{false};
  std::atomic<bool> damage_taken_{false};
  std::atomic<std::uint64_t> size_{0};

  // The log's lock.
  State staged_;
  State before_gather_;
  std::int64_t index_count_before_ = 0;
  std::int64_t time_count_before_ = 0;
  std::vector<ByteView> pieces_;
  bool index_save_due_ = false;
  std::uint64_t writeback_from_ = 0;

  mutable Mutex file_mutex_;
  mutable std::shared_ptr<File> file_ GUARDED_BY(file_mutex_);
  mutable Mutex timestamp_mutex_;
  std::optional<TimestampOffset> published_timestamp_ GUARDED_BY(timestamp_mutex_);

  OffsetIndex offset_index_;
  TimeIndex time_index_;
  TransactionIndex txn_index_;
};

}  // namespace barnabas::storage
