// A coordinator's way to the partitions of its topic that this broker leads.
// THREAD: as the port says
#pragma once

#include <atomic>
#include <string>

#include "barnabas/base/snapshot_cell.h"
#include "barnabas/coordinator/coordinator_log.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "partition_appends.h"

namespace barnabas::broker {

class PartitionCoordinatorLog final : public coordinator::CoordinatorLog {
 public:
  PartitionCoordinatorLog(std::string topic, std::int32_t configured_partitions, Executor& home,
                          BrokerId local, const SnapshotCell<metadata::ClusterSnapshot>& metadata,
                          replication::ReplicaManager& replicas)
      : topic_(std::move(topic)),
        configured_partitions_(configured_partitions),
        metadata_(metadata),
        replicas_(replicas),
        appends_(home, local, replicas) {}

  [[nodiscard]] std::int32_t partition_count() const override;
  void append(PartitionId partition, ByteVector batch, std::int16_t acks, std::int32_t timeout_ms,
              coordinator::Done<Appended> done) override;
  void append_verified(PartitionId partition, ByteVector batch, std::uint64_t guard,
                       std::int16_t acks, std::int32_t timeout_ms,
                       coordinator::Done<Appended> done) override;
  [[nodiscard]] Result<Chunk> read(PartitionId partition, Offset from,
                                   std::size_t max_bytes) override;

 private:
  const std::string topic_;
  const std::int32_t configured_partitions_;
  const SnapshotCell<metadata::ClusterSnapshot>& metadata_;
  replication::ReplicaManager& replicas_;
  PartitionAppends appends_;
  mutable std::atomic<std::int32_t> known_partitions_ = 0;
};

}  // namespace barnabas::broker
