// How a member of a consumer group moves towards its target assignment, one heartbeat at a time:
// it first gives up what it is not to have any more, then takes the group's epoch, and gets what
// others have given up. No partition ever belongs to two.
//
//   Stable ── target epoch moved on ─▶ UnrevokedPartitions ── it no longer owns them ─┐
//     ▲                                                                               ▼
//     └──────────── all of the target is free ◀── UnreleasedPartitions ◀── the rest is still owned
// Rules: CurrentAssignmentBuilder of Kafka 3.9.1. THREAD: any
#pragma once

#include <functional>
#include <optional>

#include "barnabas/base/result.h"
#include "consumer_group_types.h"

namespace barnabas::coordinator {

struct ReconcileInput {
  std::int32_t target_epoch = 0;
  const Assignment& target;
  // What the member says it owns; none where it did not say.
  const std::optional<Assignment>& owned;
  // Whether any member has the partition or is about to give it up.
  std::function<bool(const Uuid&, PartitionId)> is_taken;
};

// The member's next state; the same where there is nothing to do. FENCED_MEMBER_EPOCH where its
// state cannot be understood and it still owns something.
[[nodiscard]] Result<ConsumerMember> reconcile(ConsumerMember member, const ReconcileInput& input);

}  // namespace barnabas::coordinator
