// Heartbeat (key 12), versions 0 to 4.
#include "barnabas/protocol/gen/heartbeat.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_heartbeat(RequestContext& context, protocol::Reader& body) {
  protocol::HeartbeatRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.services.groups.heartbeat(std::move(request),
                                    answer_at_home<protocol::HeartbeatResponse>(context.pending()));
}

}  // namespace barnabas::broker
