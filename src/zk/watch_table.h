// Who waits for which change. One-shot; ZooKeeper's rules of what fires what.
// THREAD: home (whoever owns it)
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/zk/metadata_store.h"
#include "data_tree.h"

namespace barnabas::zk {

class WatchTable {
 public:
  // Empty watchers are not kept. `owner` tells sessions of one tree apart.
  void watch_data(const std::string& path, SessionId owner, Watcher watcher);
  void watch_children(const std::string& path, SessionId owner, Watcher watcher);
  void drop_session(SessionId owner);

  struct Call {
    SessionId owner;
    Watcher watcher;
    WatchEvent event;
  };
  // Takes out the watchers that these events wake, in the order of the events.
  [[nodiscard]] std::vector<Call> take(const std::vector<FiredEvent>& events);

 private:
  struct Waiting {
    SessionId owner;
    Watcher watcher;
  };
  using Table = std::map<std::string, std::vector<Waiting>>;

  Table data_;
  Table children_;
};

}  // namespace barnabas::zk
