// The rules by which connections share the threads.
#include "net/spread.h"

#include <gtest/gtest.h>

#include <vector>

namespace barnabas::net {
namespace {

const SpreadOptions kOptions{.crowded = 0.25, .gap = 0.15};

std::size_t place(const std::vector<ThreadLoad>& threads) {
  return place_of_new(threads, kOptions);
}

TEST(SpreadTest, ANewConnectionGoesToTheFirstThreadThatIsNotCrowded) {
  EXPECT_EQ(place({{0, 5000}, {0, 0}}), 0U);
  EXPECT_EQ(place({{0.25, 1}, {0, 0}}), 0U);
  EXPECT_EQ(place({{0.26, 1}, {0.2, 7}, {0, 0}}), 1U);
}

TEST(SpreadTest, WhenAllAreCrowdedItGoesWhereTheFewestAre) {
  EXPECT_EQ(place({{0.9, 4}, {0.95, 2}, {0.3, 3}}), 1U);
  EXPECT_EQ(place({{1, 1}, {1, 1}}), 0U);
}

std::optional<Handover> plan(const std::vector<ThreadLoad>& threads, std::size_t mine,
                             std::size_t active) {
  return plan_handover(threads, mine, active, kOptions);
}

TEST(SpreadTest, ACrowdedThreadGivesHalfOfTheDifferenceToTheLeastBusyOne) {
  const auto given = plan({{0.3, 9}, {0.8, 9}, {0, 9}}, 1, 16);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->to, 2U);
  EXPECT_EQ(given->connections, 8U);
  EXPECT_EQ(plan({{0.8, 0}, {0.4, 0}}, 0, 8)->connections, 2U);
}

TEST(SpreadTest, OneOfTwoGoesButNeverTheOnlyOne) {
  EXPECT_EQ(plan({{0.9, 2}, {0.1, 0}}, 0, 2)->connections, 1U);
  EXPECT_FALSE(plan({{0.9, 1}, {0, 0}}, 0, 1));
  EXPECT_FALSE(plan({{0.9, 1}, {0, 0}}, 0, 0));
}

TEST(SpreadTest, NothingGoesWhereItWouldHelpNobody) {
  EXPECT_FALSE(plan({{0.25, 9}, {0, 0}}, 0, 9)) << "it is not crowded";
  EXPECT_FALSE(plan({{0.9, 9}, {0.8, 9}}, 0, 9)) << "the other one is, too";
  EXPECT_FALSE(plan({{0.9, 9}}, 0, 9)) << "there is no other one";
  EXPECT_FALSE(plan({{0.95, 3}, {0.8, 3}}, 0, 3)) << "less than half a connection";
}

}  // namespace
}  // namespace barnabas::net
