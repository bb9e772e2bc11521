// Tells the broker of every configuration under /config/topics and /config/brokers: all of them at
// the start, then each one that a node under /config/changes names. Runs on every broker.
// The notification only says that something has changed; the whole map is read again, so that two
// changes in a row, or one before the start, cannot leave an old value behind.
// THREAD: home
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/controller/controller.h"
#include "event_queue.h"
#include "store_calls.h"

namespace barnabas::controller {

class ConfigWatcher {
 public:
  ConfigWatcher(zk::MetadataStore& store, ConfigListener& listener, const Clock& clock,
                std::int64_t retention_ms);
  ~ConfigWatcher() { stop(); }
  ConfigWatcher(const ConfigWatcher&) = delete;
  ConfigWatcher& operator=(const ConfigWatcher&) = delete;

  // `loaded` runs when the first reading is complete, or with the error that prevented it.
  void start(std::move_only_function<void(Status)> loaded);
  // The session is a new one: everything is read again.
  void restart();
  // Nothing is told any more, until restart().
  void stop() {
    *alive_ = false;
    alive_ = std::make_shared<bool>(true);
    events_.stop();
  }
  [[nodiscard]] bool idle() const { return events_.idle(); }

 private:
  Async<Step> load();
  Async<Step> load_all(zk::ConfigType type);
  Async<Step> look_for_changes();
  Async<Step> handle_change(std::string name);
  Async<Step> remove_old(std::vector<std::string> names);
  [[nodiscard]] zk::Watcher change_watcher();
  void failed(const zk::StoreError& error);
  void tell(zk::ConfigType type, const std::string& entity, const zk::StoreResult<zk::Node>& node);

  StoreCalls store_;
  ConfigListener& listener_;
  const Clock& clock_;
  const std::int64_t retention_ms_;
  std::move_only_function<void(Status)> loaded_;
  std::int64_t last_change_ = -1;  // sequence number
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  EventQueue events_;
};

}  // namespace barnabas::controller
