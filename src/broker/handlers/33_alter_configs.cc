// AlterConfigs (key 33), versions 0 to 2: replaces the whole configuration of topics and brokers.
#include <memory>
#include <utility>
#include <vector>

#include "alter_configs.h"
#include "barnabas/protocol/gen/alter_configs.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using protocol::AlterConfigsRequest;
using protocol::AlterConfigsResponse;

AlteredResource altered_resource(const AlterConfigsRequest::AlterConfigsResource& resource) {
  AlteredResource altered{resource.resource_type, resource.resource_name, {}};
  for (const auto& config : resource.configs) {
    altered.alterations.push_back({config.name, 0, config.value});
  }
  return altered;
}

}  // namespace

void handle_alter_configs(RequestContext& context, protocol::Reader& body) {
  AlterConfigsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  AlterConfigsResponse response;
  std::vector<AlteredResource> resources;
  for (const auto& resource : request.resources) {
    resources.push_back(altered_resource(resource));
    auto& entry = response.responses.emplace_back();
    entry.resource_type = resource.resource_type;
    entry.resource_name = resource.resource_name;
  }
  alter_configs(context.services, std::move(resources),
                {.incremental = false, .validate_only = request.validate_only},
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
