// Finding the coordinator of a group or of a transactional id, and asking it until it is ready.
// THREAD: any, one owner (blocking)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "barnabas/base/result.h"
#include "cluster_client.h"

namespace barnabas::apps {

enum class CoordinatorType : std::int8_t { kGroup = 0, kTransaction = 1 };

struct Coordinator {
  std::int32_t id = -1;
  std::string host;
  std::int32_t port = 0;
};

// Calls `ask` with the coordinator of `key`. Both are tried again while the coordinator is being
// elected or still loads, until `deadline`. Fails: what FindCoordinator or `ask` says.
[[nodiscard]] Status ask_coordinator(
    ClusterClient& cluster, CoordinatorType type, const std::string& key,
    std::chrono::steady_clock::time_point deadline,
    const std::function<Status(WireClient&, const Coordinator&)>& ask);

}  // namespace barnabas::apps
