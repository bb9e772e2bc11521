// LeaveGroup (key 13), versions 0 to 5: one member, since version 3 any number of them.
#include "barnabas/protocol/gen/leave_group.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

constexpr std::int16_t kFirstBatched = 3;

// One member's outcome is the whole answer of the older versions.
void adapt(protocol::LeaveGroupResponse& response, std::int16_t version) {
  if (version >= kFirstBatched) {
    return;
  }
  if (response.error_code == 0 && !response.members.empty()) {
    response.error_code = response.members.front().error_code;
  }
  response.members.clear();
}

}  // namespace

void handle_leave_group(RequestContext& context, protocol::Reader& body) {
  protocol::LeaveGroupRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  if (context.version() < kFirstBatched) {
    request.members.emplace_back().member_id = std::move(request.member_id);
  }
  context.services.groups.leave_group(
      std::move(request), answer_at_home<protocol::LeaveGroupResponse>(context.pending(), adapt));
}

}  // namespace barnabas::broker
