// Connections that move from thread to thread while they are used: no byte is lost, nothing changes
// its order, what is unanswered keeps a connection where it is, and a server stops all the same.
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "unit/net/net_fixture.h"

namespace barnabas::net::testing {
namespace {

constexpr std::size_t kClients = 16;
constexpr int kMoves = 20;
constexpr auto kPatience = std::chrono::seconds(60);

class MovingTest : public NetTest {
 protected:
  // Whoever was awake for longer gives connections away, as often as that is measured.
  MovingTest() { options_.spread = {.crowded = 0, .gap = 0, .stay = std::chrono::milliseconds(0)}; }

  [[nodiscard]] bool go_on() const {
    return seen_.moves < kMoves && std::chrono::steady_clock::now() < deadline_;
  }

 private:
  const std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + kPatience;
};

std::string patterned(std::size_t client, std::size_t number, char kind) {
  const std::size_t key = client * 7919 + number * 104729;
  std::string text(number % 20 == 7 ? 66'000 + key % 9000 : 1 + key % 300, kind);
  for (std::size_t i = 1; i < text.size(); ++i) {
    text[i] = static_cast<char>(key + i * (client + 1));
  }
  return text;
}

// A train whose answers come at once, at its end or out of order, and the first bytes of the frame
// after it, so that some connections move with a frame that has come in part.
TEST_F(MovingTest, EachGetsItsOwnBytesBackInOrder) {
  start(2);
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < kClients; ++c) {
    threads.emplace_back([&, c] {
      Client client = connect();
      std::size_t number = 0;
      std::string part;
      while (go_on() && !::testing::Test::HasFailure()) {
        std::vector<std::string> expected;
        std::string train;
        for (const char kind : {'e', 'h', 't', 'h', 'r', 't', 'e'}) {
          expected.push_back(patterned(c, number++, kind));
          train += frame(expected.back());
        }
        const std::string next = patterned(c, number++, 'e');
        train += frame(next);
        const std::size_t later = number % 3 == 0 ? 0 : 1 + number % next.size();
        client.send_raw(std::string_view(train).substr(0, train.size() - later));
        for (const std::string& payload : expected) {
          wrong += client.receive_frame() == payload ? 0 : 1;
        }
        client.send_raw(std::string_view(train).substr(train.size() - later));
        wrong += client.receive_frame() == next ? 0 : 1;
        // Some have less to do than others: threads that are all awake all the time are even.
        std::this_thread::sleep_for(std::chrono::milliseconds(c % 4));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0U);
  EXPECT_GE(seen_.moves, kMoves);
  EXPECT_TRUE(wait_for_connections(0));
}

TEST_F(MovingTest, AServerStopsWhileTheyMove) {
  start(2);
  std::vector<std::thread> threads;
  std::vector<Client> clients;
  for (std::size_t c = 0; c < kClients; ++c) {
    clients.push_back(connect());
  }
  for (Client& client : clients) {
    threads.emplace_back([&client] {
      const std::string request = frame("e");
      std::string answer(request.size(), '\0');
      while (::send(client.fd(), request.data(), request.size(), MSG_NOSIGNAL) > 0 &&
             ::recv(client.fd(), answer.data(), answer.size(), MSG_WAITALL) > 0) {
        EXPECT_EQ(answer, request);
      }
    });
  }
  EXPECT_TRUE(seen_.wait_for([&] { return seen_.moves >= 5; }));
  server_->stop(std::chrono::seconds(10));
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(seen_.closed, static_cast<int>(kClients));
}

}  // namespace
}  // namespace barnabas::net::testing
