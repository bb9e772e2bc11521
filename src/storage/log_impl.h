// The one implementation of Log. Its parts: log_append.cc (appends), log_read.cc (reads and
// lookups), log_flush.cc (roll, flush, close), log_truncate.cc (truncation, retention), and
// log_loader.cc, which makes it from what lies on disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "barnabas/base/thread_annotations.h"
#include "barnabas/storage/log.h"
#include "epoch_cache.h"
#include "file_names.h"
#include "file_reaper.h"
#include "io_errors.h"
#include "producer_state.h"
#include "segment.h"
#include "steady_wall.h"

namespace barnabas::storage {

class LogImpl;

// What all logs of a log dir share.
struct LogContext {
  Vfs* vfs = nullptr;
  const Clock* clock = nullptr;
  Executor* disk = nullptr;
  std::shared_ptr<FileReaper> reaper;
  std::shared_ptr<LogDirState> log_dir;
  std::shared_ptr<SteadyWall> wall;  // what retention goes by
  // Writes the log dir's recovery points durably. Takes the logs' locks.
  std::function<Status()> checkpoint_recovery_points;
  // So many bytes lie below a recovery point that has moved. Takes the logs' locks. THREAD: disk
  std::function<void(std::uint64_t)> synced_bytes;
  // The log was cut; what is at or above the offset is gone. Takes the log's locks.
  std::function<void(const LogImpl&, Offset)> on_truncation;
  std::int64_t producer_id_expiration_ms = 86400000;
  std::uint64_t flush_behind_bytes = UINT64_MAX;
  std::uint64_t snapshot_behind_bytes = UINT64_MAX;

  // What may be written without a snapshot behind it is shared by so many logs; more have a share
  // each.
  static constexpr std::uint64_t kLogsWithSnapshotsBehind = 16;
  [[nodiscard]] std::uint64_t worth_a_snapshot() const {
    return snapshot_behind_bytes / kLogsWithSnapshotsBehind;
  }
};

// What the loader found.
struct LoadedLog {
  TopicPartition partition;
  std::shared_ptr<DirectoryPath> directory;
  LogConfig config;
  SegmentList segments;  // at least one; the last is active
  Offset log_start{0};
  Offset log_end{0};
  Offset recovery_point{0};
  std::unique_ptr<EpochCache> epochs;
  std::unique_ptr<ProducerState> producers;
  Uuid topic_id;
  std::uint64_t jitter_seed = 0;
  std::optional<Offset> synced_snapshot;  // passing ones
  std::optional<Offset> written_snapshot;
};

struct CompactionView;

class LogImpl final : public Log, public std::enable_shared_from_this<LogImpl> {
 public:
  LogImpl(const LogContext& context, LoadedLog loaded);
  ~LogImpl() override;

  [[nodiscard]] const TopicPartition& topic_partition() const override { return partition_; }
  [[nodiscard]] const std::string& log_dir() const override { return context_.log_dir->path(); }
  [[nodiscard]] std::string directory() const override { return directory_->get(); }
  [[nodiscard]] Uuid topic_id() const override;
  [[nodiscard]] Status assign_topic_id(Uuid id) override;
  [[nodiscard]] LogConfig config() const override;
  void update_config(const LogConfig& config) override;
  [[nodiscard]] bool offline() const override { return context_.log_dir->offline(); }

  void append_as_leader(std::span<LeaderAppend> appends, LeaderEpoch epoch) override;
  [[nodiscard]] Result<FollowerAppend> append_as_follower(ByteView records) override;

  [[nodiscard]] LogView view() const override;
  [[nodiscard]] Offset start_offset() const override { return view().start_offset(); }
  [[nodiscard]] Offset end_offset() const override { return view().end_offset(); }
  [[nodiscard]] std::uint64_t size_bytes() const override;
  [[nodiscard]] Result<LogSlice> read(const LogView& view, Offset from, std::size_t max_bytes,
                                      Offset upper_bound, bool at_least_one) const override;
  [[nodiscard]] Result<std::vector<AbortedTransaction>> aborted_transactions(
      const LogView& view, const LogSlice& slice) const override;
  [[nodiscard]] Result<std::vector<AbortedTransaction>> aborted_transactions(
      const LogView& view, Offset from, Offset upper_bound) const override;
  [[nodiscard]] TimestampAndOffset earliest() const override;
  [[nodiscard]] TimestampAndOffset latest() const override;
  [[nodiscard]] std::vector<Offset> offsets_before(std::int64_t timestamp_ms,
                                                   std::int32_t max_count) const override;
  [[nodiscard]] Result<std::optional<TimestampAndOffset>> max_timestamp() const override;
  [[nodiscard]] Result<std::optional<TimestampAndOffset>> offset_for_timestamp(
      std::int64_t timestamp_ms) const override;

  void assign_epoch_start_offset(LeaderEpoch epoch, Offset start) override;
  [[nodiscard]] std::optional<EpochEntry> latest_epoch() const override;
  [[nodiscard]] std::vector<EpochEntry> epoch_entries() const override;
  [[nodiscard]] EpochEndOffset end_offset_for_epoch(LeaderEpoch epoch) const override;
  void update_high_watermark(Offset high_watermark) override;
  [[nodiscard]] Offset high_watermark() const override {
    return Offset(high_watermark_.load(std::memory_order_acquire));
  }

  [[nodiscard]] Result<bool> truncate_to(Offset offset) override;
  [[nodiscard]] Status truncate_fully_and_start_at(Offset offset) override;
  [[nodiscard]] Result<Offset> delete_records_before(Offset offset) override;
  [[nodiscard]] Result<int> delete_old_segments() override;
  [[nodiscard]] Status roll() override;
  [[nodiscard]] Status flush(Offset offset) override;
  [[nodiscard]] Status flush() override;
  [[nodiscard]] Offset recovery_point() const override;
  [[nodiscard]] std::int64_t last_flush_ms() const override;
  [[nodiscard]] VerificationGuard begin_verification(ProducerId producer, ProducerEpoch epoch,
                                                     SequenceNumber first_sequence) override;
  [[nodiscard]] std::vector<ProducerStateInfo> active_producers() const override;
  // How often what was written has been cut.
  [[nodiscard]] std::uint64_t truncations() const EXCLUDES(mutex_);
  void remove_expired_producers(std::int64_t now_ms) override;
  [[nodiscard]] Status close() override;

  // For compaction: log_compact.cc. THREAD: disk
  [[nodiscard]] CompactionView compaction_view() const;
  [[nodiscard]] Result<std::shared_ptr<Segment>> create_cleaned_segment(Offset base) const;
  // Puts `cleaned` in the place of `replaced`, neighbours of one view with that many truncations.
  // KAFKA_STORAGE_ERROR where the log was cut meanwhile; `cleaned` is removed then.
  [[nodiscard]] Status replace_segments(const std::shared_ptr<Segment>& cleaned,
                                        const SegmentList& replaced, std::uint64_t truncations)
      EXCLUDES(rewrite_mutex_, mutex_);

  // For LogManager: the log is given up (deleted, or its directory has failed); no file is touched
  // any more, and errors about it are nobody's.
  void abandon();
  [[nodiscard]] bool is_closed() const;
  // Renames the directory; the log must be abandoned before. THREAD: disk
  [[nodiscard]] Status rename_directory(const std::string& name);
  [[nodiscard]] Offset first_segment_base() const;

 private:
  struct Gather;
  struct BatchFacts;

  // Appending: log_append.cc.
  [[nodiscard]] Status usable() const REQUIRES(mutex_);
  [[nodiscard]] Segment& active() REQUIRES(mutex_) { return *segments_->back(); }
  void begin_gather(Gather& gather, std::size_t next) REQUIRES(mutex_);
  [[nodiscard]] Status commit_gather(Gather& gather, std::size_t next) REQUIRES(mutex_);
  void fail_gather(Gather& gather, std::size_t next, const Error& error) REQUIRES(mutex_);
  void stage_leader_append(Gather& gather, std::size_t index, LeaderEpoch epoch) REQUIRES(mutex_);
  [[nodiscard]] Status stage_checked(Gather& gather, std::size_t index, LeaderEpoch epoch)
      REQUIRES(mutex_);
  [[nodiscard]] Status make_room(Gather& gather, std::size_t index, const BatchFacts& facts,
                                 std::int64_t bytes) REQUIRES(mutex_);
  [[nodiscard]] Result<FollowerAppend> append_fetched(ByteView records, bool& must_flush)
      EXCLUDES(mutex_);
  [[nodiscard]] Status write_follower_batches(ByteView records, const BatchFacts& facts)
      REQUIRES(mutex_);
  void start_writeback() REQUIRES(mutex_);
  void publish() REQUIRES(mutex_) EXCLUDES(view_mutex_);
  void flush_epochs_later();

  // Rolling and flushing: log_flush.cc.
  [[nodiscard]] Status roll_locked(Offset expected_base) REQUIRES(mutex_);
  [[nodiscard]] Result<std::shared_ptr<Segment>> create_segment(Offset base) REQUIRES(mutex_);
  [[nodiscard]] Status replace_empty_active() REQUIRES(mutex_);
  void flush_rolled_later(Offset base, std::optional<std::string> snapshot);
  void follow_if_due(std::uint64_t written) REQUIRES(mutex_);
  void follow_with(Status (LogImpl::*work)()) REQUIRES(mutex_);
  [[nodiscard]] Status flush_behind() EXCLUDES(mutex_);
  [[nodiscard]] Status snapshot_behind() EXCLUDES(mutex_);
  void note_snapshot() REQUIRES(mutex_);
  [[nodiscard]] Result<std::optional<std::string>> take_passing_snapshot(
      std::optional<Offset>& place) REQUIRES(mutex_);
  [[nodiscard]] Status remove_passing_snapshot(std::optional<Offset>& place) REQUIRES(mutex_);
  [[nodiscard]] Status flush_range(Offset flush_below, Offset new_recovery_point)
      EXCLUDES(mutex_, flush_mutex_);
  [[nodiscard]] Status flush_range_serially(Offset flush_below, Offset new_recovery_point,
                                            std::uint64_t& synced) EXCLUDES(mutex_, flush_mutex_);
  [[nodiscard]] Status sync_segments(const SegmentList& segments, Offset recovery_point);
  [[nodiscard]] std::int64_t next_jitter_ms() REQUIRES(mutex_);
  [[nodiscard]] Status synced(const Status& status) const;

  // Compaction: log_compact.cc.
  [[nodiscard]] bool still_has(const SegmentList& segments, std::uint64_t truncations) const
      REQUIRES(mutex_);
  [[nodiscard]] Result<std::vector<std::string>> switch_segments(
      const std::shared_ptr<Segment>& cleaned, const SegmentList& replaced) REQUIRES(mutex_);

  // Cutting: log_truncate.cc.
  [[nodiscard]] Status remove_segments(const SegmentList& doomed) REQUIRES(mutex_);
  [[nodiscard]] Status lower_recovery_point(Offset offset) EXCLUDES(mutex_);
  void tell_truncation() EXCLUDES(mutex_);
  [[nodiscard]] Status truncate_locked(Offset offset) REQUIRES(mutex_);
  [[nodiscard]] Status truncate_fully_locked(Offset offset) REQUIRES(mutex_);
  void raise_log_start(Offset offset) REQUIRES(mutex_);
  using DeletePredicate = std::function<Result<bool>(Segment&, const Segment*)>;
  [[nodiscard]] Result<int> delete_while(std::string_view reason, const DeletePredicate& doomed)
      REQUIRES(mutex_);
  [[nodiscard]] Status delete_segments(SegmentList doomed) REQUIRES(mutex_);
  [[nodiscard]] std::int64_t total_bytes() const REQUIRES(mutex_);

  // Reading: log_read.cc.
  [[nodiscard]] Result<LogSlice> read_at(const LogView& view, Offset from, std::size_t max_bytes,
                                         Offset upper, bool at_least_one) const;
  [[nodiscard]] Result<std::optional<TimestampAndOffset>> find_timestamp(
      const LogView& view, std::int64_t timestamp_ms) const;

  // Indexes that a reader found not to fit are built anew, on the disk executor.
  void repair_if_damaged(const std::shared_ptr<Segment>& segment) const;
  [[nodiscard]] Status repair_indexes(const std::shared_ptr<Segment>& segment) const
      EXCLUDES(mutex_);

  // Passes an error on, after the log dir has been told of it.
  template <typename T>
  [[nodiscard]] Result<T> noted(Result<T> result) const {
    if (!result && !abandoned_.load(std::memory_order_acquire)) {
      context_.log_dir->note(result.error());
    }
    return result;
  }

  const LogContext context_;
  const TopicPartition partition_;
  const std::shared_ptr<DirectoryPath> directory_;
  const std::unique_ptr<EpochCache> epochs_;  // has a lock of its own
  std::atomic<std::int64_t> high_watermark_{0};
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> has_unstable_{false};  // some transaction waits for the high watermark

  // Taking segments away, or others in their place, one at a time. Before flush_mutex_.
  Mutex rewrite_mutex_;
  // One flush at a time. Before mutex_.
  Mutex flush_mutex_;

  mutable Mutex mutex_;
  LogConfig config_ GUARDED_BY(mutex_);
  std::shared_ptr<const SegmentList> segments_ GUARDED_BY(mutex_);
  std::unique_ptr<ProducerState> producers_ GUARDED_BY(mutex_);
  Offset log_start_ GUARDED_BY(mutex_);
  Offset log_end_ GUARDED_BY(mutex_);
  Offset recovery_point_ GUARDED_BY(mutex_);
  std::int64_t last_flush_ms_ GUARDED_BY(mutex_);  // monotonic
  std::uint64_t truncations_ GUARDED_BY(mutex_) = 0;
  std::uint64_t unsynced_bytes_ GUARDED_BY(mutex_) = 0;  // written since the last flush began
  std::uint64_t bytes_since_snapshot_ GUARDED_BY(mutex_) = 0;
  bool following_ GUARDED_BY(mutex_) = false;  // flush_behind or snapshot_behind is at work
  // Snapshots between two rolls: the last that was synced, and the last that was written.
  std::optional<Offset> synced_snapshot_ GUARDED_BY(mutex_);
  std::optional<Offset> written_snapshot_ GUARDED_BY(mutex_);
  Uuid topic_id_ GUARDED_BY(mutex_);
  std::uint64_t jitter_state_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  std::vector<AbortedTxn> aborted_ GUARDED_BY(mutex_);

  mutable Mutex view_mutex_;
  LogView view_ GUARDED_BY(view_mutex_);
};

// Notes the batches of a segment from `from` on, up to `until`; log_producers.cc.
[[nodiscard]] Status replay_batches(ProducerState& state, Segment& segment, Offset from,
                                    Offset until, std::vector<AbortedTxn>& aborted);

// Builds the producer state up to `last_offset` from the newest snapshot and the batches after it;
// log_producers.cc. `clean`: after a clean stop there is always a snapshot where there were
// records.
[[nodiscard]] Status rebuild_producer_state(ProducerState& state, const SegmentList& segments,
                                            Offset log_start, Offset last_offset,
                                            std::int64_t now_ms, bool clean);

}  // namespace barnabas::storage
