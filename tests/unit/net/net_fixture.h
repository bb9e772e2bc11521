// A server on loopback with a scripted handler, and blocking clients for it.
// The first byte of a frame says what the handler does with it:
//   e: answer with the frame at once           t: the same at the end of the train
//   h: keep it                                 r: answer the kept ones, last one first, then itself
//   n: answer nothing                          c: close
//   x: a frame of four digits more: answer with that many KiB of its last byte
//   f: answer "head", the handler's file range, "tail"
//   o: keep it, and run nothing that follows until it is answered
//   k: the same, but not even the server's stop answers it
//   a: not started before everything earlier is answered; then answered with the frame
// A large frame that begins with "Junk" is refused; what o keeps is answered when the server stops.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/net/disk_pool.h"
#include "barnabas/net/io_threads.h"
#include "barnabas/net/server.h"

namespace barnabas::net::testing {

// What handlers of all io threads saw.
struct Seen {
  std::atomic<int> requests{0};
  std::atomic<int> trains{0};
  std::atomic<int> closed{0};
  std::atomic<int> moves{0};  // requests that came in on another thread than the one before
  std::mutex mutex;
  std::condition_variable changed;
  FileRange file;                 // for 'f'; set before requests come
  std::vector<Executor*> homes;   // of the connections' first requests, in order
  std::function<void()> release;  // answers what the (last made) handler keeps; call it at its home

  template <typename Condition>
  [[nodiscard]] bool wait_for(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), condition);
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer_bytes = 0);
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&&) = delete;
  ~Client() { close(); }

  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  void send_raw(std::string_view bytes);
  void send_frame(std::string_view payload);
  // Fails the test and returns "" when none comes within 20 seconds.
  [[nodiscard]] std::string receive_frame();
  // Whether the server closed the connection (and sent nothing before that).
  [[nodiscard]] bool receive_end();
  void shutdown_send() const;
  void reset();  // closes with RST
  void close();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  [[nodiscard]] std::string receive_raw(std::size_t size);
  int fd_ = -1;
};

[[nodiscard]] std::string frame(std::string_view payload);

class NetTest : public ::testing::Test {
 protected:
  NetTest() { options_.listeners.push_back({"PLAINTEXT", "127.0.0.1", 0, {}}); }
  ~NetTest() override;
  void start(std::size_t threads = 1);
  [[nodiscard]] Client connect() const { return Client(port()); }
  [[nodiscard]] std::uint16_t port() const { return server_->port("PLAINTEXT"); }
  [[nodiscard]] bool wait_for_connections(std::size_t count) const;

  SystemClock clock_;
  Seen seen_;
  ServerOptions options_;
  bool with_disk_pool_ = false;
  std::unique_ptr<DiskPool> pool_;
  std::unique_ptr<IoThreads> threads_;
  std::unique_ptr<Server> server_;
};

}  // namespace barnabas::net::testing
