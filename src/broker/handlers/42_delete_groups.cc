// DeleteGroups (key 42), versions 0 to 2: groups without members go with their offsets.
#include <algorithm>
#include <set>

#include "barnabas/protocol/gen/delete_groups.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_delete_groups(RequestContext& context, protocol::Reader& body) {
  protocol::DeleteGroupsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  std::set<std::string_view> seen;  // each group once, as Kafka's set has it
  std::vector<std::string> groups;
  for (const auto& group : request.groups_names) {
    if (seen.insert(group).second) {
      groups.push_back(group);
    }
  }
  context.services.groups.delete_groups(
      std::move(groups), answer_at_home<protocol::DeleteGroupsResponse>(context.pending()));
}

}  // namespace barnabas::broker
