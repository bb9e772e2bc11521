// A shard's transactions between Prepare* and Complete*: markers until every partition has one,
// then the record that says so. Crashes: before the record of Prepare* nothing has ended; after it
// each start sends the markers again, and a second marker changes nothing; after the record of
// Complete* there is nothing left to do.
#include <chrono>
#include <utility>

#include "barnabas/base/logging.h"
#include "transaction_shard.h"

namespace barnabas::coordinator {
namespace {

// Until a marker or the last record is tried again.
constexpr std::chrono::milliseconds kRetryAfter{100};

}  // namespace

void TransactionShard::begin_completion(const EntryPtr& entry) {
  const bool commit = entry->transaction.is_commit();
  auto done = entry->transaction.begin_completion(now_ms());
  send_markers(std::make_shared<const Completion>(Completion{entry, std::move(done), commit}));
}

void TransactionShard::send_markers(const CompletionPtr& completion) {
  const TransactionData& data = completion->entry->transaction.data();
  if (data.partitions.empty()) {
    log_completion(completion);
    return;
  }
  TransactionMarker marker;
  marker.producer = data.producer;
  marker.commit = completion->commit;
  marker.coordinator_epoch = epoch_;
  marker.partitions.assign(data.partitions.begin(), data.partitions.end());
  auto partitions = marker.partitions;
  ports_.markers.send(std::move(marker),
                      [self = shared_from_this(), completion, partitions = std::move(partitions)](
                          const std::vector<MarkerOutcome>& outcomes) {
                        self->on_markers(completion, partitions, outcomes);
                      });
}

void TransactionShard::on_markers(const CompletionPtr& completion,
                                  const std::vector<TopicPartition>& partitions,
                                  const std::vector<MarkerOutcome>& outcomes) {
  if (!is_active()) {
    return;
  }
  Entry& entry = *completion->entry;
  bool fenced = false;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (outcomes[i] == MarkerOutcome::kWritten || outcomes[i] == MarkerOutcome::kGone) {
      entry.transaction.marker_written(partitions[i]);
    }
    fenced |= outcomes[i] == MarkerOutcome::kFenced;
  }
  if (fenced) {
    // Somebody newer has taken over: what is left is theirs, or is found by the next load.
    logging::logger("coordinator")
        .warn("transactional id {}: a marker is refused as that of an old producer or coordinator",
              entry.id);
  } else if (entry.transaction.data().partitions.empty()) {
    log_completion(completion);
  } else {
    retry_later(completion);
  }
}

void TransactionShard::log_completion(const CompletionPtr& completion) {
  append(completion->entry, completion->done,
         [self = shared_from_this(), completion](ErrorCode error) {
           if (error == ErrorCode::kNone) {
             completion->entry->transaction.written(completion->done);
             completion->entry->retry.reset();
           } else if (error != ErrorCode::kNotCoordinator) {
             self->retry_later(completion);
           }
         });
}

void TransactionShard::retry_later(const CompletionPtr& completion) {
  completion->entry->retry =
      ports_.home.run_after(kRetryAfter, [weak = weak_from_this(), completion] {
        const auto self = weak.lock();
        if (self != nullptr && self->is_active()) {
          self->send_markers(completion);
        }
      });
}

}  // namespace barnabas::coordinator
