// One partition as this broker holds it: who leads it, its log, its high watermark, and those who
// wait for it to move.
//
// Threads: any. Appends are serialised by a gate: whoever finds it open writes at once on its own
// thread; whoever finds it taken leaves its group in the queue and goes on, and the one inside
// writes a bounded number of queued groups before it passes the rest on to the thread of the next
// group. The gate's mutex is held for queue operations only, never across a write. An append and a
// change of leadership hold the state's mutex; what readers need of it is published under a mutex
// of its own that covers the copy of a few numbers, so a reader never waits for a write. Lock
// order: state, then the published numbers or the log's own locks; gate and waiters stand alone.
//
// High watermark: the smallest log end over the ISR (Kafka 3.9.1). This broker tracks no followers
// yet, so with other members in the ISR it stands still, and acks=all waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/uuid.h"
#include "barnabas/storage/log.h"

namespace barnabas::replication {

// Someone who waits for a partition to move: a fetch for bytes, a produce for its replicas.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // The high watermark or the end of the log rose, leadership changed, or the partition is gone.
  // Must be quick and must not call the partition: it posts to its own home. THREAD: any
  virtual void on_partition_moved() = 0;
};
using WaiterTicket = Strong<struct WaiterTicketTag, std::uint64_t>;

// What the controller says of a partition (LeaderAndIsr).
struct Leadership {
  ControllerEpoch controller_epoch{-1};
  BrokerId leader = kNoBroker;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  PartitionEpoch partition_epoch{-1};
  std::vector<BrokerId> isr;
  std::vector<BrokerId> replicas;
};

// Appends of one thread to one partition that are written together. Its owner derives from it to
// keep what it needs to find its way back.
struct AppendGroup {
  virtual ~AppendGroup() = default;
  // Called on `home` when a group that had to be queued has been written.
  virtual void on_written(std::unique_ptr<AppendGroup> self) = 0;

  std::vector<storage::LeaderAppend> appends;
  std::vector<std::int16_t> acks;  // one for each; -1 is refused under min.insync.replicas
  Executor* home = nullptr;
  // Out: acks=all is fulfilled for what lies below it.
  Offset high_watermark = kNoOffset;
  // The records of a queued group, copied because the frames they lay in are gone by then.
  ByteVector owned;
};

// A moment of the partition, for readers. `log` is null where this broker holds no replica.
struct PartitionView {
  std::shared_ptr<storage::Log> log;
  storage::LogView log_view;
  Offset high_watermark{0};
  Offset last_stable{0};  // bound of read_committed
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  BrokerId leader = kNoBroker;
  bool offline = false;  // its log dir has failed
};

class Partition : public std::enable_shared_from_this<Partition> {
 public:
  Partition(TopicPartition topic_partition, Uuid topic_id, BrokerId local);
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  [[nodiscard]] const TopicPartition& topic_partition() const { return topic_partition_; }
  [[nodiscard]] const std::string& name() const { return name_; }  // "topic-0"
  [[nodiscard]] const Uuid& topic_id() const { return topic_id_; }

  // Takes over what the controller said. A first epoch, or a newer one, makes this broker leader
  // with `log` (the epoch is noted in the log's epoch cache) or puts it out of office.
  // STALE_CONTROLLER_EPOCH or STALE leader epoch (FENCED_LEADER_EPOCH) where it knows better.
  [[nodiscard]] Status become(const Leadership& leadership, std::shared_ptr<storage::Log> log,
                              Offset checkpointed_high_watermark);
  // The replica lies in a log dir that cannot be used: later calls answer KAFKA_STORAGE_ERROR.
  void take_offline(const Leadership& leadership);
  // The replica is stopped: later calls answer NOT_LEADER_OR_FOLLOWER, waiters are woken.
  // Returns the leader epoch it had.
  LeaderEpoch stop();

  // Returns the group when its appends have been carried out (each with its own outcome), or null
  // when it was queued: then on_written() is posted to its home later.
  [[nodiscard]] std::unique_ptr<AppendGroup> append(std::unique_ptr<AppendGroup> group);

  // DeleteRecords: moves the start of the log up to `offset`; -1 stands for the high watermark.
  // Returns the low watermark, below which no replica holds anything any more.
  // NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE above the high watermark, POLICY_VIOLATION for a
  // topic that is compacted only.
  [[nodiscard]] Result<Offset> delete_records_before(Offset offset);

  [[nodiscard]] PartitionView view() const;
  [[nodiscard]] std::shared_ptr<storage::Log> log() const;  // null: no replica here
  [[nodiscard]] bool is_leader() const;
  [[nodiscard]] bool offline() const;  // its log dir has failed
  // Whether another broker holds a replica, so that it may fetch as a follower.
  [[nodiscard]] bool has_follower(BrokerId id) const;
  [[nodiscard]] LeaderEpoch leader_epoch() const;
  [[nodiscard]] Offset high_watermark() const;
  // KAFKA_STORAGE_ERROR, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH or NOT_LEADER_OR_FOLLOWER; -1
  // asks for no check of the epoch (Kafka's Partition.checkCurrentLeaderEpoch).
  [[nodiscard]] static ErrorCode check_leader(const PartitionView& view, BrokerId local,
                                              LeaderEpoch asked);

  [[nodiscard]] WaiterTicket add_waiter(std::weak_ptr<Waiter> waiter);
  void remove_waiter(WaiterTicket ticket);
  // After anything that readers may wait for (DeleteRecords, a truncation).
  void notify_waiters();

 private:
  static constexpr int kQueuedGroupsPerTurn = 8;

  void write(AppendGroup& group) EXCLUDES(state_);
  void append_all(AppendGroup& group, storage::Log& log) REQUIRES(state_);
  // Returns whether it rose.
  bool advance_high_watermark() REQUIRES(state_);
  void publish() REQUIRES(state_);
  void work_off_queue();

  const TopicPartition topic_partition_;
  const std::string name_;
  const Uuid topic_id_;
  const BrokerId local_;

  Mutex gate_;
  bool busy_ GUARDED_BY(gate_) = false;
  std::deque<std::unique_ptr<AppendGroup>> queue_ GUARDED_BY(gate_);

  Mutex state_;
  std::shared_ptr<storage::Log> log_ GUARDED_BY(state_);
  Leadership leadership_ GUARDED_BY(state_);
  bool offline_ GUARDED_BY(state_) = false;  // there is no log because its log dir has failed
  Offset high_watermark_ GUARDED_BY(state_){0};

  struct Published {
    std::shared_ptr<storage::Log> log;
    Offset high_watermark{0};
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    BrokerId leader = kNoBroker;
    std::vector<BrokerId> replicas;
    bool offline = false;
  };
  mutable Mutex published_mutex_;
  Published published_ GUARDED_BY(published_mutex_);

  Mutex waiters_mutex_;
  std::map<WaiterTicket, std::weak_ptr<Waiter>> waiters_ GUARDED_BY(waiters_mutex_);
  WaiterTicket next_ticket_ GUARDED_BY(waiters_mutex_){0};
  std::atomic<std::size_t> waiter_count_{0};
};

}  // namespace barnabas::replication
