#include "transaction_verification.h"

#include <utility>

#include "barnabas/metadata/topic_name.h"
#include "transaction_service.h"

namespace barnabas::broker {
namespace {

ErrorCode appender_error(ErrorCode error, bool knows_abortable) {
  switch (error) {
    case ErrorCode::kProducerFenced:
      return ErrorCode::kInvalidProducerEpoch;  // what producers expect here
    case ErrorCode::kTransactionAbortable:
      return knows_abortable ? error : ErrorCode::kInvalidTxnState;
    default:
      return error;
  }
}

bool has_coordinator(Services& services, const std::string& transactional_id) {
  const auto id = services.transactions.coordinator().partition_for(transactional_id);
  const auto cluster = services.metadata.load();
  const auto* const partition = cluster->partition(metadata::kTransactionStateTopic, id);
  return partition != nullptr && cluster->broker(partition->leader) != nullptr;
}

}  // namespace

void verify_transaction(Services& services, Executor& home, TransactionQuestion question,
                        coordinator::Done<std::vector<ErrorCode>> done) {
  if (!has_coordinator(services, question.transactional_id)) {
    home.post([done = std::move(done), count = question.partitions.size()]() mutable {
      done(std::vector<ErrorCode>(count, ErrorCode::kCoordinatorNotAvailable));
    });
    return;
  }
  services.transactions.coordinator().verify_partitions(
      std::move(question.transactional_id), question.producer, std::move(question.partitions),
      [&home, knows = question.knows_abortable,
       done = std::move(done)](std::vector<ErrorCode> errors) mutable {
        for (auto& error : errors) {
          error = appender_error(error, knows);
        }
        home.post([done = std::move(done), errors = std::move(errors)]() mutable {
          done(std::move(errors));
        });
      });
}

}  // namespace barnabas::broker
