// ConsumerGroupDescribe (key 69), version 0: groups of the consumer protocol, their members and
// what these have and are to have.
#include "authorized_operations.h"
#include "barnabas/protocol/gen/consumer_group_describe.h"
#include "group_answers.h"
#include "handler_table.h"

namespace barnabas::broker {

void handle_consumer_group_describe(RequestContext& context, protocol::Reader& body) {
  protocol::ConsumerGroupDescribeRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  const bool with_operations = request.include_authorized_operations;
  context.services.groups.describe_consumer_groups(
      std::move(request.group_ids),
      answer_at_home<protocol::ConsumerGroupDescribeResponse>(
          context.pending(),
          [with_operations](protocol::ConsumerGroupDescribeResponse& response, std::int16_t) {
            for (auto& group : response.groups) {
              if (with_operations && group.error_code == 0) {
                group.authorized_operations = kAllGroupOperations;
              }
            }
          }));
}

}  // namespace barnabas::broker
