#include "barnabas/zk/membership.h"

#include <fmt/format.h>

#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::zk {
namespace {

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("zk");
  return logger;
}

}  // namespace

// One attempt. `done` is taken by whoever ends it.
struct Membership::Join {
  std::optional<SessionRecord> last;
  BrokerZNode node;
  ResultCallback<BrokerEpoch> done;
  std::shared_ptr<ZooKeeperStore> old;  // the session that is taken over
  std::unique_ptr<Timer> timer;
  bool taken_over = false;

  void finish(Result<BrokerEpoch> result) {
    timer.reset();
    if (done) {
      std::exchange(done, {})(std::move(result));
    }
  }
};

void Membership::join(std::optional<SessionRecord> last, BrokerZNode node,
                      ResultCallback<BrokerEpoch> done) {
  auto join = std::make_shared<Join>();
  join->last = std::move(last);
  join->node = std::move(node);
  join->done = std::move(done);
  look(std::move(join));
}

void Membership::look(std::shared_ptr<Join> join) {
  store_.exists(
      broker_path(options_.broker), {}, [this, join](StoreResult<std::optional<Stat>> found) {
        if (!found) {
          return join->finish(std::unexpected(to_error(found.error())));
        }
        if (!*found) {
          return remember(join);
        }
        const SessionId owner = (*found)->ephemeral_owner;
        const auto& last = join->last;
        const bool own = last && owner == last->session.id &&
                         last->cluster_id == options_.cluster_id && last->broker == options_.broker;
        if (own && owner != store_.session_id() && !join->taken_over) {
          return close_old(join);
        }
        register_broker(store_, options_.broker, join->node,
                        [join](Result<BrokerEpoch> epoch) { join->finish(std::move(epoch)); });
      });
}

void Membership::close_old(std::shared_ptr<Join> join) {
  log().info("broker {} is still registered by {}, which was this broker's own: it is closed",
             options_.broker.value(), session_name(join->last->session.id));
  join->taken_over = true;
  join->old = make_zookeeper_store(options_.zookeeper, store_.home(), disk_);
  join->old->take_over(
      join->last->session, options_.timeout, [this, join](StoreResult<SessionId> taken) {
        if (!taken && taken.error().code != StoreErrorCode::kSessionExpired) {
          return join->finish(fail(ErrorCode::kBrokerNotAvailable,
                                   fmt::format("the session {} of the run before cannot be closed: "
                                               "ZooKeeper does not answer",
                                               session_name(join->last->session.id))));
        }
        join->old->close([this, join](StoreResult<SessionId>) {
          join->old.reset();
          wait_until_gone(join);
        });
      });
}

// ZooKeeper deletes what a session owned a moment after it has ended.
void Membership::wait_until_gone(std::shared_ptr<Join> join) {
  if (!join->timer) {
    join->timer = store_.home().run_after(options_.timeout, [join] {
      join->finish(fail(ErrorCode::kDuplicateBrokerRegistration,
                        "the registration of the run before does not go although its session "
                        "was closed"));
    });
  }
  store_.exists(
      broker_path(options_.broker), [this, join](const WatchEvent&) { wait_until_gone(join); },
      [this, join](StoreResult<std::optional<Stat>> found) {
        if (!join->done) {
          return;  // its time is up
        }
        if (!found) {
          return join->finish(std::unexpected(to_error(found.error())));
        }
        if (!*found) {
          join->timer.reset();
          remember(join);
        }
      });
}

void Membership::remember(std::shared_ptr<Join> join) {
  SessionRecord record{options_.cluster_id, options_.broker, store_.credentials()};
  disk_.post([this, join, record = std::move(record), &home = store_.home()]() mutable {
    Status written = write_session_file(vfs_, options_.log_dir, record);
    home.post([this, join = std::move(join), written = std::move(written)]() mutable {
      if (!written) {
        return join->finish(std::unexpected(std::move(written).error()));
      }
      register_broker(store_, options_.broker, join->node,
                      [join](Result<BrokerEpoch> epoch) { join->finish(std::move(epoch)); });
    });
  });
}

}  // namespace barnabas::zk
