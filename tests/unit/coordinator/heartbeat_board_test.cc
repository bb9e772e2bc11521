// Heartbeats that are taken without the home: which, and that none is lost to it.
#include "coordinator/heartbeat_board.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

namespace barnabas::coordinator {
namespace {

using std::chrono::seconds;

MonotonicTime at(int moment) {
  return MonotonicTime(seconds(moment));
}

TEST(HeartbeatBoardTest, TakesThoseOfTheMembersOfTheGenerationAlone) {
  HeartbeatBoard board;
  EXPECT_FALSE(board.beat("g", "a", 3, at(1)));
  board.publish("g", std::make_shared<GroupPulse>(3, std::vector<std::string>{"a", "c"}));
  EXPECT_TRUE(board.beat("g", "a", 3, at(1)));
  EXPECT_TRUE(board.beat("g", "c", 3, at(1)));
  EXPECT_FALSE(board.beat("g", "b", 3, at(1)));
  EXPECT_FALSE(board.beat("g", "d", 3, at(1)));
  EXPECT_FALSE(board.beat("g", "", 3, at(1)));
  EXPECT_FALSE(board.beat("g", "a", 2, at(1)));
  EXPECT_FALSE(board.beat("other", "a", 3, at(1)));
  board.take_down("other");
  EXPECT_TRUE(board.beat("g", "a", 3, at(1)));
  board.take_down("g");
  EXPECT_FALSE(board.beat("g", "a", 3, at(1)));
}

TEST(HeartbeatBoardTest, TheLastBeatOfEachIsCollectedOnce) {
  GroupPulse pulse(1, {"a", "b"});
  EXPECT_TRUE(pulse.beat("a", 1, at(5)));
  EXPECT_TRUE(pulse.beat("a", 1, at(7)));
  std::map<std::string, MonotonicTime, std::less<>> heard;
  const auto note = [&heard](std::string_view member, MonotonicTime when) {
    heard.emplace(member, when);
  };
  pulse.collect(note);
  EXPECT_EQ(heard, (decltype(heard){{"a", at(7)}}));
  heard.clear();
  pulse.collect(note);
  EXPECT_TRUE(heard.empty());
}

// A member that was told that its heartbeat is taken is one that the home hears of.
TEST(HeartbeatBoardTest, ABeatThatMeetsTheEndIsCollectedOrRefused) {
  for (int round = 0; round < 500; ++round) {
    GroupPulse pulse(1, {"a"});
    bool taken = false;
    std::thread member([&] { taken = pulse.beat("a", 1, at(1)); });
    pulse.end();
    bool heard = false;
    pulse.collect([&heard](std::string_view, MonotonicTime) { heard = true; });
    member.join();
    ASSERT_TRUE(heard || !taken) << round;
    ASSERT_FALSE(pulse.beat("a", 1, at(2)));
  }
}

}  // namespace
}  // namespace barnabas::coordinator
