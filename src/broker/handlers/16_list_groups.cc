// ListGroups (key 16), versions 0 to 5: the groups this broker is coordinator of, by state and
// type.
#include "barnabas/protocol/gen/list_groups.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_list_groups(RequestContext& context, protocol::Reader& body) {
  protocol::ListGroupsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.services.groups.list_groups(
      std::move(request), answer_at_home<protocol::ListGroupsResponse>(context.pending()));
}

}  // namespace barnabas::broker
