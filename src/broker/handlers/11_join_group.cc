// JoinGroup (key 11), versions 0 to 9. Answered when the group's rebalance is complete.
#include "barnabas/protocol/gen/join_group.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_join_group(RequestContext& context, protocol::Reader& body) {
  protocol::JoinGroupRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  coordinator::ClientIdentity client;
  client.client_id = context.header.client_id.value_or("");
  client.client_host = "/" + context.connection.remote_address();
  context.services.groups.join_group(
      std::move(client), std::move(request), context.version(),
      answer_at_home<protocol::JoinGroupResponse>(
          context.pending(), [](protocol::JoinGroupResponse& response, std::int16_t version) {
            constexpr std::int16_t kFirstWithoutProtocol = 7;  // null: none
            if (response.error_code != static_cast<std::int16_t>(ErrorCode::kNone)) {
              response.protocol_name.reset();
            }
            if (version < kFirstWithoutProtocol && !response.protocol_name) {
              response.protocol_name = "";
            }
          }));
}

}  // namespace barnabas::broker
