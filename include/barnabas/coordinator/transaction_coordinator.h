// The coordinator of the transactional ids whose partition of __transaction_state this broker
// leads: producer ids and epochs, which partitions a transaction has, its end, and the markers that
// tell the partitions of it. Wire and records are Kafka 3.9.1's.
//
// Shape: a shard for each partition it leads. A shard loads its partition, keeps every
// transactional id as a pure state machine, logs what changes and answers when that is replicated.
//
// Life cycle: make(), start(), elected() and resigned() as leadership comes and goes, requests,
// stop(). What is asked is posted to the coordinator's home, where every callback runs, too; never
// inside the call. Requests after stop() hear COORDINATOR_NOT_AVAILABLE.
// Failure: what could not be logged has not happened. A transaction whose end is logged is carried
// out, if need be by the next coordinator of the partition: markers are sent again until each
// partition has one. A partition that cannot be read is tried again and answers
// COORDINATOR_LOAD_IN_PROGRESS meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/error_code.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/coordinator/coordinator_log.h"
#include "barnabas/protocol/gen/describe_transactions.h"
#include "barnabas/protocol/gen/list_transactions.h"

namespace barnabas::coordinator {

// The names of the keys stand behind each.
struct TransactionOptions {
  std::int32_t max_timeout_ms = 900000;  // transaction.max.timeout.ms
  // transaction.abort.timed.out.transaction.cleanup.interval.ms
  std::int32_t abort_timed_out_interval_ms = 10000;
  std::int32_t expiration_ms = 604800000;  // transactional.id.expiration.ms
  // transaction.remove.expired.transaction.cleanup.interval.ms
  std::int32_t remove_expired_interval_ms = 3600000;
  std::int32_t load_buffer_bytes = 5242880;  // transaction.state.log.load.buffer.size
  std::int32_t request_timeout_ms = 30000;   // request.timeout.ms
};

struct ProducerIdAndEpoch {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  bool operator==(const ProducerIdAndEpoch&) const = default;
};

// The end of a transaction as its partitions are told of it.
struct TransactionMarker {
  ProducerIdAndEpoch producer;
  bool commit = false;
  // Leader epoch of the coordinator's partition: an older coordinator is refused.
  LeaderEpoch coordinator_epoch = kNoLeaderEpoch;
  std::vector<TopicPartition> partitions;
};

enum class MarkerOutcome : std::uint8_t {
  kWritten,  // and replicated
  kRetry,
  kGone,    // the partition was deleted
  kFenced,  // a newer producer or coordinator was there
};

// Writes markers to the leaders of partitions, wherever they are.
class MarkerSender {
 public:
  virtual ~MarkerSender() = default;
  // One outcome for each partition, in their order, at home, never inside the call. A marker may be
  // written twice: the second one changes nothing. THREAD: home
  virtual void send(TransactionMarker marker, Done<std::vector<MarkerOutcome>> done) = 0;
};

class ProducerIdSource {
 public:
  virtual ~ProducerIdSource() = default;
  // An id that nobody had before, at home, never inside the call. THREAD: home
  virtual void next(Done<Result<ProducerId>> done) = 0;
};

struct InitializedProducer {
  ErrorCode error = ErrorCode::kNone;
  ProducerIdAndEpoch producer;
};

// THREAD: any, callbacks on the home.
class TransactionCoordinator {
 public:
  struct Ports {
    Executor& home;
    Executor& disk;
    const Clock& clock;
    CoordinatorLog& log;
    MarkerSender& markers;
    ProducerIdSource& producer_ids;
  };

  [[nodiscard]] static std::unique_ptr<TransactionCoordinator> make(TransactionOptions options,
                                                                    Ports ports);
  virtual ~TransactionCoordinator() = default;

  virtual void start() = 0;  // begins to look for what is timed out or too old
  virtual void stop() = 0;   // at home

  // Leadership of a partition of __transaction_state. An older epoch than the one known is ignored.
  virtual void elected(PartitionId partition, LeaderEpoch epoch) = 0;
  virtual void resigned(PartitionId partition, LeaderEpoch epoch) = 0;

  // Which partition of __transaction_state keeps the id.
  [[nodiscard]] virtual PartitionId partition_for(std::string_view transactional_id) const = 0;

  // `expected` as the request names it (KIP-360).
  virtual void init_producer_id(std::string transactional_id, std::int32_t timeout_ms,
                                std::optional<ProducerIdAndEpoch> expected,
                                Done<InitializedProducer> done) = 0;
  // Topics and partitions exist.
  virtual void add_partitions(std::string transactional_id, ProducerIdAndEpoch producer,
                              std::vector<TopicPartition> partitions, Done<ErrorCode> done) = 0;
  // Whether the partitions belong to the producer's open transaction: an error for each.
  virtual void verify_partitions(std::string transactional_id, ProducerIdAndEpoch producer,
                                 std::vector<TopicPartition> partitions,
                                 Done<std::vector<ErrorCode>> done) = 0;
  // Answered when the end is logged; the markers follow.
  virtual void end_transaction(std::string transactional_id, ProducerIdAndEpoch producer,
                               bool commit, Done<ErrorCode> done) = 0;

  virtual void list_transactions(protocol::ListTransactionsRequest request,
                                 Done<protocol::ListTransactionsResponse> done) = 0;
  virtual void describe_transactions(std::vector<std::string> transactional_ids,
                                     Done<protocol::DescribeTransactionsResponse> done) = 0;
};

}  // namespace barnabas::coordinator
