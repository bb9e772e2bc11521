#include "watch_table.h"

namespace barnabas::zk {

void WatchTable::watch_data(const std::string& path, SessionId owner, Watcher watcher) {
  if (watcher) {
    data_[path].push_back({owner, std::move(watcher)});
  }
}

void WatchTable::watch_children(const std::string& path, SessionId owner, Watcher watcher) {
  if (watcher) {
    children_[path].push_back({owner, std::move(watcher)});
  }
}

void WatchTable::drop_session(SessionId owner) {
  for (Table* table : {&data_, &children_}) {
    for (auto entry = table->begin(); entry != table->end();) {
      std::erase_if(entry->second, [owner](const Waiting& w) { return w.owner == owner; });
      entry = entry->second.empty() ? table->erase(entry) : std::next(entry);
    }
  }
}

std::vector<WatchTable::Call> WatchTable::take(const std::vector<FiredEvent>& events) {
  std::vector<Call> calls;
  for (const FiredEvent& fired : events) {
    Table& table = fired.to_child_watches ? children_ : data_;
    const auto found = table.find(fired.event.path);
    if (found == table.end()) {
      continue;
    }
    std::vector<Waiting> waiting = std::move(found->second);
    table.erase(found);
    for (Waiting& one : waiting) {
      calls.push_back({one.owner, std::move(one.watcher), fired.event});
    }
  }
  return calls;
}

}  // namespace barnabas::zk
