// A broker's life on a real ZooKeeper: the session, the registration, and what is made anew when a
// session has ended. What the tree holds and who leads it is the controller's business, as on the
// embedded tree.
//
// Life cycle: connect() and enter() in the broker's start, on its thread; afterwards everything
// happens at home until the store is closed. After an expired session: a new one, the cluster's id
// looked at again, the registration, then `rejoined` with the new epoch. What cannot be done is
// tried again every kRetryAfter and said in the log; a cluster that has become another one is not
// entered again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/random.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "barnabas/config/broker_config.h"
#include "barnabas/zk/membership.h"

namespace barnabas::broker {

class ZooKeeperLink {
 public:
  struct Ports {
    Vfs& vfs;
    Executor& home;
    Executor& disk;
    Random& random;  // home's
  };

  // Connects, making the chroot first. Refused in one sentence: a connect string or keys that ask
  // for TLS or SASL, a ZooKeeper that does not answer. THREAD: not a home
  [[nodiscard]] static Result<std::unique_ptr<ZooKeeperLink>> connect(
      const config::BrokerConfig& config, const Ports& ports);
  ~ZooKeeperLink();
  ZooKeeperLink(const ZooKeeperLink&) = delete;
  ZooKeeperLink& operator=(const ZooKeeperLink&) = delete;

  [[nodiscard]] const std::shared_ptr<zk::ZooKeeperStore>& store() const { return store_; }

  // A cluster that is being moved to KRaft, or was, is refused. THREAD: not a home
  [[nodiscard]] Status check_not_kraft();

  using MakeNode = std::function<zk::BrokerZNode()>;
  using Rejoined = std::function<void(BrokerEpoch)>;
  // Registers and answers the epoch; from then on a lost session is replaced. `make_node` and
  // `rejoined` run at home. THREAD: not a home
  [[nodiscard]] Result<BrokerEpoch> enter(const std::string& cluster_id, BrokerId broker,
                                          MakeNode make_node, Rejoined rejoined);

 private:
  ZooKeeperLink(const config::BrokerConfig& config, zk::ZooKeeperOptions options,
                const Ports& ports);
  void renew();
  void rejoin();
  void try_again();

  const Ports ports_;
  const zk::ZooKeeperOptions options_;
  const std::chrono::milliseconds timeout_;
  const std::vector<std::string> log_dirs_;
  const std::shared_ptr<zk::ZooKeeperStore> store_;
  const std::vector<zk::SessionRecord> known_;  // of earlier runs
  std::string cluster_id_;
  MakeNode make_node_;
  Rejoined rejoined_;
  std::unique_ptr<zk::Membership> membership_;
  std::unique_ptr<Timer> retry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // home's
};

}  // namespace barnabas::broker
