#include "broker/producer_ids.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "support/manual_executor.h"
#include "unit/broker/held_topic_admin.h"

namespace barnabas::broker {
namespace {

class ProducerIdsTest : public ::testing::Test {
 protected:
  void ask() {
    ids_->next(home_, [this](Result<ProducerId> id) { given_.push_back(std::move(id)); });
  }
  void answer(Result<controller::ProducerIdBlock> block) {
    auto done = std::move(admin_.allocations.back());
    admin_.allocations.pop_back();
    done(std::move(block));
    time_.run_all();
  }

  HeldTopicAdmin admin_;
  testing::ManualTime time_;
  testing::ManualExecutor home_{time_};
  std::optional<ProducerIds> ids_{std::in_place, admin_, BrokerId(0), BrokerEpoch(1)};
  std::vector<Result<ProducerId>> given_;
};

TEST_F(ProducerIdsTest, OneBlockServesAllWhoWaitForIt) {
  ask();
  ask();
  ASSERT_EQ(admin_.allocations.size(), 1U);
  answer(controller::ProducerIdBlock{BrokerId(0), ProducerId(2000), ProducerId(2001)});
  ASSERT_EQ(given_.size(), 2U);
  EXPECT_EQ(given_[0].value(), ProducerId(2000));
  EXPECT_EQ(given_[1].value(), ProducerId(2001));
  ask();
  EXPECT_EQ(admin_.allocations.size(), 1U);  // the block is used up
}

TEST_F(ProducerIdsTest, AFailureIsToldAndTheNextOneAsksAgain) {
  ask();
  answer(fail(ErrorCode::kNotController, "not here"));
  ASSERT_EQ(given_.size(), 1U);
  EXPECT_EQ(given_[0].error().code, ErrorCode::kNotController);
  ask();
  EXPECT_EQ(admin_.allocations.size(), 1U);
}

TEST_F(ProducerIdsTest, ARequestMayEndAfterThem) {
  ask();
  ids_.reset();
  answer(fail(ErrorCode::kNotController, "given up"));
  EXPECT_TRUE(given_.empty());
}

}  // namespace
}  // namespace barnabas::broker
