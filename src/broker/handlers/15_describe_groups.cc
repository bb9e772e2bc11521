// DescribeGroups (key 15), versions 0 to 5.
#include "authorized_operations.h"
#include "barnabas/protocol/gen/describe_groups.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_describe_groups(RequestContext& context, protocol::Reader& body) {
  protocol::DescribeGroupsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  const bool with_operations = request.include_authorized_operations;
  context.services.groups.describe_groups(
      std::move(request.groups),
      answer_at_home<protocol::DescribeGroupsResponse>(
          context.pending(),
          [with_operations](protocol::DescribeGroupsResponse& response, std::int16_t) {
            for (auto& group : response.groups) {
              if (with_operations && group.error_code == 0) {
                group.authorized_operations = kAllGroupOperations;
              }
            }
          }));
}

}  // namespace barnabas::broker
