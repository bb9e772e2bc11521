#include "producer_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "barnabas/base/check.h"
#include "barnabas/record/reader.h"

namespace barnabas::storage {
namespace {

constexpr std::int16_t kMarkerAbort = 0;
constexpr std::int16_t kMarkerCommit = 1;
constexpr std::size_t kSmallestBuckets = 16;

struct EndTxnMarker {
  bool abort = false;
  std::int32_t coordinator_epoch = -1;
  std::int64_t timestamp_ms = kNoTimestamp;
};

// The first record of a control batch; null where it marks no end of a transaction.
Result<std::optional<EndTxnMarker>> read_marker(const record::BatchView& batch) {
  record::RecordReader reader;
  TRY_STATUS(reader.start(batch));
  TRY(const record::RecordView* record, reader.next());
  // Key: version, type. Value: version, coordinator epoch. An empty batch has been cleaned.
  if (record == nullptr || !record->key || record->key->size() < 4 || !record->value ||
      record->value->size() < 6) {
    return std::nullopt;
  }
  const auto type = load_be<std::int16_t>(record->key->data() + 2);
  if (type != kMarkerAbort && type != kMarkerCommit) {
    return std::nullopt;
  }
  return EndTxnMarker{type == kMarkerAbort, load_be<std::int32_t>(record->value->data() + 2),
                      record->timestamp_ms};
}

bool in_sequence(SequenceNumber last, SequenceNumber next) {
  return next.value() == std::int64_t{last.value()} + 1 ||
         (next.value() == 0 && last.value() == INT32_MAX);
}

}  // namespace

SequenceNumber ProducerBatch::first_sequence() const {
  const std::int64_t first = std::int64_t{last_sequence.value()} - offset_delta;
  return SequenceNumber(
      static_cast<std::int32_t>(first < 0 ? first + std::int64_t{INT32_MAX} + 1 : first));
}

void ProducerEntry::set_epoch(ProducerEpoch to) {
  if (epoch != to) {
    batch_count = 0;
    epoch = to;
  }
}

void ProducerEntry::add(const ProducerBatch& batch) {
  if (batch_count == kBatches) {
    std::move(batches.begin() + 1, batches.end(), batches.begin());
    --batch_count;
  }
  batches[batch_count++] = batch;
}

ProducerState::ProducerState(Vfs& vfs, std::shared_ptr<const DirectoryPath> directory,
                             TopicPartition partition, std::int64_t expiration_ms)
    : vfs_(vfs),
      directory_(std::move(directory)),
      partition_(std::move(partition)),
      expiration_ms_(expiration_ms) {}

std::optional<ProducerBatch> ProducerState::find_duplicate(const record::BatchView& batch,
                                                           const ProducerEntry& entry,
                                                           const Context& context) const {
  if (batch.producer_epoch() != entry.epoch) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < entry.batch_count; ++i) {
    const ProducerBatch& known = entry.batches[i];
    if (known.first_sequence() != batch.base_sequence() ||
        known.last_sequence != batch.last_sequence() ||
        known.last_offset < entry.last_marker_offset) {
      continue;
    }
    if (context.crc_is_producers && known.crc_known && known.crc != batch.crc()) {
      continue;
    }
    return known;
  }
  return std::nullopt;
}

Status ProducerState::check_epoch(const record::BatchView& batch, const ProducerEntry& entry,
                                  const Context& context) const {
  if (batch.producer_epoch() >= entry.epoch || context.origin == AppendOrigin::kReplication) {
    return {};
  }
  return fail(
      ErrorCode::kInvalidProducerEpoch,
      fmt::format("Epoch of producer {} at offset {} in {} is {}, which is smaller than "
                  "the last seen epoch {}",
                  batch.producer_id().value(), batch.base_offset().value(), to_string(partition_),
                  batch.producer_epoch().value(), entry.epoch.value()));
}

Status ProducerState::check_sequence(const record::BatchView& batch, const ProducerEntry& entry,
                                     ProducerEpoch epoch_before, const Context& context) const {
  const SequenceNumber first = batch.base_sequence();
  if (const auto open = verifications_.find(batch.producer_id());
      open != verifications_.end() && first > open->second.lowest_sequence) {
    return fail(
        ErrorCode::kOutOfOrderSequenceNumber,
        fmt::format("Out of order sequence number for producer {} at offset {} in "
                    "partition {}: {} (incoming seq. number), {} (earliest seen sequence)",
                    batch.producer_id().value(), batch.base_offset().value(), to_string(partition_),
                    first.value(), open->second.lowest_sequence.value()));
  }
  const auto refuse = [&](SequenceNumber expected_after) {
    return fail(ErrorCode::kOutOfOrderSequenceNumber,
                fmt::format("Out of order sequence number for producer {} at offset {} in "
                            "partition {}: {} (incoming seq. number), {} (current end sequence "
                            "number)",
                            batch.producer_id().value(), batch.base_offset().value(),
                            to_string(partition_), first.value(), expected_after.value()));
  };
  if (epoch_before == kNoProducerEpoch) {
    // Nothing is known of this producer; after retention or DeleteRecords any sequence is right
    // (KIP-360). In a log that never held anything only the first one can be.
    return context.log_is_empty && first.value() != 0 && entry.epoch == kNoProducerEpoch
               ? Status{refuse(kNoSequence)}
               : Status{};
  }
  if (batch.producer_epoch() != entry.epoch) {
    if (first.value() == 0) {
      return {};
    }
    return fail(
        ErrorCode::kOutOfOrderSequenceNumber,
        fmt::format("Invalid sequence number for new epoch of producer {} at offset {} in "
                    "partition {}: {} (request epoch), {} (seq. number), {} (current "
                    "producer epoch)",
                    batch.producer_id().value(), batch.base_offset().value(), to_string(partition_),
                    batch.producer_epoch().value(), first.value(), entry.epoch.value()));
  }
  return in_sequence(entry.last_sequence(), first) ? Status{}
                                                   : Status{refuse(entry.last_sequence())};
}

bool ProducerState::has_open_transaction(ProducerId producer, ProducerEpoch epoch) const {
  const auto found = producers_.find(producer);
  return found != producers_.end() && found->second.current_txn_first_offset != kNoOffset &&
         found->second.epoch == epoch;
}

VerificationGuard ProducerState::begin_verification(ProducerId producer, ProducerEpoch epoch,
                                                    SequenceNumber first_sequence,
                                                    std::int64_t now_ms) {
  if (has_open_transaction(producer, epoch)) {
    return VerificationGuard(0);
  }
  const auto [found, is_new] = verifications_.try_emplace(
      producer, Verification{VerificationGuard(last_guard_ + 1), epoch, first_sequence, now_ms});
  Verification& open = found->second;
  if (is_new) {
    ++last_guard_;
  } else if (epoch > open.epoch) {
    open.epoch = epoch;
    open.lowest_sequence = first_sequence;
  } else if (epoch == open.epoch) {
    open.lowest_sequence = std::min(open.lowest_sequence, first_sequence);
  }
  return open.guard;
}

// A batch joins a transaction that is open here, or opens it with the guard of a verification that
// no marker and no other batch has ended since.
Status ProducerState::check_verified(const record::BatchView& batch, const Context& context) const {
  if (!context.verify_transactions || context.origin == AppendOrigin::kReplication ||
      !batch.is_transactional() || batch.is_control() ||
      has_open_transaction(batch.producer_id(), batch.producer_epoch())) {
    return {};
  }
  const auto open = verifications_.find(batch.producer_id());
  if (open != verifications_.end() && open->second.guard == context.guard) {
    return {};
  }
  return fail(ErrorCode::kInvalidTxnState, "Record was not part of an ongoing transaction");
}

// What one append will change, per producer.
struct ProducerState::Pending {
  struct Producer {
    ProducerId id;
    ProducerEntry entry;
    ProducerEpoch epoch_before = kNoProducerEpoch;
  };
  std::vector<Producer> producers;
  std::vector<std::pair<Offset, ProducerId>> started;
  std::vector<CompletedTxn> completed;
  Producer* current = nullptr;
};

Status ProducerState::apply_data(const record::BatchView& batch, Pending& pending,
                                 const Context& context) const {
  ProducerEntry& entry = pending.current->entry;
  TRY_STATUS(check_epoch(batch, entry, context));
  if (context.origin == AppendOrigin::kClient) {
    TRY_STATUS(check_sequence(batch, entry, pending.current->epoch_before, context));
  }
  const bool open = entry.current_txn_first_offset != kNoOffset;
  if (open && !batch.is_transactional() && context.origin != AppendOrigin::kReplication) {
    return fail(ErrorCode::kInvalidTxnState,
                fmt::format("Expected transactional write from producer {} at offset {} in "
                            "partition {}",
                            batch.producer_id().value(), batch.base_offset().value(),
                            to_string(partition_)));
  }
  entry.set_epoch(batch.producer_epoch());
  ProducerBatch noted;
  noted.last_sequence = batch.last_sequence();
  noted.last_offset = batch.last_offset();
  noted.offset_delta = batch.last_offset_delta();
  noted.crc = batch.crc();
  noted.crc_known = context.crc_is_producers;
  noted.timestamp_ms = batch.max_timestamp_ms();
  entry.add(noted);
  entry.last_timestamp_ms = noted.timestamp_ms;
  if (!open && batch.is_transactional()) {
    entry.current_txn_first_offset = batch.base_offset();
    pending.started.emplace_back(batch.base_offset(), pending.current->id);
  }
  return {};
}

Status ProducerState::apply_marker(const record::BatchView& batch, Pending& pending,
                                   const Context& context) const {
  ProducerEntry& entry = pending.current->entry;
  TRY(const auto marker, read_marker(batch));
  if (!marker) {
    return {};
  }
  TRY_STATUS(check_epoch(batch, entry, context));
  if (entry.coordinator_epoch > marker->coordinator_epoch &&
      context.origin != AppendOrigin::kReplication) {
    return fail(
        ErrorCode::kTransactionCoordinatorFenced,
        fmt::format("Invalid coordinator epoch for producerId {} at offset {} in partition "
                    "{}: {} (zombie), {} (current)",
                    batch.producer_id().value(), batch.base_offset().value(), to_string(partition_),
                    marker->coordinator_epoch, entry.coordinator_epoch));
  }
  if (entry.current_txn_first_offset != kNoOffset) {
    pending.completed.push_back(
        {pending.current->id, entry.current_txn_first_offset, batch.base_offset(), marker->abort});
  }
  entry.set_epoch(batch.producer_epoch());
  entry.coordinator_epoch = marker->coordinator_epoch;
  entry.last_timestamp_ms = marker->timestamp_ms;
  entry.current_txn_first_offset = kNoOffset;
  entry.last_marker_offset = batch.base_offset();
  return {};
}

Status ProducerState::apply(const record::BatchView& batch, Pending& pending,
                            const Context& context) const {
  const ProducerId id = batch.producer_id();
  const auto known = std::ranges::find(pending.producers, id, &Pending::Producer::id);
  if (known == pending.producers.end()) {
    const auto found = producers_.find(id);
    Pending::Producer fresh;
    fresh.id = id;
    if (found != producers_.end()) {
      fresh.entry = found->second;
      fresh.epoch_before = found->second.epoch;
    }
    pending.producers.push_back(fresh);
    pending.current = &pending.producers.back();
  } else {
    pending.current = &*known;
  }
  return batch.is_control() ? apply_marker(batch, pending, context)
                            : apply_data(batch, pending, context);
}

Result<std::optional<ProducerBatch>> ProducerState::append(ByteView batches, const Context& context,
                                                           std::vector<AbortedTxn>& aborted) {
  Pending pending;
  Offset end = map_end_;
  while (!batches.empty()) {
    const record::BatchView batch(batches);
    const auto size = static_cast<std::size_t>(batch.size_bytes());
    end = record::last_offset_of(batch) + 1;
    if (batch.magic() == record::kMagicV2 && batch.has_producer_id()) {
      if (context.origin == AppendOrigin::kClient) {
        const auto found = producers_.find(batch.producer_id());
        if (found != producers_.end()) {
          if (const auto duplicate = find_duplicate(batch, found->second, context)) {
            return duplicate;
          }
        }
      }
      TRY_STATUS(check_verified(batch, context));
      TRY_STATUS(apply(batch, pending, context));
      if (batch.is_transactional()) {
        verifications_.erase(batch.producer_id());
      }
    }
    // Of a very large batch only the header may be here; it is alone then.
    batches = batches.subspan(std::min(size, batches.size()));
  }
  for (const auto& producer : pending.producers) {
    store(producer.id, producer.entry);
  }
  for (const auto& [offset, id] : pending.started) {
    save_transactions();
    ongoing_[offset] = {id, kNoOffset};
  }
  for (const auto& txn : pending.completed) {
    complete(txn, aborted);
  }
  map_end_ = end;
  return std::nullopt;
}

void ProducerState::store(ProducerId id, const ProducerEntry& entry) {
  auto [found, is_new] = producers_.try_emplace(id);
  ProducerEntry& stored = found->second;
  const bool first_time = is_new || stored.group != group_number_;
  if (in_group_ && first_time) {
    saved_.push_back({id, is_new ? std::nullopt : std::optional(stored)});
  }
  if (in_replay_ && first_time) {
    replayed_.emplace_back(id, is_new);
  }
  const std::uint64_t inserted = is_new ? next_inserted_++ : stored.inserted;
  stored = entry;
  stored.inserted = inserted;
  stored.group = group_number_;
  if (java_buckets_ == 0) {
    java_buckets_ = kSmallestBuckets;
  }
  while (producers_.size() > java_buckets_ * 3 / 4) {
    java_buckets_ *= 2;
  }
}

void ProducerState::complete(const CompletedTxn& txn, std::vector<AbortedTxn>& aborted) {
  save_transactions();
  Offset stable = txn.last_offset + 1;
  for (const auto& [first, who] : ongoing_) {
    if (who.first != txn.producer_id) {
      stable = first;
      break;
    }
  }
  if (txn.aborted) {
    aborted.push_back({txn.producer_id, txn.first_offset, txn.last_offset, stable});
  }
  ongoing_.erase(txn.first_offset);
  unreplicated_[txn.first_offset] = {txn.producer_id, txn.last_offset};
}

void ProducerState::begin_replay() {
  in_replay_ = true;
  ++group_number_;
  replayed_.clear();
}

// The order of scala.collection.mutable.HashMap: by bucket, and there by hash.
void ProducerState::end_replay() {
  in_replay_ = false;
  std::size_t buckets = kSmallestBuckets;
  for (std::size_t size = 0; size < replayed_.size(); ++size) {
    if (size + 1 >= buckets * 3 / 4) {
      buckets *= 2;
    }
  }
  struct Place {
    std::uint32_t bucket;
    std::int32_t hash;
    std::size_t arrival;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  places.reserve(replayed_.size());
  for (std::size_t i = 0; i < replayed_.size(); ++i) {
    const auto value = static_cast<std::uint64_t>(replayed_[i].first.value());
    const bool small = replayed_[i].first.value() == static_cast<std::int32_t>(value);
    auto hash = static_cast<std::uint32_t>(small ? value : value ^ (value >> 32U));
    hash ^= hash >> 16U;
    places.push_back(
        {hash & static_cast<std::uint32_t>(buckets - 1), static_cast<std::int32_t>(hash), i});
  }
  std::ranges::sort(places);
  for (const auto& place : places) {
    if (replayed_[place.arrival].second) {
      producers_[replayed_[place.arrival].first].inserted = next_inserted_++;
    }
  }
  replayed_.clear();
}

void ProducerState::save_transactions() {
  if (in_group_ && !saved_transactions_) {
    saved_transactions_.emplace(ongoing_, unreplicated_);
  }
}

void ProducerState::begin_group() {
  commit_group();
  ++group_number_;
  in_group_ = true;
  saved_map_end_ = map_end_;
}

void ProducerState::commit_group() {
  in_group_ = false;
  saved_.clear();
  saved_transactions_.reset();
}

void ProducerState::rollback_group() {
  for (const auto& saved : saved_) {
    if (saved.before) {
      producers_[saved.id] = *saved.before;
    } else {
      producers_.erase(saved.id);
    }
  }
  if (saved_transactions_) {
    ongoing_ = std::move(saved_transactions_->first);
    unreplicated_ = std::move(saved_transactions_->second);
  }
  map_end_ = saved_map_end_;
  commit_group();
}

Offset ProducerState::first_unstable_offset() const {
  Offset first = kNoOffset;
  for (const auto* transactions : {&ongoing_, &unreplicated_}) {
    if (!transactions->empty() && (first == kNoOffset || transactions->begin()->first < first)) {
      first = transactions->begin()->first;
    }
  }
  return first;
}

void ProducerState::drop_unreplicated(Offset below) {
  std::erase_if(unreplicated_, [below](const auto& txn) {
    return txn.second.second != kNoOffset && txn.second.second < below;
  });
}

void ProducerState::on_high_watermark(Offset high_watermark) {
  drop_unreplicated(high_watermark);
}

void ProducerState::on_log_start(Offset log_start) {
  drop_unreplicated(log_start);
  map_end_ = std::max(map_end_, log_start);
  snapshot_end_ = snapshots_.empty() ? log_start : *snapshots_.rbegin();
}

bool ProducerState::expired(const ProducerEntry& entry, std::int64_t now_ms) const {
  return entry.current_txn_first_offset == kNoOffset &&
         entry.last_timestamp_ms <= now_ms - expiration_ms_;
}

void ProducerState::remove_expired(std::int64_t now_ms) {
  std::erase_if(producers_, [&](const auto& item) { return expired(item.second, now_ms); });
  std::erase_if(verifications_,
                [&](const auto& item) { return item.second.since_ms <= now_ms - expiration_ms_; });
}

std::vector<ProducerStateInfo> ProducerState::active_producers() const {
  std::vector<ProducerStateInfo> result;
  result.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) {
    result.push_back({id, entry.epoch, entry.last_sequence(), entry.last_timestamp_ms,
                      entry.coordinator_epoch, entry.current_txn_first_offset});
  }
  std::ranges::sort(result, {}, &ProducerStateInfo::producer_id);
  return result;
}

std::unordered_map<ProducerId, LastOfProducer> ProducerState::last_of_producers() const {
  std::unordered_map<ProducerId, LastOfProducer> result;
  result.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) {
    result.emplace(id, LastOfProducer{entry.has_batches() ? entry.last().last_offset : kNoOffset,
                                      entry.epoch});
  }
  return result;
}

void ProducerState::clear() {
  producers_.clear();
  ongoing_.clear();
  unreplicated_.clear();
  verifications_.clear();
}

}  // namespace barnabas::storage
