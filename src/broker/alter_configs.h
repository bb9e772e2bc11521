// What AlterConfigs and IncrementalAlterConfigs have in common: judging the resources of a request
// as Kafka's ConfigAdminManager and ZkAdminManager do (3.9.1), and having the changes written.
// THREAD: any
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/result.h"
#include "request_context.h"

namespace barnabas::broker {

// The numbers are those of the requests (AlterConfigOp.OpType).
enum class ConfigOperation : std::int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

struct ConfigAlteration {
  std::string key;
  std::int8_t operation = 0;  // as sent: may be none of the above
  std::optional<std::string> value;
};

struct AlteredResource {
  std::int8_t type = 0;
  std::string name;
  std::vector<ConfigAlteration> alterations;
};

struct AlterConfigsOptions {
  bool incremental = false;  // otherwise the alterations replace all that stood there
  bool validate_only = false;
};

// One outcome for each resource, in order. `done` may run at once or on the controller's home.
void alter_configs(Services& services, std::vector<AlteredResource> resources,
                   AlterConfigsOptions options,
                   std::move_only_function<void(std::vector<Status>)> done);

}  // namespace barnabas::broker
