// What the group coordinator asks of topics, answered from the cluster's snapshot.
// THREAD: home (the coordinator's)
#pragma once

#include "barnabas/base/snapshot_cell.h"
#include "barnabas/coordinator/group_topics.h"
#include "barnabas/metadata/cluster_snapshot.h"

namespace barnabas::broker {

class SnapshotTopics final : public coordinator::GroupTopics {
 public:
  explicit SnapshotTopics(const SnapshotCell<metadata::ClusterSnapshot>& metadata)
      : metadata_(metadata) {}

  [[nodiscard]] std::uint64_t version() const override;
  [[nodiscard]] std::optional<coordinator::TopicFacts> find(std::string_view name) const override;
  [[nodiscard]] std::optional<std::string> name_of(const Uuid& id) const override;
  [[nodiscard]] std::optional<Uuid> id_of(std::string_view name) const override;

 private:
  const SnapshotCell<metadata::ClusterSnapshot>& metadata_;
};

}  // namespace barnabas::broker
