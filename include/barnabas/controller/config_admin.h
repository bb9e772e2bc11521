// What request handlers ask for a change of the configurations under /config. Every broker answers,
// controller or not: the change is written together with its notification under /config/changes,
// by which all other brokers learn of it.
// THREAD: any. Callbacks run on the controller's home; the caller posts them to its own.
#pragma once

#include <functional>
#include <string>

#include "barnabas/base/result.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::controller {

// From what stands in the tree to what shall stand there, or why not. Runs on the controller's
// home, and again when somebody else has changed the same configuration meanwhile.
using ConfigEdit = std::move_only_function<Result<zk::ConfigMap>(const zk::ConfigMap& now)>;

class ConfigAdmin {
 public:
  virtual ~ConfigAdmin() = default;

  // Answered when the change is written and this broker has been told of it. A topic must exist:
  // UNKNOWN_TOPIC_OR_PARTITION if it has gone. `validate_only`: nothing is written.
  virtual void edit_config(zk::ConfigType type, std::string entity, ConfigEdit edit,
                           bool validate_only, std::move_only_function<void(Status)> done) = 0;
};

}  // namespace barnabas::controller
