#include "batch_filter.h"

#include <algorithm>

#include "barnabas/record/builder.h"

namespace barnabas::storage {
namespace {

using record::BatchView;

// Kafka's DefaultRecordBatch.writeEmptyHeader.
void append_empty_batch(BatchView original, ByteVector& out) {
  const std::size_t begin = out.size();
  const ByteView header = original.bytes().first(record::kBatchOverhead);
  out.insert(out.end(), header.begin(), header.end());
  const MutableBytes batch(out.data() + begin, record::kBatchOverhead);
  constexpr std::uint16_t kKept =
      record::kTimestampTypeMask | record::kTransactionalMask | record::kControlMask;
  store_be(batch.data() + record::kLengthAt,
           static_cast<std::int32_t>(record::kBatchOverhead - record::kLogOverhead));
  store_be(batch.data() + record::kAttributesAt,
           static_cast<std::uint16_t>(original.attributes() & kKept));
  store_be(batch.data() + record::kBaseTimestampAt, kNoTimestamp);
  store_be(batch.data() + record::kRecordCountAt, std::int32_t{0});
  record::stamp_crc(batch);
}

void append(ByteView bytes, ByteVector& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

// The batch that holds it also holds its last sequence (or, of a marker, its last epoch).
bool BatchFilter::holds_last_of_producer(BatchView batch) const {
  const auto found =
      batch.has_producer_id() ? producers_.find(batch.producer_id()) : producers_.end();
  if (found == producers_.end()) {
    return false;
  }
  const LastOfProducer& last = found->second;
  return last.last_data_offset == kNoOffset
             ? batch.is_control() && batch.producer_epoch() == last.epoch
             : batch.last_offset() == last.last_data_offset;
}

Result<BatchFilter::Decision> BatchFilter::decide(BatchView batch) {
  Decision decision;
  bool discardable = false;
  if (batch.is_control()) {
    TRY(discardable, transactions_.on_marker(batch, aborted_));
    const auto horizon = batch.delete_horizon_ms();
    decision.drops_records = discardable && horizon && *horizon <= options_.now_ms;
    decision.marks_empty_transaction = discardable;
  } else {
    discardable = transactions_.on_batch(batch);
    decision.drops_records = discardable;
  }
  if (holds_last_of_producer(batch) || batch.last_offset() + 1 == options_.end_of_pass) {
    decision.fate = Fate::kStays;
  } else if (decision.drops_records) {
    decision.fate = Fate::kGoes;
  }
  return decision;
}

bool BatchFilter::stays(const record::RecordView& record, bool tombstones_stay) {
  if (record.offset > latest_.latest_offset()) {
    return true;
  }
  // Without a key it cannot be in a compacted log but from before it became one.
  return record.key && record.offset >= latest_.get(*record.key) &&
         (record.value || tombstones_stay);
}

Status BatchFilter::filter(ByteView bytes, ByteVector& out) {
  const BatchView batch(bytes);
  if (batch.magic() < record::kMagicV2) {
    return filter_legacy(bytes, out);
  }
  TRY(const Decision decision, decide(batch));
  if (decision.fate == Fate::kGoes) {
    return {};
  }
  const auto horizon = batch.delete_horizon_ms();
  const bool tombstones_stay = !horizon || options_.now_ms < *horizon;
  kept_.clear();
  bool has_tombstone = false;
  if (!decision.drops_records && batch.record_count() > 0) {
    TRY_STATUS(reader_.start(batch));
    while (true) {
      TRY(const record::RecordView* record, reader_.next());
      if (record == nullptr) {
        break;
      }
      kept_.push_back(batch.is_control() || stays(*record, tombstones_stay));
      has_tombstone = has_tombstone || (kept_.back() && !record->value);
    }
  }
  if (std::ranges::count(kept_, true) == 0) {
    if (decision.fate == Fate::kStays) {
      append_empty_batch(batch, out);
    }
    return {};
  }
  const bool needs_horizon = (has_tombstone || decision.marks_empty_transaction) && !horizon;
  if (!needs_horizon && std::ranges::count(kept_, false) == 0) {
    append(bytes.first(static_cast<std::size_t>(batch.size_bytes())), out);
    return {};
  }
  return rewrite(batch,
                 needs_horizon ? options_.now_ms + options_.delete_retention_ms
                               : horizon.value_or(kNoTimestamp),
                 out);
}

Status BatchFilter::rewrite(BatchView batch, std::int64_t delete_horizon_ms, ByteVector& out) {
  record::BatchOptions options;
  options.compression = batch.compression();
  options.base_offset = batch.base_offset();
  options.leader_epoch = batch.leader_epoch();
  options.timestamp_type = batch.timestamp_type();
  if (options.timestamp_type == record::TimestampType::kLogAppendTime) {
    options.log_append_time_ms = batch.max_timestamp_ms();
  }
  options.producer_id = batch.producer_id();
  options.producer_epoch = batch.producer_epoch();
  options.base_sequence = batch.base_sequence();
  options.is_transactional = batch.is_transactional();
  options.is_control = batch.is_control();
  if (delete_horizon_ms != kNoTimestamp) {
    options.delete_horizon_ms = delete_horizon_ms;
  }
  record::BatchBuilder builder(options);
  TRY_STATUS(reader_.start(batch, record::kMaxConvertedBytes));
  for (const bool kept : kept_) {
    TRY(const record::RecordView* record, reader_.next());
    if (kept && record != nullptr) {
      builder.add_at(static_cast<std::int32_t>(record->offset - batch.base_offset()),
                     record->timestamp_ms, record->key, record->value, record->headers);
    }
  }
  const std::size_t begin = out.size();
  TRY_STATUS(builder.finish(out));
  const MutableBytes written(out.data() + begin, out.size() - begin);
  store_be(written.data() + record::kLastOffsetDeltaAt, batch.last_offset_delta());
  record::stamp_crc(written);
  return {};
}

Status BatchFilter::filter_legacy(ByteView bytes, ByteVector& out) {
  const record::LegacyView message(bytes);
  record::LegacyOptions options;
  options.magic = message.magic();
  options.compression = message.compression();
  options.timestamp_type = message.timestamp_type();
  if (options.timestamp_type == record::TimestampType::kLogAppendTime) {
    options.log_append_time_ms = message.timestamp_ms();
  }
  record::LegacyBuilder builder(options);
  bool all_stay = true;
  TRY_STATUS(legacy_reader_.start(message));
  while (true) {
    TRY(const record::RecordView* record, legacy_reader_.next());
    if (record == nullptr) {
      break;
    }
    if (stays(*record, keep_legacy_tombstones_)) {
      builder.add(record->offset, record->timestamp_ms, record->key, record->value);
    } else {
      all_stay = false;
    }
  }
  if (builder.empty()) {
    return {};
  }
  if (all_stay) {
    append(bytes.first(static_cast<std::size_t>(message.size_bytes())), out);
    return {};
  }
  return builder.finish(out);
}

}  // namespace barnabas::storage
