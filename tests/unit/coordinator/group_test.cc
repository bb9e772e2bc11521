// Every transition of the group's state machine, as tables of what happens and what comes of it.
#include "coordinator/group.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "group_player.h"

namespace barnabas::coordinator {
namespace {

GroupLimits limits(std::int32_t delay_ms, std::int32_t max_size = INT32_MAX) {
  GroupLimits result;
  result.initial_rebalance_delay_ms = delay_ms;
  result.max_size = max_size;
  return result;
}

// A group in each of its states. The members are new1 (leader) and new2.
void prepare(GroupPlayer& p) {  // both wait to join
  p.join_new("range:a");
  p.join_new("range:b");
}
void complete(GroupPlayer& p) {  // generation 1, syncs are owed
  prepare(p);
  EXPECT_EQ(p.wait(0),
            "join 1 as new1 gen 1 range leader new1 [new1=a] [new2=b]; "
            "join 2 as new2 gen 1 range leader new1");
}
void stabilize(GroupPlayer& p) {
  complete(p);
  EXPECT_EQ(p.sync("new2", 1), "");
  EXPECT_EQ(p.sync("new1", 1, {{"new1", "x"}, {"new2", "y"}}), "store 1 new1='x' new2='y'");
  EXPECT_EQ(p.stored(1), "sync 4 gets 'x'; sync 3 gets 'y'");
}
void reprepare(GroupPlayer& p) {  // the leader asks for a rebalance
  stabilize(p);
  EXPECT_EQ(p.rejoin("new1", "range:a"), "");
}
void kill(GroupPlayer& p) {
  p.group.bury(p.now());
}

struct Row {
  const char* name;
  void (*bring)(GroupPlayer&);  // into the state before
  std::function<std::string(GroupPlayer&)> happen;
  const char* expected;  // what comes out
  const char* state;     // afterwards
};

void run(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    GroupPlayer player(limits(0));
    row.bring(player);
    EXPECT_EQ(row.happen(player), row.expected);
    EXPECT_EQ(player.state(), row.state);
  }
}

void nothing(GroupPlayer&) {}

TEST(Group, JoinInEveryState) {
  run({
      {"empty, new", nothing, [](auto& p) { return p.join_new(); }, "", "PreparingRebalance"},
      {"empty, unknown id", nothing, [](auto& p) { return p.rejoin("x"); },
       "join 1 UNKNOWN_MEMBER_ID as x", "Empty"},
      {"empty, no protocol", nothing,
       [](auto& p) {
         auto event = p.request("");
         event.protocols.clear();
         return p.join(std::move(event));
       },
       "join 1 INCONSISTENT_GROUP_PROTOCOL", "Empty"},
      {"empty, no protocol type", nothing,
       [](auto& p) {
         auto event = p.request("");
         event.protocol_type.clear();
         return p.join(std::move(event));
       },
       "join 1 INCONSISTENT_GROUP_PROTOCOL", "Empty"},
      {"empty, id required", nothing,
       [](auto& p) {
         auto event = p.request("");
         event.require_known_member_id = true;
         return p.join(std::move(event));
       },
       "join 1 MEMBER_ID_REQUIRED as new1", "Empty"},
      {"preparing, new", prepare, [](auto& p) { return p.join_new(); }, "", "PreparingRebalance"},
      {"preparing, other protocol", prepare, [](auto& p) { return p.join_new("sticky"); },
       "join 3 INCONSISTENT_GROUP_PROTOCOL", "PreparingRebalance"},
      {"preparing, other type", prepare,
       [](auto& p) {
         auto event = p.request("");
         event.protocol_type = "connect";
         return p.join(std::move(event));
       },
       "join 3 INCONSISTENT_GROUP_PROTOCOL", "PreparingRebalance"},
      {"preparing, overtaken by itself", prepare, [](auto& p) { return p.rejoin("new1"); },
       "join 1 REBALANCE_IN_PROGRESS as new1", "PreparingRebalance"},
      {"preparing, unknown id", prepare, [](auto& p) { return p.rejoin("x"); },
       "join 3 UNKNOWN_MEMBER_ID as x", "PreparingRebalance"},
      {"completing, new", complete, [](auto& p) { return p.join_new(); }, "", "PreparingRebalance"},
      {"completing, leader again", complete, [](auto& p) { return p.rejoin("new1", "range:a"); },
       "join 3 as new1 gen 1 range leader new1 [new1=a] [new2=b]", "CompletingRebalance"},
      {"completing, follower again", complete, [](auto& p) { return p.rejoin("new2", "range:b"); },
       "join 3 as new2 gen 1 range leader new1", "CompletingRebalance"},
      {"completing, changed", complete, [](auto& p) { return p.rejoin("new2", "range:c"); }, "",
       "PreparingRebalance"},
      {"stable, new", stabilize, [](auto& p) { return p.join_new(); }, "", "PreparingRebalance"},
      {"stable, leader", stabilize, [](auto& p) { return p.rejoin("new1", "range:a"); }, "",
       "PreparingRebalance"},
      {"stable, follower unchanged", stabilize, [](auto& p) { return p.rejoin("new2", "range:b"); },
       "join 5 as new2 gen 1 range leader new1", "Stable"},
      {"stable, follower changed", stabilize, [](auto& p) { return p.rejoin("new2", "range:c"); },
       "", "PreparingRebalance"},
      {"dead, new", kill, [](auto& p) { return p.join_new(); }, "join 1 COORDINATOR_NOT_AVAILABLE",
       "Dead"},
      {"dead, known", kill, [](auto& p) { return p.rejoin("x"); },
       "join 1 COORDINATOR_NOT_AVAILABLE as x", "Dead"},
  });
}

TEST(Group, SyncInEveryState) {
  run({
      {"empty", nothing, [](auto& p) { return p.sync("x", 0); }, "sync 1 UNKNOWN_MEMBER_ID",
       "Empty"},
      {"preparing", reprepare, [](auto& p) { return p.sync("new2", 1); },
       "sync 6 REBALANCE_IN_PROGRESS", "PreparingRebalance"},
      {"completing, follower", complete, [](auto& p) { return p.sync("new2", 1); }, "",
       "CompletingRebalance"},
      {"completing, leader leaves one out", complete,
       [](auto& p) { return p.sync("new1", 1, {{"new1", "x"}, {"stranger", "z"}}); },
       "store 1 new1='x' new2=''", "CompletingRebalance"},
      {"completing, old generation", complete, [](auto& p) { return p.sync("new2", 0); },
       "sync 3 ILLEGAL_GENERATION", "CompletingRebalance"},
      {"completing, unknown", complete, [](auto& p) { return p.sync("x", 1); },
       "sync 3 UNKNOWN_MEMBER_ID", "CompletingRebalance"},
      {"completing, overtaken by itself", complete,
       [](auto& p) {
         p.sync("new2", 1);
         return p.sync("new2", 1);
       },
       "sync 3 REBALANCE_IN_PROGRESS", "CompletingRebalance"},
      {"completing, other protocol", complete,
       [](auto& p) {
         SyncEvent event;
         event.member_id = "new2";
         event.generation = 1;
         event.protocol_name = "sticky";
         return p.sync(std::move(event));
       },
       "sync 3 INCONSISTENT_GROUP_PROTOCOL", "CompletingRebalance"},
      {"completing, other type", complete,
       [](auto& p) {
         SyncEvent event;
         event.member_id = "new2";
         event.generation = 1;
         event.protocol_type = "connect";
         return p.sync(std::move(event));
       },
       "sync 3 INCONSISTENT_GROUP_PROTOCOL", "CompletingRebalance"},
      {"stable", stabilize, [](auto& p) { return p.sync("new2", 1); }, "sync 5 gets 'y'", "Stable"},
      {"dead", kill, [](auto& p) { return p.sync("x", 0); }, "sync 1 COORDINATOR_NOT_AVAILABLE",
       "Dead"},
  });
}

TEST(Group, HeartbeatInEveryState) {
  run({
      {"empty", nothing, [](auto& p) { return p.heartbeat("x", 0); }, "UNKNOWN_MEMBER_ID", "Empty"},
      {"preparing", reprepare, [](auto& p) { return p.heartbeat("new2", 1); },
       "REBALANCE_IN_PROGRESS", "PreparingRebalance"},
      {"completing", complete, [](auto& p) { return p.heartbeat("new2", 1); }, "NONE",
       "CompletingRebalance"},
      {"stable", stabilize, [](auto& p) { return p.heartbeat("new2", 1); }, "NONE", "Stable"},
      {"stable, old generation", stabilize, [](auto& p) { return p.heartbeat("new2", 0); },
       "ILLEGAL_GENERATION", "Stable"},
      {"stable, unknown", stabilize, [](auto& p) { return p.heartbeat("x", 1); },
       "UNKNOWN_MEMBER_ID", "Stable"},
      {"stable, unknown instance", stabilize, [](auto& p) { return p.heartbeat("new2", 1, "i"); },
       "UNKNOWN_MEMBER_ID", "Stable"},
      {"dead", kill, [](auto& p) { return p.heartbeat("x", 0); }, "COORDINATOR_NOT_AVAILABLE",
       "Dead"},
  });
}

TEST(Group, LeaveInEveryState) {
  run({
      {"empty", nothing, [](auto& p) { return p.leave("x"); }, "UNKNOWN_MEMBER_ID", "Empty"},
      {"empty, an id given out in advance", nothing,
       [](auto& p) {
         auto event = p.request("");
         event.require_known_member_id = true;
         p.join(std::move(event));
         std::string text = p.leave("new1");
         return text + " " + p.leave("new1");
       },
       "NONE UNKNOWN_MEMBER_ID", "Empty"},
      {"first rebalance goes on", prepare, [](auto& p) { return p.leave("new2"); },
       "NONE; join 2 UNKNOWN_MEMBER_ID", "PreparingRebalance"},
      {"the last one awaited", reprepare, [](auto& p) { return p.leave("new2"); },
       "NONE; join 5 as new1 gen 2 range leader new1 [new1=a]", "CompletingRebalance"},
      {"completing", complete, [](auto& p) { return p.leave("new2"); }, "NONE",
       "PreparingRebalance"},
      {"completing, others wait for their sync", complete,
       [](auto& p) {
         p.sync("new2", 1);
         return p.leave("new1");
       },
       "NONE; sync 3 REBALANCE_IN_PROGRESS", "PreparingRebalance"},
      {"stable", stabilize, [](auto& p) { return p.leave("new2"); }, "NONE", "PreparingRebalance"},
      {"stable, unknown", stabilize, [](auto& p) { return p.leave("x"); }, "UNKNOWN_MEMBER_ID",
       "Stable"},
      {"stable, unknown instance", stabilize, [](auto& p) { return p.leave("", "i"); },
       "UNKNOWN_MEMBER_ID", "Stable"},
      {"stable, nobody named", stabilize, [](auto& p) { return p.leave(""); }, "UNKNOWN_MEMBER_ID",
       "Stable"},
      {"everybody", stabilize,
       [](auto& p) {
         p.leave("new1");
         return p.leave("new2");
       },
       "NONE; store 2", "Empty"},
  });
}

TEST(Group, CommitInEveryState) {
  run({
      {"empty, simple", nothing, [](auto& p) { return p.commit("", -1); }, "NONE", "Empty"},
      {"empty, a tool with a name", nothing, [](auto& p) { return p.commit("x", -1); }, "NONE",
       "Empty"},
      {"empty, a member of old", nothing, [](auto& p) { return p.commit("x", 0); },
       "UNKNOWN_MEMBER_ID", "Empty"},
      {"preparing", reprepare, [](auto& p) { return p.commit("new2", 1); }, "NONE",
       "PreparingRebalance"},
      {"completing", complete, [](auto& p) { return p.commit("new2", 1); }, "REBALANCE_IN_PROGRESS",
       "CompletingRebalance"},
      {"completing, in a transaction", complete, [](auto& p) { return p.commit("new2", 1, true); },
       "NONE", "CompletingRebalance"},
      {"stable", stabilize, [](auto& p) { return p.commit("new2", 1); }, "NONE", "Stable"},
      {"stable, simple", stabilize, [](auto& p) { return p.commit("", -1); }, "UNKNOWN_MEMBER_ID",
       "Stable"},
      {"stable, simple in a transaction", stabilize, [](auto& p) { return p.commit("", -1, true); },
       "NONE", "Stable"},
      {"stable, unknown", stabilize, [](auto& p) { return p.commit("x", 1); }, "UNKNOWN_MEMBER_ID",
       "Stable"},
      {"stable, old generation", stabilize, [](auto& p) { return p.commit("new2", 0); },
       "ILLEGAL_GENERATION", "Stable"},
      {"stable, no generation", stabilize, [](auto& p) { return p.commit("new2", -1); },
       "ILLEGAL_GENERATION", "Stable"},
      {"dead", kill, [](auto& p) { return p.commit("", -1); }, "COORDINATOR_NOT_AVAILABLE", "Dead"},
  });
}

TEST(Group, StoredInEveryState) {
  run({
      {"fails: the members are told and join again", complete,
       [](auto& p) {
         p.sync("new2", 1);
         p.sync("new1", 1);
         return p.stored(1, ErrorCode::kNotCoordinator);
       },
       "sync 4 NOT_COORDINATOR; sync 3 NOT_COORDINATOR", "PreparingRebalance"},
      {"a rebalance has begun meanwhile", complete,
       [](auto& p) {
         p.sync("new1", 1);
         EXPECT_EQ(p.join_new(), "sync 3 REBALANCE_IN_PROGRESS");
         return p.stored(1);
       },
       "", "PreparingRebalance"},
      {"of a generation that is over", complete,
       [](auto& p) {
         p.sync("new1", 1, {{"new1", "old"}});
         EXPECT_EQ(p.leave("new2"), "NONE; sync 3 REBALANCE_IN_PROGRESS");
         EXPECT_EQ(p.rejoin("new1"), "join 4 as new1 gen 2 range leader new1 [new1]");
         return p.stored(1);
       },
       "", "CompletingRebalance"},
      {"the leader syncs twice", complete,
       [](auto& p) {
         p.sync("new1", 1, {{"new1", "x"}});
         EXPECT_EQ(p.sync("new1", 1, {{"new1", "z"}}),
                   "sync 3 REBALANCE_IN_PROGRESS; store 2 new1='z' new2=''");
         EXPECT_EQ(p.stored(1), "sync 4 gets 'x'");
         return p.stored(2);
       },
       "", "Stable"},
  });
}

TEST(Group, UnloadedInEveryState) {
  run({
      {"empty", nothing, [](auto& p) { return p.unloaded(); }, "", "Dead"},
      {"preparing", prepare, [](auto& p) { return p.unloaded(); },
       "join 1 NOT_COORDINATOR as new1; join 2 NOT_COORDINATOR as new2", "Dead"},
      {"completing", complete,
       [](auto& p) {
         p.sync("new2", 1);
         return p.unloaded();
       },
       "sync 3 NOT_COORDINATOR", "Dead"},
      {"stable", stabilize, [](auto& p) { return p.unloaded(); }, "", "Dead"},
  });
}

TEST(Group, TheFirstRebalanceWaitsForMore) {
  GroupPlayer p(limits(3000));
  EXPECT_EQ(p.join_new(), "");
  EXPECT_EQ(p.wait(2000), "");
  EXPECT_EQ(p.join_new(), "");  // prolongs it once more
  EXPECT_EQ(p.wait(3999), "");
  EXPECT_EQ(p.wait(1),
            "join 1 as new1 gen 1 range leader new1 [new1] [new2]; "
            "join 2 as new2 gen 1 range leader new1");
}

TEST(Group, TheFirstRebalanceIsNotProlongedBeyondItsTimeout) {
  GroupPlayer p(limits(3000));
  auto event = p.request("");
  event.rebalance_timeout_ms = 5000;
  p.join(std::move(event));
  std::string out;
  for (int second = 0; second < 5 && out.empty(); ++second) {
    auto more = p.request("");
    more.rebalance_timeout_ms = 5000;
    p.join(std::move(more));
    out = p.wait(1000);
  }
  EXPECT_EQ(p.state(), "CompletingRebalance");
  // 3 s, then 2 s for those that came meanwhile.
  EXPECT_EQ(p.group.members().size(), 6U);
}

TEST(Group, ARebalanceWaitsForTheOldMembersAndNoLonger) {
  GroupPlayer p(limits(0));
  reprepare(p);
  std::string out;
  for (int second = 0; second < 59; second += 5) {
    EXPECT_EQ(p.heartbeat("new2", 1), "REBALANCE_IN_PROGRESS");
    out += p.wait(5000);
  }
  EXPECT_EQ(out, "join 5 as new1 gen 2 range leader new1 [new1=a]");
  EXPECT_EQ(p.heartbeat("new2", 2), "UNKNOWN_MEMBER_ID");
}

TEST(Group, AMemberThatIsNotHeardOfIsRemoved) {
  GroupPlayer p(limits(0));
  stabilize(p);
  p.wait(9000);
  EXPECT_EQ(p.heartbeat("new1", 1), "NONE");
  EXPECT_EQ(p.wait(999), "");
  EXPECT_EQ(p.state(), "Stable");
  EXPECT_EQ(p.wait(1), "");
  EXPECT_EQ(p.state(), "PreparingRebalance");
  EXPECT_EQ(p.heartbeat("new1", 1), "REBALANCE_IN_PROGRESS");
  EXPECT_EQ(p.rejoin("new1"), "join 5 as new1 gen 2 range leader new1 [new1]");
}

TEST(Group, ACommitIsASignOfLife) {
  GroupPlayer p(limits(0));
  stabilize(p);
  for (int i = 0; i < 5; ++i) {
    p.wait(9000);
    EXPECT_EQ(p.commit("new1", 1), "NONE");
    EXPECT_EQ(p.heartbeat("new2", 1), "NONE");
  }
  EXPECT_EQ(p.state(), "Stable");
}

TEST(Group, WhoWaitsIsNotMissed) {
  GroupPlayer p(limits(0));
  complete(p);
  p.sync("new2", 1);
  for (int i = 0; i < 5; ++i) {  // the leader takes its time, and reports
    EXPECT_EQ(p.wait(9000), "");
    EXPECT_EQ(p.heartbeat("new1", 1), "NONE");
  }
  EXPECT_EQ(p.group.members().size(), 2U);
}

TEST(Group, ALeaderThatNeverSyncsIsRemoved) {
  GroupPlayer p(limits(0));
  complete(p);
  p.sync("new2", 1);
  std::string out;
  for (int second = 0; second < 60; second += 5) {
    p.heartbeat("new1", 1);
    out += p.wait(5000);
  }
  EXPECT_EQ(out, "sync 3 REBALANCE_IN_PROGRESS");
  EXPECT_EQ(p.state(), "PreparingRebalance");
  EXPECT_EQ(p.heartbeat("new1", 1), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(p.group.leader(), "new2");
}

TEST(Group, AnIdGivenOutInAdvanceExpires) {
  GroupPlayer p(limits(0));
  auto event = p.request("");
  event.require_known_member_id = true;
  p.join(std::move(event));
  EXPECT_EQ(p.wait(9999), "");
  EXPECT_EQ(p.group.pending_members(), 1U);
  p.wait(1);
  EXPECT_EQ(p.group.pending_members(), 0U);
  EXPECT_EQ(p.rejoin("new1"), "join 2 UNKNOWN_MEMBER_ID as new1");
}

TEST(Group, ARebalanceWaitsForIdsGivenOut) {
  GroupPlayer p(limits(0));
  stabilize(p);
  auto event = p.request("");
  event.require_known_member_id = true;
  EXPECT_EQ(p.join(std::move(event)), "join 5 MEMBER_ID_REQUIRED as new5");
  p.rejoin("new1");
  EXPECT_EQ(p.rejoin("new2"), "");
  EXPECT_EQ(p.rejoin("new5"),
            "join 6 as new1 gen 2 range leader new1 [new1] [new2] [new5]; "
            "join 7 as new2 gen 2 range leader new1; join 8 as new5 gen 2 range leader new1");
}

TEST(Group, ANewMemberIsGivenUpAfterFiveMinutes) {
  GroupPlayer p(limits(600'000));
  p.join_new();
  EXPECT_EQ(p.wait(299'999), "");
  EXPECT_EQ(p.wait(1), "join 1 UNKNOWN_MEMBER_ID");
}

TEST(Group, MostVotesChooseTheProtocolThatAllKnow) {
  GroupPlayer p(limits(0));
  p.join_new("only-mine sticky range");
  p.join_new("range sticky");
  p.join_new("range sticky");
  p.wait(0);
  EXPECT_EQ(p.group.protocol_name(), "range");
}

TEST(Group, TheLeadersRoleGoesOn) {
  GroupPlayer p(limits(0));
  stabilize(p);
  EXPECT_EQ(p.leave("new1"), "NONE");
  EXPECT_EQ(p.rejoin("new2"), "join 5 as new2 gen 2 range leader new2 [new2]");
}

TEST(Group, FullGroupsLeaveTheLastOnesOut) {
  GroupPlayer p(limits(0, 2));
  stabilize(p);
  EXPECT_EQ(p.join_new(), "join 5 GROUP_MAX_SIZE_REACHED");
  EXPECT_EQ(p.state(), "Stable");
  p.limits.max_size = 1;  // made smaller while it runs, as after a restart
  EXPECT_EQ(p.rejoin("new1"), "");
  EXPECT_EQ(p.rejoin("new2"),
            "join 7 GROUP_MAX_SIZE_REACHED; join 6 as new1 gen 2 range leader new1 [new1]");
}

TEST(Group, AFullGroupIsRebalancedWhenItIsLoaded) {
  GroupPlayer p(limits(0, 2));
  stabilize(p);
  p.limits.max_size = 1;
  EXPECT_EQ(p.loaded(), "");
  EXPECT_EQ(p.state(), "PreparingRebalance");
}

TEST(Group, MetadataOfAllMembersIsBounded) {
  GroupLimits small = limits(0);
  small.max_member_bytes = 1000;
  GroupPlayer p(small);
  const std::string big = "range:" + std::string(400, 'x');
  EXPECT_EQ(p.join_new(big), "");
  EXPECT_EQ(p.join_new(big), "");
  EXPECT_EQ(p.join_new(big), "join 3 GROUP_MAX_SIZE_REACHED");
  EXPECT_EQ(p.leave("new1"), "NONE; join 1 UNKNOWN_MEMBER_ID");
  EXPECT_EQ(p.join_new(big), "");  // there is room again
}

TEST(Group, IdsGivenOutAreBounded) {
  GroupLimits small = limits(0);
  small.max_pending_members = 2;
  GroupPlayer p(small);
  for (int i = 1; i <= 3; ++i) {
    auto event = p.request("");
    event.require_known_member_id = true;
    EXPECT_EQ(p.join(std::move(event)).find("MEMBER_ID_REQUIRED") != std::string::npos, i <= 2);
  }
}

// --- Static members ---

void stabilize_static(GroupPlayer& p) {  // new1 is instance a and leads, new2 is instance b
  p.join_static("a");
  p.join_static("b");
  p.wait(0);
  p.sync("new2", 1);
  p.sync("new1", 1, {{"new1", "x"}, {"new2", "y"}});
  p.stored(1);
}

TEST(Group, AStaticMemberComesBackWithoutARebalance) {
  GroupPlayer p(limits(0));
  stabilize_static(p);
  EXPECT_EQ(p.join_static("b"), "store 2 new1='x' new5='y'");
  EXPECT_EQ(p.stored(2), "join 5 as new5 gen 1 range leader new1");
  EXPECT_EQ(p.state(), "Stable");
  EXPECT_EQ(p.sync("new5", 1), "sync 6 gets 'y'");
  EXPECT_EQ(p.heartbeat("new2", 1, "b"), "FENCED_INSTANCE_ID");
  EXPECT_EQ(p.commit("new2", 1, false, "b"), "FENCED_INSTANCE_ID");
  EXPECT_EQ(p.leave("new2", "b"), "FENCED_INSTANCE_ID");
  EXPECT_EQ(p.heartbeat("new5", 1, "b"), "NONE");
}

TEST(Group, AStaticLeaderThatComesBackIsToldNotToAssign) {
  GroupPlayer p(limits(0));
  stabilize_static(p);
  EXPECT_EQ(p.join_static("a"), "store 2 new2='y' new5='x'");
  EXPECT_EQ(p.stored(2), "join 5 as new5 gen 1 range leader new1");  // not its own id
  EXPECT_EQ(p.join_static("a", "", "range", true), "store 3 new2='y' new6='x'");
  EXPECT_EQ(p.stored(3), "join 6 as new6 gen 1 range leader new6 skip [new2] [new6]");
}

TEST(Group, AStaticMemberWhoseChangeIsNotStoredStaysWhoItWas) {
  GroupPlayer p(limits(0));
  stabilize_static(p);
  EXPECT_EQ(p.join_static("b"), "store 2 new1='x' new5='y'");
  EXPECT_EQ(p.stored(2, ErrorCode::kNotCoordinator), "join 5 NOT_COORDINATOR");
  EXPECT_EQ(p.heartbeat("new2", 1, "b"), "NONE");
}

TEST(Group, AStaticMemberThatChangesTheProtocolCausesARebalance) {
  GroupPlayer p(limits(0));
  p.join_static("a", "", "range sticky");
  p.wait(0);
  p.sync("new1", 1);
  p.stored(1);
  EXPECT_EQ(p.join_static("a", "", "sticky range"),
            "join 3 as new3 gen 2 sticky leader new3 [new3]");
}

TEST(Group, AStaticMemberThatComesBackWhileOthersSyncCausesARebalance) {
  GroupPlayer p(limits(0));
  p.join_static("a");
  p.join_static("b");
  p.wait(0);
  p.sync("new2", 1);
  EXPECT_EQ(p.join_static("a"), "sync 3 REBALANCE_IN_PROGRESS");
  EXPECT_EQ(p.state(), "PreparingRebalance");
}

TEST(Group, ADoubleFencesTheFirst) {
  GroupPlayer p(limits(3000));
  p.join_static("a");
  EXPECT_EQ(p.join_static("a"), "join 1 FENCED_INSTANCE_ID as new1");
  EXPECT_EQ(p.wait(3000), "join 2 as new2 gen 1 range leader new2 [new2]");
  EXPECT_EQ(p.join_static("a", "new1"), "join 3 FENCED_INSTANCE_ID as new1");
  EXPECT_EQ(p.join_static("unheard", "new2"), "join 4 UNKNOWN_MEMBER_ID as new2");
}

TEST(Group, StaticMembersKeepTheirPlaceUntilTheirSessionsEnd) {
  GroupPlayer p(limits(0));
  stabilize_static(p);
  EXPECT_EQ(p.join_static("a", "new1"), "");
  EXPECT_EQ(p.state(), "PreparingRebalance");
  // The session of b ends before the rebalance does.
  EXPECT_EQ(p.wait(10'000), "join 5 as new1 gen 2 range leader new1 [new1]");
}

TEST(Group, AnAdministratorRemovesAnInstance) {
  GroupPlayer p(limits(0));
  stabilize_static(p);
  EXPECT_EQ(p.leave("", "b"), "NONE");
  EXPECT_EQ(p.state(), "PreparingRebalance");
  EXPECT_EQ(p.heartbeat("new2", 1, "b"), "UNKNOWN_MEMBER_ID");
}

TEST(Group, AnIdGivenOutIsNoStaticMembers) {
  GroupPlayer p(limits(0));
  auto event = p.request("");
  event.require_known_member_id = true;
  p.join(std::move(event));
  EXPECT_EQ(p.join_static("a", "new1"), "join 2 UNKNOWN_MEMBER_ID as new1");
}

}  // namespace
}  // namespace barnabas::coordinator
