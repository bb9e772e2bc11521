// Appends of a coordinator to partitions that this broker leads: what is appended in one turn of
// the home is written at its end with one write for each partition, and each append is answered
// when it is written or, with acks=-1, when it is replicated.
// Life: outlives its home's tasks. THREAD: home
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/coordinator/coordinator_log.h"
#include "barnabas/replication/partition.h"
#include "barnabas/replication/replica_manager.h"
#include "barnabas/storage/log.h"

namespace barnabas::broker {

class PartitionAppends {
 public:
  using Appended = coordinator::CoordinatorLog::Appended;
  using Done = coordinator::Done<Appended>;

  PartitionAppends(Executor& home, BrokerId local, replication::ReplicaManager& replicas);
  ~PartitionAppends();
  PartitionAppends(const PartitionAppends&) = delete;
  PartitionAppends& operator=(const PartitionAppends&) = delete;

  struct Append {
    ByteVector batch;
    std::int16_t acks = -1;
    std::int32_t timeout_ms = 0;
    // Where the batch enters a transaction: what its verification gave.
    storage::VerificationGuard guard{0};
  };
  // `done` is called at home, never inside the call. NOT_LEADER_OR_FOLLOWER where this broker does
  // not lead the partition; MESSAGE_TOO_LARGE above max.message.bytes, unless the batch is a
  // marker.
  void append(const TopicPartition& partition, Append append, Done done);

 private:
  struct Group;

  void flush();
  void write(std::shared_ptr<replication::Partition> partition, std::unique_ptr<Group> group);
  void settle(Group& group);

  Executor& home_;
  const BrokerId local_;
  replication::ReplicaManager& replicas_;
  std::map<TopicPartition, std::unique_ptr<Group>> gathered_;
};

}  // namespace barnabas::broker
