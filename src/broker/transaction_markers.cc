#include "transaction_markers.h"

#include <memory>
#include <utility>

#include "barnabas/base/logging.h"
#include "barnabas/coordinator/transaction_marker.h"
#include "barnabas/metadata/topic_name.h"

namespace barnabas::broker {
namespace {

using coordinator::MarkerOutcome;
using coordinator::TransactionMarker;

MarkerOutcome outcome_of(const TopicPartition& partition, ErrorCode error) {
  switch (error) {
    case ErrorCode::kNone:
      return MarkerOutcome::kWritten;
    case ErrorCode::kInvalidProducerEpoch:
    case ErrorCode::kTransactionCoordinatorFenced:
      return MarkerOutcome::kFenced;
    case ErrorCode::kUnsupportedForMessageFormat:
    case ErrorCode::kUnsupportedVersion:
      return MarkerOutcome::kGone;  // no transactional record can have got there either
    default:
      logging::logger("broker").info("a marker for {} is to be written again: {}",
                                     to_string(partition), error_name(error));
      return MarkerOutcome::kRetry;
  }
}

}  // namespace

struct MarkerWriter::Call {
  TransactionMarker marker;
  std::vector<ErrorCode> errors;
  std::size_t outstanding = 1;  // one for the loop that begins them
  coordinator::Done<std::vector<ErrorCode>> done;

  void one_done() {
    if (--outstanding == 0) {
      done(std::move(errors));
    }
  }
};

void MarkerWriter::write(TransactionMarker marker, coordinator::Done<std::vector<ErrorCode>> done) {
  auto call = std::make_shared<Call>();
  call->errors.resize(marker.partitions.size(), ErrorCode::kNone);
  call->marker = std::move(marker);
  call->done = std::move(done);
  for (std::size_t i = 0; i < call->errors.size(); ++i) {
    append(call, i);
  }
  home_.post([call] { call->one_done(); });
}

void MarkerWriter::append(const std::shared_ptr<Call>& call, std::size_t index) {
  const TopicPartition& partition = call->marker.partitions[index];
  const auto replica = replicas_.table()->share(partition.topic, partition.partition);
  const auto log = replica == nullptr ? nullptr : replica->log();
  if (log == nullptr) {
    call->errors[index] = ErrorCode::kUnknownTopicOrPartition;
    return;
  }
  auto batch = coordinator::build_marker_batch(
      call->marker.producer, call->marker.commit, call->marker.coordinator_epoch,
      {.now_ms = clock_.wall_ms(), .log_append_time = log->config().message_timestamp_log_append});
  if (!batch) {
    logging::logger("broker").error("the marker for {} cannot be made: {}", to_string(partition),
                                    batch.error().message);
    call->errors[index] = ErrorCode::kUnknownServerError;
    return;
  }
  ++call->outstanding;
  appends_.append(partition, {.batch = std::move(*batch), .acks = -1, .timeout_ms = timeout_ms_},
                  [this, call, index](PartitionAppends::Appended appended) {
                    const auto& marker = call->marker;
                    call->errors[index] = appended.error;
                    if (appended.error == ErrorCode::kNone &&
                        marker.partitions[index].topic == metadata::kGroupMetadataTopic) {
                      groups_.complete_transaction(marker.partitions[index].partition,
                                                   marker.producer.id, marker.commit);
                    }
                    call->one_done();
                  });
}

void MarkerRouter::send(TransactionMarker marker,
                        coordinator::Done<std::vector<MarkerOutcome>> done) {
  std::vector<MarkerOutcome> outcomes(marker.partitions.size(), MarkerOutcome::kRetry);
  TransactionMarker mine{marker.producer, marker.commit, marker.coordinator_epoch, {}};
  std::vector<std::size_t> places;
  const auto cluster = metadata_.load();
  const auto table = replicas_.table();
  for (std::size_t i = 0; open_ && i < marker.partitions.size(); ++i) {
    const TopicPartition& partition = marker.partitions[i];
    const auto* const known = cluster->partition(partition.topic, partition.partition);
    if (known == nullptr) {
      if (table->share(partition.topic, partition.partition) == nullptr) {
        logging::logger("broker").info("{} was deleted: it needs no marker", to_string(partition));
        outcomes[i] = MarkerOutcome::kGone;
      }
    } else if (known->leader == local_) {
      mine.partitions.push_back(partition);
      places.push_back(i);
    }
  }
  if (mine.partitions.empty()) {
    home_.post([done = std::move(done), outcomes = std::move(outcomes)]() mutable {
      done(std::move(outcomes));
    });
    return;
  }
  auto partitions = mine.partitions;
  writer_.write(std::move(mine),
                [done = std::move(done), outcomes = std::move(outcomes), places = std::move(places),
                 partitions = std::move(partitions)](const std::vector<ErrorCode>& errors) mutable {
                  for (std::size_t i = 0; i < errors.size(); ++i) {
                    outcomes[places[i]] = outcome_of(partitions[i], errors[i]);
                  }
                  done(std::move(outcomes));
                });
}

}  // namespace barnabas::broker
