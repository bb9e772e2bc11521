#include "controller/states.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace barnabas::controller {
namespace {

std::vector<BrokerId> ids(std::initializer_list<int> raw) {
  std::vector<BrokerId> all;
  for (const int id : raw) {
    all.emplace_back(id);
  }
  return all;
}

// Every pair of states; those listed are allowed, as in kafka.controller of 3.9.1.
TEST(States, PartitionsMoveAsInKafka) {
  using enum PartitionState;
  const std::set<std::pair<PartitionState, PartitionState>> allowed{
      {kNonExistent, kNew}, {kNew, kOnline},     {kNew, kOffline},     {kOnline, kOnline},
      {kOnline, kOffline},  {kOffline, kOnline}, {kOffline, kOffline}, {kOffline, kNonExistent}};
  for (const auto from : {kNonExistent, kNew, kOnline, kOffline}) {
    for (const auto to : {kNonExistent, kNew, kOnline, kOffline}) {
      EXPECT_EQ(may_change(from, to), allowed.contains({from, to}))
          << state_name(from) << " -> " << state_name(to);
    }
  }
}

TEST(States, ReplicasMoveAsInKafka) {
  using enum ReplicaState;
  const std::set<std::pair<ReplicaState, ReplicaState>> allowed{
      {kNonExistent, kNew},
      {kNew, kOnline},
      {kNew, kOffline},
      {kOnline, kOnline},
      {kOnline, kOffline},
      {kOffline, kOnline},
      {kOffline, kOffline},
      {kDeletionIneligible, kOnline},
      {kDeletionIneligible, kOffline},
      {kOffline, kDeletionStarted},
      {kOffline, kDeletionIneligible},
      {kDeletionStarted, kDeletionIneligible},
      {kDeletionStarted, kDeletionSuccessful},
      {kDeletionSuccessful, kNonExistent}};
  const auto all = {
      kNonExistent,       kNew, kOnline, kOffline, kDeletionStarted, kDeletionSuccessful,
      kDeletionIneligible};
  for (const auto from : all) {
    for (const auto to : all) {
      EXPECT_EQ(may_change(from, to), allowed.contains({from, to}))
          << state_name(from) << " -> " << state_name(to);
    }
  }
}

struct ElectionCase {
  const char* what;
  ElectionReason reason;
  std::vector<BrokerId> assignment;
  int leader;
  std::vector<BrokerId> isr;
  std::vector<BrokerId> live;
  std::vector<BrokerId> shutting_down;
  bool unclean;
  int next_leader;  // -9: nobody
  std::vector<BrokerId> next_isr;
  bool recovering;
};

TEST(States, ElectionsAreKafkas) {
  using enum ElectionReason;
  const std::vector<ElectionCase> cases{
      {"the first in sync that lives",
       kOffline,
       ids({1, 2, 3}),
       1,
       ids({1, 2, 3}),
       ids({2, 3}),
       {},
       false,
       2,
       ids({2, 3}),
       false},
      {"order is the assignment's, not the ISR's",
       kOffline,
       ids({3, 2, 1}),
       1,
       ids({1, 2, 3}),
       ids({2, 3}),
       {},
       false,
       3,
       ids({2, 3}),
       false},
      {"not one out of sync",
       kOffline,
       ids({1, 2}),
       1,
       ids({1}),
       ids({2}),
       {},
       false,
       -9,
       {},
       false},
      {"unless it is allowed, and then alone",
       kOffline,
       ids({1, 2, 3}),
       1,
       ids({1}),
       ids({2, 3}),
       {},
       true,
       2,
       ids({2}),
       true},
      {"in sync goes before unclean",
       kOffline,
       ids({2, 1}),
       1,
       ids({1}),
       ids({1, 2}),
       {},
       true,
       1,
       ids({1}),
       false},
      {"nobody lives", kOffline, ids({1, 2}), 1, ids({1, 2}), {}, {}, true, -9, {}, false},
      {"preferred",
       kPreferred,
       ids({1, 2}),
       2,
       ids({1, 2}),
       ids({1, 2}),
       {},
       false,
       1,
       ids({1, 2}),
       false},
      {"preferred is dead",
       kPreferred,
       ids({1, 2}),
       2,
       ids({1, 2}),
       ids({2}),
       {},
       false,
       -9,
       {},
       false},
      {"preferred is out of sync",
       kPreferred,
       ids({1, 2}),
       2,
       ids({2}),
       ids({1, 2}),
       {},
       false,
       -9,
       {},
       false},
      {"shutdown moves the lead and leaves the ISR", kControlledShutdown, ids({1, 2, 3}), 1,
       ids({1, 2, 3}), ids({1, 2, 3}), ids({1}), false, 2, ids({2, 3}), false},
      {"shutdown with nobody else in sync",
       kControlledShutdown,
       ids({1, 2}),
       1,
       ids({1}),
       ids({1, 2}),
       ids({1}),
       false,
       -9,
       {},
       false},
  };
  for (const ElectionCase& one : cases) {
    SCOPED_TRACE(one.what);
    ElectionInput input;
    input.assignment = one.assignment;
    input.state = {BrokerId{one.leader}, LeaderEpoch{4}, ControllerEpoch{1}, one.isr, false};
    input.live = one.live;
    input.shutting_down = one.shutting_down;
    input.unclean = one.unclean;
    const auto next = elect_leader(one.reason, input);
    ASSERT_EQ(next.has_value(), one.next_leader != -9);
    if (next) {
      EXPECT_EQ(next->leader, BrokerId{one.next_leader});
      EXPECT_EQ(next->isr, one.next_isr);
      EXPECT_EQ(next->recovering, one.recovering);
      EXPECT_EQ(next->leader_epoch, LeaderEpoch{5});
    }
  }
}

TEST(States, TheFirstStateNeedsALiveReplica) {
  EXPECT_FALSE(first_state({}));
  const auto state = first_state(ids({3, 1}));
  EXPECT_EQ(state->leader, BrokerId{3});
  EXPECT_EQ(state->isr, ids({3, 1}));
  EXPECT_EQ(state->leader_epoch, LeaderEpoch{0});
}

TEST(States, LeavingTheIsr) {
  const zk::PartitionStateZNode state{BrokerId{1}, LeaderEpoch{4}, ControllerEpoch{1}, ids({1, 2}),
                                      false};
  const auto follower = without_replica(state, BrokerId{2});
  EXPECT_EQ(follower->leader, BrokerId{1});
  EXPECT_EQ(follower->isr, ids({1}));
  EXPECT_EQ(follower->leader_epoch, LeaderEpoch{5});
  const auto leader = without_replica(state, BrokerId{1});
  EXPECT_EQ(leader->leader, zk::kLeaderNone);
  EXPECT_EQ(leader->isr, ids({2}));
  const auto last =
      without_replica({BrokerId{1}, LeaderEpoch{4}, {}, ids({1}), false}, BrokerId{1});
  EXPECT_EQ(last->leader, zk::kLeaderNone);
  EXPECT_EQ(last->isr, ids({1})) << "the last member of an ISR stays in it";
  EXPECT_FALSE(without_replica(state, BrokerId{3}));
}

}  // namespace
}  // namespace barnabas::controller
