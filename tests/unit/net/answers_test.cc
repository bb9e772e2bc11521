// The order of answers, and what a peer that does not read them costs.
#include <string>

#include "unit/net/net_fixture.h"

namespace barnabas::net::testing {
namespace {

using AnswersTest = NetTest;

TEST_F(AnswersTest, LeaveInTheOrderOfRequestsWhateverTheOrderOfCompletion) {
  start();
  Client client = connect();
  // Answered out of order: e1 before h0, h3 before h2 before h0.
  client.send_raw(frame("h0") + frame("e1") + frame("h2") + frame("n") + frame("h3") + frame("t4") +
                  frame("r5"));
  for (const std::string expected : {"h0", "e1", "h2", "h3", "t4", "r5"}) {
    EXPECT_EQ(client.receive_frame(), expected);
  }
}

TEST_F(AnswersTest, AnotherConnectionsRequestMayCompleteThem) {
  start();
  Client waiting = connect();
  waiting.send_raw(frame("h0") + frame("e1"));
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 2; }));
  Client other = connect();
  other.send_frame("r");
  EXPECT_EQ(other.receive_frame(), "r");
  EXPECT_EQ(waiting.receive_frame(), "h0");
  EXPECT_EQ(waiting.receive_frame(), "e1");
}

TEST_F(AnswersTest, NothingIsSentForNothing) {
  start();
  Client client = connect();
  client.send_raw(frame("n") + frame("n") + frame("e end"));
  EXPECT_EQ(client.receive_frame(), "e end");
}

TEST_F(AnswersTest, APeerThatReadsNoAnswersIsNotReadFromAndLosesNone) {
  options_.max_queued_answer_bytes = 100'000;
  options_.send_buffer_bytes = 50'000;
  start();
  Client slow(port(), 100'000);
  constexpr int kRequests = 2000;
  std::thread asking([&] {
    for (int i = 0; i < kRequests; ++i) {
      slow.send_frame("x0010" + std::string(500, 'p') + static_cast<char>('a' + i % 26));
    }
  });
  // Held back: far from all of its requests are taken, and others are served meanwhile.
  Client other = connect();
  other.send_frame("e");
  EXPECT_EQ(other.receive_frame(), "e");
  EXPECT_LT(seen_.requests, kRequests / 2);
  for (int i = 0; i < kRequests; ++i) {
    const std::string answer = slow.receive_frame();
    ASSERT_EQ(answer.size(), 10'240U);
    ASSERT_EQ(answer.front(), static_cast<char>('a' + i % 26));
  }
  asking.join();
  EXPECT_LT(seen_.requests, kRequests + 2);
}

TEST_F(AnswersTest, RequestsInFlightAreBounded) {
  options_.max_requests_in_flight = 10;
  start();
  Client client = connect();
  std::string all;
  for (int i = 0; i < 100; ++i) {
    all += frame("h" + std::to_string(i));
  }
  client.send_raw(all);
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.trains == 1; }));
  EXPECT_EQ(seen_.requests, 10);
  for (int i = 0; i < 100; ++i) {
    if (i % 10 == 0) {
      ASSERT_TRUE(seen_.wait_for([&] { return seen_.trains == i / 10 + 1; }));
      threads_->executor(0).post(seen_.release);
    }
    ASSERT_EQ(client.receive_frame(), "h" + std::to_string(i));
  }
  EXPECT_EQ(seen_.requests, 100);
}

TEST_F(AnswersTest, MoreRequestsAtOnceThanTheBoundAreTakenInSeveralTrains) {
  options_.max_requests_in_flight = 7;
  start();
  Client client = connect();
  std::string all;
  for (int i = 0; i < 5000; ++i) {
    all += frame("t" + std::to_string(i));
  }
  client.send_raw(all);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(client.receive_frame(), "t" + std::to_string(i));
  }
}

}  // namespace
}  // namespace barnabas::net::testing
