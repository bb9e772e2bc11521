// Asks the coordinator of a transaction, on behalf of partitions that are about to join it, whether
// they belong to it (KIP-890, first part).
// Rules: AddPartitionsToTxnManager of Kafka 3.9.1.
#pragma once

#include <string>
#include <vector>

#include "barnabas/coordinator/transaction_coordinator.h"
#include "request_context.h"

namespace barnabas::broker {

struct TransactionQuestion {
  std::string transactional_id;
  coordinator::ProducerIdAndEpoch producer;
  std::vector<TopicPartition> partitions;
  // Whether the client's version knows TRANSACTION_ABORTABLE; others hear INVALID_TXN_STATE.
  bool knows_abortable = false;
};

// An error for each partition, as an appender hears it; called on `home`, never inside the call.
// THREAD: any
void verify_transaction(Services& services, Executor& home, TransactionQuestion question,
                        coordinator::Done<std::vector<ErrorCode>> done);

}  // namespace barnabas::broker
