#include "broker/fetch_session.h"

#include <gtest/gtest.h>

#include "support/manual_executor.h"

namespace barnabas::broker {
namespace {

using Kind = FetchContext::Kind;

FetchItem item(const std::string& topic, int partition, std::int64_t offset = 0) {
  FetchItem result;
  result.topic = topic;
  result.partition = PartitionId(partition);
  result.fetch_offset = Offset(offset);
  result.max_bytes = 1000;
  return result;
}

class FetchSessionTest : public ::testing::Test {
 protected:
  FetchContext open(std::int32_t id, std::int32_t epoch, std::vector<FetchItem> items,
                    std::vector<FetchItem> forgotten = {}, bool by_id = false) {
    FetchSessionRequest request;
    request.session_id = id;
    request.session_epoch = epoch;
    request.by_topic_id = by_id;
    request.items = std::move(items);
    request.forgotten = std::move(forgotten);
    return cache_.open(std::move(request));
  }
  // A new session over the items, all at high watermark 10. Returns its id.
  std::int32_t start(std::vector<FetchItem> items) {
    const auto context = open(kNoFetchSession, kInitialFetchEpoch, std::move(items));
    return cache_.close(context, unmoved(context)).session_id;
  }
  static std::vector<FetchItemResult> unmoved(const FetchContext& context) {
    FetchItemResult result;
    result.high_watermark = Offset(10);
    result.log_start_offset = Offset(0);
    return std::vector<FetchItemResult>(context.items.size(), result);
  }

  testing::ManualTime time_;
  std::unique_ptr<Random> random_ = make_seeded_random(1);
  FetchSessionCache cache_{2, time_, *random_};
};

TEST_F(FetchSessionTest, ARequestWithoutSessionLeavesNothingBehind) {
  const auto context = open(kNoFetchSession, kFinalFetchEpoch, {item("a", 0)});
  EXPECT_EQ(context.kind, Kind::kSessionless);
  const auto plan = cache_.close(context, unmoved(context));
  EXPECT_EQ(plan.session_id, kNoFetchSession);
  EXPECT_EQ(plan.include, std::vector<bool>{true});
  EXPECT_EQ(cache_.session_count(), 0U);
}

TEST_F(FetchSessionTest, AnIncrementalAnswerNamesOnlyWhatChanged) {
  const auto id = start({item("a", 0), item("a", 1)});
  ASSERT_NE(id, kNoFetchSession);
  auto context = open(id, 1, {});
  ASSERT_EQ(context.kind, Kind::kIncremental);
  ASSERT_EQ(context.items.size(), 2U);
  auto results = unmoved(context);
  EXPECT_EQ(cache_.close(context, results).include, (std::vector<bool>{false, false}));

  context = open(id, 2, {});
  results[1].high_watermark = Offset(11);
  EXPECT_EQ(cache_.close(context, results).include, (std::vector<bool>{false, true}));

  // What was answered stands last in the next pass, so that the other gets its turn.
  context = open(id, 3, {});
  EXPECT_EQ(context.items[0].partition, PartitionId(0));
  EXPECT_EQ(context.items[1].partition, PartitionId(1));
}

TEST_F(FetchSessionTest, AnsweredPartitionsMoveToTheEnd) {
  const auto id = start({item("a", 0), item("a", 1)});
  auto context = open(id, 1, {});
  auto results = unmoved(context);
  results[0].records_size = 5;
  EXPECT_EQ(cache_.close(context, results).include, (std::vector<bool>{true, false}));
  context = open(id, 2, {});
  EXPECT_EQ(context.items[0].partition, PartitionId(1));
}

TEST_F(FetchSessionTest, AnErrorIsToldEachTimeAndItsEndOnce) {
  const auto id = start({item("a", 0)});
  auto context = open(id, 1, {});
  auto results = unmoved(context);
  results[0].error = ErrorCode::kNotLeaderOrFollower;
  EXPECT_EQ(cache_.close(context, results).include, std::vector<bool>{true});
  context = open(id, 2, {});
  EXPECT_EQ(cache_.close(context, results).include, std::vector<bool>{true});
  context = open(id, 3, {});
  EXPECT_EQ(cache_.close(context, unmoved(context)).include, std::vector<bool>{true});
  context = open(id, 4, {});
  EXPECT_EQ(cache_.close(context, unmoved(context)).include, std::vector<bool>{false});
}

TEST_F(FetchSessionTest, PartitionsAreAddedChangedAndForgotten) {
  const auto id = start({item("a", 0)});
  auto context = open(id, 1, {item("b", 0), item("a", 0, 7)});
  ASSERT_EQ(context.items.size(), 2U);
  EXPECT_EQ(context.items[0].fetch_offset, Offset(7));
  const auto plan = cache_.close(context, unmoved(context));
  EXPECT_EQ(plan.include, (std::vector<bool>{false, true}));  // the new one is always told
  context = open(id, 2, {}, {item("a", 0)});
  ASSERT_EQ(context.items.size(), 1U);
  EXPECT_EQ(context.items[0].topic, "b");
  // Forgetting the last one ends the session.
  EXPECT_EQ(open(id, 3, {}, {item("b", 0)}).kind, Kind::kSessionless);
  EXPECT_EQ(cache_.session_count(), 0U);
}

TEST_F(FetchSessionTest, WrongEpochsIdsAndKindsAreRefused) {
  const auto id = start({item("a", 0)});
  EXPECT_EQ(open(id, 2, {}).error, ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(open(id + 1, 1, {}).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(open(id, 1, {}, {}, true).error, ErrorCode::kFetchSessionTopicIdError);
  // Two requests of one epoch: the second one is refused, the first one's answer stands.
  const auto first = open(id, 1, {});
  EXPECT_EQ(open(id, 1, {}).error, ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(cache_.close(first, unmoved(first)).error, ErrorCode::kNone);
}

TEST_F(FetchSessionTest, AFinalEpochEndsTheSession) {
  const auto id = start({item("a", 0)});
  EXPECT_EQ(open(id, kFinalFetchEpoch, {item("a", 0)}).kind, Kind::kSessionless);
  EXPECT_EQ(cache_.session_count(), 0U);
}

TEST_F(FetchSessionTest, AFullCacheGivesNoSessionUntilOneIsOld) {
  const auto first = start({item("a", 0)});
  start({item("b", 0)});
  EXPECT_EQ(start({item("c", 0)}), kNoFetchSession);
  time_.advance(std::chrono::seconds(121));
  EXPECT_EQ(open(first, 1, {}).kind, Kind::kIncremental);  // used again, so the other one is older
  EXPECT_NE(start({item("c", 0)}), kNoFetchSession);
  EXPECT_EQ(cache_.session_count(), 2U);
  EXPECT_EQ(open(first, 2, {}).kind, Kind::kIncremental);
}

TEST_F(FetchSessionTest, OnlyALargerOneTakesTheSmallestOnesPlaceOnceThatWasUsedWhileOld) {
  const auto small = start({item("a", 0)});
  const auto large = start({item("b", 0), item("b", 1)});
  time_.advance(std::chrono::seconds(100));
  EXPECT_EQ(open(small, 1, {}).kind, Kind::kIncremental);
  EXPECT_EQ(open(large, 1, {}).kind, Kind::kIncremental);
  time_.advance(std::chrono::seconds(50));
  // Old by now, but not when they were last used.
  EXPECT_EQ(start({item("c", 0), item("c", 1), item("c", 2)}), kNoFetchSession);
  EXPECT_EQ(open(small, 2, {}).kind, Kind::kIncremental);
  EXPECT_EQ(open(large, 2, {}).kind, Kind::kIncremental);
  EXPECT_EQ(start({item("c", 0)}), kNoFetchSession);  // no larger than the smallest
  EXPECT_NE(start({item("c", 0), item("c", 1)}), kNoFetchSession);
  EXPECT_EQ(open(small, 3, {}).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(open(large, 3, {}).kind, Kind::kIncremental);
}

TEST_F(FetchSessionTest, AFollowerTakesAConsumersPlaceAtOnceAndNeverTheOtherWay) {
  const auto start_follower = [this](std::vector<FetchItem> items) {
    FetchSessionRequest request;
    request.session_epoch = kInitialFetchEpoch;
    request.from_follower = true;
    request.items = std::move(items);
    const auto context = cache_.open(std::move(request));
    return cache_.close(context, unmoved(context)).session_id;
  };
  const auto consumer = start({item("a", 0), item("a", 1)});
  const auto other = start({item("b", 0), item("b", 1), item("b", 2)});
  const auto follower = start_follower({item("c", 0)});
  EXPECT_NE(follower, kNoFetchSession);
  EXPECT_EQ(open(consumer, 1, {}).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(open(other, 1, {}).kind, Kind::kIncremental);
  EXPECT_NE(start_follower({item("c", 1)}), kNoFetchSession);
  EXPECT_EQ(start_follower({item("c", 2), item("c", 3)}), kNoFetchSession);  // both are followers'
  EXPECT_EQ(start({item("d", 0), item("d", 1)}), kNoFetchSession);
}

TEST_F(FetchSessionTest, NoSlotsNoSessions) {
  FetchSessionCache none(0, time_, *random_);
  FetchSessionRequest request;
  request.session_epoch = kInitialFetchEpoch;
  request.items = {item("a", 0)};
  const auto context = none.open(std::move(request));
  EXPECT_EQ(none.close(context, unmoved(context)).session_id, kNoFetchSession);
}

}  // namespace
}  // namespace barnabas::broker
