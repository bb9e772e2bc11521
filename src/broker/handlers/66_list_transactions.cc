// ListTransactions (key 66), versions 0 and 1: the transactional ids that this broker coordinates.
#include <utility>

#include "barnabas/protocol/gen/list_transactions.h"
#include "group_answers.h"
#include "handler_table.h"
#include "transaction_service.h"

namespace barnabas::broker {

void handle_list_transactions(RequestContext& context, protocol::Reader& body) {
  protocol::ListTransactionsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.services.transactions.coordinator().list_transactions(
      std::move(request), answer_at_home<protocol::ListTransactionsResponse>(context.pending()));
}

}  // namespace barnabas::broker
