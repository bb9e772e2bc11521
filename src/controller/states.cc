#include "states.h"

#include <algorithm>
#include <array>

namespace barnabas::controller {
namespace {

bool contains(const std::vector<BrokerId>& ids, BrokerId id) {
  return std::ranges::find(ids, id) != ids.end();
}

template <typename State>
constexpr std::uint32_t bit(State state) {
  return 1U << static_cast<std::uint32_t>(state);
}

// The first of the assignment that `may_lead`.
template <typename MayLead>
std::optional<BrokerId> first_that(const std::vector<BrokerId>& assignment, MayLead may_lead) {
  const auto found = std::ranges::find_if(assignment, may_lead);
  return found == assignment.end() ? std::nullopt : std::optional(*found);
}

std::vector<BrokerId> only(std::vector<BrokerId> ids, const std::vector<BrokerId>& allowed) {
  std::erase_if(ids, [&](BrokerId id) { return !contains(allowed, id); });
  return ids;
}

std::optional<zk::PartitionStateZNode> elect_for_offline(const ElectionInput& in) {
  const auto in_sync = first_that(in.assignment, [&](BrokerId id) {
    return contains(in.live, id) && contains(in.state.isr, id);
  });
  zk::PartitionStateZNode next = in.state;
  if (in_sync) {
    next.leader = *in_sync;
    next.isr = only(in.state.isr, in.live);
    return next;
  }
  const auto any = first_that(in.assignment, [&](BrokerId id) { return contains(in.live, id); });
  if (!in.unclean || !any) {
    return std::nullopt;
  }
  next.leader = *any;
  next.isr = {*any};
  next.recovering = true;
  return next;
}

}  // namespace

std::string_view state_name(PartitionState state) {
  static constexpr std::array<std::string_view, 4> kNames{"NonExistentPartition", "NewPartition",
                                                          "OnlinePartition", "OfflinePartition"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::string_view state_name(ReplicaState state) {
  static constexpr std::array<std::string_view, 7> kNames{"NonExistentReplica",
                                                          "NewReplica",
                                                          "OnlineReplica",
                                                          "OfflineReplica",
                                                          "ReplicaDeletionStarted",
                                                          "ReplicaDeletionSuccessful",
                                                          "ReplicaDeletionIneligible"};
  return kNames.at(static_cast<std::size_t>(state));
}

bool may_change(PartitionState from, PartitionState to) {
  using enum PartitionState;
  // Indexed by the state to go to: the states it may be entered from.
  static constexpr std::array<std::uint32_t, 4> kFrom{bit(kOffline), bit(kNonExistent),
                                                      bit(kNew) | bit(kOnline) | bit(kOffline),
                                                      bit(kNew) | bit(kOnline) | bit(kOffline)};
  return (kFrom.at(static_cast<std::size_t>(to)) & bit(from)) != 0;
}

bool may_change(ReplicaState from, ReplicaState to) {
  using enum ReplicaState;
  static constexpr std::uint32_t kReachable =
      bit(kNew) | bit(kOnline) | bit(kOffline) | bit(kDeletionIneligible);
  static constexpr std::array<std::uint32_t, 7> kFrom{bit(kDeletionSuccessful),
                                                      bit(kNonExistent),
                                                      kReachable,
                                                      kReachable,
                                                      bit(kOffline),
                                                      bit(kDeletionStarted),
                                                      bit(kOffline) | bit(kDeletionStarted)};
  return (kFrom.at(static_cast<std::size_t>(to)) & bit(from)) != 0;
}

std::optional<zk::PartitionStateZNode> elect_leader(ElectionReason reason,
                                                    const ElectionInput& in) {
  std::optional<zk::PartitionStateZNode> next;
  const auto may_lead = [&](BrokerId id) {
    return contains(in.live, id) && contains(in.state.isr, id);
  };
  switch (reason) {
    case ElectionReason::kOffline:
    case ElectionReason::kUnclean:
      next = elect_for_offline(in);
      break;
    case ElectionReason::kPreferred:
      if (!in.assignment.empty() && may_lead(in.assignment.front())) {
        next = in.state;
        next->leader = in.assignment.front();
      }
      break;
    case ElectionReason::kControlledShutdown: {
      const auto leader = first_that(in.assignment, [&](BrokerId id) {
        return may_lead(id) && !contains(in.shutting_down, id);
      });
      if (leader) {
        next = in.state;
        next->leader = *leader;
        std::erase_if(next->isr, [&](BrokerId id) { return contains(in.shutting_down, id); });
      }
      break;
    }
  }
  if (next) {
    next->leader_epoch = in.state.leader_epoch + 1;
  }
  return next;
}

std::optional<zk::PartitionStateZNode> first_state(const std::vector<BrokerId>& live_assigned) {
  if (live_assigned.empty()) {
    return std::nullopt;
  }
  zk::PartitionStateZNode state;
  state.leader = live_assigned.front();
  state.isr = live_assigned;
  return state;
}

std::optional<zk::PartitionStateZNode> without_replica(const zk::PartitionStateZNode& state,
                                                       BrokerId broker) {
  if (!contains(state.isr, broker)) {
    return std::nullopt;
  }
  zk::PartitionStateZNode next = state;
  if (next.leader == broker) {
    next.leader = zk::kLeaderNone;
  }
  if (next.isr.size() > 1) {
    std::erase(next.isr, broker);
  }
  next.leader_epoch = state.leader_epoch + 1;
  return next;
}

}  // namespace barnabas::controller
