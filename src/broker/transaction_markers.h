// Markers on their way into partitions: written here where this broker leads, and where they have
// to go otherwise. THREAD: home (the transaction coordinator's)
#pragma once

#include <cstdint>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/snapshot_cell.h"
#include "barnabas/coordinator/group_coordinator.h"
#include "barnabas/coordinator/transaction_coordinator.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/replication/replica_manager.h"
#include "partition_appends.h"

namespace barnabas::broker {

// Writes markers into partitions that this broker leads. One that is written into
// __consumer_offsets ends the transaction's offsets in the group coordinator, too.
class MarkerWriter {
 public:
  MarkerWriter(Executor& home, BrokerId local, const Clock& clock, std::int32_t timeout_ms,
               replication::ReplicaManager& replicas, coordinator::GroupCoordinator& groups)
      : clock_(clock),
        timeout_ms_(timeout_ms),
        replicas_(replicas),
        groups_(groups),
        appends_(home, local, replicas),
        home_(home) {}

  // One error for each partition, in their order, as WriteTxnMarkers answers them; never inside the
  // call.
  void write(coordinator::TransactionMarker marker, coordinator::Done<std::vector<ErrorCode>> done);

 private:
  struct Call;

  void append(const std::shared_ptr<Call>& call, std::size_t index);

  const Clock& clock_;
  const std::int32_t timeout_ms_;
  replication::ReplicaManager& replicas_;
  coordinator::GroupCoordinator& groups_;
  PartitionAppends appends_;
  Executor& home_;
};

// The coordinator's way to the leaders. Other brokers are asked with WriteTxnMarkers once there are
// links to them; until then their partitions are tried again and again.
class MarkerRouter final : public coordinator::MarkerSender {
 public:
  MarkerRouter(Executor& home, BrokerId local, MarkerWriter& writer,
               const SnapshotCell<metadata::ClusterSnapshot>& metadata,
               replication::ReplicaManager& replicas)
      : home_(home), local_(local), writer_(writer), metadata_(metadata), replicas_(replicas) {}

  // Before this the metadata are not whole, and a partition that is not in them is not gone.
  void open() { open_ = true; }

  void send(coordinator::TransactionMarker marker,
            coordinator::Done<std::vector<coordinator::MarkerOutcome>> done) override;

 private:
  Executor& home_;
  const BrokerId local_;
  MarkerWriter& writer_;
  const SnapshotCell<metadata::ClusterSnapshot>& metadata_;
  replication::ReplicaManager& replicas_;
  bool open_ = false;
};

}  // namespace barnabas::broker
