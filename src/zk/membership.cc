#include "barnabas/zk/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::zk {
namespace {

// How long an old session may take to go before it is closed once more.
constexpr std::chrono::seconds kCloseAgainAfter{1};

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("zk");
  return logger;
}

}  // namespace

// One attempt. `done` is taken by whoever ends it.
struct Membership::Join {
  std::vector<SessionRecord> known;
  BrokerZNode node;
  ResultCallback<BrokerEpoch> done;
  SessionCredentials own;               // the session of an earlier run that still stands
  std::shared_ptr<ZooKeeperStore> old;  // the same, taken over to be closed
  std::unique_ptr<Timer> deadline;
  std::unique_ptr<Timer> again;
  bool remembering = false;

  void finish(Result<BrokerEpoch> result) {
    deadline.reset();
    again.reset();
    if (done) {
      std::exchange(done, {})(std::move(result));
    }
  }
};

void Membership::join(std::vector<SessionRecord> known, BrokerZNode node,
                      ResultCallback<BrokerEpoch> done) {
  auto join = std::make_shared<Join>();
  join->known = std::move(known);
  join->node = std::move(node);
  join->done = std::move(done);
  look(std::move(join));
}

void Membership::look(std::shared_ptr<Join> join) {
  store_.exists(
      broker_path(options_.broker),
      [this, join](const WatchEvent&) {
        if (join->done && join->deadline) {
          look(join);  // the old registration is going
        }
      },
      [this, join](StoreResult<std::optional<Stat>> found) {
        if (!join->done) {
          return;  // its time is up
        }
        if (!found) {
          return join->finish(std::unexpected(to_error(found.error())));
        }
        if (!*found) {
          return remember(join);
        }
        const SessionId owner = (*found)->ephemeral_owner;
        const auto record = std::ranges::find_if(join->known, [&](const SessionRecord& one) {
          return one.session.id == owner && one.cluster_id == options_.cluster_id &&
                 one.broker == options_.broker;
        });
        if (record == join->known.end() || owner == store_.session_id()) {
          return register_broker(
              store_, options_.broker, join->node,
              [join](Result<BrokerEpoch> epoch) { join->finish(std::move(epoch)); });
        }
        join->own = record->session;
        if (!join->deadline) {
          log().info(
              "broker {} is still registered by {}, this broker's own of an earlier run: it "
              "is closed",
              options_.broker.value(), session_name(owner));
          join->deadline = store_.home().run_after(options_.timeout, [join] {
            join->finish(fail(
                ErrorCode::kDuplicateBrokerRegistration,
                fmt::format("this broker is still registered by {} of an earlier run, which does "
                            "not end: does another process run on a copy of these directories?",
                            session_name(join->own.id))));
          });
        }
        close_old(join);
      });
}

void Membership::close_old(std::shared_ptr<Join> join) {
  if (join->old != nullptr) {
    return;
  }
  join->old = make_zookeeper_store(options_.zookeeper, store_.home(), disk_);
  join->old->take_over(join->own, options_.timeout, [this, join](StoreResult<SessionId>) {
    // Over already, out of reach, or ours now: look again either way. ZooKeeper deletes what the
    // session owned a moment after it has ended; should it stand, because its connection was lost
    // on the way, it is closed once more.
    join->old->close([this, join](StoreResult<SessionId>) {
      join->old.reset();
      if (join->done) {
        join->again = store_.home().run_after(kCloseAgainAfter, [this, join] { look(join); });
      }
    });
  });
}

void Membership::remember(std::shared_ptr<Join> join) {
  if (join->remembering) {
    return;
  }
  join->remembering = true;
  join->again.reset();
  SessionRecord record{options_.cluster_id, options_.broker, store_.credentials()};
  disk_.post([this, join, record = std::move(record), &home = store_.home()]() mutable {
    Status written = write_session_files(vfs_, options_.log_dirs, record);
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
