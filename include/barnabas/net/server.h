// Listeners and their connections. Life: construct, start() (the ports are open when it returns),
// stop() (accepts no more, finishes what is in hand, closes). Every bound has its name here; past a
// bound the peer is slowed down first: not read from, or left in the accept queue.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"
#include "barnabas/net/io_threads.h"
#include "barnabas/net/request_handler.h"

namespace barnabas::net {

enum class SecurityProtocol { kPlaintext };

// How connections share the io threads. While there is little to do they are together on one of
// them, which costs the least: fewer wake-ups, warmer caches. A thread that gets crowded gives some
// of its busy connections to one with time to spare.
struct SpreadOptions {
  double crowded = 0.25;  // awake for more than this share of the time
  double gap = 0.15;      // who is given connections was awake for so much less of it
  std::chrono::milliseconds stay{1000};  // a connection that moved does not move again so soon
};

struct ListenerOptions {
  std::string name = "PLAINTEXT";
  std::string host;        // name or address; empty: every interface
  std::uint16_t port = 0;  // 0: the system chooses; see Server::port()
  SecurityProtocol protocol = SecurityProtocol::kPlaintext;
  std::size_t max_connections = SIZE_MAX;  // listener.name.<name>.max.connections; more wait
  // listener.name.<name>.max.connection.creation.rate, per second; more wait.
  double max_connection_rate = std::numeric_limits<double>::infinity();
  // The brokers' own listener, when there are others: bounds of the server as a whole do not hold
  // for it. Past max_connections it takes the place of the longest idle connection of another one.
  bool inter_broker = false;
};

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  int send_buffer_bytes = 100 * 1024;     // socket.send.buffer.bytes; -1: the system's choice
  int receive_buffer_bytes = 100 * 1024;  // socket.receive.buffer.bytes; -1: the system's choice
  SpreadOptions spread;
  int backlog = 1024;  // socket.listen.backlog.size; 1024 at least in effect
  std::int32_t request_max_bytes = 100 << 20;       // socket.request.max.bytes
  std::chrono::milliseconds max_idle{10 * 60'000};  // connections.max.idle.ms; <= 0: never
  std::size_t max_connections = SIZE_MAX;           // max.connections; more wait to be accepted
  std::size_t max_connections_per_ip = SIZE_MAX;    // max.connections.per.ip; more are closed
  std::map<std::string, std::size_t> max_connections_per_ip_overrides;  // by address
  // max.connection.creation.rate, per second over `connection_rate_window`; more wait.
  double max_connection_rate = std::numeric_limits<double>::infinity();
  std::chrono::milliseconds connection_rate_window{11'000};  // quota.window.num x .size.seconds
  // Descriptors that connections leave to storage: this many, but no more than an eighth of the
  // limit or 16, whichever is larger.
  std::size_t reserved_descriptors = 1024;
  // A connection is not read from while it has more requests unanswered or unsent than this, or
  // more bytes of answers queued. One train may go beyond it.
  std::size_t max_requests_in_flight = 1000;
  std::size_t max_queued_answer_bytes = std::size_t{1} << 20U;
  // queued.max.request.bytes: partial frames and queued answers of all connections together. Frames
  // of less than 1 MiB may take an eighth more.
  std::size_t max_bytes_in_flight = std::size_t{256} << 20U;
  // When a request has waited so long for memory, large frames that are still incomplete after so
  // long make room: their connections are closed, the largest and oldest first.
  std::chrono::milliseconds large_frame_patience{2000};
};

class Server {
 public:
  // `disk_pool` (may be null) reads ahead what a fetch misses in the page cache. Everything passed
  // by reference outlives the server; `threads` run from start() to the end of stop().
  Server(ServerOptions options, IoThreads& threads, const Clock& clock,
         RequestHandlerFactory make_handler, Executor* disk_pool = nullptr);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Fails when an address cannot be bound; nothing listens then. THREAD: any but io threads
  [[nodiscard]] Status start();
  // Closes what is not finished after `grace`, and much earlier what waits and keeps back what
  // follows it (Connection::hold()). Handlers are gone when it returns; no call may come
  // to connections they kept. THREAD: any but io threads
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(5));

  // The port a listener is bound to, 0 when there is none of that name. THREAD: any, after start
  [[nodiscard]] std::uint16_t port(std::string_view listener_name) const;
  [[nodiscard]] std::size_t connection_count() const;  // THREAD: any
  [[nodiscard]] std::size_t bytes_in_flight() const;   // THREAD: any

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barnabas::net
