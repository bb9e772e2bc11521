// The log of one partition: a directory of segments, each a .log file with a sparse offset index
// and a time index; the producer state, and the cache of leader epochs. It behaves as Kafka 3.9.1's
// UnifiedLog (offset assignment, rolls, index entries, idempotent producers, retention), and its
// files are the same byte for byte. docs/formats.md draws them.
//
// Life cycle: opened by LogManager (which loads or creates it), used, then close() for a clean
// stop, or abandon() where the directory has failed or is being deleted.
//
// Threads: every method is safe to call from any thread. Changes take one lock inside; readers take
// none of it: they copy a LogView (a short lock around one pointer and three numbers) and read the
// files through it, while appends go on. Lock order: the partition's, the log's, then those of the
// parts. Calls marked disk wait for the disk and have no business on a connection thread.
//
// How it fails: a full disk refuses the append and cuts the file back to its last whole batch; an
// error that takes the log dir offline is reported to the LogDirFailureListener, and from then on
// every change answers KAFKA_STORAGE_ERROR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/error_code.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/strong.h"
#include "barnabas/base/uuid.h"
#include "barnabas/base/vfs.h"
#include "barnabas/storage/environment.h"
#include "barnabas/storage/log_config.h"

namespace barnabas::storage {

class Segment;
class LogImpl;

enum class AppendOrigin : std::uint8_t {
  kClient,       // a produce request: the sequence of idempotent producers is checked
  kReplication,  // fetched from the leader, which has checked
  kCoordinator,  // group and transaction coordinators of this broker
};

// What a partition remembers while the coordinator is asked whether it belongs to a transaction:
// the answer counts for this one question only, not for one that a marker has ended meanwhile. 0:
// none.
using VerificationGuard = Strong<struct VerificationGuardTag, std::uint64_t>;

// One produce request's records for this partition, and what became of them.
struct LeaderAppend {
  // In: whole batches of magic 2 that record::RecordValidator accepted. Base offset and leader
  // epoch are stamped in place, also where the append is refused afterwards.
  MutableBytes records;
  AppendOrigin origin = AppendOrigin::kClient;
  // In: the CRC is still the producer's own (false after the validator changed the batch).
  bool crc_is_producers = true;
  // In: of begin_verification(), where the coordinator has said yes.
  VerificationGuard guard{0};
  // In: what the validator set for LogAppendTime, else -1. Out: of a duplicate, the time Kafka
  // answers (the earlier batch's max timestamp).
  std::int64_t log_append_time_ms = kNoTimestamp;

  // Out.
  ErrorCode error = ErrorCode::kNone;
  std::string message;  // empty on success
  Offset base_offset = kNoOffset;
  Offset last_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
  bool duplicate = false;  // stored before; the offsets are the earlier ones
};

// Where an offset lies.
struct LogOffsetMetadata {
  Offset offset = kNoOffset;
  Offset segment_base_offset = kNoOffset;
  std::int64_t position = -1;  // in the segment's .log file
};

// Bytes of one segment's .log file, to be sent as they lie there. They begin with the batch that
// holds the offset asked for and may end within a batch, as in Kafka's answers.
struct LogSlice {
  std::shared_ptr<const File> file;  // null where length is 0
  std::uint64_t position = 0;
  std::size_t length = 0;
  LogOffsetMetadata start;
  bool first_batch_incomplete = false;
};

using SegmentList = std::vector<std::shared_ptr<Segment>>;

// A moment of the log: which segments there are and how far they are written. A plain value; what
// it shows stays readable however the log goes on (a deleted file as long as it is open).
class LogView {
 public:
  [[nodiscard]] Offset start_offset() const { return start_; }
  [[nodiscard]] Offset end_offset() const { return end_; }
  // The first offset of a transaction that is open or not yet replicated; none: kNoOffset.
  [[nodiscard]] Offset first_unstable_offset() const { return first_unstable_; }
  [[nodiscard]] LogOffsetMetadata end_metadata() const {
    return {end_, active_base_, static_cast<std::int64_t>(active_size_)};
  }
  [[nodiscard]] std::size_t segment_count() const { return segments_ ? segments_->size() : 0; }

 private:
  friend class LogImpl;
  friend class LogReader;
  std::shared_ptr<const SegmentList> segments_;
  Offset start_{0};
  Offset end_{0};
  Offset first_unstable_ = kNoOffset;
  Offset active_base_{0};
  std::uint64_t active_size_ = 0;
};

struct TimestampAndOffset {
  std::int64_t timestamp_ms = kNoTimestamp;
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

struct EpochEntry {
  LeaderEpoch epoch;
  Offset start_offset;
  bool operator==(const EpochEntry&) const = default;
};

struct EpochEndOffset {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end_offset = kNoOffset;
};

// For DescribeProducers.
struct ProducerStateInfo {
  ProducerId producer_id;
  ProducerEpoch epoch;
  SequenceNumber last_sequence;
  std::int64_t last_timestamp_ms = kNoTimestamp;
  std::int32_t coordinator_epoch = -1;
  Offset current_txn_start_offset = kNoOffset;
};

struct AbortedTransaction {
  ProducerId producer_id;
  Offset first_offset;
};

class Log {
 public:
  virtual ~Log() = default;

  // What it is. THREAD: any
  [[nodiscard]] virtual const TopicPartition& topic_partition() const = 0;
  [[nodiscard]] virtual const std::string& log_dir() const = 0;  // the log dir it lies in
  [[nodiscard]] virtual std::string directory() const = 0;       // its own directory, now
  [[nodiscard]] virtual Uuid topic_id() const = 0;               // zero: not known yet
  // Remembers the id in partition.metadata; INCONSISTENT_TOPIC_ID where another one stands there.
  [[nodiscard]] virtual Status assign_topic_id(Uuid id) = 0;
  [[nodiscard]] virtual LogConfig config() const = 0;
  virtual void update_config(const LogConfig& config) = 0;
  [[nodiscard]] virtual bool offline() const = 0;

  // Appends each as Kafka's UnifiedLog.appendAsLeader would, one after the other, and writes
  // consecutive ones with one gather write for each segment. A refused one changes nothing for the
  // others; where the write itself fails, all of that write and all after it are refused.
  // THREAD: any
  virtual void append_as_leader(std::span<LeaderAppend> appends, LeaderEpoch epoch) = 0;

  struct FollowerAppend {
    Offset first_offset = kNoOffset;
    Offset last_offset = kNoOffset;
    LeaderEpoch last_leader_epoch = kNoLeaderEpoch;
    std::size_t valid_bytes = 0;  // whole batches; a partial one at the end is dropped
  };
  // Whole batches as the leader stored them; CRC and order are checked here. OFFSET_OUT_OF_RANGE
  // where they begin before the end of the log. THREAD: any
  [[nodiscard]] virtual Result<FollowerAppend> append_as_follower(ByteView records) = 0;

  // THREAD: any
  [[nodiscard]] virtual LogView view() const = 0;
  [[nodiscard]] virtual Offset start_offset() const = 0;
  [[nodiscard]] virtual Offset end_offset() const = 0;
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;

  // Bytes from the batch that holds `from`, below `upper_bound`, at most `max_bytes`, or one whole
  // batch where `at_least_one` says so. Never crosses a segment, never copies.
  // OFFSET_OUT_OF_RANGE: below the start or above the end of the log. Reads a few pages of the
  // file to find the place. THREAD: any
  [[nodiscard]] virtual Result<LogSlice> read(const LogView& view, Offset from,
                                              std::size_t max_bytes, Offset upper_bound,
                                              bool at_least_one) const = 0;
  // Of the transactions aborted in what a read_committed fetch of [from, upper_bound) returns.
  [[nodiscard]] virtual Result<std::vector<AbortedTransaction>> aborted_transactions(
      const LogView& view, Offset from, Offset upper_bound) const = 0;
  // The same for what a read gave: as far as the next entry of the segment's index says that it may
  // reach, which is what Kafka answers.
  [[nodiscard]] virtual Result<std::vector<AbortedTransaction>> aborted_transactions(
      const LogView& view, const LogSlice& slice) const = 0;

  // ListOffsets. THREAD: any (the last two read files and walk batches: disk)
  [[nodiscard]] virtual TimestampAndOffset earliest() const = 0;
  [[nodiscard]] virtual TimestampAndOffset latest() const = 0;  // the end; the caller bounds it
  [[nodiscard]] virtual Result<std::optional<TimestampAndOffset>> max_timestamp() const = 0;
  [[nodiscard]] virtual Result<std::optional<TimestampAndOffset>> offset_for_timestamp(
      std::int64_t timestamp_ms) const = 0;

  // ListOffsets version 0: bases of segments (and the end of the log) that were last written at or
  // before `timestamp_ms`, newest first, at most `max_count`; -1 is the newest, -2 the oldest one.
  [[nodiscard]] virtual std::vector<Offset> offsets_before(std::int64_t timestamp_ms,
                                                           std::int32_t max_count) const = 0;

  // Leader epochs. THREAD: any
  virtual void assign_epoch_start_offset(LeaderEpoch epoch, Offset start) = 0;
  [[nodiscard]] virtual std::optional<EpochEntry> latest_epoch() const = 0;
  [[nodiscard]] virtual std::vector<EpochEntry> epoch_entries() const = 0;
  // The largest epoch not above `epoch` and where it ended, as OffsetForLeaderEpoch answers.
  [[nodiscard]] virtual EpochEndOffset end_offset_for_epoch(LeaderEpoch epoch) const = 0;

  // The partition tells its high watermark; nothing at or above it is ever deleted by retention,
  // and it is what replication-offset-checkpoint holds. THREAD: any
  virtual void update_high_watermark(Offset high_watermark) = 0;
  [[nodiscard]] virtual Offset high_watermark() const = 0;

  // Cuts everything from `offset` on. Returns whether anything was cut. THREAD: disk
  [[nodiscard]] virtual Result<bool> truncate_to(Offset offset) = 0;
  [[nodiscard]] virtual Status truncate_fully_and_start_at(Offset offset) = 0;
  // DeleteRecords: raises the start offset. OFFSET_OUT_OF_RANGE above the high watermark.
  [[nodiscard]] virtual Result<Offset> delete_records_before(Offset offset) = 0;
  // Deletes whole segments by start offset, retention.bytes and retention.ms, in Kafka's order.
  // Returns how many. THREAD: disk
  [[nodiscard]] virtual Result<int> delete_old_segments() = 0;
  // Closes the active segment and begins a new one at the end of the log. THREAD: disk
  [[nodiscard]] virtual Status roll() = 0;
  // What lies below `offset` is on stable storage when this returns, and the recovery point is at
  // least `offset`. THREAD: disk
  [[nodiscard]] virtual Status flush(Offset offset) = 0;
  [[nodiscard]] virtual Status flush() = 0;
  [[nodiscard]] virtual Offset recovery_point() const = 0;
  [[nodiscard]] virtual std::int64_t last_flush_ms() const = 0;  // on the monotonic clock

  // Whether a transactional batch of this producer may be appended: 0 where its transaction is open
  // here already, or where verify_transactions is off. Else a guard, with which it may once the
  // transaction's coordinator has said that the partition belongs to the transaction.
  // THREAD: any
  [[nodiscard]] virtual VerificationGuard begin_verification(ProducerId producer,
                                                             ProducerEpoch epoch,
                                                             SequenceNumber first_sequence) = 0;
  // THREAD: any
  [[nodiscard]] virtual std::vector<ProducerStateInfo> active_producers() const = 0;
  virtual void remove_expired_producers(std::int64_t now_ms) = 0;

  // A clean stop: producer snapshot, trimmed indexes, synced files. No change is possible after it.
  // THREAD: disk
  [[nodiscard]] virtual Status close() = 0;
};

}  // namespace barnabas::storage
