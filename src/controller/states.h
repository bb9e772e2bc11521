// The states of partitions and replicas and the elections, as pure functions: the tables of
// kafka.controller.{Partition,Replica}StateMachine of 3.9.1. Nothing here reads or writes.
// THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::controller {

enum class PartitionState : std::uint8_t {
  kNonExistent,  // never made, or deleted
  kNew,          // has replicas, no leader yet
  kOnline,       // has a leader
  kOffline,      // its leader has gone, or it is being deleted
};

enum class ReplicaState : std::uint8_t {
  kNonExistent,
  kNew,
  kOnline,
  kOffline,
  kDeletionStarted,
  kDeletionSuccessful,
  kDeletionIneligible,  // its broker is away or has failed to delete it
};

[[nodiscard]] std::string_view state_name(PartitionState state);
[[nodiscard]] std::string_view state_name(ReplicaState state);

[[nodiscard]] bool may_change(PartitionState from, PartitionState to);
[[nodiscard]] bool may_change(ReplicaState from, ReplicaState to);

// kUnclean: as kOffline, but whoever is alive may lead, whatever the topic says.
enum class ElectionReason : std::uint8_t { kOffline, kUnclean, kPreferred, kControlledShutdown };

struct ElectionInput {
  std::vector<BrokerId> assignment;  // in order of preference
  zk::PartitionStateZNode state;     // as it stands
  std::vector<BrokerId> live;        // brokers that hold an online replica
  std::vector<BrokerId> shutting_down;
  bool unclean = false;  // one from outside the ISR may lead
};

// The state to write, with the next leader epoch: who leads and who is in the ISR. Nothing when
// nobody may lead; the same leader with a higher epoch when the election confirms it.
[[nodiscard]] std::optional<zk::PartitionStateZNode> elect_leader(ElectionReason reason,
                                                                  const ElectionInput& input);

// The first state of a partition: the first live replica leads, all live ones are in the ISR.
// Nothing when none is live.
[[nodiscard]] std::optional<zk::PartitionStateZNode> first_state(
    const std::vector<BrokerId>& live_assigned);

// `broker` leaves the ISR (the last member stays in) and, if it leads, the lead. Nothing when it is
// not in the ISR: there is nothing to write.
[[nodiscard]] std::optional<zk::PartitionStateZNode> without_replica(
    const zk::PartitionStateZNode& state, BrokerId broker);

}  // namespace barnabas::controller
