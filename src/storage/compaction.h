// One pass of compaction over one log, as Kafka's Cleaner.clean: look at the keys of the dirty part
// until its end or until the table is full, then write every segment up to there anew without the
// records that a later one replaces, several small ones into one, and put each result in the place
// of what it was made from.
//
// The pass goes in steps, so that it holds a thread of the disk pool for a moment only, can be
// throttled, and stops soon when the broker does. Nothing of the log changes but at the end of a
// group of segments, by LogImpl::replace_segments (the crash argument stands there).
//
// How it fails: CORRUPT_MESSAGE where a batch does not hold, I/O errors; what was being written is
// removed, and the log stays as it was.
// THREAD: disk (one step at a time)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "barnabas/base/result.h"
#include "batch_filter.h"
#include "batch_scan.h"
#include "key_offsets.h"
#include "log_impl.h"

namespace barnabas::storage {

// A log as compaction sees it, at one moment. LogImpl::compaction_view() takes it.
struct CompactionView {
  SegmentList segments;  // the last is active
  Offset log_start{0};
  Offset log_end{0};
  Offset last_stable{0};  // nothing at or above it may be looked at
  std::uint64_t truncations = 0;
  LogConfig config;
  std::unordered_map<ProducerId, LastOfProducer> producers;
};

// Where the dirty part begins, where it ends for now, and what speaks for cleaning it.
struct DirtyRange {
  Offset first_dirty;
  Offset first_uncleanable;
  std::uint64_t clean_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  bool is_overdue = false;         // older than max.compaction.lag.ms
  bool checkpoint_is_off = false;  // what was checkpointed does not fit the log

  [[nodiscard]] double dirty_ratio() const {
    const std::uint64_t all = clean_bytes + dirty_bytes;
    return all == 0 ? 0.0 : static_cast<double>(dirty_bytes) / static_cast<double>(all);
  }
};

// `cleaned_up_to`: the log's entry in cleaner-offset-checkpoint. Kafka's
// LogCleanerManager.cleanableOffsets.
[[nodiscard]] Result<DirtyRange> find_dirty_range(const CompactionView& view,
                                                  std::optional<Offset> cleaned_up_to,
                                                  std::int64_t now_ms);

struct CompactionOptions {
  std::size_t map_bytes = 134217728;  // log.cleaner.dedupe.buffer.size for each thread
  double map_load_factor = 0.9;       // log.cleaner.io.buffer.load.factor
  std::size_t step_bytes = 524288;    // log.cleaner.io.buffer.size for each thread
};

class Compaction {
 public:
  Compaction(std::shared_ptr<LogImpl> log, CompactionView view, const DirtyRange& range,
             const CompactionOptions& options, std::int64_t now_ms);
  ~Compaction();

  // Reads about step_bytes on. THREAD: disk
  [[nodiscard]] Status step();
  [[nodiscard]] bool done() const { return phase_ == Phase::kDone; }
  // Up to here the log is clean, once the pass is done.
  [[nodiscard]] Offset clean_up_to() const { return end_; }
  // How often the log had been cut before the pass.
  [[nodiscard]] std::uint64_t truncations() const { return view_.truncations; }
  // Read and written so far.
  [[nodiscard]] std::uint64_t bytes() const { return read_bytes_ + written_bytes_; }
  [[nodiscard]] std::uint64_t read_bytes() const { return read_bytes_; }
  [[nodiscard]] std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  enum class Phase : std::uint8_t { kLooking, kWriting, kDone };
  // The batches of one segment, front to back, each whole and checked.
  class Source;
  struct Piece {
    std::size_t at = 0;
    std::size_t size = 0;
    Offset last_offset;
    std::int64_t max_timestamp_ms = kNoTimestamp;
  };

  [[nodiscard]] Status look_on();
  [[nodiscard]] Result<bool> take_keys(ByteView batch);
  void begin_writing();
  [[nodiscard]] Status write_on();
  [[nodiscard]] Status begin_group();
  [[nodiscard]] Status begin_source(std::size_t number);
  [[nodiscard]] Status write_pieces();
  [[nodiscard]] Status finish_group();
  [[nodiscard]] Offset end_of_segment(std::size_t number) const;
  [[nodiscard]] Result<std::vector<AbortedTxn>> aborted_in(Offset from, Offset until) const;

  const std::shared_ptr<LogImpl> log_;
  const CompactionView view_;
  const DirtyRange range_;
  const CompactionOptions options_;
  const std::int64_t now_ms_;
  KeyOffsets latest_;
  Phase phase_ = Phase::kLooking;
  Offset end_;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;

  std::size_t at_ = 0;  // the segment that is being read
  std::unique_ptr<Source> source_;
  CleanedTransactions seen_;  // while keys are looked at
  std::vector<AbortedTxn> unused_;
  record::RecordReader reader_;
  record::LegacyReader legacy_reader_;

  std::int64_t legacy_horizon_ms_ = 0;
  std::size_t segments_to_write_ = 0;  // the first so many are written anew
  std::size_t group_begin_ = 0;
  std::size_t group_end_ = 0;
  std::unique_ptr<BatchFilter> filter_;
  std::shared_ptr<Segment> target_;
  ByteVector output_;
};

}  // namespace barnabas::storage
