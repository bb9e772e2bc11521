// Framing, trains, half-close and the ways a connection ends, over real sockets.
#include <array>
#include <set>
#include <thread>

#include "unit/net/net_fixture.h"

namespace barnabas::net::testing {
namespace {

using ConnectionTest = NetTest;

TEST_F(ConnectionTest, AnswersARequest) {
  start();
  Client client = connect();
  client.send_frame("e hello");
  EXPECT_EQ(client.receive_frame(), "e hello");
}

TEST_F(ConnectionTest, FramesThatArriveByteByByteAreWhole) {
  start();
  Client client = connect();
  for (const char byte : frame("e slow") + frame("t slower") + frame("e!")) {
    client.send_raw({&byte, 1});
  }
  EXPECT_EQ(client.receive_frame(), "e slow");
  EXPECT_EQ(client.receive_frame(), "t slower");
  EXPECT_EQ(client.receive_frame(), "e!");
}

TEST_F(ConnectionTest, AHundredRequestsSentAtOnceAreOneTrain) {
  start();
  Client client = connect();
  client.send_frame("e");  // the connection is up and idle
  ASSERT_EQ(client.receive_frame(), "e");
  std::string all;
  for (int i = 0; i < 100; ++i) {
    all += frame("t" + std::to_string(i));
  }
  const int trains_before = seen_.trains;
  client.send_raw(all);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(client.receive_frame(), "t" + std::to_string(i));
  }
  EXPECT_EQ(seen_.trains - trains_before, 1);
}

TEST_F(ConnectionTest, ALargeFrameAmongSmallOnes) {
  start();
  Client client = connect();
  std::string large(3'000'000, 'z');
  large.front() = 't';
  for (int round = 0; round < 3; ++round) {
    client.send_raw(frame("e before") + frame(large) + frame("t after"));
    EXPECT_EQ(client.receive_frame(), "e before");
    EXPECT_TRUE(client.receive_frame() == large);
    EXPECT_EQ(client.receive_frame(), "t after");
  }
}

TEST_F(ConnectionTest, LengthsOutOfRangeCloseTheConnection) {
  options_.request_max_bytes = 1000;
  start();
  for (const std::int32_t length : {0, -1, INT32_MIN, INT32_MAX, 1001}) {
    Client client = connect();
    std::array<std::byte, 4> header;
    store_be(header.data(), length);
    client.send_raw(as_text(header));
    EXPECT_TRUE(client.receive_end()) << length;
  }
  Client client = connect();
  const std::string largest = "e" + std::string(999, '.');
  client.send_frame(largest);
  EXPECT_EQ(client.receive_frame(), largest);
}

TEST_F(ConnectionTest, WhatWasAskedBeforeABadLengthIsAnswered) {
  start();
  Client client = connect();
  client.send_raw(frame("t first") + std::string("\0\0\0\0", 4) + frame("e never"));
  EXPECT_EQ(client.receive_frame(), "t first");
  EXPECT_TRUE(client.receive_end());
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.closed == 1; }));
  EXPECT_EQ(seen_.requests, 1);
}

TEST_F(ConnectionTest, AHalfClosedConnectionGetsItsAnswersFirst) {
  start();
  Client waiting = connect();
  waiting.send_frame("h later");
  waiting.shutdown_send();
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  Client other = connect();
  other.send_frame("r");
  EXPECT_EQ(other.receive_frame(), "r");
  EXPECT_EQ(waiting.receive_frame(), "h later");
  EXPECT_TRUE(waiting.receive_end());
  EXPECT_TRUE(wait_for_connections(1));
}

TEST_F(ConnectionTest, ClosedByTheHandlerAfterEarlierAnswers) {
  start();
  Client client = connect();
  client.send_raw(frame("t one") + frame("c") + frame("e never"));
  EXPECT_EQ(client.receive_frame(), "t one");
  EXPECT_TRUE(client.receive_end());
}

TEST_F(ConnectionTest, AResetPeerIsForgottenAndItsAnswersGoNowhere) {
  start();
  Client client = connect();
  client.send_frame("h");
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  client.reset();
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.closed == 1; }));
  EXPECT_TRUE(wait_for_connections(0));
  Client other = connect();
  other.send_frame("r");  // answers the one that is gone, too
  EXPECT_EQ(other.receive_frame(), "r");
}

TEST_F(ConnectionTest, ATruncatedRequestIsDroppedWithItsConnection) {
  start();
  Client client = connect();
  client.send_raw(frame("e whole") + frame("e cut").substr(0, 6));
  client.shutdown_send();
  EXPECT_EQ(client.receive_frame(), "e whole");
  EXPECT_TRUE(client.receive_end());
  EXPECT_EQ(seen_.requests, 1);
}

// One after the other, each with a request that was answered.
std::vector<Client> served_clients(std::uint16_t port, std::size_t count) {
  std::vector<Client> clients;
  while (clients.size() < count) {
    clients.emplace_back(port);
    clients.back().send_frame("e");
    EXPECT_EQ(clients.back().receive_frame(), "e");
  }
  return clients;
}

TEST_F(ConnectionTest, ConnectionsGatherOnAThreadThatIsNotCrowded) {
  options_.spread.crowded = 1;
  start(3);
  const std::vector<Client> clients = served_clients(port(), 6);
  const std::lock_guard lock(seen_.mutex);
  EXPECT_EQ(seen_.homes, std::vector<Executor*>(6, &threads_->executor(0)));
}

TEST_F(ConnectionTest, ConnectionsAreSpreadOverThreadsThatAreAllCrowded) {
  options_.spread = {.crowded = -1, .gap = 2};
  start(3);
  const std::vector<Client> clients = served_clients(port(), 6);
  const std::lock_guard lock(seen_.mutex);
  std::multiset<Executor*> homes(seen_.homes.begin(), seen_.homes.end());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(homes.count(&threads_->executor(i)), 2U);
  }
}

TEST_F(ConnectionTest, StopFinishesWhatIsInHand) {
  start();
  Client waiting = connect();
  waiting.send_frame("h in hand");
  Client idle = connect();
  idle.send_frame("e");
  ASSERT_EQ(idle.receive_frame(), "e");
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 2; }));
  const std::uint16_t port = this->port();
  std::thread stopping([&] { server_->stop(std::chrono::seconds(10)); });
  EXPECT_TRUE(idle.receive_end());
  EXPECT_FALSE(Client(port).connected());
  EXPECT_TRUE(wait_for_connections(1));
  threads_->executor(0).post(seen_.release);
  EXPECT_EQ(waiting.receive_frame(), "h in hand");
  EXPECT_TRUE(waiting.receive_end());
  stopping.join();
  EXPECT_EQ(seen_.closed, 2);
}

TEST_F(ConnectionTest, StopDoesNotWaitForEver) {
  start();
  Client waiting = connect();
  waiting.send_frame("h");
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.requests == 1; }));
  server_->stop(std::chrono::milliseconds(20));
  EXPECT_TRUE(waiting.receive_end());
}

TEST_F(ConnectionTest, APortInUseIsSaidSo) {
  start();
  ServerOptions second = options_;
  second.listeners[0].port = port();
  Server other(second, *threads_, clock_, [](Executor&, std::size_t) { return nullptr; });
  const auto refused = other.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sys_errno, EADDRINUSE);
  EXPECT_NE(refused.error().message.find(std::to_string(port())), std::string::npos);
}

TEST_F(ConnectionTest, AHostThatDoesNotResolveIsSaidSo) {
  options_.listeners[0].host = "no.such.host.invalid";
  threads_ = std::make_unique<IoThreads>(IoThreadsOptions{}, clock_);
  ASSERT_TRUE(threads_->start());
  Server server(options_, *threads_, clock_, [](Executor&, std::size_t) { return nullptr; });
  const auto refused = server.start();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("no.such.host.invalid"), std::string::npos);
}

}  // namespace
}  // namespace barnabas::net::testing
