#include "transaction.h"

#include <algorithm>
#include <array>
#include <utility>

#include "barnabas/base/check.h"

namespace barnabas::coordinator {
namespace {

constexpr std::int16_t kLargestEpoch = INT16_MAX;

constexpr std::array kNames{
    std::pair{TransactionState::kEmpty, std::string_view("Empty")},
    std::pair{TransactionState::kOngoing, std::string_view("Ongoing")},
    std::pair{TransactionState::kPrepareCommit, std::string_view("PrepareCommit")},
    std::pair{TransactionState::kPrepareAbort, std::string_view("PrepareAbort")},
    std::pair{TransactionState::kCompleteCommit, std::string_view("CompleteCommit")},
    std::pair{TransactionState::kCompleteAbort, std::string_view("CompleteAbort")},
    std::pair{TransactionState::kDead, std::string_view("Dead")},
};

// One epoch is kept back, so that the last producer of an id can be fenced.
bool is_exhausted(ProducerEpoch epoch) {
  return epoch.value() >= kLargestEpoch - 1;
}

Transaction::Step answer(ErrorCode error) {
  return {.write = std::nullopt, .answer = error};
}

}  // namespace

std::string_view state_name(TransactionState state) {
  const auto found = std::ranges::find(kNames, state, &decltype(kNames)::value_type::first);
  return found->second;
}

std::optional<TransactionState> state_from_name(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &decltype(kNames)::value_type::second);
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

bool Transaction::is_prepared() const {
  return data_.state == TransactionState::kPrepareCommit ||
         data_.state == TransactionState::kPrepareAbort;
}

Transaction::Step Transaction::init_producer_id(std::optional<ProducerIdAndEpoch> expected,
                                                std::int32_t timeout_ms,
                                                std::optional<ProducerId> fresh,
                                                std::int64_t now_ms) {
  if (pending_) {
    return answer(ErrorCode::kConcurrentTransactions);
  }
  // A producer that names its id is the present one, or the one before whose epochs were used up
  // and that did not hear of its new id. Without an epoch there is nobody to be fenced.
  const bool is_known = !expected || data_.producer.epoch == kNoProducerEpoch ||
                        expected->id == data_.producer.id ||
                        (expected->id == data_.last_producer.id && is_exhausted(expected->epoch));
  if (!is_known) {
    return answer(ErrorCode::kProducerFenced);
  }
  if (is_prepared()) {
    return answer(ErrorCode::kConcurrentTransactions);
  }
  if (data_.state == TransactionState::kOngoing) {
    return fence(now_ms);
  }
  const bool rotates =
      is_exhausted(data_.producer.epoch) && (!expected || expected->epoch == data_.producer.epoch);
  if (!rotates) {
    return bump_epoch(expected, timeout_ms, now_ms);
  }
  if (!fresh) {
    return {.write = std::nullopt, .needs_producer_id = true};
  }
  TransactionData next;
  next.producer = {*fresh, ProducerEpoch(0)};
  next.last_producer = {data_.producer.id, expected ? data_.producer.epoch : kNoProducerEpoch};
  next.timeout_ms = timeout_ms;
  next.update_ms = now_ms;
  pending_ = next.state;
  return {.write = std::move(next)};
}

Transaction::Step Transaction::bump_epoch(std::optional<ProducerIdAndEpoch> expected,
                                          std::int32_t timeout_ms, std::int64_t now_ms) {
  TransactionData next;
  next.producer = {data_.producer.id, data_.producer.epoch + 1};
  next.last_producer = {data_.producer.id, kNoProducerEpoch};
  if (expected) {
    const bool continues =
        data_.producer.epoch == kNoProducerEpoch || expected->epoch == data_.producer.epoch;
    if (continues) {
      next.last_producer.epoch = data_.producer.epoch;
    } else if (expected->epoch == data_.last_producer.epoch) {
      // Asked again, because the answer was lost: the epoch it was given then.
      next.producer.epoch = data_.producer.epoch;
      next.last_producer.epoch = data_.last_producer.epoch;
    } else {
      return answer(ErrorCode::kProducerFenced);
    }
  }
  next.timeout_ms = timeout_ms;
  next.update_ms = now_ms;
  pending_ = next.state;
  return {.write = std::move(next)};
}

// The epoch is never told to anybody: who initializes comes again, and gets the one after it.
Transaction::Step Transaction::fence(std::int64_t now_ms) {
  if (!failed_fence_ && data_.producer.epoch.value() < kLargestEpoch) {
    ++data_.producer.epoch;
  }
  data_.last_producer.epoch = kNoProducerEpoch;
  fencing_ = true;
  Step step = prepare(false, now_ms);
  step.fences = true;
  return step;
}

Transaction::Step Transaction::prepare(bool commit, std::int64_t now_ms) {
  TransactionData next = data_;
  next.state = commit ? TransactionState::kPrepareCommit : TransactionState::kPrepareAbort;
  next.update_ms = now_ms;
  pending_ = next.state;
  return {.write = std::move(next)};
}

ErrorCode Transaction::check_producer(ProducerIdAndEpoch producer) const {
  if (producer.id != data_.producer.id) {
    return ErrorCode::kInvalidProducerIdMapping;
  }
  return producer.epoch == data_.producer.epoch ? ErrorCode::kNone : ErrorCode::kProducerFenced;
}

Transaction::Step Transaction::add_partitions(ProducerIdAndEpoch producer,
                                              const std::vector<TopicPartition>& partitions,
                                              std::int64_t now_ms) {
  if (const ErrorCode error = check_producer(producer); error != ErrorCode::kNone) {
    return answer(error);
  }
  if (pending_ || is_prepared()) {
    return answer(ErrorCode::kConcurrentTransactions);
  }
  const bool is_open = data_.state == TransactionState::kOngoing;
  if (is_open && std::ranges::all_of(partitions, [&](const TopicPartition& partition) {
        return data_.partitions.contains(partition);
      })) {
    return answer(ErrorCode::kNone);
  }
  TransactionData next = data_;
  next.state = TransactionState::kOngoing;
  next.partitions.insert(partitions.begin(), partitions.end());
  next.start_ms = is_open ? data_.start_ms : now_ms;
  next.update_ms = now_ms;
  pending_ = next.state;
  return {.write = std::move(next)};
}

// What is pending does not matter: the partition looks again when it appends.
std::vector<ErrorCode> Transaction::verify(ProducerIdAndEpoch producer,
                                           const std::vector<TopicPartition>& partitions) const {
  ErrorCode error = check_producer(producer);
  if (error == ErrorCode::kNone && is_prepared()) {
    error = ErrorCode::kConcurrentTransactions;
  }
  std::vector<ErrorCode> answers(partitions.size(), error);
  for (std::size_t i = 0; error == ErrorCode::kNone && i < partitions.size(); ++i) {
    if (!data_.partitions.contains(partitions[i])) {
      answers[i] = ErrorCode::kTransactionAbortable;
    }
  }
  return answers;
}

Transaction::Step Transaction::end(ProducerIdAndEpoch producer, bool commit, std::int64_t now_ms) {
  if (const ErrorCode error = check_producer(producer); error != ErrorCode::kNone) {
    return answer(error);
  }
  if (pending_) {
    return answer(ErrorCode::kConcurrentTransactions);
  }
  const auto ended = [&](bool same, ErrorCode error) {
    return answer(same ? error : ErrorCode::kInvalidTxnState);
  };
  switch (data_.state) {
    case TransactionState::kOngoing:
      return prepare(commit, now_ms);
    case TransactionState::kCompleteCommit:
      return ended(commit, ErrorCode::kNone);  // asked again
    case TransactionState::kCompleteAbort:
      return ended(!commit, ErrorCode::kNone);
    case TransactionState::kPrepareCommit:
      return ended(commit, ErrorCode::kConcurrentTransactions);
    case TransactionState::kPrepareAbort:
      return ended(!commit, ErrorCode::kConcurrentTransactions);
    case TransactionState::kEmpty:
    case TransactionState::kDead:
      break;
  }
  return answer(ErrorCode::kInvalidTxnState);
}

bool Transaction::is_timed_out(std::int64_t now_ms) const {
  return !pending_ && data_.state == TransactionState::kOngoing &&
         data_.start_ms + data_.timeout_ms < now_ms;
}

Transaction::Step Transaction::abort_timed_out(std::int64_t now_ms) {
  BARNABAS_CHECK_MSG(!pending_ && data_.state == TransactionState::kOngoing,
                     "only an open transaction can time out");
  return fence(now_ms);
}

bool Transaction::is_expired(std::int64_t now_ms, std::int64_t expiration_ms) const {
  const bool may_go = data_.state == TransactionState::kEmpty ||
                      data_.state == TransactionState::kCompleteCommit ||
                      data_.state == TransactionState::kCompleteAbort;
  return !pending_ && may_go && data_.update_ms <= now_ms - expiration_ms;
}

void Transaction::expire() {
  pending_ = TransactionState::kDead;
}

void Transaction::written(const TransactionData& data) {
  BARNABAS_CHECK_MSG(pending_ == data.state, "what was written is what was pending");
  // Until it is loaded again, an id shows when its last transaction began, as Kafka's does.
  const std::int64_t last_start_ms = data_.start_ms;
  data_ = data;
  if (data_.state == TransactionState::kEmpty) {
    data_.start_ms = last_start_ms;
  }
  pending_.reset();
  fencing_ = false;
}

void Transaction::failed() {
  failed_fence_ |= std::exchange(fencing_, false);
  pending_.reset();
}

TransactionData Transaction::begin_completion(std::int64_t now_ms) {
  BARNABAS_CHECK_MSG(is_prepared() && !pending_, "a prepared transaction is completed once");
  failed_fence_ = false;
  TransactionData next = data_;
  next.state = is_commit() ? TransactionState::kCompleteCommit : TransactionState::kCompleteAbort;
  next.partitions.clear();
  next.update_ms = now_ms;
  pending_ = next.state;
  return next;
}

}  // namespace barnabas::coordinator
