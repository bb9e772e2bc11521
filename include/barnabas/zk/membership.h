// A broker's registration in a real ZooKeeper, with the proof that an older one is its own.
//
// join(): looks at /brokers/ids/N. Nobody there: the session is written to the session file, then
// the broker registers. There, and owned by the session that the file names for this very cluster
// and broker: that session is taken over with its password and closed, so that ZooKeeper drops all
// that it owned, and when the node has gone the broker registers. Anybody else's: a clash, refused
// naming the owner, and nothing is touched. An old node is never written to.
// Called again after each new session. Crash argument: session_file.h.
// THREAD: home
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "barnabas/zk/broker_registration.h"
#include "barnabas/zk/session_file.h"
#include "barnabas/zk/zookeeper_store.h"

namespace barnabas::zk {

struct MembershipOptions {
  ZooKeeperOptions zookeeper;
  std::chrono::milliseconds timeout{18000};  // for taking over an old session
  std::vector<std::string> log_dirs;  // where session files lie: one that can be written will do
  std::string cluster_id;
  BrokerId broker{-1};
};

class Membership {
 public:
  Membership(MembershipOptions options, ZooKeeperStore& store, Vfs& vfs, Executor& disk)
      : options_(std::move(options)), store_(store), vfs_(vfs), disk_(disk) {}

  // `known`: what read_session_files() found at the start. One join at a time.
  void join(std::vector<SessionRecord> known, BrokerZNode node, ResultCallback<BrokerEpoch> done);

 private:
  struct Join;
  void look(std::shared_ptr<Join> join);
  void close_old(std::shared_ptr<Join> join);
  void remember(std::shared_ptr<Join> join);

  const MembershipOptions options_;
  ZooKeeperStore& store_;
  Vfs& vfs_;
  Executor& disk_;
};

}  // namespace barnabas::zk
