// DescribeTransactions (key 65), version 0.
#include <utility>

#include "barnabas/protocol/gen/describe_transactions.h"
#include "group_answers.h"
#include "handler_table.h"
#include "transaction_service.h"

namespace barnabas::broker {

void handle_describe_transactions(RequestContext& context, protocol::Reader& body) {
  protocol::DescribeTransactionsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.services.transactions.coordinator().describe_transactions(
      std::move(request.transactional_ids),
      answer_at_home<protocol::DescribeTransactionsResponse>(context.pending()));
}

}  // namespace barnabas::broker
