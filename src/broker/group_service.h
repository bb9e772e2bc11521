// The group coordinator as this broker runs it: its home, its way to the partitions of
// __consumer_offsets, and what it hears of their leadership. The home is a strand: a request is
// worked out on the thread of its connection, expiry and the ends of rebalances on the strand's
// own. Life: start(), then close() before the server stops (whoever waits for a rebalance is
// answered), then stop() after it; it outlives the connections' threads.
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
#include "barnabas/net/strand.h"
#include "barnabas/replication/replica_manager.h"
#include "coordinator_log.h"
#include "group_topics.h"
#include "leadership_listener.h"

namespace barnabas::broker {

[[nodiscard]] coordinator::GroupOptions group_options(const config::BrokerConfig& config);

class GroupService final : public LeadershipListener {
 public:
  // `connections`: the threads that requests come from.
  GroupService(const config::BrokerConfig& config, BrokerId broker_id, const Clock& clock,
               const net::IoThreads& connections, Executor& disk,
               const SnapshotCell<metadata::ClusterSnapshot>& metadata,
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
  net::Strand home_;
  std::unique_ptr<Random> random_;  // the coordinator's home
  std::unique_ptr<PartitionCoordinatorLog> log_;
  const SnapshotTopics topics_;
  const Status assignors_;  // why those of the configuration cannot be offered
  std::unique_ptr<coordinator::GroupCoordinator> coordinator_;
  bool closed_ = false;
};

}  // namespace barnabas::broker
