#include "coordinator_client.h"

#include <poll.h>

#include <array>

#include "barnabas/protocol/gen/find_coordinator.h"
#include "error_text.h"

namespace barnabas::apps {
namespace {

constexpr int kPauseMs = 100;
constexpr std::int16_t kFirstBatched = 4;  // from here on FindCoordinator takes many keys

bool comes_later(ErrorCode code) {
  return code == ErrorCode::kCoordinatorNotAvailable || code == ErrorCode::kNotCoordinator ||
         code == ErrorCode::kCoordinatorLoadInProgress;
}

Result<Coordinator> find(ClusterClient& cluster, CoordinatorType type, const std::string& key) {
  constexpr auto kApi = protocol::ApiKey::kFindCoordinator;
  WireClient& client = cluster.any();
  protocol::FindCoordinatorRequest request;
  request.key_type = static_cast<std::int8_t>(type);
  if (client.version_of(kApi) >= kFirstBatched) {
    request.coordinator_keys.push_back(key);
  } else {
    request.key = key;
  }
  protocol::FindCoordinatorResponse response;
  TRY_STATUS(client.call(kApi, request, response));
  if (request.coordinator_keys.empty()) {
    TRY_STATUS(check_answer(response.error_code, response.error_message));
    return Coordinator{response.node_id, response.host, response.port};
  }
  if (response.coordinators.size() != 1) {
    return fail(ErrorCode::kUnknownServerError, "FindCoordinator answered another key");
  }
  const auto& found = response.coordinators.front();
  TRY_STATUS(check_answer(found.error_code, found.error_message));
  return Coordinator{found.node_id, found.host, found.port};
}

}  // namespace

Status ask_coordinator(ClusterClient& cluster, CoordinatorType type, const std::string& key,
                       std::chrono::steady_clock::time_point deadline,
                       const std::function<Status(WireClient&, const Coordinator&)>& ask) {
  for (;;) {
    Status done;
    if (const Result<Coordinator> found = find(cluster, type, key)) {
      const Result<WireClient*> client = cluster.broker(found->id);
      done = client ? ask(**client, *found) : Status{std::unexpected(client.error())};
    } else {
      done = std::unexpected(found.error());
    }
    if (done || !comes_later(done.error().code) || std::chrono::steady_clock::now() > deadline) {
      return done;
    }
    ::poll(nullptr, 0, kPauseMs);  // the broker gives no sign to wait for
  }
}

}  // namespace barnabas::apps
