// Groups of the consumer protocol in the coordinator, over a log in memory and virtual time: what
// is answered when, what survives, and groups that go from one protocol to the other.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/random.h"
#include "barnabas/coordinator/group_coordinator.h"
#include "memory_log.h"
#include "support/manual_executor.h"
#include "table_topics.h"

namespace barnabas::coordinator {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kGroup = "g";
constexpr std::int16_t kNoAnswer = 999;

constexpr std::int16_t code(ErrorCode error) {
  return static_cast<std::int16_t>(error);
}

// A subscription to "t", version 1, without partitions.
ByteVector subscription() {
  ByteVector bytes;
  for (const int byte : {0, 1, 0, 0, 0, 1, 0, 1, int{'t'}, -1, -1, -1, -1, 0, 0, 0, 0}) {
    bytes.push_back(static_cast<std::byte>(byte));
  }
  return bytes;
}

class ConsumerCoordinatorTest : public ::testing::Test {
 protected:
  ConsumerCoordinatorTest() {
    options.initial_rebalance_delay_ms = 0;
    topics.set("t", 2);
    restart();
  }

  // As after kill -9: all that is left is the log.
  void restart() {
    coordinator.reset();
    coordinator = GroupCoordinator::make(options, {home, disk, time, *random, log, topics});
    coordinator->start();
    partition = coordinator->partition_for(kGroup);
    coordinator->elected(partition, LeaderEpoch(1));
    time.run_all();
  }

  using Beat = std::shared_ptr<protocol::ConsumerGroupHeartbeatResponse>;
  Beat beat(const std::string& member, std::int32_t epoch, bool owns_nothing = false) {
    protocol::ConsumerGroupHeartbeatRequest request;
    request.group_id = kGroup;
    request.member_id = member;
    request.member_epoch = epoch;
    if (epoch == 0) {
      request.rebalance_timeout_ms = 60000;
      request.subscribed_topic_names = {"t"};
    }
    if (epoch == 0 || owns_nothing) {
      request.topic_partitions.emplace();
    }
    auto answer = std::make_shared<protocol::ConsumerGroupHeartbeatResponse>();
    answer->error_code = kNoAnswer;
    coordinator->consumer_heartbeat({"client", "/127.0.0.1"}, std::move(request),
                                    [answer](auto response) { *answer = std::move(response); });
    time.run_all();
    return answer;
  }

  protocol::ConsumerGroupDescribeResponse::DescribedGroup describe() {
    protocol::ConsumerGroupDescribeResponse::DescribedGroup result;
    coordinator->describe_consumer_groups(
        {kGroup}, [&](auto response) { result = std::move(response.groups.at(0)); });
    time.run_all();
    return result;
  }

  std::int32_t epoch_of(const std::string& id) {
    for (const auto& member : describe().members) {
      if (member.member_id == id) {
        return member.member_epoch;
      }
    }
    return kNoAnswer;
  }

  // "consumer Stable", or "" where it is not listed.
  std::string listed() {
    std::string result;
    coordinator->list_groups({}, [&](const protocol::ListGroupsResponse& response) {
      for (const auto& group : response.groups) {
        result += group.group_type + " " + group.group_state;
      }
    });
    time.run_all();
    return result;
  }

  using Joined = std::shared_ptr<protocol::JoinGroupResponse>;
  Joined join(const std::string& member = "", const std::string& protocol = "range") {
    protocol::JoinGroupRequest request;
    request.group_id = kGroup;
    request.member_id = member;
    request.session_timeout_ms = 10000;
    request.rebalance_timeout_ms = 60000;
    request.protocol_type = "consumer";
    auto& one = request.protocols.emplace_back();
    one.name = protocol;
    one.metadata = subscription();
    auto answer = std::make_shared<protocol::JoinGroupResponse>();
    answer->error_code = kNoAnswer;
    coordinator->join_group({"client", "/127.0.0.1"}, std::move(request), 3,
                            [answer](auto response) { *answer = std::move(response); });
    time.run_all();
    return answer;
  }
  std::shared_ptr<protocol::SyncGroupResponse> sync(const std::string& member,
                                                    std::int32_t generation, bool leads = false) {
    protocol::SyncGroupRequest request;
    request.group_id = kGroup;
    request.member_id = member;
    request.generation_id = generation;
    if (leads) {
      request.assignments.emplace_back().member_id = member;
    }
    auto answer = std::make_shared<protocol::SyncGroupResponse>();
    answer->error_code = kNoAnswer;
    coordinator->sync_group(std::move(request),
                            [answer](auto response) { *answer = std::move(response); });
    time.run_all();
    return answer;
  }
  ErrorCode heartbeat(const std::string& member, std::int32_t generation) {
    protocol::HeartbeatRequest request;
    request.group_id = kGroup;
    request.member_id = member;
    request.generation_id = generation;
    ErrorCode error = ErrorCode::kUnknownServerError;
    coordinator->heartbeat(std::move(request), [&](const protocol::HeartbeatResponse& response) {
      error = static_cast<ErrorCode>(response.error_code);
    });
    time.run_all();
    return error;
  }
  // A classic group of one member that has its assignment; the member's id.
  std::string classic() {
    const auto joined = join();
    sync(joined->member_id, joined->generation_id, true);
    return joined->member_id;
  }

  ErrorCode commit(const std::string& member, std::int32_t epoch) {
    protocol::OffsetCommitRequest request;
    request.group_id = kGroup;
    request.generation_id_or_member_epoch = epoch;
    request.member_id = member;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.emplace_back().committed_offset = 5;
    ErrorCode error = ErrorCode::kUnknownServerError;
    coordinator->commit_offsets(std::move(request), std::nullopt, [&](const auto& response) {
      error = static_cast<ErrorCode>(response.topics.at(0).partitions.at(0).error_code);
    });
    time.run_all();
    return error;
  }
  ErrorCode delete_group() {
    ErrorCode error = ErrorCode::kUnknownServerError;
    coordinator->delete_groups({kGroup}, [&](const protocol::DeleteGroupsResponse& response) {
      error = static_cast<ErrorCode>(response.results.at(0).error_code);
    });
    time.run_all();
    return error;
  }

  testing::ManualTime time;
  testing::ManualExecutor home{time};
  testing::ManualExecutor disk{time};
  std::unique_ptr<Random> random = make_seeded_random(1);
  MemoryLog log{home};
  TableTopics topics;
  GroupOptions options;
  PartitionId partition{0};
  std::unique_ptr<GroupCoordinator> coordinator;
};

TEST_F(ConsumerCoordinatorTest, AMemberIsAnsweredWhenItIsInTheLog) {
  log.hold = true;
  const Beat first = beat("a", 0);
  const Beat second = beat("b", 0);
  const Beat third = beat("a", 1);
  EXPECT_EQ(first->error_code, kNoAnswer);
  EXPECT_EQ(describe().group_state, "Empty");
  log.release();
  time.run_all();
  EXPECT_EQ(first->error_code, 0);
  EXPECT_EQ(first->member_epoch, 1);
  EXPECT_EQ(second->error_code, kNoAnswer);  // after the first, and written then
  log.release();
  time.run_all();
  EXPECT_EQ(second->member_epoch, 2);
  log.release();
  time.run_all();
  EXPECT_EQ(third->error_code, 0);
  EXPECT_EQ(third->assignment->topic_partitions.at(0).partitions.size(), 1U);
}

TEST_F(ConsumerCoordinatorTest, AMemberGetsAnIdWhereItHasNone) {
  const Beat joined = beat("", 0);
  EXPECT_EQ(joined->error_code, 0);
  EXPECT_EQ(joined->member_id.value().size(), 22U);
  EXPECT_EQ(describe().members.at(0).member_id, *joined->member_id);
}

TEST_F(ConsumerCoordinatorTest, WhatCannotBeWrittenHasNotHappened) {
  log.refuse = ErrorCode::kNotEnoughReplicas;
  EXPECT_EQ(beat("a", 0)->error_code, code(ErrorCode::kCoordinatorNotAvailable));
  EXPECT_EQ(listed(), "");
  EXPECT_EQ(describe().error_code, code(ErrorCode::kGroupIdNotFound));
  log.refuse = ErrorCode::kNone;
  EXPECT_EQ(beat("a", 0)->member_epoch, 1);
  log.refuse = ErrorCode::kMessageTooLarge;
  EXPECT_EQ(beat("b", 0)->error_code, code(ErrorCode::kUnknownServerError));
  log.refuse = ErrorCode::kNone;
  EXPECT_EQ(describe().group_epoch, 1);
  EXPECT_EQ(describe().members.size(), 1U);
  EXPECT_EQ(beat("a", 1)->error_code, 0);
}

// Its replicas have not confirmed it, but it stands in the log: it holds, and the member asks
// again.
TEST_F(ConsumerCoordinatorTest, WhatWasConfirmedTooLateHolds) {
  log.refuse = ErrorCode::kRequestTimedOut;
  EXPECT_EQ(beat("a", 0)->error_code, code(ErrorCode::kCoordinatorNotAvailable));
  log.refuse = ErrorCode::kNone;
  EXPECT_EQ(describe().members.size(), 1U);
}

TEST_F(ConsumerCoordinatorTest, SurvivesARestart) {
  beat("a", 0);
  beat("b", 0);
  beat("a", 1);
  const auto before = describe();
  restart();
  EXPECT_EQ(describe(), before);
  EXPECT_EQ(listed(), "consumer Reconciling");
  EXPECT_EQ(beat("a", 1, true)->member_epoch, 2);
  EXPECT_EQ(beat("b", 2)->error_code, 0);
  EXPECT_EQ(listed(), "consumer Stable");
}

TEST_F(ConsumerCoordinatorTest, SilentMembersAreFencedAlsoAfterARestart) {
  beat("a", 0);
  beat("b", 0);
  time.advance(seconds(44));
  EXPECT_EQ(beat("a", 1, true)->error_code, 0);
  time.advance(seconds(2));
  ASSERT_EQ(describe().members.size(), 1U);
  EXPECT_EQ(describe().members[0].member_id, "a");
  restart();
  time.advance(seconds(44));
  EXPECT_EQ(describe().members.size(), 1U);
  time.advance(seconds(2));
  EXPECT_EQ(describe().members.size(), 0U);
  EXPECT_EQ(listed(), "consumer Empty");
}

TEST_F(ConsumerCoordinatorTest, FencingIsTriedAgain) {
  beat("a", 0);
  log.refuse = ErrorCode::kNotEnoughReplicas;
  time.advance(seconds(60));
  EXPECT_EQ(describe().members.size(), 1U);
  log.refuse = ErrorCode::kNone;
  time.advance(seconds(1));
  EXPECT_EQ(describe().members.size(), 0U);
}

TEST_F(ConsumerCoordinatorTest, WhoWaitsIsToldWhenThePartitionLeaves) {
  log.hold = true;
  beat("a", 0);
  const Beat waiting = beat("b", 0);
  const Joined joining = join();
  coordinator->resigned(partition, LeaderEpoch(1));
  time.run_all();
  EXPECT_EQ(waiting->error_code, code(ErrorCode::kNotCoordinator));
  EXPECT_EQ(joining->error_code, code(ErrorCode::kNotCoordinator));
  log.release();
  time.run_all();
}

TEST_F(ConsumerCoordinatorTest, IsNotOfferedWhereItIsSwitchedOff) {
  options.consumer.enabled = false;
  restart();
  EXPECT_EQ(beat("a", 0)->error_code, code(ErrorCode::kUnsupportedVersion));
  EXPECT_EQ(describe().error_code, code(ErrorCode::kUnsupportedVersion));
}

TEST_F(ConsumerCoordinatorTest, AnEmptyGroupIsDeletedWholly) {
  beat("a", 0);
  EXPECT_EQ(commit("a", 1), ErrorCode::kNone);
  EXPECT_EQ(commit("a", 0), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(delete_group(), ErrorCode::kNonEmptyGroup);
  beat("a", -1);
  EXPECT_EQ(delete_group(), ErrorCode::kNone);
  EXPECT_EQ(listed(), "");
  restart();
  EXPECT_EQ(listed(), "");
  EXPECT_EQ(delete_group(), ErrorCode::kGroupIdNotFound);
}

TEST_F(ConsumerCoordinatorTest, AnEmptyGroupGoesWithItsLastOffset) {
  beat("a", 0);
  commit("a", 1);
  beat("a", -1);
  time.advance(milliseconds(options.offsets_retention_ms) - hours(1));
  EXPECT_EQ(listed(), "consumer Empty");
  time.advance(hours(2));
  EXPECT_EQ(listed(), "");
}

// --- From one protocol to the other ---

TEST_F(ConsumerCoordinatorTest, AClassicGroupIsUpgradedAndSurvives) {
  const std::string old = classic();
  EXPECT_EQ(listed(), "classic Stable");
  const Beat joined = beat("n", 0);
  EXPECT_EQ(joined->error_code, 0);
  EXPECT_EQ(joined->member_epoch, 2);
  EXPECT_EQ(listed(), "consumer Reconciling");
  EXPECT_EQ(heartbeat(old, 1), ErrorCode::kRebalanceInProgress);
  restart();
  EXPECT_EQ(heartbeat(old, 1), ErrorCode::kRebalanceInProgress);
  const auto again = join(old);
  EXPECT_EQ(again->generation_id, 2);
  EXPECT_EQ(sync(old, 2)->error_code, 0);
  EXPECT_EQ(heartbeat(old, 2), ErrorCode::kNone);
  EXPECT_EQ(sync("n", 2)->error_code, code(ErrorCode::kUnknownMemberId));
  EXPECT_EQ(describe().members.size(), 2U);
}

TEST_F(ConsumerCoordinatorTest, AnUpgradeThatCannotBeWrittenHasNotHappened) {
  const std::string old = classic();
  log.refuse = ErrorCode::kNotEnoughReplicas;
  EXPECT_EQ(beat("n", 0)->error_code, code(ErrorCode::kCoordinatorNotAvailable));
  log.refuse = ErrorCode::kNone;
  EXPECT_EQ(listed(), "classic Stable");
  EXPECT_EQ(heartbeat(old, 1), ErrorCode::kNone);
  time.advance(seconds(11));
  EXPECT_EQ(listed(), "classic Empty");
}

TEST_F(ConsumerCoordinatorTest, WhoWaitsForTheOthersIsToldToJoinAnew) {
  const std::string old = classic();
  const Joined waiting = join();  // for the other to join, too
  EXPECT_EQ(waiting->error_code, kNoAnswer);
  EXPECT_EQ(beat("n", 0)->error_code, 0);
  EXPECT_EQ(waiting->error_code, code(ErrorCode::kRebalanceInProgress));
  EXPECT_EQ(describe().members.size(), 3U);
}

TEST_F(ConsumerCoordinatorTest, ThePolicyDecides) {
  options.consumer.allow_upgrade = false;
  restart();
  const std::string old = classic();
  EXPECT_EQ(beat("n", 0)->error_code, code(ErrorCode::kGroupIdNotFound));
  EXPECT_EQ(heartbeat(old, 1), ErrorCode::kNone);

  options.consumer.allow_upgrade = true;
  options.consumer.allow_downgrade = false;
  restart();
  EXPECT_EQ(beat("n", 0)->error_code, 0);
  beat("n", -1);
  EXPECT_EQ(listed(), "consumer Assigning");
}

TEST_F(ConsumerCoordinatorTest, GroupsOfOthersAreNotUpgraded) {
  protocol::JoinGroupRequest request;
  request.group_id = kGroup;
  request.session_timeout_ms = 10000;
  request.rebalance_timeout_ms = 60000;
  request.protocol_type = "connect";
  request.protocols.emplace_back().name = "x";
  coordinator->join_group({"client", "/127.0.0.1"}, std::move(request), 3, [](const auto&) {});
  time.run_all();
  EXPECT_EQ(beat("n", 0)->error_code, code(ErrorCode::kGroupIdNotFound));
}

TEST_F(ConsumerCoordinatorTest, TheLastOfTheNewMembersLeavesAClassicGroup) {
  const std::string old = classic();
  beat("n", 0);
  beat("n", -1);
  EXPECT_EQ(listed(), "classic PreparingRebalance");
  EXPECT_EQ(heartbeat(old, 2), ErrorCode::kRebalanceInProgress);
  const auto joined = join(old);
  EXPECT_EQ(joined->error_code, 0);
  EXPECT_EQ(joined->generation_id, 3);
  EXPECT_EQ(joined->leader, old);
  EXPECT_EQ(sync(old, 3, true)->error_code, 0);
  EXPECT_EQ(describe().error_code, code(ErrorCode::kGroupIdNotFound));
  restart();
  EXPECT_EQ(listed(), "classic Stable");
  EXPECT_EQ(heartbeat(old, 3), ErrorCode::kNone);
}

TEST_F(ConsumerCoordinatorTest, ASilentLastMemberLeavesAClassicGroupToo) {
  options.consumer.session_timeout_ms = 5000;
  restart();
  const std::string old = classic();
  beat("n", 0);
  const auto joined = join(old);
  sync(old, joined->generation_id);
  time.advance(seconds(6));
  EXPECT_EQ(listed(), "classic PreparingRebalance");
}

TEST_F(ConsumerCoordinatorTest, EmptyGroupsTakeWhoeverComes) {
  beat("n", 0);
  beat("n", -1);
  EXPECT_EQ(listed(), "consumer Empty");
  EXPECT_EQ(join("x")->error_code, code(ErrorCode::kUnknownMemberId));
  const std::string old = classic();
  EXPECT_EQ(listed(), "classic Stable");
  restart();
  EXPECT_EQ(listed(), "classic Stable");
  time.advance(seconds(11));
  EXPECT_EQ(listed(), "classic Empty");
  EXPECT_EQ(beat("n", 0)->member_epoch, 1);
  restart();
  EXPECT_EQ(listed(), "consumer Stable");
}

TEST_F(ConsumerCoordinatorTest, ClassicMembersHaveToSyncAndToJoinInTime) {
  beat("n", 0);
  const auto joined = join();
  ASSERT_EQ(joined->error_code, 0);
  for (int i = 0; i < 8; ++i) {  // it reports, but does not sync
    time.advance(seconds(7));
    heartbeat(joined->member_id, joined->generation_id);
    beat("n", epoch_of("n"), true);
  }
  EXPECT_EQ(describe().members.size(), 2U);
  time.advance(seconds(5));
  EXPECT_EQ(describe().members.size(), 1U);
}

}  // namespace
}  // namespace barnabas::coordinator
