// Changes of configurations, one after the other. Each is one write: the configuration, and the
// notification by which every broker learns of it; a crash leaves both or neither.
// THREAD: home, but for edit_config().
#pragma once

#include <memory>
#include <string>

#include "barnabas/controller/config_admin.h"
#include "barnabas/controller/controller.h"
#include "event_queue.h"
#include "store_calls.h"

namespace barnabas::controller {

class ConfigWriter final : public ConfigAdmin {
 public:
  // `listener` hears of each change before it is answered.
  ConfigWriter(zk::MetadataStore& store, ConfigListener& listener);
  ~ConfigWriter() override { stop(); }
  ConfigWriter(const ConfigWriter&) = delete;
  ConfigWriter& operator=(const ConfigWriter&) = delete;

  void edit_config(zk::ConfigType type, std::string entity, ConfigEdit edit, bool validate_only,
                   std::move_only_function<void(Status)> done) override;
  // What waits is answered with an error, and so is what comes later.
  void stop();
  [[nodiscard]] bool idle() const { return events_.idle(); }

 private:
  struct Request;
  Async<Step> handle(std::shared_ptr<Request> request);

  Executor& home_;
  StoreCalls store_;
  ConfigListener& listener_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  EventQueue events_;
};

}  // namespace barnabas::controller
