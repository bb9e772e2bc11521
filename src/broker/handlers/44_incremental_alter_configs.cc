// IncrementalAlterConfigs (key 44), versions 0 and 1: sets, removes, appends to and subtracts from
// single keys of topics and brokers.
#include <memory>
#include <utility>
#include <vector>

#include "alter_configs.h"
#include "barnabas/protocol/gen/incremental_alter_configs.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using protocol::IncrementalAlterConfigsRequest;
using protocol::IncrementalAlterConfigsResponse;

AlteredResource altered_resource(
    const IncrementalAlterConfigsRequest::AlterConfigsResource& resource) {
  AlteredResource altered{resource.resource_type, resource.resource_name, {}};
  for (const auto& config : resource.configs) {
    altered.alterations.push_back({config.name, config.config_operation, config.value});
  }
  return altered;
}

}  // namespace

void handle_incremental_alter_configs(RequestContext& context, protocol::Reader& body) {
  IncrementalAlterConfigsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  IncrementalAlterConfigsResponse response;
  std::vector<AlteredResource> resources;
  for (const auto& resource : request.resources) {
    resources.push_back(altered_resource(resource));
    auto& entry = response.responses.emplace_back();
    entry.resource_type = resource.resource_type;
    entry.resource_name = resource.resource_name;
  }
  alter_configs(context.services, std::move(resources),
                {.incremental = true, .validate_only = request.validate_only},
                [pending = context.pending(),
                 response = std::move(response)](std::vector<Status> outcomes) mutable {
                  for (std::size_t i = 0; i < outcomes.size(); ++i) {
                    auto& entry = response.responses[i];
                    entry.error_message.reset();
                    if (!outcomes[i]) {
                      entry.error_code = static_cast<std::int16_t>(outcomes[i].error().code);
                      entry.error_message = std::move(outcomes[i].error().message);
                    }
                  }
                  Executor& home = pending.home();
                  home.post([pending = std::move(pending), response = std::move(response)] {
                    pending.send(response);
                  });
                });
}

}  // namespace barnabas::broker
