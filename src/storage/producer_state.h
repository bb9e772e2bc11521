// What a log knows of idempotent and transactional producers: the last epoch, the last five batches
// of each (to find duplicates), open transactions. Kafka's ProducerStateManager, with its
// snapshots.
//
// Stricter than Kafka (reference/reliability.md): the very first batch of a log must begin at
// sequence 0 (KAFKA-15591), and a batch counts as a duplicate only if the CRC is the same, where
// both are known, and no transaction marker lies between.
//
// Changes are made inside a group and become final with commit_group(); rollback_group() undoes
// them, for the case that the gathered write fails.
// Threads: under the lock of the log.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "barnabas/record/batch.h"
#include "barnabas/storage/log.h"
#include "file_names.h"
#include "transaction_index.h"

namespace barnabas::storage {

struct ProducerBatch {
  SequenceNumber last_sequence = kNoSequence;
  Offset last_offset = kNoOffset;
  std::int32_t offset_delta = 0;
  std::uint32_t crc = 0;
  std::int64_t timestamp_ms = kNoTimestamp;
  bool crc_known = false;

  [[nodiscard]] SequenceNumber first_sequence() const;
  [[nodiscard]] Offset first_offset() const { return last_offset - offset_delta; }
};

struct ProducerEntry {
  static constexpr std::size_t kBatches = 5;

  ProducerEpoch epoch = kNoProducerEpoch;
  std::int32_t coordinator_epoch = -1;
  std::int64_t last_timestamp_ms = kNoTimestamp;
  Offset current_txn_first_offset = kNoOffset;
  Offset last_marker_offset = kNoOffset;  // batches before it are never duplicates
  std::array<ProducerBatch, kBatches> batches;
  std::uint8_t batch_count = 0;
  std::uint64_t inserted = 0;  // order of first appearance
  std::uint64_t group = 0;     // the last group or replay it was stored in

  [[nodiscard]] bool has_batches() const { return batch_count > 0; }
  [[nodiscard]] const ProducerBatch& last() const { return batches[batch_count - 1U]; }
  [[nodiscard]] SequenceNumber last_sequence() const {
    return has_batches() ? last().last_sequence : kNoSequence;
  }
  void set_epoch(ProducerEpoch to);
  void add(const ProducerBatch& batch);
};

enum class SnapshotKind : std::uint8_t {
  kPlain,    // Kafka's, to the byte: the last batch of each producer
  kPassing,  // with the batches before it behind what Kafka reads: it is taken amid what is sent
};

// The last thing an active producer left in the log.
struct LastOfProducer {
  Offset last_data_offset = kNoOffset;  // none: a marker only
  ProducerEpoch epoch = kNoProducerEpoch;
};

// What the coordinator wrote at the end of a transaction.
struct CompletedTxn {
  ProducerId producer_id;
  Offset first_offset;
  Offset last_offset;
  bool aborted = false;
};

class ProducerState {
 public:
  struct Context {
    AppendOrigin origin = AppendOrigin::kReplication;
    bool crc_is_producers = false;
    bool log_is_empty = false;         // nothing was ever written: the end of the log is 0
    bool verify_transactions = false;  // whether a transaction begins with a guard only
    VerificationGuard guard{0};
  };

  ProducerState(Vfs& vfs, std::shared_ptr<const DirectoryPath> directory, TopicPartition partition,
                std::int64_t expiration_ms);

  // Checks one append (offsets stamped) and takes note of it. A value: the duplicate it is, and
  // then nothing was noted. An error (Kafka's code and message): nothing was noted.
  // Aborted transactions that end here are added to `aborted`.
  [[nodiscard]] Result<std::optional<ProducerBatch>> append(ByteView batches,
                                                            const Context& context,
                                                            std::vector<AbortedTxn>& aborted);
  // The guard with which a batch may open the producer's transaction here; 0 where it is open.
  [[nodiscard]] VerificationGuard begin_verification(ProducerId producer, ProducerEpoch epoch,
                                                     SequenceNumber first_sequence,
                                                     std::int64_t now_ms);
  void begin_group();
  void commit_group();
  void rollback_group();

  // Between these, batches are read back from a segment. Kafka gathers what one read brings in a
  // Scala map and takes new producers over in that map's order, which later shows in snapshots.
  void begin_replay();
  void end_replay();

  // The offset up to which batches have been noted.
  [[nodiscard]] Offset map_end_offset() const { return map_end_; }
  void update_map_end_offset(Offset offset) { map_end_ = offset; }
  [[nodiscard]] const TopicPartition& partition() const { return partition_; }
  [[nodiscard]] bool empty() const { return producers_.empty() && unreplicated_.empty(); }

  [[nodiscard]] Offset first_unstable_offset() const;
  void on_high_watermark(Offset high_watermark);
  void on_log_start(Offset log_start);
  void remove_expired(std::int64_t now_ms);
  [[nodiscard]] std::vector<ProducerStateInfo> active_producers() const;
  [[nodiscard]] std::unordered_map<ProducerId, LastOfProducer> last_of_producers() const;

  // Snapshot files. A snapshot is written only if something was noted since the last.
  void set_snapshots(std::set<Offset> offsets) { snapshots_ = std::move(offsets); }
  [[nodiscard]] const std::set<Offset>& snapshots() const { return snapshots_; }
  // The path of the file written, if one was; it is not synced. Its CRC tells a torn one, and then
  // the one before is used: syncing it saves time after a crash and is not needed for anything
  // else.
  [[nodiscard]] Result<std::optional<std::string>> take_snapshot(SnapshotKind kind);
  [[nodiscard]] std::string snapshot_path(Offset offset) const;
  // The same, unsynced; where the disk is full it is said and nothing else: the next start goes
  // back to the one before.
  [[nodiscard]] Status take_snapshot_if_room();
  // Makes the newest snapshot a passing one. False: there is none at the end, or no room for it.
  [[nodiscard]] Result<bool> make_newest_passing();
  [[nodiscard]] std::size_t count() const { return producers_.size(); }
  // Removes one that lies between two segments.
  [[nodiscard]] Status remove_snapshot(Offset offset) {
    return snapshots_.contains(offset) ? delete_snapshot(offset) : Status{};
  }
  // Whether the snapshot there holds and was taken behind appends, by this program.
  [[nodiscard]] bool is_passing_snapshot(Offset offset) const;
  // Loads the newest of the snapshots that holds; deletes those that do not.
  [[nodiscard]] Status load_newest(Offset log_start, std::int64_t now_ms) {
    clear();
    return load_from_snapshot(log_start, now_ms);
  }
  // Deletes snapshots outside (log_start, log_end] and loads the newest that holds.
  [[nodiscard]] Status truncate_and_reload(Offset log_start, Offset log_end, std::int64_t now_ms);
  [[nodiscard]] Status truncate_fully_and_start_at(Offset offset);
  // Deletes those that belong to no segment, apart from one newer than all segments.
  [[nodiscard]] Status remove_stray_snapshots(const std::vector<Offset>& segment_bases);
  // Renames the snapshot of a deleted segment to *.deleted; its new path, if there was one.
  [[nodiscard]] Result<std::optional<std::string>> mark_snapshot_deleted(Offset offset);

 private:
  using Transactions = std::map<Offset, std::pair<ProducerId, Offset>>;  // first -> id, last
  struct Saved {
    ProducerId id;
    std::optional<ProducerEntry> before;
  };

  [[nodiscard]] std::optional<ProducerBatch> find_duplicate(const record::BatchView& batch,
                                                            const ProducerEntry& entry,
                                                            const Context& context) const;
  [[nodiscard]] Status check_epoch(const record::BatchView& batch, const ProducerEntry& entry,
                                   const Context& context) const;
  [[nodiscard]] Status check_sequence(const record::BatchView& batch, const ProducerEntry& entry,
                                      ProducerEpoch epoch_before, const Context& context) const;
  // A transaction that is being verified. A sequence above the lowest that was seen has overtaken
  // one that is to be sent again.
  struct Verification {
    VerificationGuard guard;
    ProducerEpoch epoch;
    SequenceNumber lowest_sequence;
    std::int64_t since_ms;
  };
  [[nodiscard]] bool has_open_transaction(ProducerId producer, ProducerEpoch epoch) const;
  [[nodiscard]] Status check_verified(const record::BatchView& batch, const Context& context) const;
  struct Pending;
  [[nodiscard]] Status apply(const record::BatchView& batch, Pending& pending,
                             const Context& context) const;
  [[nodiscard]] Status apply_data(const record::BatchView& batch, Pending& pending,
                                  const Context& context) const;
  [[nodiscard]] Status apply_marker(const record::BatchView& batch, Pending& pending,
                                    const Context& context) const;
  void store(ProducerId id, const ProducerEntry& entry);
  void complete(const CompletedTxn& txn, std::vector<AbortedTxn>& aborted);
  void save_transactions();
  void clear();
  void drop_unreplicated(Offset below);
  [[nodiscard]] std::string encode_snapshot(SnapshotKind kind) const;
  [[nodiscard]] Status write_snapshot(SnapshotKind kind);
  [[nodiscard]] Status decode_snapshot(const std::string& bytes, std::int64_t now_ms);
  [[nodiscard]] Status decode_batches(ByteView bytes);
  [[nodiscard]] bool expired(const ProducerEntry& entry, std::int64_t now_ms) const;
  Status load_from_snapshot(Offset log_start, std::int64_t now_ms);
  Status delete_snapshot(Offset offset);

  Vfs& vfs_;
  std::shared_ptr<const DirectoryPath> directory_;
  TopicPartition partition_;
  std::int64_t expiration_ms_;

  std::unordered_map<ProducerId, ProducerEntry> producers_;
  std::uint64_t next_inserted_ = 0;
  std::size_t java_buckets_ = 0;  // what Java's HashMap would have; it never shrinks
  Transactions ongoing_;
  Transactions unreplicated_;

  std::unordered_map<ProducerId, Verification> verifications_;
  std::uint64_t last_guard_ = 0;

  std::uint64_t group_number_ = 0;
  bool in_group_ = false;
  std::vector<Saved> saved_;
  std::optional<std::pair<Transactions, Transactions>> saved_transactions_;
  Offset saved_map_end_{0};

  bool in_replay_ = false;
  std::vector<std::pair<ProducerId, bool>> replayed_;  // in order of arrival; whether it is new

  std::set<Offset> snapshots_;
  Offset map_end_{0};
  Offset snapshot_end_{0};
};

}  // namespace barnabas::storage
