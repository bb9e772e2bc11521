// The offsets that a group has committed, those that are being written, and those of transactions
// that have not ended yet. Pure: no clock, no I/O.
// Rules: the offset part of GroupMetadata of Kafka 3.9.1.
// THREAD: home (the shard's)
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/ids.h"

namespace barnabas::coordinator {

struct CommittedOffset {
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::string metadata;
  std::int64_t commit_timestamp_ms = kNoTimestamp;
  std::optional<std::int64_t> expire_timestamp_ms;  // OffsetCommit 2 to 4 could ask for it
  // Where its record begins in __consumer_offsets: the later of two records holds.
  Offset record_offset = kNoOffset;
  bool operator==(const CommittedOffset&) const = default;
};

class GroupOffsets {
 public:
  using Partitions = std::map<PartitionId, CommittedOffset>;
  using Topics = std::map<std::string, Partitions, std::less<>>;

  [[nodiscard]] const Topics& committed() const { return committed_; }
  [[nodiscard]] const CommittedOffset* find(std::string_view topic, PartitionId partition) const;
  // Whether a commit of the partition is under way, written or in a transaction.
  [[nodiscard]] bool is_unstable(std::string_view topic, PartitionId partition) const;
  [[nodiscard]] bool is_pending(const TopicPartition& tp) const { return pending_.contains(tp); }
  // Committed or under way.
  [[nodiscard]] bool empty() const {
    return committed_.empty() && pending_.empty() && transactions_.empty();
  }
  // Whose transactions have offsets here.
  [[nodiscard]] std::vector<ProducerId> transactions() const;

  // A commit from its request to its end; `value.record_offset` is set when it was written.
  void begin(const TopicPartition& tp);
  void end(const TopicPartition& tp, CommittedOffset value);
  void fail(const TopicPartition& tp);

  // The same within a transaction: what was written holds when the transaction commits.
  void begin(ProducerId producer, const TopicPartition& tp);
  void end(ProducerId producer, const TopicPartition& tp, CommittedOffset value);
  void fail(ProducerId producer, const TopicPartition& tp);
  void complete(ProducerId producer, bool commit);

  // As read from the log: a later record replaces an earlier one, a tombstone takes it away.
  void put(const TopicPartition& tp, CommittedOffset value);
  bool erase(const TopicPartition& tp);
  void forget_in_transactions(const TopicPartition& tp);

  // Committed offsets that `is_old` says are to go. Those with a commit under way stay.
  using OldPredicate = std::function<bool(const std::string& topic, const CommittedOffset&)>;
  [[nodiscard]] std::vector<TopicPartition> old(const OldPredicate& is_old) const;

 private:
  struct InTransaction {
    int outstanding = 0;                     // writes that are not answered yet
    std::optional<CommittedOffset> written;  // the last one that was
  };
  using Transaction = std::map<TopicPartition, InTransaction>;

  void drop_if_done(ProducerId producer, const TopicPartition& tp);

  Topics committed_;
  std::map<TopicPartition, int> pending_;  // how many commits are under way
  std::map<ProducerId, Transaction> transactions_;
};

}  // namespace barnabas::coordinator
