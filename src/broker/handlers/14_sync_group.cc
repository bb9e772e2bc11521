// SyncGroup (key 14), versions 0 to 5. Answered when the leader's assignment is stored.
#include "barnabas/protocol/gen/sync_group.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_sync_group(RequestContext& context, protocol::Reader& body) {
  protocol::SyncGroupRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  constexpr std::int16_t kFirstNamingTheProtocol = 5;
  if (context.version() >= kFirstNamingTheProtocol &&
      (!request.protocol_type || !request.protocol_name)) {
    protocol::SyncGroupResponse response;
    response.error_code = static_cast<std::int16_t>(ErrorCode::kInconsistentGroupProtocol);
    context.answer(response);
    return;
  }
  context.services.groups.sync_group(
      std::move(request), answer_at_home<protocol::SyncGroupResponse>(context.pending()));
}

}  // namespace barnabas::broker
