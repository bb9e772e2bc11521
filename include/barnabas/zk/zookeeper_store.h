// The MetadataStore of a real ZooKeeper, over its C client.
//
// Life cycle: made without a session; connect() or take_over() opens one; after kExpired
// renew_session() opens the next; close() ends it. Destroyed without close() it ends the session
// too, but nobody waits for that.
//
// Connection loss: requests wait for the next connection and are sent again in their order. A write
// whose first attempt may have been carried out, and whose second one meets a node that is already
// there, already changed or already gone, is looked at: if the nodes hold what it would have
// written, ephemeral ones by this very session, it was carried out. Nobody above ever sees
// kConnectionLoss but from connect(), and from close() for what was still under way.
// In a multi, ZooKeeper answers nothing but the path of a node that was created: its Stat holds
// version, owner and length, the zxids and times are 0.
//
// Threads: as MetadataStore. The C client's threads copy what they have and post it home; opening
// and closing, which may wait for name servers, run on `disk`.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"
#include "barnabas/zk/metadata_store.h"

namespace barnabas::zk {

// zookeeper.connect taken apart.
struct ConnectString {
  std::string hosts;   // host:port,host:port
  std::string chroot;  // empty, or a path: "/kafka"
};
// INVALID_CONFIG in one sentence when there is no host, a port that is none, a chroot that is no
// path, or a scheme (tls://, sasl://) that this client does not speak. THREAD: any
[[nodiscard]] Result<ConnectString> parse_connect_string(const std::string& text);

// What proves that a session is one's own.
struct SessionCredentials {
  SessionId id;
  std::array<char, 16> password{};
  bool operator==(const SessionCredentials&) const = default;
};

// "session 0x1000ab..", as ZooKeeper's own tools write the id. THREAD: any
[[nodiscard]] std::string session_name(SessionId id);

struct ZooKeeperOptions {
  ConnectString connect;
  std::chrono::milliseconds session_timeout{18000};
  std::size_t max_in_flight = 10;  // requests sent and not yet answered
};

// THREAD: home
class ZooKeeperStore : public MetadataStore {
 public:
  // The first session. kConnectionLoss when no server has answered within `timeout`; the store is
  // closed then.
  virtual void connect(std::chrono::milliseconds timeout, Callback<SessionId> done) = 0;
  // The same with a session that an earlier process had: kSessionExpired when it is over, or the
  // password is not its own.
  virtual void take_over(SessionCredentials session, std::chrono::milliseconds timeout,
                         Callback<SessionId> done) = 0;
  // Of the session that stands; kNoSession before the first one.
  [[nodiscard]] virtual SessionCredentials credentials() const = 0;
};

[[nodiscard]] std::shared_ptr<ZooKeeperStore> make_zookeeper_store(ZooKeeperOptions options,
                                                                   Executor& home, Executor& disk);

// Makes options.connect.chroot, which must not be empty, and its parents where they are missing, in
// a short session of its own that does not live under it. THREAD: home
void make_chroot(ZooKeeperOptions options, std::chrono::milliseconds timeout, Executor& home,
                 Executor& disk, Callback<SessionId> done);

}  // namespace barnabas::zk
