// Memory, idle time, numbers of connections, descriptors.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>

#include "net/connection_limits.h"
#include "unit/net/net_fixture.h"

namespace barnabas::net::testing {
namespace {

using BoundsTest = NetTest;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHeapIsCounted = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kHeapIsCounted = false;
#else
constexpr bool kHeapIsCounted = true;
#endif
#else
constexpr bool kHeapIsCounted = true;  // mallinfo2 knows nothing of a sanitizer's heap
#endif

std::size_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

// Blocks `client` until the server has handled everything sent on it so far.
void settle(Client& client) {
  client.send_frame("e");
  ASSERT_EQ(client.receive_frame(), "e");
}

TEST_F(BoundsTest, AnIdleConnectionHoldsNoBuffers) {
  constexpr std::size_t kConnections = 1000;
  start();
  std::vector<Client> clients;
  clients.reserve(kConnections);
  {
    Client first = connect();
    settle(first);
  }
  ASSERT_TRUE(wait_for_connections(0));
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < kConnections; ++i) {
    clients.push_back(connect());
    ASSERT_TRUE(clients.back().connected());
  }
  // Each has had a partial frame and an answer, so that whatever they keep is kept.
  for (Client& client : clients) {
    const std::string request = frame("e" + std::string(5000, '.'));
    client.send_raw(request.substr(0, 3000));
  }
  for (Client& client : clients) {
    client.send_raw(frame("e" + std::string(5000, '.')).substr(3000));
    ASSERT_EQ(client.receive_frame().size(), 5001U);
  }
  ASSERT_TRUE(wait_for_connections(kConnections));
  while (server_->bytes_in_flight() != 0) {  // released after the answer is sent; else times out
    std::this_thread::yield();
  }
  if (kHeapIsCounted) {
    EXPECT_LT((heap_bytes() - before) / kConnections, 2048U);
  }
}

TEST_F(BoundsTest, AnnouncedBytesAreNotAllocated) {
  constexpr std::size_t kConnections = 50;
  start();
  const std::size_t before = resident_bytes();
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kConnections; ++i) {
    clients.push_back(connect());
    std::array<std::byte, 4> header;
    store_be(header.data(), std::int32_t{100 << 20});
    std::string sent(as_text(header));
    sent.append(1024, '.');
    clients.back().send_raw(sent);
  }
  Client other = connect();
  settle(other);
  ASSERT_TRUE(wait_for_connections(kConnections + 1));
  EXPECT_LE(server_->bytes_in_flight(), kConnections * 64 * 1024);
  EXPECT_LT(resident_bytes(), before + (std::size_t{64} << 20U));
}

TEST_F(BoundsTest, AFramesMemoryGrowsWithWhatWasReceived) {
  start();
  Client client = connect();
  std::array<std::byte, 4> header;
  store_be(header.data(), std::int32_t{100 << 20});
  client.send_raw(std::string(as_text(header)) + "e");
  std::size_t sent = 5;
  const std::string chunk(256 * 1024, '.');
  for (int i = 0; i < 16; ++i) {
    client.send_raw(chunk);
    sent += chunk.size();
    EXPECT_LE(server_->bytes_in_flight(), 2 * sent + 64 * 1024);
  }
  client.close();
  ASSERT_TRUE(wait_for_connections(0));
  EXPECT_EQ(server_->bytes_in_flight(), 0U);
}

TEST_F(BoundsTest, PastTheBoundOfAllBytesOthersAreServedAndLargeFramesTakeTurns) {
  options_.max_bytes_in_flight = std::size_t{4} << 20U;
  start();
  const std::string large = "e" + std::string(1'600'000, '.');
  std::vector<Client> clients;
  std::vector<std::thread> senders;
  std::atomic<bool> finish{false};
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
  }
  for (Client& client : clients) {
    senders.emplace_back([&] {
      const std::string bytes = frame(large);
      client.send_raw(std::string_view(bytes).substr(0, bytes.size() - 10));
      finish.wait(false);
      client.send_raw(std::string_view(bytes).substr(bytes.size() - 10));
      EXPECT_EQ(client.receive_frame().size(), large.size());
    });
  }
  while (server_->bytes_in_flight() < 3'500'000) {  // all but the last bytes are on their way
    std::this_thread::yield();
  }
  Client other = connect();
  settle(other);
  EXPECT_LE(server_->bytes_in_flight(), options_.max_bytes_in_flight + 3 * 128 * 1024);
  finish = true;
  finish.notify_all();
  for (auto& sender : senders) {
    sender.join();
  }
}

TEST_F(BoundsTest, LargeFramesThatStallMakeRoomForOthers) {
  options_.max_bytes_in_flight = std::size_t{4} << 20U;
  options_.large_frame_patience = std::chrono::milliseconds(50);
  start(2);
  std::vector<Client> stalled;
  for (int i = 0; i < 2; ++i) {
    stalled.push_back(connect());
    const std::string bytes = frame("e" + std::string(3'000'000, '.'));
    stalled.back().send_raw(std::string_view(bytes).substr(0, 1'900'000));
  }
  // Full, or already past that where this thread was not given time to see it.
  while (server_->bytes_in_flight() < 3'700'000 && server_->connection_count() == 2) {
    std::this_thread::yield();
  }
  Client small = connect();  // the last eighth is there for it
  small.send_frame("e" + std::string(300'000, '.'));
  EXPECT_EQ(small.receive_frame().size(), 300'001U);
  Client large = connect();
  large.send_frame("e" + std::string(2'000'000, '.'));
  EXPECT_EQ(large.receive_frame().size(), 2'000'001U);
  EXPECT_LT(server_->connection_count(), 4U);
}

TEST_F(BoundsTest, JunkIsRefusedByTheFirstBytesOfALargeFrame) {
  start();
  Client client = connect();
  std::array<std::byte, 4> header;
  store_be(header.data(), std::int32_t{50 << 20});
  client.send_raw(std::string(as_text(header)) + "Ju");
  client.send_raw("nk" + std::string(1000, '.'));
  EXPECT_TRUE(client.receive_end());
  Client other = connect();
  other.send_frame("e" + std::string(1 << 20, '.'));  // asked about and admitted
  EXPECT_EQ(other.receive_frame().size(), (1U << 20U) + 1);
}

TEST_F(BoundsTest, IdleConnectionsAreClosedAndBusyOnesAreNot) {
  options_.max_idle = std::chrono::milliseconds(200);
  start();
  Client idle = connect();
  Client busy = connect();
  std::atomic<bool> over{false};
  std::thread asking([&] {
    while (!over) {
      settle(busy);
    }
  });
  EXPECT_TRUE(idle.receive_end());
  over = true;
  asking.join();
  settle(busy);
  EXPECT_TRUE(busy.receive_end());
}

TEST_F(BoundsTest, ConnectionsOfOneAddressAreBounded) {
  options_.max_connections_per_ip = 2;
  options_.max_connections_per_ip_overrides = {{"10.1.2.3", 100}};
  start();
  Client first = connect();
  Client second = connect();
  settle(first);
  settle(second);
  Client third = connect();
  EXPECT_TRUE(third.receive_end());
  first.close();
  ASSERT_TRUE(wait_for_connections(1));
  Client fourth = connect();
  settle(fourth);
}

TEST_F(BoundsTest, AnOverrideForAnAddressWins) {
  options_.max_connections_per_ip = 0;
  options_.max_connections_per_ip_overrides = {{"127.0.0.1", 1}};
  start();
  Client first = connect();
  settle(first);
  Client second = connect();
  EXPECT_TRUE(second.receive_end());
}

TEST_F(BoundsTest, PastTheBoundOfConnectionsTheNextOneWaitsForAPlace) {
  options_.max_connections = 2;
  start(2);
  Client first = connect();
  Client second = connect();
  settle(first);
  settle(second);
  Client third = connect();  // in the kernel's queue
  ASSERT_TRUE(third.connected());
  third.send_frame("e patient");
  EXPECT_EQ(server_->connection_count(), 2U);
  first.close();
  EXPECT_EQ(third.receive_frame(), "e patient");
}

TEST_F(BoundsTest, AListenerHasABoundOfItsOwnAndTheBrokersOneTakesPlaces) {
  options_.listeners.push_back({"INTERNAL", "127.0.0.1", 0, {}, 2, 1e9, true});
  options_.max_connections = 3;
  start(2);
  const std::uint16_t internal = server_->port("INTERNAL");
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
    settle(clients.back());
  }
  Client broker(internal);
  settle(broker);
  EXPECT_TRUE(clients[0].receive_end());  // the longest idle one, whatever its thread
  Client second(internal);
  settle(second);
  Client third(internal);  // waits for one of the two
  third.send_frame("e patient");
  settle(second);
  second.close();
  EXPECT_EQ(third.receive_frame(), "e patient");
}

TEST(RateBound, WhatWasNotUsedComesAtOnceAndTheRestAtItsRate) {
  MonotonicTime now{std::chrono::seconds(1000)};
  RateBound bound(10, std::chrono::seconds(2));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(bound.delay(now).count(), 0) << i;
    bound.count(now);
  }
  EXPECT_EQ(bound.delay(now).count(), 100);
  now += std::chrono::milliseconds(100);
  EXPECT_EQ(bound.delay(now).count(), 0);
  bound.count(now);
  EXPECT_EQ(bound.delay(now).count(), 100);
  now += std::chrono::hours(1);  // a window's worth, no more
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(bound.delay(now).count(), 0);
    bound.count(now);
  }
  EXPECT_GT(bound.delay(now).count(), 0);
}

TEST(RateBound, AtZeroNothingComes) {
  RateBound bound(0, std::chrono::seconds(2));
  const MonotonicTime now{std::chrono::seconds(1000)};
  bound.count(now);
  EXPECT_GT(bound.delay(now + std::chrono::hours(100)).count(), 0);
}

// Takes descriptors until the lowest free one is `until`.
std::vector<int> fill_descriptors(int until) {
  std::vector<int> taken;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
    if (fd >= until) {
      ::close(fd);
      break;
    }
    taken.push_back(fd);
  }
  return taken;
}

TEST_F(BoundsTest, OutOfDescriptorsSomeAreLeftToStorageAndAcceptGoesOnLater) {
  constexpr int kLimit = 256;
  constexpr int kReserved = 20;
  constexpr int kFree = 60;
  constexpr int kClients = 30;
  options_.reserved_descriptors = kReserved;
  start();
  Client early = connect();
  settle(early);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const rlimit tight{kLimit, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const std::vector<int> taken = fill_descriptors(kLimit - kFree);
  // Clients and server share this process, so each client takes a descriptor, too.
  std::vector<Client> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(connect());
    EXPECT_TRUE(clients.back().connected());
  }
  settle(early);
  // At most every other of the 40 that are not reserved, and the rest of the clients wait.
  EXPECT_LE(server_->connection_count(), 1U + (kFree - kReserved) / 2);
  const int storage = ::dup(0);
  EXPECT_GE(storage, 0);
  ::close(storage);
  for (const int fd : taken) {
    ::close(fd);
  }
  for (Client& client : clients) {
    settle(client);  // accepted once there was room, none was dropped
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
}

}  // namespace
}  // namespace barnabas::net::testing
