// What acceptors and connection groups of one server share. THREAD: any
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/net/server.h"
#include "byte_budget.h"
#include "socket_address.h"

namespace barnabas::net {

// Counts connections from accept to close, in all and by address.
class ConnectionLimits {
 public:
  enum class Admission { kAdmitted, kAddressFull };

  explicit ConnectionLimits(const ServerOptions& options) : options_(options) {}

  [[nodiscard]] bool full() const {
    return total_.load(std::memory_order_relaxed) >= options_.max_connections;
  }
  [[nodiscard]] Admission admit(const SocketAddress& address);
  // Returns whether acceptors may be waiting for this.
  [[nodiscard]] bool release(const SocketAddress& address);
  [[nodiscard]] std::size_t total() const { return total_.load(std::memory_order_relaxed); }
  // Returns whether all connections were closed before `deadline`.
  bool wait_until_none(MonotonicTime deadline);

 private:
  [[nodiscard]] std::size_t bound_for(const SocketAddress& address) const;

  const ServerOptions& options_;
  std::atomic<std::size_t> total_{0};
  std::mutex mutex_;  // guards by_address_ and changes of total_
  std::condition_variable none_left_;
  std::map<std::array<unsigned char, 16>, std::size_t> by_address_;
};

struct ServerShared {
  ServerShared(ServerOptions given, const Clock& from, Executor* pool)
      : options(std::move(given)),
        clock(from),
        disk_pool(pool),
        budget(options.max_bytes_in_flight),
        limits(options) {}

  const ServerOptions options;
  const Clock& clock;
  Executor* const disk_pool;
  ByteBudget budget;
  ConnectionLimits limits;
  std::atomic<std::uint64_t> next_connection_id{1};
  std::function<void()> resume_acceptors;  // set before any connection is accepted
};

}  // namespace barnabas::net
