#include <memory>
#include <utility>

#include "barnabas/zk/zookeeper_store.h"

namespace barnabas::zk {

void make_chroot(ZooKeeperOptions options, std::chrono::milliseconds timeout, Executor& home,
                 Executor& disk, Callback<SessionId> done) {
  const std::string chroot = std::exchange(options.connect.chroot, {});
  std::vector<std::string> paths;
  for (std::size_t slash = chroot.find('/', 1); slash != std::string::npos;
       slash = chroot.find('/', slash + 1)) {
    paths.push_back(chroot.substr(0, slash));
  }
  paths.push_back(chroot);
  auto store = make_zookeeper_store(std::move(options), home, disk);
  ZooKeeperStore& session = *store;
  session.connect(timeout, [store = std::move(store), paths = std::move(paths),
                            done = std::move(done)](StoreResult<SessionId> connected) mutable {
    if (!connected) {
      return done(std::move(connected));
    }
    auto error = std::make_shared<std::optional<StoreError>>();
    for (std::string& path : paths) {
      store->create({std::move(path), std::nullopt, CreateMode::kPersistent},
                    [error](StoreResult<WriteResult> made) {
                      if (!made && made.error().code != StoreErrorCode::kNodeExists && !*error) {
                        *error = made.error();
                      }
                    });
    }
    ZooKeeperStore& closing = *store;
    // What was asked earlier is answered first.
    closing.close([store = std::move(store), error = std::move(error),
                   done = std::move(done)](StoreResult<SessionId> closed) mutable {
      if (*error) {
        return done(std::unexpected(std::move(**error)));
      }
      done(std::move(closed));
    });
  });
}

}  // namespace barnabas::zk
