// One handle of ZooKeeper's C client, and the door between its threads and the store's home: every
// callback of the library copies what it was given, posts it and does nothing else.
// The listener is told nothing any more once it has gone. Opening may wait for a name server,
// closing for the library's threads: both belong on the disk executor.
// THREAD: as marked; the calls are home's
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"
#include "barnabas/zk/metadata_store.h"
#include "barnabas/zk/zookeeper_store.h"

namespace barnabas::zk {

enum class LinkState : std::uint8_t { kConnected, kConnecting, kExpired, kAuthFailed };

// What came back for one request. `code` is empty when it was carried out.
struct ClientReply {
  struct Outcome {
    std::optional<StoreErrorCode> code;
    std::string path;  // of a create
    Stat stat;         // of a set
  };
  std::optional<StoreErrorCode> code;
  std::string message;  // what the library says, where no code of ours fits
  NodeData data;
  Stat stat;
  std::vector<std::string> names;
  std::vector<Outcome> outcomes;  // of a multi, one for each operation
};

// THREAD: home
class ClientListener {
 public:
  virtual ~ClientListener() = default;
  virtual void on_link(std::uint64_t generation, LinkState state, SessionCredentials session,
                       std::string server) = 0;
  virtual void on_watch(std::uint64_t generation, std::uint64_t watch, WatchEvent event) = 0;
  virtual void on_reply(std::uint64_t generation, std::uint64_t token, ClientReply reply) = 0;
};

class ZooKeeperClient {
 public:
  // `generation` comes back with everything, so that the listener can tell handles apart.
  // THREAD: disk
  [[nodiscard]] static Result<std::unique_ptr<ZooKeeperClient>> open(
      const ZooKeeperOptions& options, const std::optional<SessionCredentials>& session,
      Executor& home, std::weak_ptr<ClientListener> listener, std::uint64_t generation);
  virtual ~ZooKeeperClient() = default;  // ends the session. THREAD: disk

  // Each is answered by on_reply with its token, or refused at once (then never answered).
  // `watch` 0: none.
  using Refusal = std::optional<StoreErrorCode>;
  [[nodiscard]] virtual Refusal get(const std::string& path, std::uint64_t watch,
                                    std::uint64_t token) = 0;
  [[nodiscard]] virtual Refusal exists(const std::string& path, std::uint64_t watch,
                                       std::uint64_t token) = 0;
  [[nodiscard]] virtual Refusal children(const std::string& path, std::uint64_t watch,
                                         std::uint64_t token) = 0;
  // `ops` must stay in place until the call returns.
  [[nodiscard]] virtual Refusal multi(const std::vector<WriteOp>& ops, std::uint64_t token) = 0;
};

}  // namespace barnabas::zk
