#include "produce_verification.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "barnabas/record/batch.h"
#include "thread_state.h"
#include "transaction_verification.h"

namespace barnabas::broker {
namespace {

constexpr std::int16_t kFirstWithAbortable = 11;

std::optional<record::BatchView> transactional_batch(const ProduceOutcome& outcome) {
  if (outcome.batch_error != ErrorCode::kNone || outcome.batch.size() < record::kBatchOverhead) {
    return std::nullopt;
  }
  const record::BatchView batch(outcome.batch);
  const bool is_transactional =
      batch.magic() == record::kMagicV2 && batch.has_producer_id() && batch.is_transactional();
  return is_transactional ? std::optional(batch) : std::nullopt;
}

coordinator::ProducerIdAndEpoch producer_of(const record::BatchView& batch) {
  return {batch.producer_id(), batch.producer_epoch()};
}

// Of a partition that is here; where it is not, appending says so.
storage::VerificationGuard guard_for(RequestContext& context, const TopicPartition& partition,
                                     const record::BatchView& batch) {
  const auto* const replica = context.thread.replicas().find(partition.topic, partition.partition);
  const auto log = replica == nullptr ? nullptr : replica->log();
  return log == nullptr ? storage::VerificationGuard(0)
                        : log->begin_verification(batch.producer_id(), batch.producer_epoch(),
                                                  batch.base_sequence());
}

void refuse(ProduceOutcome& outcome, ErrorCode error) {
  switch (error) {
    case ErrorCode::kInvalidTxnState:
      outcome.message = "Partition was not added to the transaction";
      break;
    case ErrorCode::kConcurrentTransactions:
    case ErrorCode::kNetworkException:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
      // Every client tries again after this one, without new metadata.
      outcome.message = fmt::format(
          "Unable to verify the partition has been added to the transaction. Underlying error: {}",
          error_name(error));
      error = ErrorCode::kNotEnoughReplicas;
      break;
    default:
      break;
  }
  outcome.batch_error = error;
}

// The frame is gone when the answer comes.
void keep_records(ProduceCall& call, ByteView frame) {
  call.owned.assign(frame.begin(), frame.end());
  for (auto& outcome : call.outcomes) {
    if (!outcome.batch.empty()) {
      const auto at = static_cast<std::size_t>(outcome.batch.data() - frame.data());
      outcome.batch = MutableBytes(call.owned).subspan(at, outcome.batch.size());
    }
  }
}

}  // namespace

std::optional<Error> judge_transaction(const ProduceCall& call) {
  std::optional<coordinator::ProducerIdAndEpoch> first;
  for (const auto& outcome : call.outcomes) {
    const auto batch = transactional_batch(outcome);
    if (batch && producer_of(*batch) != first.value_or(producer_of(*batch))) {
      return Error{ErrorCode::kInvalidProducerIdMapping,
                   "Transactional records contained more than one producer ID"};
    }
    if (batch) {
      first = producer_of(*batch);
    }
  }
  return std::nullopt;
}

bool verify_produce(RequestContext& context, ProduceCall& call,
                    std::move_only_function<void()> go_on) {
  TransactionQuestion question;
  std::vector<std::size_t> places;
  std::size_t place = 0;
  for (const auto& topic : call.request.topic_data) {
    for (const auto& data : topic.partition_data) {
      ProduceOutcome& outcome = call.outcomes[place];
      if (const auto batch = transactional_batch(outcome)) {
        TopicPartition partition{topic.name, PartitionId(data.index)};
        outcome.guard = guard_for(context, partition, *batch);
        if (outcome.guard != storage::VerificationGuard(0)) {
          question.producer = producer_of(*batch);
          question.partitions.push_back(std::move(partition));
          places.push_back(place);
        }
      }
      ++place;
    }
  }
  if (places.empty()) {
    return false;
  }
  question.transactional_id = call.request.transactional_id.value_or("");
  question.knows_abortable = context.version() >= kFirstWithAbortable;
  keep_records(call, context.frame);
  context.connection.hold();
  verify_transaction(context.services, context.connection.home(), std::move(question),
                     [&call, places = std::move(places), alive = context.thread.share_waits(),
                      go_on = std::move(go_on)](const std::vector<ErrorCode>& errors) mutable {
                       if (alive.expired()) {
                         return;
                       }
                       for (std::size_t i = 0; i < errors.size(); ++i) {
                         if (errors[i] != ErrorCode::kNone) {
                           refuse(call.outcomes[places[i]], errors[i]);
                         }
                       }
                       go_on();
                     });
  return true;
}

}  // namespace barnabas::broker
