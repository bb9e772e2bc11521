// Many connections at once, each with frames of its own pattern: no byte of one may turn up at
// another, whoever is slow. And ends that come together with the last bytes are seen.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "unit/net/net_fixture.h"

namespace barnabas::net::testing {
namespace {

using ManyConnectionsTest = NetTest;

constexpr std::size_t kConnections = 24;
constexpr std::size_t kFrames = 300;

std::string patterned(std::size_t connection, std::size_t number) {
  const std::size_t key = connection * 7919 + number * 104729;
  std::size_t size = 1 + key % 300;
  if (number % 50 == 7) {
    size = 65536 - 8 + key % 16;  // about the scratch
  } else if (number % 50 == 23) {
    size = 200'000 + key % 1000;
  } else if (number % 10 == 3) {
    size = 4000 + key % 9000;
  }
  std::string text(size, key % 3 == 0 ? 't' : 'e');
  for (std::size_t i = 1; i < size; ++i) {
    text[i] = static_cast<char>(key + i * (connection + 1) + (i >> 8U));
  }
  return text;
}

// Pipelines everything in pieces that end anywhere.
void send_all(Client& client, std::size_t connection) {
  std::string waiting;
  for (std::size_t i = 0; i < kFrames; ++i) {
    waiting += frame(patterned(connection, i));
    if (const std::size_t keep = (connection + i) % 5; i % 7 == connection % 7) {
      const std::size_t now = waiting.size() - std::min(waiting.size(), keep);
      client.send_raw(std::string_view(waiting).substr(0, now));
      waiting.erase(0, now);
    }
  }
  client.send_raw(waiting);
}

TEST_F(ManyConnectionsTest, EachGetsItsOwnBytesBackWhileEverySecondOneDoesNotRead) {
  options_.max_queued_answer_bytes = 100'000;
  options_.max_requests_in_flight = 64;
  options_.send_buffer_bytes = 32 * 1024;
  start(2);
  std::latch quick_ones_done(kConnections / 2);
  std::atomic<std::size_t> right{0};
  std::vector<std::thread> threads;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kConnections; ++i) {
    clients.emplace_back(port(), 16 * 1024);
    ASSERT_TRUE(clients.back().connected());
  }
  for (std::size_t i = 0; i < kConnections; ++i) {
    threads.emplace_back([&, i] { send_all(clients[i], i); });
    threads.emplace_back([&, i] {
      if (i % 2 == 1) {
        quick_ones_done.wait();
      }
      for (std::size_t number = 0; number < kFrames; ++number) {
        right += clients[i].receive_frame() == patterned(i, number) ? 1 : 0;
      }
      if (i % 2 == 0) {
        quick_ones_done.count_down();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right, kConnections * kFrames);
}

TEST_F(ManyConnectionsTest, AnEndThatComesWithTheLastBytesIsSeen) {
  start(2);
  constexpr int kRounds = 200;
  for (int i = 0; i < kRounds; ++i) {
    Client client = connect();
    client.send_raw(frame("n"));
    if (i % 2 == 0) {
      client.send_raw(frame("n"));
    }
    client.close();
  }
  EXPECT_TRUE(seen_.wait_for([&] { return seen_.closed == kRounds; }));
  EXPECT_TRUE(wait_for_connections(0));
}

}  // namespace
}  // namespace barnabas::net::testing
