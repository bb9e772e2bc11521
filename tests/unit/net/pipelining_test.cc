// Requests that are not run before earlier ones are answered.
#include <random>
#include <string>
#include <thread>

#include "unit/net/net_fixture.h"

namespace barnabas::net::testing {
namespace {

using PipeliningTest = NetTest;

TEST_F(PipeliningTest, WhatFollowsARequestThatHoldsWaitsForItsAnswer) {
  start();
  Client waiting = connect();
  waiting.send_raw(frame("o0") + frame("e1") + frame("t2"));
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  waiting.send_raw(frame("e3") + frame("e4" + std::string(300'000, '.')));
  Client other = connect();
  other.send_frame("e");
  EXPECT_EQ(other.receive_frame(), "e");
  EXPECT_EQ(seen_.requests, 2);
  other.send_frame("r");
  EXPECT_EQ(other.receive_frame(), "r");
  for (const std::string expected : {"o0", "e1", "t2", "e3"}) {
    EXPECT_EQ(waiting.receive_frame(), expected);
  }
  EXPECT_EQ(waiting.receive_frame().size(), 300'002U);
}

TEST_F(PipeliningTest, OneAfterTheOtherHolds) {
  start();
  Client waiting = connect();
  waiting.send_raw(frame("o0") + frame("o1") + frame("h2") + frame("o3") + frame("e4"));
  Client other = connect();
  for (int released = 1; released <= 3; ++released) {
    // The third one is kept together with "h2", which holds nothing.
    const int wanted = released < 3 ? 2 * released - 1 : 6;
    ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == wanted; })) << seen_.requests;
    other.send_frame("r");
    EXPECT_EQ(other.receive_frame(), "r");
  }
  for (const std::string expected : {"o0", "o1", "h2", "o3", "e4"}) {
    EXPECT_EQ(waiting.receive_frame(), expected);
  }
}

TEST_F(PipeliningTest, ThePeersEndIsSeenWhileARequestHolds) {
  start();
  Client waiting = connect();
  waiting.send_frame("o0");
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  waiting.reset();
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.closed == 1; }));
}

TEST_F(PipeliningTest, AnEndBehindFramesThatWaitLosesNone) {
  start();
  Client waiting = connect();
  waiting.send_raw(frame("o0") + frame("e1") + frame("e2"));
  waiting.shutdown_send();
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  Client other = connect();
  other.send_frame("r");
  EXPECT_EQ(other.receive_frame(), "r");
  for (const std::string expected : {"o0", "e1", "e2"}) {
    EXPECT_EQ(waiting.receive_frame(), expected);
  }
  EXPECT_TRUE(waiting.receive_end());
}

// Frames that may not start are given back, wherever they lay, and none is lost or doubled.
TEST_F(PipeliningTest, HoweverTheBytesArriveTheAnswersAreThoseOfTheRequests) {
  options_.max_requests_in_flight = 7;
  start();
  std::mt19937 dice(5);
  Client client = connect();
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> requests;
    std::string bytes;
    for (int i = 0; i < 60; ++i) {
      const std::size_t size = dice() % 10 == 0 ? dice() % 200'000 : dice() % 20;
      requests.push_back(std::string(1, "ate"[dice() % 3]) + std::to_string(i) +
                         std::string(size, '.'));
      bytes += frame(requests.back());
    }
    std::thread sending([&] {
      for (std::size_t sent = 0; sent < bytes.size();) {
        const std::size_t size = std::min<std::size_t>(bytes.size() - sent, 1 + dice() % 150'000);
        client.send_raw(std::string_view(bytes).substr(sent, size));
        sent += size;
      }
    });
    for (const std::string& request : requests) {
      ASSERT_EQ(client.receive_frame(), request);
    }
    sending.join();
  }
}

TEST_F(PipeliningTest, AStopAnswersWhatWaits) {
  start();
  Client waiting = connect();
  waiting.send_raw(frame("o0") + frame("e1"));
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  const auto began = std::chrono::steady_clock::now();
  server_->stop(std::chrono::seconds(10));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_EQ(waiting.receive_frame(), "o0");
  EXPECT_TRUE(waiting.receive_end());
}

TEST_F(PipeliningTest, AStopDoesNotWaitForWhatHolds) {
  start();
  Client holding = connect();
  holding.send_frame("k0");
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  const auto began = std::chrono::steady_clock::now();
  server_->stop(std::chrono::seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_TRUE(holding.receive_end());
}

}  // namespace
}  // namespace barnabas::net::testing
