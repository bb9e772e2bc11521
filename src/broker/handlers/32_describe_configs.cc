// DescribeConfigs (key 32), versions 0 to 4: topics and this broker, with synonyms.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/config/describe.h"
#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/describe_configs.h"
#include "config_resources.h"
#include "dynamic_broker_config.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using config::DescribedConfig;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using Resource = DescribeConfigsRequest::DescribeConfigsResource;
using ResourceResult = DescribeConfigsResponse::DescribeConfigsResult;

// Kafka's sentence for INVALID_REQUEST without one of its own.
constexpr std::string_view kMalformed =
    "This most likely occurs because of a request being malformed by the client library or the "
    "message was sent to an incompatible broker. See the broker logs for more details.";

void fill(ResourceResult& result, const Resource& resource, std::vector<DescribedConfig> configs,
          const DescribeConfigsRequest& request) {
  for (auto& config : configs) {
    const auto& wanted = resource.configuration_keys;
    if (wanted && !wanted->empty() && std::ranges::count(*wanted, config.name) == 0) {
      continue;
    }
    auto& entry = result.configs.emplace_back();
    entry.name = std::move(config.name);
    entry.value = std::move(config.value);
    entry.read_only = config.read_only;
    entry.config_source = static_cast<std::int8_t>(config.source);
    entry.is_sensitive = config.sensitive;
    entry.config_type = static_cast<std::int8_t>(config.type);
    entry.documentation.reset();
    if (request.include_documentation) {
      entry.documentation = std::move(config.documentation);
    }
    if (request.include_synonyms) {
      for (auto& synonym : config.synonyms) {
        auto& item = entry.synonyms.emplace_back();
        item.name = std::move(synonym.name);
        item.value = std::move(synonym.value);
        item.source = static_cast<std::int8_t>(synonym.source);
      }
    }
  }
}

void refuse(ResourceResult& result, ErrorCode error, std::string_view message) {
  result.error_code = static_cast<std::int16_t>(error);
  result.error_message.emplace(message);
}

void describe_topic(RequestContext& context, const DescribeConfigsRequest& request,
                    const Resource& resource, ResourceResult& result) {
  if (const auto valid = metadata::validate_topic_name(resource.resource_name); !valid) {
    refuse(result, valid.error().code, valid.error().message);
    return;
  }
  const auto& cluster = context.thread.metadata();
  if (cluster.topic(resource.resource_name) == nullptr) {
    refuse(result, ErrorCode::kUnknownTopicOrPartition, "");
    return;
  }
  fill(result, resource,
       config::describe_topic(context.services.config, cluster.topic_config(resource.resource_name),
                              dynamic_overrides(cluster, context.services.broker_id)),
       request);
}

// The broker's loggers have no levels that clients may set; another broker's are not ours to tell.
void describe_loggers(RequestContext& context, const Resource& resource, ResourceResult& result) {
  const std::int32_t own = context.services.broker_id.value();
  const auto id = parse_broker_id(resource.resource_name);
  if (!id) {
    refuse(result, ErrorCode::kInvalidRequest,
           fmt::format("Broker id must be an integer, but it is: {}", resource.resource_name));
  } else if (*id != own) {
    refuse(result, ErrorCode::kInvalidRequest,
           fmt::format("Unexpected broker id, expected {} but received {}", own,
                       resource.resource_name));
  } else {
    refuse(result, ErrorCode::kInvalidRequest, kLoggersNotConfigurable);
  }
}

void describe_broker(RequestContext& context, const DescribeConfigsRequest& request,
                     const Resource& resource, ResourceResult& result) {
  const auto dynamic = dynamic_overrides(context.thread.metadata(), context.services.broker_id);
  if (resource.resource_name.empty()) {
    fill(result, resource, config::describe_cluster_defaults(context.services.config, dynamic),
         request);
    return;
  }
  const auto id = parse_broker_id(resource.resource_name);
  if (!id) {
    refuse(result, ErrorCode::kInvalidRequest,
           fmt::format("Broker id must be an integer, but it is: {}", resource.resource_name));
    return;
  }
  if (BrokerId(*id) != context.services.broker_id) {
    refuse(result, ErrorCode::kInvalidRequest,
           fmt::format("Unexpected broker id, expected {} or empty string, but received {}",
                       context.services.broker_id.value(), resource.resource_name));
    return;
  }
  fill(result, resource, config::describe_broker(context.services.config, dynamic), request);
}

}  // namespace

void handle_describe_configs(RequestContext& context, protocol::Reader& body) {
  DescribeConfigsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  DescribeConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& result = response.results.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    if (resource.resource_type == kTopicResource) {
      describe_topic(context, request, resource, result);
    } else if (resource.resource_type == kBrokerResource) {
      describe_broker(context, request, resource, result);
    } else if (resource.resource_type == kLoggerResource) {
      describe_loggers(context, resource, result);
    } else {
      refuse(result, ErrorCode::kInvalidRequest, kMalformed);
    }
  }
  context.answer(response);
}

}  // namespace barnabas::broker
