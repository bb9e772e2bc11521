// A transactional id as a pure state machine: a request or a timer happens at a moment, and it says
// what is to be logged before anybody hears of it. Between step() and written() or failed() a
// change is pending, and everything else is told to come again (CONCURRENT_TRANSACTIONS).
//
//   Empty ──▶ Ongoing ──▶ PrepareCommit ──▶ CompleteCommit ──▶ Ongoing, Empty
//               └───────▶ PrepareAbort ───▶ CompleteAbort ───▶ Ongoing, Empty
//
// The record of Prepare* decides the transaction: from then on markers are written until all
// partitions have one, whoever coordinates. Before it, a crash leaves Ongoing, and the producer or
// the time-out ends it.
// Rules: TransactionCoordinator and TransactionMetadata of Kafka 3.9.1.
// THREAD: home (the shard's)
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/error_code.h"
#include "barnabas/base/ids.h"
#include "barnabas/coordinator/transaction_coordinator.h"

namespace barnabas::coordinator {

// The numbers stand in __transaction_state. Dead and PrepareEpochFence are never written.
enum class TransactionState : std::int8_t {
  kEmpty = 0,
  kOngoing = 1,
  kPrepareCommit = 2,
  kPrepareAbort = 3,
  kCompleteCommit = 4,
  kCompleteAbort = 5,
  kDead = 6,
};

[[nodiscard]] std::string_view state_name(TransactionState state);
[[nodiscard]] std::optional<TransactionState> state_from_name(std::string_view name);

// What is logged of a transactional id; the last producer is not (value version 0).
struct TransactionData {
  ProducerIdAndEpoch producer;
  ProducerIdAndEpoch last_producer;  // epoch -1: nobody may claim to be it
  std::int32_t timeout_ms = 0;
  TransactionState state = TransactionState::kEmpty;
  std::set<TopicPartition> partitions;
  std::int64_t start_ms = kNoTimestamp;
  std::int64_t update_ms = kNoTimestamp;
  bool operator==(const TransactionData&) const = default;
};

class Transaction {
 public:
  // Either what is to be logged, or the answer at once.
  struct Step {
    std::optional<TransactionData> write;
    ErrorCode answer = ErrorCode::kNone;
    bool fences = false;  // an open transaction is aborted first: the producer is to come again
    bool needs_producer_id = false;  // call again with a fresh one
  };

  // As loaded; a new one has a producer id, no epoch, and state Empty.
  explicit Transaction(TransactionData data) : data_(std::move(data)) {}

  [[nodiscard]] const TransactionData& data() const { return data_; }
  [[nodiscard]] bool is_pending() const { return pending_.has_value(); }
  [[nodiscard]] std::optional<TransactionState> pending() const { return pending_; }

  // `expected`: who the producer believes to be (KIP-360). `fresh`: an id nobody had, for the case
  // that the epochs of the present one are used up.
  [[nodiscard]] Step init_producer_id(std::optional<ProducerIdAndEpoch> expected,
                                      std::int32_t timeout_ms, std::optional<ProducerId> fresh,
                                      std::int64_t now_ms);
  [[nodiscard]] Step add_partitions(ProducerIdAndEpoch producer,
                                    const std::vector<TopicPartition>& partitions,
                                    std::int64_t now_ms);
  [[nodiscard]] std::vector<ErrorCode> verify(ProducerIdAndEpoch producer,
                                              const std::vector<TopicPartition>& partitions) const;
  [[nodiscard]] Step end(ProducerIdAndEpoch producer, bool commit, std::int64_t now_ms);
  // Open for longer than its time-out: aborted with a new epoch, so that its producer is fenced.
  [[nodiscard]] bool is_timed_out(std::int64_t now_ms) const;
  [[nodiscard]] Step abort_timed_out(std::int64_t now_ms);
  // Nobody has used it for that long. expire() makes it pending until its tombstone is written.
  [[nodiscard]] bool is_expired(std::int64_t now_ms, std::int64_t expiration_ms) const;
  void expire();

  // What became of the write that the last step asked for.
  void written(const TransactionData& data);
  void failed();

  // Of a prepared transaction: makes the completion pending, which is logged when every partition
  // has its marker.
  [[nodiscard]] TransactionData begin_completion(std::int64_t now_ms);
  [[nodiscard]] bool is_prepared() const;
  [[nodiscard]] bool is_commit() const { return data_.state == TransactionState::kPrepareCommit; }
  void marker_written(const TopicPartition& partition) { data_.partitions.erase(partition); }

 private:
  [[nodiscard]] ErrorCode check_producer(ProducerIdAndEpoch producer) const;
  [[nodiscard]] Step fence(std::int64_t now_ms);
  [[nodiscard]] Step prepare(bool commit, std::int64_t now_ms);
  [[nodiscard]] Step bump_epoch(std::optional<ProducerIdAndEpoch> expected, std::int32_t timeout_ms,
                                std::int64_t now_ms);

  TransactionData data_;
  std::optional<TransactionState> pending_;
  bool fencing_ = false;       // the pending write bumps the epoch
  bool failed_fence_ = false;  // a bumped epoch could not be written: it is not bumped again
};

}  // namespace barnabas::coordinator
