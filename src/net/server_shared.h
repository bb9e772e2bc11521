// What acceptors and connection groups of one server share. THREAD: any
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/net/server.h"
#include "byte_budget.h"
#include "connection_limits.h"
#include "log_limiter.h"

namespace barnabas::net {

class ConnectionGroup;

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
  LogLimiter log_limiter;
  std::atomic<std::uint64_t> next_connection_id{1};
  // These are set before any connection is accepted. They post to the homes of who is concerned.
  std::function<void()> resume_acceptors;
  // A connection came to this protected listener beyond the server's bound: another one goes.
  std::function<void(std::size_t)> make_place;
  std::function<void(const std::function<void(ConnectionGroup&)>&)> for_each_group;
};

}  // namespace barnabas::net
