// One request of the ZooKeeper store on its way, and what can be judged of it without I/O: whether
// it may be sent, what its answer means, and whether a write whose answer was lost was carried out.
// THREAD: any
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/zk/metadata_store.h"
#include "zookeeper_client.h"

namespace barnabas::zk {

struct Request {
  enum class Kind : std::uint8_t { kGet, kExists, kChildren, kMulti };
  using Done = std::move_only_function<void(StoreResult<ClientReply>)>;

  Kind kind = Kind::kGet;
  std::string path;         // of a read
  std::uint64_t watch = 0;  // of a read; 0: none
  std::vector<WriteOp> ops;
  Done done;
  bool doubtful = false;  // sent before, and the answer was lost
  ClientReply refused;    // what the second attempt met
  std::vector<ClientReply> looks;
  std::size_t looks_left = 0;
  std::optional<StoreResult<ClientReply>> answer;
};

[[nodiscard]] inline bool is_ephemeral(CreateMode mode) {
  return mode == CreateMode::kEphemeral || mode == CreateMode::kEphemeralSequential;
}

// kBadArguments for a path that is none, and for a write larger than ZooKeeper takes: it would cut
// the connection at each attempt.
[[nodiscard]] StoreResult<void> check_request(const Request& request);

// What ZooKeeper does not say of nodes that a multi has created.
void complete_outcomes(const std::vector<WriteOp>& ops, SessionId session, ClientReply& reply);

// Whether the refusal of a doubtful write may come from its own first attempt.
[[nodiscard]] bool may_be_own_doing(const Request& request, const ClientReply& refused);
// The answer of the first attempt, if the nodes as looked at (one for each operation) say that it
// was carried out by `session`.
[[nodiscard]] std::optional<ClientReply> done_before(const Request& request, SessionId session);

[[nodiscard]] StoreResult<ClientReply> to_answer(const Request& request, ClientReply reply);

}  // namespace barnabas::zk
