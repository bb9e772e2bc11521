// The replicas of this broker: from a topic's name or id to its partitions, and the controller's
// orders that make, lead and stop them.
// Lookups read an immutable table (a connection thread takes it once for a train of requests).
// Orders are carried out one at a time by whoever calls (the broker's replica home, which may wait
// for the disk). THREAD: any for table() and find(); disk for the orders.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/snapshot_cell.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/uuid.h"
#include "barnabas/metadata/sharded_map.h"
#include "barnabas/replication/partition.h"
#include "barnabas/storage/log_manager.h"

namespace barnabas::replication {

// Immutable. A topic's partitions by id; null where this broker has no replica.
class ReplicaTable {
 public:
  using Partitions = std::vector<std::shared_ptr<Partition>>;

  // Null where this broker has no replica. The pointer lives as long as the table.
  [[nodiscard]] Partition* find(std::string_view topic, PartitionId partition) const;
  [[nodiscard]] std::shared_ptr<Partition> share(std::string_view topic,
                                                 PartitionId partition) const;
  [[nodiscard]] std::vector<std::shared_ptr<Partition>> all() const;  // by topic and partition

 private:
  friend class ReplicaManager;
  [[nodiscard]] const std::shared_ptr<Partition>* slot(std::string_view topic,
                                                       PartitionId partition) const;
  metadata::ShardedMap<std::string, std::shared_ptr<const Partitions>, StringHash> topics_;
};

struct LeadershipOrder {
  TopicPartition topic_partition;
  Uuid topic_id;
  Leadership leadership;
  bool is_new = false;  // nobody ever had it: an offline log dir cannot hold it
};

struct OrderOutcome {
  TopicPartition topic_partition;
  ErrorCode error = ErrorCode::kNone;
};

class ReplicaManager {
 public:
  using ConfigLookup = storage::LogManager::ConfigLookup;
  ReplicaManager(BrokerId local, storage::LogManager& logs, ConfigLookup config_of);

  [[nodiscard]] BrokerId local() const { return local_; }  // this broker
  [[nodiscard]] std::shared_ptr<const ReplicaTable> table() const { return table_.load(); }

  // LeaderAndIsr: outcomes stand in the order of the orders. THREAD: disk
  [[nodiscard]] std::vector<OrderOutcome> lead(const std::vector<LeadershipOrder>& orders);
  struct StopOrder {
    TopicPartition topic_partition;
    bool delete_log = false;
  };
  // StopReplica. THREAD: disk
  [[nodiscard]] std::vector<OrderOutcome> stop(const std::vector<StopOrder>& orders);
  // A topic's overrides changed. THREAD: any
  void update_config(std::string_view topic);
  // The defaults of all topics changed. THREAD: any
  void update_configs();

 private:
  OrderOutcome lead_one(const LeadershipOrder& order, ReplicaTable& next) REQUIRES(mutex_);
  static void put(ReplicaTable& table, std::shared_ptr<Partition> partition);
  static void take_out(ReplicaTable& table, const TopicPartition& topic_partition);

  const BrokerId local_;
  storage::LogManager& logs_;
  const ConfigLookup config_of_;
  Mutex mutex_;  // one order at a time
  SnapshotCell<ReplicaTable> table_;
};

}  // namespace barnabas::replication
