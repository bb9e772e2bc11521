// EndTxn (key 26), versions 0 to 4: commits or aborts the open transaction. Answered when that is
// logged; the markers are written behind the answer.
#include <utility>

#include "barnabas/protocol/gen/end_txn.h"
#include "handler_table.h"
#include "transaction_answers.h"
#include "transaction_service.h"

namespace barnabas::broker {

void handle_end_txn(RequestContext& context, protocol::Reader& body) {
  protocol::EndTxnRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.services.transactions.coordinator().end_transaction(
      std::move(request.transactional_id),
      {ProducerId(request.producer_id), ProducerEpoch(request.producer_epoch)}, request.committed,
      answer_error_at_home<protocol::EndTxnResponse>(context.pending()));
}

}  // namespace barnabas::broker
