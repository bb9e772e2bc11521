// ConsumerGroupHeartbeat (key 68), version 0: a member of a group of the consumer protocol joins,
// reports, leaves, and hears of its partitions.
#include "barnabas/protocol/gen/consumer_group_heartbeat.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_consumer_group_heartbeat(RequestContext& context, protocol::Reader& body) {
  protocol::ConsumerGroupHeartbeatRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  coordinator::ClientIdentity client;
  client.client_id = context.header.client_id.value_or("");
  client.client_host = "/" + context.connection.remote_address();
  context.services.groups.consumer_heartbeat(
      std::move(client), std::move(request),
      answer_at_home<protocol::ConsumerGroupHeartbeatResponse>(context.pending()));
}

}  // namespace barnabas::broker
