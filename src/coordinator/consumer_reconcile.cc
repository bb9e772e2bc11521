#include "consumer_reconcile.h"

#include <algorithm>
#include <utility>

namespace barnabas::coordinator {
namespace {

bool owns_any(const std::optional<Assignment>& owned, const Assignment& of) {
  if (!owned) {
    return true;  // it did not say: as long as that is so it may
  }
  return std::ranges::any_of(*owned, [&of](const auto& topic) {
    const auto found = of.find(topic.first);
    return found != of.end() && std::ranges::any_of(topic.second, [&](PartitionId partition) {
             return found->second.contains(partition);
           });
  });
}

const Partitions& partitions_of(const Assignment& assignment, const Uuid& topic) {
  static const Partitions kNone;
  const auto found = assignment.find(topic);
  return found == assignment.end() ? kNone : found->second;
}

// What a member has and the target differ by.
struct Delta {
  Assignment kept;
  Assignment to_revoke;
  Assignment to_assign;
  bool waits_for_others = false;
};

Delta compare(const Assignment& assigned, const ReconcileInput& input) {
  Delta delta;
  for (const auto& [topic, partitions] : assigned) {
    const Partitions& target = partitions_of(input.target, topic);
    for (const PartitionId partition : partitions) {
      (target.contains(partition) ? delta.kept : delta.to_revoke)[topic].insert(partition);
    }
  }
  for (const auto& [topic, partitions] : input.target) {
    const Partitions& has = partitions_of(assigned, topic);
    for (const PartitionId partition : partitions) {
      if (has.contains(partition)) {
        continue;
      }
      if (input.is_taken(topic, partition)) {
        delta.waits_for_others = true;
      } else {
        delta.to_assign[topic].insert(partition);
      }
    }
  }
  return delta;
}

ConsumerMember move_on(ConsumerMember member, std::int32_t epoch, const ReconcileInput& input) {
  Delta delta = compare(member.assigned, input);
  const std::int32_t before = member.epoch;
  member.previous_epoch = before;
  member.assigned = std::move(delta.kept);
  if (!delta.to_revoke.empty() && owns_any(input.owned, delta.to_revoke)) {
    member.state = MemberState::kUnrevokedPartitions;
    member.epoch = epoch;
    member.pending_revocation = std::move(delta.to_revoke);
    return member;
  }
  for (auto& [topic, partitions] : delta.to_assign) {
    member.assigned[topic].merge(partitions);
  }
  member.state = delta.waits_for_others ? MemberState::kUnreleasedPartitions : MemberState::kStable;
  member.epoch = input.target_epoch;
  member.pending_revocation.clear();
  return member;
}

}  // namespace

Result<ConsumerMember> reconcile(ConsumerMember member, const ReconcileInput& input) {
  const std::int32_t epoch = member.epoch;
  switch (member.state) {
    case MemberState::kStable:
      return epoch == input.target_epoch ? std::move(member)
                                         : move_on(std::move(member), epoch, input);
    case MemberState::kUnrevokedPartitions:
      if (owns_any(input.owned, member.pending_revocation)) {
        return member;
      }
      return move_on(std::move(member), epoch + 1, input);
    case MemberState::kUnreleasedPartitions:
      return move_on(std::move(member), epoch, input);
    case MemberState::kUnknown:
      break;
  }
  if (!input.owned || !input.owned->empty()) {
    return fail(ErrorCode::kFencedMemberEpoch,
                "The consumer group member is in a unknown state. The member must abandon all its "
                "partitions and rejoin.");
  }
  return move_on(std::move(member), input.target_epoch, input);
}

}  // namespace barnabas::coordinator
