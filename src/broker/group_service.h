// The group coordinator as this broker runs it: its home thread, its way to the partitions of
// __consumer_offsets, and what it hears of their leadership.
// Life: start(), then close() before the server stops (whoever waits for a rebalance is answered),
// then stop() after it.
#pragma once

#include <memory>

#include "barnabas/base/clock.h"
#include "barnabas/base/random.h"
#include "barnabas/base/result.h"
#include "barnabas/base/snapshot_cell.h"
#include "barnabas/config/broker_config.h"
#include "barnabas/coordinator/group_coordinator.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/net/io_threads.h"
#include "barnabas/replication/replica_manager.h"
#include "coordinator_log.h"
#include "group_topics.h"
#include "leadership_listener.h"

namespace barnabas::broker {

[[nodiscard]] coordinator::GroupOptions group_options(const config::BrokerConfig& config);

class GroupService final : public LeadershipListener {
 public:
  GroupService(const config::BrokerConfig& config, BrokerId broker_id, const Clock& clock,
               Executor& disk, const SnapshotCell<metadata::ClusterSnapshot>& metadata,
               replication::ReplicaManager& replicas);
  ~GroupService() override;

  [[nodiscard]] Status start();
  void close();
  void stop();

  [[nodiscard]] coordinator::GroupCoordinator& coordinator() { return *coordinator_; }

  // LeadershipListener. THREAD: any
  void on_leader(const TopicPartition& partition, LeaderEpoch epoch) override;
  void on_follower(const TopicPartition& partition, LeaderEpoch epoch) override;
  void on_deleted(std::vector<TopicPartition> partitions) override;

 private:
  net::IoThreads threads_;
  std::unique_ptr<Random> random_;  // the coordinator's home
  std::unique_ptr<PartitionCoordinatorLog> log_;
  const SnapshotTopics topics_;
  const Status assignors_;  // why those of the configuration cannot be offered
  std::unique_ptr<coordinator::GroupCoordinator> coordinator_;
  bool closed_ = false;
};

}  // namespace barnabas::broker
