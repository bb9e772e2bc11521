// AddOffsetsToTxn (key 25), versions 0 to 4: the partition of __consumer_offsets that keeps the
// group's offsets joins the transaction.
#include <string>
#include <utility>

#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/add_offsets_to_txn.h"
#include "handler_table.h"
#include "transaction_answers.h"
#include "transaction_service.h"

namespace barnabas::broker {

void handle_add_offsets_to_txn(RequestContext& context, protocol::Reader& body) {
  protocol::AddOffsetsToTxnRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  const PartitionId partition = context.services.groups.partition_for(request.group_id);
  context.services.transactions.coordinator().add_partitions(
      std::move(request.transactional_id),
      {ProducerId(request.producer_id), ProducerEpoch(request.producer_epoch)},
      {{std::string(metadata::kGroupMetadataTopic), partition}},
      answer_error_at_home<protocol::AddOffsetsToTxnResponse>(context.pending()));
}

}  // namespace barnabas::broker
