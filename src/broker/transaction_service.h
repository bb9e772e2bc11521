// The transaction coordinator as this broker runs it: its home (a strand, as the group
// coordinator's), its way to the partitions of __transaction_state, its markers, and what it hears
// of leadership.
// Life: start(), open() once the metadata are whole, then close() before the server stops, then
// stop() after it; it outlives the connections' threads.
#pragma once

#include <memory>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/result.h"
#include "barnabas/base/snapshot_cell.h"
#include "barnabas/config/broker_config.h"
#include "barnabas/coordinator/group_coordinator.h"
#include "barnabas/coordinator/transaction_coordinator.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/net/io_threads.h"
#include "barnabas/net/strand.h"
#include "barnabas/replication/replica_manager.h"
#include "coordinator_log.h"
#include "leadership_listener.h"
#include "producer_ids.h"
#include "transaction_markers.h"

namespace barnabas::broker {

[[nodiscard]] coordinator::TransactionOptions transaction_options(
    const config::BrokerConfig& config);

class TransactionService final : public LeadershipListener {
 public:
  struct Parts {
    const config::BrokerConfig& config;
    BrokerId broker_id;
    const Clock& clock;
    const net::IoThreads& connections;  // the threads that requests come from
    Executor& disk;
    const SnapshotCell<metadata::ClusterSnapshot>& metadata;
    replication::ReplicaManager& replicas;
    ProducerIds& producer_ids;
    coordinator::GroupCoordinator& groups;
  };
  explicit TransactionService(const Parts& parts);
  ~TransactionService() override;

  [[nodiscard]] Status start();
  void open();
  void close();
  void stop();

  [[nodiscard]] coordinator::TransactionCoordinator& coordinator() { return *coordinator_; }
  // WriteTxnMarkers of another coordinator; `done` is called at this service's home.
  // THREAD: any
  void write_marker(coordinator::TransactionMarker marker,
                    coordinator::Done<std::vector<ErrorCode>> done);

  // LeadershipListener. THREAD: any
  void on_leader(const TopicPartition& partition, LeaderEpoch epoch) override;
  void on_follower(const TopicPartition& partition, LeaderEpoch epoch) override;
  void on_deleted(std::vector<TopicPartition> /*partitions*/) override {}

 private:
  class Ids final : public coordinator::ProducerIdSource {
   public:
    Ids(Executor& home, ProducerIds& ids) : home_(home), ids_(ids) {}
    void next(coordinator::Done<Result<ProducerId>> done) override {
      ids_.next(home_, std::move(done));
    }

   private:
    Executor& home_;
    ProducerIds& ids_;
  };

  net::IoThreads threads_;
  net::Strand home_;
  PartitionCoordinatorLog log_;
  MarkerWriter writer_;
  MarkerRouter router_;
  Ids ids_;
  std::unique_ptr<coordinator::TransactionCoordinator> coordinator_;
  bool closed_ = false;
};

}  // namespace barnabas::broker
