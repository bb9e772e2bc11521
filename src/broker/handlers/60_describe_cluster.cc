// DescribeCluster (key 60), versions 0 and 1.
#include <fmt/format.h>

#include "authorized_operations.h"
#include "barnabas/protocol/gen/describe_cluster.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

constexpr std::int8_t kBrokerEndpoints = 1;
constexpr std::int8_t kControllerEndpoints = 2;

}  // namespace

void handle_describe_cluster(RequestContext& context, protocol::Reader& body) {
  protocol::DescribeClusterRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  protocol::DescribeClusterResponse response;
  if (request.endpoint_type != kBrokerEndpoints) {
    const bool controllers = request.endpoint_type == kControllerEndpoints;
    response.error_code = static_cast<std::int16_t>(
        controllers ? ErrorCode::kMismatchedEndpointType : ErrorCode::kUnsupportedEndpointType);
    response.error_message =
        controllers ? "The request was sent to an endpoint of type BROKER, but we wanted an "
                      "endpoint of type CONTROLLER"
                    : fmt::format("Unsupported endpoint type {}", request.endpoint_type);
    context.answer(response);
    return;
  }
  const auto& cluster = context.thread.metadata();
  response.cluster_id = cluster.cluster_id();
  response.controller_id = cluster.controller().value();
  for (const auto& broker : cluster.brokers()) {
    if (const auto* endpoint = broker.endpoint(context.connection.listener_name())) {
      auto& entry = response.brokers.emplace_back();
      entry.broker_id = broker.id.value();
      entry.host = endpoint->host;
      entry.port = endpoint->port;
      entry.rack = broker.rack;
    }
  }
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  context.answer(response);
}

}  // namespace barnabas::broker
