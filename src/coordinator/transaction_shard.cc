#include "transaction_shard.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "barnabas/base/logging.h"
#include "barnabas/record/builder.h"
#include "transaction_records.h"

namespace barnabas::coordinator {
namespace {

// Of many tombstones.
constexpr std::size_t kTombstoneBatchBytes = std::size_t{16} << 10U;
constexpr std::int16_t kAllReplicas = -1;

logging::Logger& log() {
  static logging::Logger& instance = logging::logger("coordinator");
  return instance;
}

// What a producer hears when its transaction's record could not be written.
ErrorCode log_error(ErrorCode written) {
  switch (written) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError:
      return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
      return ErrorCode::kUnknownServerError;
    default:
      return written;
  }
}

}  // namespace

ErrorCode TransactionShard::status() const {
  switch (state_) {
    case State::kLoading:
      return ErrorCode::kCoordinatorLoadInProgress;
    case State::kActive:
      return ErrorCode::kNone;
    case State::kClosed:
      break;
  }
  return ErrorCode::kNotCoordinator;
}

void TransactionShard::install(TransactionLoader::Loaded loaded) {
  state_ = State::kActive;
  std::vector<EntryPtr> prepared;
  for (auto& [id, data] : loaded) {
    auto entry = std::make_shared<Entry>(Entry{id, Transaction(std::move(data)), nullptr});
    transactions_.insert_or_assign(id, entry);
    if (entry->transaction.is_prepared()) {
      prepared.push_back(std::move(entry));
    }
  }
  for (const auto& entry : prepared) {
    log().info("transactional id {} was left in {}: its markers are written", entry->id,
               state_name(entry->transaction.data().state));
    begin_completion(entry);
  }
}

void TransactionShard::close() {
  state_ = State::kClosed;
  for (auto& [id, entry] : transactions_) {
    entry->retry.reset();
  }
  transactions_.clear();
}

TransactionShard::EntryPtr TransactionShard::find(std::string_view id) const {
  const auto found = transactions_.find(id);
  return found == transactions_.end() ? nullptr : found->second;
}

void TransactionShard::append(const EntryPtr& entry, const TransactionData& data,
                              Done<ErrorCode> done) {
  auto batch = build_transaction_batch(entry->id, &data, now_ms());
  if (!batch) {
    log().error("the record of transactional id {} cannot be made: {}", entry->id,
                batch.error().message);
    ports_.home.post([done = std::move(done)]() mutable { done(ErrorCode::kUnknownServerError); });
    return;
  }
  ports_.log.append(
      partition_, std::move(*batch), kAllReplicas, data.timeout_ms,
      [self = shared_from_this(), entry,
       done = std::move(done)](CoordinatorLog::Appended appended) mutable {
        if (appended.error != ErrorCode::kNone) {
          log().warn("the record of transactional id {} could not be written: {}", entry->id,
                     error_name(appended.error));
        }
        done(self->is_active() ? log_error(appended.error) : ErrorCode::kNotCoordinator);
      });
}

void TransactionShard::log_step(const EntryPtr& entry, TransactionData data, Done<ErrorCode> done) {
  append(entry, data, [entry, data, done = std::move(done)](ErrorCode error) mutable {
    if (error == ErrorCode::kNone) {
      entry->transaction.written(data);
    } else {
      entry->transaction.failed();
    }
    done(error);
  });
}

void TransactionShard::init_producer_id(InitRequest request, Done<InitializedProducer> done) {
  init_with(std::move(request), std::nullopt, std::move(done));
}

void TransactionShard::ask_producer_id(InitRequest request, Done<InitializedProducer> done) {
  ports_.producer_ids.next([self = shared_from_this(), request = std::move(request),
                            done = std::move(done)](Result<ProducerId> fresh) mutable {
    if (!fresh || !self->is_active()) {
      done({.error = fresh ? ErrorCode::kNotCoordinator : fresh.error().code, .producer = {}});
      return;
    }
    self->init_with(std::move(request), *fresh, std::move(done));
  });
}

void TransactionShard::init_with(InitRequest request, std::optional<ProducerId> fresh,
                                 Done<InitializedProducer> done) {
  EntryPtr entry = find(request.transactional_id);
  if (entry == nullptr) {
    if (!fresh) {
      ask_producer_id(std::move(request), std::move(done));
      return;
    }
    TransactionData data;
    data.producer.id = *std::exchange(fresh, std::nullopt);
    data.timeout_ms = request.timeout_ms;
    data.update_ms = now_ms();
    entry = std::make_shared<Entry>(
        Entry{request.transactional_id, Transaction(std::move(data)), nullptr});
    transactions_.emplace(request.transactional_id, entry);
  }
  auto step =
      entry->transaction.init_producer_id(request.expected, request.timeout_ms, fresh, now_ms());
  if (step.needs_producer_id) {
    ask_producer_id(std::move(request), std::move(done));
  } else if (!step.write) {
    done({.error = step.answer, .producer = {}});
  } else if (step.fences) {
    log_end(entry, std::move(*step.write), [done = std::move(done)](ErrorCode error) mutable {
      // The open transaction is being aborted: the producer comes again and gets a newer epoch.
      done({.error = error == ErrorCode::kNone ? ErrorCode::kConcurrentTransactions : error,
            .producer = {}});
    });
  } else {
    const ProducerIdAndEpoch producer = step.write->producer;
    log_step(entry, std::move(*step.write),
             [producer, done = std::move(done)](ErrorCode error) mutable {
               done(error == ErrorCode::kNone ? InitializedProducer{error, producer}
                                              : InitializedProducer{error, {}});
             });
  }
}

void TransactionShard::add_partitions(std::string_view id, ProducerIdAndEpoch producer,
                                      const std::vector<TopicPartition>& partitions,
                                      Done<ErrorCode> done) {
  const EntryPtr entry = find(id);
  if (entry == nullptr) {
    done(ErrorCode::kInvalidProducerIdMapping);
    return;
  }
  auto step = entry->transaction.add_partitions(producer, partitions, now_ms());
  if (step.write) {
    log_step(entry, std::move(*step.write), std::move(done));
  } else {
    done(step.answer);
  }
}

std::vector<ErrorCode> TransactionShard::verify(
    std::string_view id, ProducerIdAndEpoch producer,
    const std::vector<TopicPartition>& partitions) const {
  const EntryPtr entry = find(id);
  return entry == nullptr
             ? std::vector<ErrorCode>(partitions.size(), ErrorCode::kInvalidProducerIdMapping)
             : entry->transaction.verify(producer, partitions);
}

void TransactionShard::end(std::string_view id, ProducerIdAndEpoch producer, bool commit,
                           Done<ErrorCode> done) {
  const EntryPtr entry = find(id);
  if (entry == nullptr) {
    done(ErrorCode::kInvalidProducerIdMapping);
    return;
  }
  auto step = entry->transaction.end(producer, commit, now_ms());
  if (step.write) {
    log_end(entry, std::move(*step.write), std::move(done));
  } else {
    done(step.answer);
  }
}

// Once the end is logged it is answered, and the markers follow.
void TransactionShard::log_end(const EntryPtr& entry, TransactionData data, Done<ErrorCode> done) {
  log_step(entry, std::move(data),
           [self = shared_from_this(), entry, done = std::move(done)](ErrorCode error) mutable {
             done(error);
             if (error == ErrorCode::kNone) {
               self->begin_completion(entry);
             }
           });
}

void TransactionShard::abort_timed_out() {
  std::vector<EntryPtr> timed_out;
  for (const auto& [id, entry] : transactions_) {
    if (entry->transaction.is_timed_out(now_ms())) {
      timed_out.push_back(entry);
    }
  }
  for (const auto& entry : timed_out) {
    auto step = entry->transaction.abort_timed_out(now_ms());
    log_end(entry, std::move(*step.write), [entry](ErrorCode error) {
      if (error == ErrorCode::kNone) {
        log().info("transactional id {}: its transaction has timed out and is aborted", entry->id);
      }
    });
  }
}

void TransactionShard::remove_expired() {
  std::vector<EntryPtr> expired;
  std::size_t bytes = 0;
  for (const auto& [id, entry] : transactions_) {
    if (!entry->transaction.is_expired(now_ms(), options_.expiration_ms)) {
      continue;
    }
    entry->transaction.expire();
    expired.push_back(entry);
    bytes += id.size();
    if (bytes >= kTombstoneBatchBytes) {
      write_tombstones(std::exchange(expired, {}));
      bytes = 0;
    }
  }
  if (!expired.empty()) {
    write_tombstones(expired);
  }
}

void TransactionShard::write_tombstones(const std::vector<EntryPtr>& expired) {
  record::BatchBuilder builder(record::BatchOptions{});
  for (const auto& entry : expired) {
    builder.add(now_ms(), ByteView(encode_transaction_key(entry->id)), std::nullopt);
  }
  ByteVector batch;
  if (const Status built = builder.finish(batch); !built) {
    log().error("tombstones of transactional ids: {}", built.error().message);
    for (const auto& entry : expired) {
      entry->transaction.failed();
    }
    return;
  }
  ports_.log.append(partition_, std::move(batch), kAllReplicas, options_.request_timeout_ms,
                    [self = shared_from_this(), expired](CoordinatorLog::Appended appended) {
                      if (!self->is_active()) {
                        return;
                      }
                      for (const auto& entry : expired) {
                        if (appended.error == ErrorCode::kNone) {
                          self->transactions_.erase(entry->id);
                        } else {
                          log().warn(
                              "transactional id {} stays, its tombstone could not be written: {}",
                              entry->id, error_name(appended.error));
                          entry->transaction.failed();
                        }
                      }
                    });
}

void TransactionShard::list(const Filter& filter, std::vector<Listed>& out) const {
  for (const auto& [id, entry] : transactions_) {
    const TransactionData& data = entry->transaction.data();
    const bool right_state =
        !filter.by_state || std::ranges::find(filter.states, data.state) != filter.states.end();
    const bool right_producer = filter.producer_ids.empty() ||
                                std::ranges::find(filter.producer_ids, data.producer.id.value()) !=
                                    filter.producer_ids.end();
    const bool old_enough =
        filter.longer_than_ms < 0 || now_ms() - data.start_ms > filter.longer_than_ms;
    if (right_state && right_producer && old_enough) {
      auto& to = out.emplace_back();
      to.transactional_id = id;
      to.producer_id = data.producer.id.value();
      to.transaction_state = state_name(data.state);
    }
  }
}

void TransactionShard::describe(std::string_view id, Described& out) const {
  const EntryPtr entry = find(id);
  if (entry == nullptr) {
    out.error_code = static_cast<std::int16_t>(ErrorCode::kTransactionalIdNotFound);
    return;
  }
  const TransactionData& data = entry->transaction.data();
  out.transaction_state = state_name(data.state);
  out.transaction_timeout_ms = data.timeout_ms;
  out.transaction_start_time_ms = data.start_ms;
  out.producer_id = data.producer.id.value();
  out.producer_epoch = data.producer.epoch.value();
  for (const auto& partition : data.partitions) {
    if (out.topics.empty() || out.topics.back().topic != partition.topic) {
      out.topics.emplace_back().topic = partition.topic;
    }
    out.topics.back().partitions.push_back(partition.partition.value());
  }
}

}  // namespace barnabas::coordinator
