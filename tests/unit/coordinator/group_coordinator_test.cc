// The coordinator over a log in memory and virtual time: loading, committing, expiring, leaving.
#include "barnabas/coordinator/group_coordinator.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/random.h"
#include "memory_log.h"
#include "support/manual_executor.h"
#include "table_topics.h"

namespace barnabas::coordinator {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kGroup = "g";
const TopicPartition kPartition{"topic", PartitionId(0)};

class GroupCoordinatorTest : public ::testing::Test {
 protected:
  GroupCoordinatorTest() { make(); }

  void make() {
    coordinator.reset();
    coordinator = GroupCoordinator::make(options(), {home, disk, time, *random, log, topics});
    coordinator->start();
    partition = coordinator->partition_for(kGroup);
  }
  static GroupOptions options() {
    GroupOptions result;
    result.initial_rebalance_delay_ms = 0;
    result.load_buffer_bytes = 1;  // batch by batch
    return result;
  }

  void elect(std::int32_t epoch = 1) {
    coordinator->elected(partition, LeaderEpoch(epoch));
    time.run_all();
  }
  // As after kill -9: all that is left is the log.
  void restart() {
    make();
    elect();
  }

  struct Answer {
    bool came = false;
    ErrorCode error = ErrorCode::kNone;
  };
  std::shared_ptr<Answer> commit(std::int64_t offset, std::optional<ProducerId> producer = {},
                                 const std::string& group = kGroup, std::int32_t generation = -1,
                                 const std::string& member = "") {
    protocol::OffsetCommitRequest request;
    request.group_id = group;
    request.generation_id_or_member_epoch = generation;
    request.member_id = member;
    auto& topic = request.topics.emplace_back();
    topic.name = kPartition.topic;
    auto& entry = topic.partitions.emplace_back();
    entry.committed_offset = offset;
    entry.committed_leader_epoch = 7;
    entry.committed_metadata = "note";
    auto answer = std::make_shared<Answer>();
    std::optional<TransactionalProducer> transaction;
    if (producer) {
      transaction = TransactionalProducer{*producer, ProducerEpoch(0)};
    }
    coordinator->commit_offsets(
        std::move(request), transaction, [answer](const protocol::OffsetCommitResponse& response) {
          answer->came = true;
          answer->error = static_cast<ErrorCode>(response.topics.at(0).partitions.at(0).error_code);
        });
    time.run_all();
    return answer;
  }

  struct Fetched {
    ErrorCode group_error = ErrorCode::kNone;
    ErrorCode error = ErrorCode::kNone;
    std::int64_t offset = -1;
    std::string metadata;
  };
  Fetched fetch(bool require_stable = false, const std::string& group = kGroup) {
    GroupCoordinator::OffsetFetchGroup asked;
    asked.group_id = group;
    auto& topic = asked.topics.emplace().emplace_back();
    topic.name = kPartition.topic;
    topic.partition_indexes = {0};
    Fetched result;
    coordinator->fetch_offsets({asked}, require_stable, [&](const auto& groups) {
      result.group_error = static_cast<ErrorCode>(groups.at(0).error_code);
      if (!groups[0].topics.empty()) {
        const auto& found = groups[0].topics.at(0).partitions.at(0);
        result.error = static_cast<ErrorCode>(found.error_code);
        result.offset = found.committed_offset;
        result.metadata = found.metadata.value_or("(null)");
      }
    });
    time.run_all();
    return result;
  }

  std::shared_ptr<protocol::JoinGroupResponse> join(const std::string& member = "",
                                                    std::int16_t version = 3,
                                                    std::int32_t session_ms = 10000) {
    protocol::JoinGroupRequest request;
    request.group_id = kGroup;
    request.member_id = member;
    request.session_timeout_ms = session_ms;
    request.rebalance_timeout_ms = 60000;
    request.protocol_type = "consumer";
    request.protocols.emplace_back().name = "range";
    auto answer = std::make_shared<protocol::JoinGroupResponse>();
    answer->error_code = kNoAnswer;
    coordinator->join_group({"client", "/127.0.0.1"}, std::move(request), version,
                            [answer](protocol::JoinGroupResponse response) { *answer = response; });
    time.run_all();
    return answer;
  }
  std::shared_ptr<protocol::SyncGroupResponse> sync(const std::string& member,
                                                    std::int32_t generation) {
    protocol::SyncGroupRequest request;
    request.group_id = kGroup;
    request.member_id = member;
    request.generation_id = generation;
    auto& one = request.assignments.emplace_back();
    one.member_id = member;
    one.assignment = ByteVector(3, std::byte{9});
    auto answer = std::make_shared<protocol::SyncGroupResponse>();
    answer->error_code = kNoAnswer;
    coordinator->sync_group(std::move(request),
                            [answer](protocol::SyncGroupResponse response) { *answer = response; });
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
  protocol::DescribeGroupsResponse::DescribedGroup describe() {
    protocol::DescribeGroupsResponse::DescribedGroup result;
    coordinator->describe_groups({kGroup}, [&](const protocol::DescribeGroupsResponse& response) {
      result = response.groups.at(0);
    });
    time.run_all();
    return result;
  }
  ErrorCode delete_group() {
    ErrorCode error = ErrorCode::kUnknownServerError;
    coordinator->delete_groups({kGroup}, [&](const protocol::DeleteGroupsResponse& response) {
      error = static_cast<ErrorCode>(response.results.at(0).error_code);
    });
    time.run_all();
    return error;
  }

  static constexpr std::int16_t kNoAnswer = 999;

  testing::ManualTime time;
  testing::ManualExecutor home{time};
  testing::ManualExecutor disk{time};
  std::unique_ptr<Random> random = make_seeded_random(1);
  MemoryLog log{home};
  TableTopics topics;
  PartitionId partition{0};
  std::unique_ptr<GroupCoordinator> coordinator;
};

TEST_F(GroupCoordinatorTest, ServesWhatItLeads) {
  EXPECT_EQ(commit(5)->error, ErrorCode::kNotCoordinator);
  EXPECT_EQ(fetch().group_error, ErrorCode::kNotCoordinator);
  EXPECT_EQ(heartbeat("x", 1), ErrorCode::kNotCoordinator);
  elect();
  EXPECT_EQ(commit(5)->error, ErrorCode::kNone);
  EXPECT_EQ(fetch().offset, 5);
  EXPECT_EQ(fetch().metadata, "note");
  EXPECT_EQ(fetch(false, "unknown").offset, -1);
  coordinator->resigned(partition, LeaderEpoch(1));
  EXPECT_EQ(fetch().group_error, ErrorCode::kNotCoordinator);
}

TEST_F(GroupCoordinatorTest, OldEpochsAreNotHeard) {
  elect(5);
  commit(5);
  coordinator->resigned(partition, LeaderEpoch(4));
  elect(4);
  EXPECT_EQ(fetch().offset, 5);
  elect(6);  // loaded anew
  EXPECT_EQ(fetch().offset, 5);
}

TEST_F(GroupCoordinatorTest, WhileItLoadsNobodyTakesMissingOffsetsForNone) {
  elect();
  commit(5);
  make();
  log.refuse_read = ErrorCode::kKafkaStorageError;
  coordinator->elected(partition, LeaderEpoch(1));
  time.run_all();
  EXPECT_EQ(fetch().group_error, ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(commit(6)->error, ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(heartbeat("x", 1), ErrorCode::kNone);
  EXPECT_EQ(sync("x", 1)->error_code, static_cast<int>(ErrorCode::kRebalanceInProgress));
  log.refuse_read = ErrorCode::kNone;
  time.advance(seconds(2));
  EXPECT_EQ(fetch().offset, 5);
}

TEST_F(GroupCoordinatorTest, CommitsSurviveARestart) {
  elect();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(commit(i)->error, ErrorCode::kNone);
  }
  restart();
  EXPECT_EQ(fetch().offset, 19);
  EXPECT_EQ(fetch().metadata, "note");
  EXPECT_GE(log.reads, 20);  // in the chunks that offsets.load.buffer.size allows
}

TEST_F(GroupCoordinatorTest, ACommitIsAnsweredWhenItIsReplicated) {
  elect();
  commit(1);
  log.hold = true;
  const auto answer = commit(2);
  EXPECT_FALSE(answer->came);
  EXPECT_EQ(fetch().offset, 1);
  EXPECT_EQ(fetch(true).error, ErrorCode::kUnstableOffsetCommit);
  log.release();
  time.run_all();
  EXPECT_TRUE(answer->came);
  EXPECT_EQ(fetch(true).offset, 2);
}

TEST_F(GroupCoordinatorTest, ACommitThatCannotBeWrittenDoesNotHold) {
  elect();
  commit(1);
  const std::vector<std::pair<ErrorCode, ErrorCode>> errors{
      {ErrorCode::kNotEnoughReplicas, ErrorCode::kCoordinatorNotAvailable},
      {ErrorCode::kNotLeaderOrFollower, ErrorCode::kNotCoordinator},
      {ErrorCode::kKafkaStorageError, ErrorCode::kNotCoordinator},
      {ErrorCode::kMessageTooLarge, ErrorCode::kInvalidCommitOffsetSize},
      {ErrorCode::kRequestTimedOut, ErrorCode::kRequestTimedOut}};
  for (const auto& [written, heard] : errors) {
    log.refuse = written;
    EXPECT_EQ(commit(2)->error, heard);
  }
  EXPECT_EQ(fetch(true).offset, 1);
}

TEST_F(GroupCoordinatorTest, AGroupForms) {
  elect();
  const auto required = join("", 4);
  EXPECT_EQ(required->error_code, static_cast<int>(ErrorCode::kMemberIdRequired));
  EXPECT_EQ(required->member_id.substr(0, 7), "client-");
  EXPECT_EQ(required->member_id.size(), 7U + 36U);
  const auto joined = join(required->member_id, 4);
  EXPECT_EQ(joined->error_code, 0);
  EXPECT_EQ(joined->generation_id, 1);
  EXPECT_EQ(joined->leader, joined->member_id);
  const auto synced = sync(joined->member_id, 1);
  EXPECT_EQ(synced->assignment.size(), 3U);
  const auto described = describe();
  EXPECT_EQ(described.group_state, "Stable");
  EXPECT_EQ(described.protocol_data, "range");
  EXPECT_EQ(described.members.at(0).client_host, "/127.0.0.1");
  EXPECT_EQ(heartbeat(joined->member_id, 1), ErrorCode::kNone);
}

TEST_F(GroupCoordinatorTest, AGroupSurvivesARestart) {
  elect();
  const auto joined = join();
  sync(joined->member_id, 1);
  commit(3, {}, kGroup, 1, joined->member_id);
  restart();
  EXPECT_EQ(describe().group_state, "Stable");
  EXPECT_EQ(heartbeat(joined->member_id, 1), ErrorCode::kNone);
  EXPECT_EQ(sync(joined->member_id, 1)->assignment.size(), 3U);
  EXPECT_EQ(fetch().offset, 3);
  time.advance(seconds(11));  // nobody reports: it empties
  EXPECT_EQ(describe().group_state, "Empty");
  restart();
  EXPECT_EQ(describe().group_state, "Empty");
  EXPECT_EQ(fetch().offset, 3);
}

TEST_F(GroupCoordinatorTest, SessionTimeoutsHaveBounds) {
  elect();
  EXPECT_EQ(join("", 3, 5999)->error_code, static_cast<int>(ErrorCode::kInvalidSessionTimeout));
  EXPECT_EQ(join("", 3, 1800001)->error_code, static_cast<int>(ErrorCode::kInvalidSessionTimeout));
  EXPECT_EQ(join("", 3, 6000)->error_code, 0);
}

TEST_F(GroupCoordinatorTest, WhoWaitsIsAnsweredWhenThePartitionLeaves) {
  elect();
  const auto first = join();
  sync(first->member_id, 1);
  const auto second = join();
  EXPECT_EQ(second->error_code, kNoAnswer);
  coordinator->resigned(partition, LeaderEpoch(1));
  time.run_all();
  EXPECT_EQ(second->error_code, static_cast<int>(ErrorCode::kNotCoordinator));
}

TEST_F(GroupCoordinatorTest, StopAnswersEverybody) {
  elect();
  const auto first = join();
  sync(first->member_id, 1);
  const auto second = join();
  coordinator->stop();
  time.run_all();
  EXPECT_EQ(second->error_code, static_cast<int>(ErrorCode::kNotCoordinator));
  EXPECT_EQ(commit(1)->error, ErrorCode::kCoordinatorNotAvailable);
}

TEST_F(GroupCoordinatorTest, ADeletedGroupIsGoneForGood) {
  elect();
  EXPECT_EQ(delete_group(), ErrorCode::kGroupIdNotFound);
  const auto joined = join();
  sync(joined->member_id, 1);
  commit(3, {}, kGroup, 1, joined->member_id);
  EXPECT_EQ(delete_group(), ErrorCode::kNonEmptyGroup);
  time.advance(seconds(80));
  EXPECT_EQ(delete_group(), ErrorCode::kNone);
  EXPECT_EQ(log.count(partition).tombstones, 2);  // the group and its offset
  EXPECT_EQ(describe().group_state, "Dead");
  restart();
  EXPECT_EQ(describe().group_state, "Dead");
  EXPECT_EQ(fetch().offset, -1);
}

TEST_F(GroupCoordinatorTest, OffsetsGoWithTheirTopicAndGroupsWithTheirLastOffset) {
  elect();
  commit(3);
  coordinator->partitions_deleted({{"another", PartitionId(0)}});
  time.run_all();
  EXPECT_EQ(fetch().offset, 3);
  coordinator->partitions_deleted({kPartition, {kPartition.topic, PartitionId(1)}});
  time.run_all();
  EXPECT_EQ(fetch().offset, -1);
  EXPECT_EQ(describe().group_state, "Dead");
  EXPECT_EQ(log.count(partition).tombstones, 1);
  const auto joined = join();
  sync(joined->member_id, 1);
  commit(5, {}, kGroup, 1, joined->member_id);
  coordinator->partitions_deleted({kPartition});
  time.run_all();
  EXPECT_EQ(fetch().offset, -1);
  EXPECT_EQ(describe().group_state, "Stable");  // its members are there
}

TEST_F(GroupCoordinatorTest, OffsetsOfSimpleConsumersExpire) {
  elect();
  commit(3);
  time.advance(hours(24 * 7 - 1));
  EXPECT_EQ(fetch().offset, 3);
  time.advance(hours(2));
  EXPECT_EQ(fetch().offset, -1);
  EXPECT_EQ(describe().group_state, "Dead");
  EXPECT_EQ(log.count(partition).tombstones, 1);
}

TEST_F(GroupCoordinatorTest, OffsetsOfAnEmptyGroupExpireFromWhenItBecameEmpty) {
  elect();
  const auto joined = join();
  sync(joined->member_id, 1);
  commit(3, {}, kGroup, 1, joined->member_id);
  for (int hour = 0; hour < 24 * 6; ++hour) {  // alive for most of the retention
    for (int i = 0; i < 120; ++i) {
      ASSERT_EQ(heartbeat(joined->member_id, 1), ErrorCode::kNone);
      time.advance(seconds(30) / 4);
    }
  }
  time.advance(seconds(80));  // it empties
  EXPECT_EQ(describe().group_state, "Empty");
  time.advance(hours(24 * 7 - 1));
  EXPECT_EQ(fetch().offset, 3);
  time.advance(hours(2));
  EXPECT_EQ(fetch().offset, -1);
  EXPECT_EQ(describe().group_state, "Dead");
}

TEST_F(GroupCoordinatorTest, TransactionalOffsetsHoldWhenTheyCommit) {
  elect();
  commit(1);
  EXPECT_EQ(commit(2, ProducerId(9))->error, ErrorCode::kNone);
  EXPECT_EQ(fetch().offset, 1);
  EXPECT_EQ(fetch(true).error, ErrorCode::kUnstableOffsetCommit);
  coordinator->complete_transaction(partition, ProducerId(9), true);
  EXPECT_EQ(fetch(true).offset, 2);
  commit(3, ProducerId(9));
  coordinator->complete_transaction(partition, ProducerId(9), false);
  EXPECT_EQ(fetch(true).offset, 2);
}

TEST_F(GroupCoordinatorTest, LoadingUnderstandsTransactions) {
  elect();
  commit(1);
  commit(2, ProducerId(9));
  log.put_marker(partition, ProducerId(9), true);
  commit(3, ProducerId(10));
  log.put_marker(partition, ProducerId(10), false);
  restart();
  EXPECT_EQ(fetch(true).offset, 2);
  commit(4, ProducerId(11));  // open when the broker dies
  restart();
  EXPECT_EQ(fetch().offset, 2);
  EXPECT_EQ(fetch(true).error, ErrorCode::kUnstableOffsetCommit);
  coordinator->complete_transaction(partition, ProducerId(11), true);
  EXPECT_EQ(fetch(true).offset, 4);
}

TEST_F(GroupCoordinatorTest, ALaterCommitOutsideATransactionHolds) {
  elect();
  commit(2, ProducerId(9));
  commit(5);
  coordinator->complete_transaction(partition, ProducerId(9), true);
  EXPECT_EQ(fetch().offset, 5);
  log.put_marker(partition, ProducerId(9), true);
  restart();
  EXPECT_EQ(fetch().offset, 5);
}

TEST_F(GroupCoordinatorTest, WhatCannotBeReadDoesNotKeepTheRestFromBeingServed) {
  elect();
  commit(1);
  record::BatchBuilder builder(record::BatchOptions{});
  const ByteVector unknown_key{std::byte{0}, std::byte{99}};
  const ByteVector broken_key{std::byte{0}, std::byte{1}, std::byte{0x7f}};
  builder.add(0, ByteView(unknown_key), std::nullopt);
  builder.add(0, ByteView(broken_key), std::nullopt);
  builder.add(0, std::nullopt, std::nullopt);
  ByteVector batch;
  ASSERT_TRUE(builder.finish(batch));
  log.put(partition, batch);
  batch.back() ^= std::byte{1};  // a wrong checksum
  log.put(partition, std::move(batch));
  restart();
  EXPECT_EQ(fetch().offset, 1);
}

TEST_F(GroupCoordinatorTest, MetadataOfAnOffsetIsBounded) {
  elect();
  protocol::OffsetCommitRequest request;
  request.group_id = kGroup;
  auto& topic = request.topics.emplace_back();
  topic.name = kPartition.topic;
  for (const std::size_t length : {4096U, 4097U}) {
    auto& entry = topic.partitions.emplace_back();
    entry.partition_index = static_cast<std::int32_t>(length);
    entry.committed_metadata = std::string(length, 'x');
  }
  std::vector<std::int16_t> errors;
  coordinator->commit_offsets(std::move(request), std::nullopt,
                              [&](const protocol::OffsetCommitResponse& response) {
                                for (const auto& one : response.topics.at(0).partitions) {
                                  errors.push_back(one.error_code);
                                }
                              });
  time.run_all();
  EXPECT_EQ(errors, (std::vector<std::int16_t>{
                        0, static_cast<std::int16_t>(ErrorCode::kOffsetMetadataTooLarge)}));
}

// Heartbeats of a stable group do not come home one by one; they count all the same.
TEST_F(GroupCoordinatorTest, AStableMemberLivesByItsHeartbeatsAndDiesWithoutThem) {
  elect();
  const auto joined = join();
  ASSERT_EQ(sync(joined->member_id, joined->generation_id)->error_code, 0);
  for (int i = 0; i < 10; ++i) {
    time.advance(seconds(4));
    ASSERT_EQ(heartbeat(joined->member_id, joined->generation_id), ErrorCode::kNone) << i;
  }
  EXPECT_EQ(describe().group_state, "Stable");
  time.advance(seconds(9));
  EXPECT_EQ(describe().group_state, "Stable");
  time.advance(seconds(2));
  EXPECT_EQ(describe().group_state, "Empty");
  EXPECT_EQ(heartbeat(joined->member_id, joined->generation_id), ErrorCode::kUnknownMemberId);
}

TEST_F(GroupCoordinatorTest, AStableMemberHearsOfARebalance) {
  elect();
  const auto first = join();
  ASSERT_EQ(sync(first->member_id, first->generation_id)->error_code, 0);
  ASSERT_EQ(heartbeat(first->member_id, first->generation_id), ErrorCode::kNone);
  ASSERT_EQ(heartbeat(first->member_id, first->generation_id + 1), ErrorCode::kIllegalGeneration);
  ASSERT_EQ(heartbeat("stranger", first->generation_id), ErrorCode::kUnknownMemberId);
  time.advance(seconds(8));
  ASSERT_EQ(heartbeat(first->member_id, first->generation_id), ErrorCode::kNone);
  const auto second = join();
  EXPECT_EQ(second->error_code, kNoAnswer) << "it waits for the first";
  time.advance(seconds(5));  // since its last heartbeat alone
  EXPECT_EQ(heartbeat(first->member_id, first->generation_id), ErrorCode::kRebalanceInProgress);
  const auto again = join(first->member_id);
  EXPECT_EQ(again->error_code, 0);
  EXPECT_EQ(again->generation_id, first->generation_id + 1);
  EXPECT_EQ(second->generation_id, again->generation_id);
}

TEST_F(GroupCoordinatorTest, AHeartbeatAfterTheCoordinatorHasMovedIsTold) {
  elect();
  const auto joined = join();
  ASSERT_EQ(sync(joined->member_id, joined->generation_id)->error_code, 0);
  ASSERT_EQ(heartbeat(joined->member_id, joined->generation_id), ErrorCode::kNone);
  coordinator->resigned(partition, LeaderEpoch(1));
  time.run_all();
  EXPECT_EQ(heartbeat(joined->member_id, joined->generation_id), ErrorCode::kNotCoordinator);
}

}  // namespace
}  // namespace barnabas::coordinator
