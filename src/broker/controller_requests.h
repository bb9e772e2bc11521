// What a controller orders a broker to do, carried out: LeaderAndIsr, StopReplica, UpdateMetadata.
// One order at a time, in the order of arrival; the caller sees to that.
// THREAD: disk for replicas, the metadata home for updates, as marked.
#pragma once

#include <atomic>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/snapshot_cell.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/replication/replica_manager.h"
#include "leadership_listener.h"

namespace barnabas::protocol {
struct LeaderAndIsrRequest;
struct LeaderAndIsrResponse;
struct StopReplicaRequest;
struct StopReplicaResponse;
struct UpdateMetadataRequest;
struct UpdateMetadataResponse;
}  // namespace barnabas::protocol

namespace barnabas::broker {

class ControllerRequests {
 public:
  ControllerRequests(replication::ReplicaManager& replicas,
                     SnapshotCell<metadata::ClusterSnapshot>& metadata, BrokerEpoch broker_epoch)
      : replicas_(replicas), metadata_(metadata), broker_epoch_(broker_epoch) {}

  // This broker has registered anew. THREAD: any
  void set_broker_epoch(BrokerEpoch epoch) { broker_epoch_ = epoch; }

  // They are told of what this broker leads from now on, and of what is deleted. Before the first
  // order.
  void add_listener(LeadershipListener& listener) { listeners_.push_back(&listener); }

  // THREAD: disk
  [[nodiscard]] protocol::LeaderAndIsrResponse apply(const protocol::LeaderAndIsrRequest& request);
  [[nodiscard]] protocol::StopReplicaResponse apply(const protocol::StopReplicaRequest& request);
  // THREAD: the metadata home
  [[nodiscard]] protocol::UpdateMetadataResponse apply(
      const protocol::UpdateMetadataRequest& request);

 private:
  void tell(const std::vector<replication::LeadershipOrder>& orders,
            const std::vector<replication::OrderOutcome>& outcomes) const;
  // Whether the controller speaks to an earlier incarnation of this broker.
  [[nodiscard]] bool is_stale(std::int64_t asked_epoch) const;

  replication::ReplicaManager& replicas_;
  SnapshotCell<metadata::ClusterSnapshot>& metadata_;
  std::atomic<BrokerEpoch> broker_epoch_;
  std::vector<LeadershipListener*> listeners_;
};

}  // namespace barnabas::broker
