#include "zookeeper_link.h"

#include <fmt/format.h>

#include <utility>

#include "ask_and_wait.h"
#include "barnabas/base/logging.h"
#include "barnabas/zk/broker_registration.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::broker {
namespace {

// Between two attempts to enter a cluster again.
constexpr std::chrono::seconds kRetryAfter{1};

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("kafka.server.KafkaServer");
  return logger;
}

// The C client of Debian has neither TLS nor SASL.
Status check_plain(const config::BrokerConfig& config) {
  const auto refuse = [](std::string_view what) -> Status {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: this server speaks to ZooKeeper in plain text only, without TLS "
                            "and without SASL; remove the line",
                            what));
  };
  if (config.get_bool("zookeeper.ssl.client.enable")) {
    return refuse("zookeeper.ssl.client.enable=true");
  }
  if (config.metadata.set_acl) {
    return refuse("zookeeper.set.acl=true");
  }
  return {};
}

Error no_answer(const zk::ZooKeeperOptions& options, std::chrono::milliseconds timeout,
                const zk::StoreError& error) {
  if (error.code != zk::StoreErrorCode::kConnectionLoss) {
    return zk::to_error(error);
  }
  return Error{
      ErrorCode::kBrokerNotAvailable,
      fmt::format("no ZooKeeper answers at {} within zookeeper.connection.timeout.ms={}{}{}. Start "
                  "it (scripts/zookeeper-server-start.sh config/zookeeper.properties) or correct "
                  "zookeeper.connect; for one broker without ZooKeeper remove zookeeper.connect, "
                  "as config/standalone.properties does",
                  options.connect.hosts, timeout.count(), error.message.empty() ? "" : ": ",
                  error.message)};
}

// A store's callback out of a general one.
template <typename T>
zk::Callback<T> store_callback(std::move_only_function<void(Result<zk::StoreResult<T>>)> done) {
  return [done = std::move(done)](zk::StoreResult<T> result) mutable {
    done(Result<zk::StoreResult<T>>(std::move(result)));
  };
}

}  // namespace

ZooKeeperLink::ZooKeeperLink(const config::BrokerConfig& config, zk::ZooKeeperOptions options,
                             const Ports& ports)
    : ports_(ports),
      options_(std::move(options)),
      timeout_(config.metadata.connection_timeout_ms),
      log_dirs_(config.log_dirs.dirs),
      store_(zk::make_zookeeper_store(options_, ports.home, ports.disk)),
      known_(zk::read_session_files(ports.vfs, log_dirs_)) {}

ZooKeeperLink::~ZooKeeperLink() {
  *alive_ = false;
}

Result<std::unique_ptr<ZooKeeperLink>> ZooKeeperLink::connect(const config::BrokerConfig& config,
                                                              const Ports& ports) {
  TRY_STATUS(check_plain(config));
  zk::ZooKeeperOptions options;
  TRY(options.connect, zk::parse_connect_string(config.metadata.zookeeper_connect));
  options.session_timeout = std::chrono::milliseconds(config.metadata.session_timeout_ms);
  options.max_in_flight = static_cast<std::size_t>(config.metadata.max_in_flight_requests);
  const std::chrono::milliseconds timeout(config.metadata.connection_timeout_ms);
  log().info("connecting to ZooKeeper at {}{}", options.connect.hosts, options.connect.chroot);
  using Opened = zk::StoreResult<zk::SessionId>;
  if (!options.connect.chroot.empty()) {
    TRY(const Opened made, ask_and_wait<Opened>(ports.home, [&](auto done) {
          zk::make_chroot(options, timeout, ports.home, ports.disk,
                          store_callback<zk::SessionId>(std::move(done)));
        }));
    if (!made) {
      return std::unexpected(no_answer(options, timeout, made.error()));
    }
  }
  std::unique_ptr<ZooKeeperLink> link(new ZooKeeperLink(config, options, ports));
  TRY(const Opened opened, ask_and_wait<Opened>(ports.home, [&](auto done) {
        link->store_->connect(timeout, store_callback<zk::SessionId>(std::move(done)));
      }));
  if (!opened) {
    return std::unexpected(no_answer(options, timeout, opened.error()));
  }
  return link;
}

Status ZooKeeperLink::check_not_kraft() {
  const auto read = [this](std::string_view path) {
    return ask_and_wait<zk::StoreResult<zk::Node>>(ports_.home, [this, path](auto done) {
      store_->get(std::string(path), {}, store_callback<zk::Node>(std::move(done)));
    });
  };
  const auto refuse = [](std::string_view why) -> Status {
    return fail(ErrorCode::kUnsupportedVersion,
                fmt::format("{}: a cluster that is moved to KRaft cannot be joined, this server "
                            "belongs to clusters on ZooKeeper alone",
                            why));
  };
  TRY(const auto migration, read(zk::kMigrationPath));
  if (migration) {
    return refuse("ZooKeeper holds /migration");
  }
  TRY(const auto seat, read(zk::kControllerPath));
  if (seat) {
    TRY(const auto controller, zk::decode_controller(seat->data));
    if (controller.kraft_controller_epoch != -1) {
      return refuse("/controller was written by a KRaft controller");
    }
  }
  for (const auto* answer : {&migration, &seat}) {
    if (!*answer && answer->error().code != zk::StoreErrorCode::kNoNode) {
      return std::unexpected(zk::to_error(answer->error()));
    }
  }
  return {};
}

Result<BrokerEpoch> ZooKeeperLink::enter(const std::string& cluster_id, BrokerId broker,
                                         MakeNode make_node, Rejoined rejoined) {
  cluster_id_ = cluster_id;
  make_node_ = std::move(make_node);
  rejoined_ = std::move(rejoined);
  membership_ = std::make_unique<zk::Membership>(
      zk::MembershipOptions{options_, timeout_, log_dirs_, cluster_id, broker}, *store_, ports_.vfs,
      ports_.disk);
  return ask_and_wait<BrokerEpoch>(ports_.home, [this](auto done) {
    membership_->join(
        known_, make_node_(), [this, done = std::move(done)](Result<BrokerEpoch> epoch) mutable {
          if (epoch) {
            store_->add_session_listener([this, alive = alive_](zk::SessionState state) {
              if (*alive && state == zk::SessionState::kExpired) {
                renew();
              }
            });
          }
          done(std::move(epoch));
        });
  });
}

// ---- After a session has ended -----------------------------------------------------------------

void ZooKeeperLink::renew() {
  retry_.reset();
  store_->renew_session([this, alive = alive_](zk::StoreResult<zk::SessionId> session) {
    if (*alive && session) {
      rejoin();
    }
    // Otherwise it was closed, or has expired again, which the listener hears.
  });
}

void ZooKeeperLink::try_again() {
  if (store_->session_state() == zk::SessionState::kExpired) {
    return;
  }
  retry_ = ports_.home.run_after(kRetryAfter, [this] { rejoin(); });
}

void ZooKeeperLink::rejoin() {
  retry_.reset();
  zk::prepare_tree(*store_, ports_.random, [this, alive = alive_](Result<std::string> cluster_id) {
    if (!*alive) {
      return;
    }
    if (!cluster_id) {
      log().error("the tree cannot be read after a new session: {}", cluster_id.error().message);
      return try_again();
    }
    if (*cluster_id != cluster_id_) {
      return log().error(
          "ZooKeeper now holds the cluster {}, this broker belongs to {} and does not join it; "
          "bring that ZooKeeper back or correct zookeeper.connect, and start again",
          *cluster_id, cluster_id_);
    }
    membership_->join(known_, make_node_(), [this, alive = alive_](Result<BrokerEpoch> epoch) {
      if (!*alive) {
        return;
      }
      if (!epoch) {
        log().error("this broker is not registered: {}", epoch.error().message);
        return try_again();
      }
      log().info("registered anew with epoch {}", epoch->value());
      rejoined_(*epoch);
    });
  });
}

}  // namespace barnabas::broker
