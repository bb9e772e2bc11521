#include "barnabas/record/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "walk.h"

namespace barnabas::record {
namespace {

// Java's long arithmetic wraps.
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalidRecord, std::move(message));
}

// What BatchCursor found to be no batch, in the words of Kafka's ByteBufferLogInputStream, which
// stand in its answer.
std::unexpected<Error> corrupt(ByteView rest) {
  const auto length = load_be<std::int32_t>(rest.data() + kLengthAt);
  if (length < kSmallestLength) {
    return fail(ErrorCode::kCorruptMessage,
                fmt::format("Record size {} is less than the minimum record overhead ({})", length,
                            kSmallestLength));
  }
  const auto magic = load_be<std::int8_t>(rest.data() + kMagicAt);
  if (magic != kMagicV2) {
    return fail(ErrorCode::kCorruptMessage,
                fmt::format("Invalid magic found in record: {}", magic));
  }
  return fail(ErrorCode::kCorruptMessage,
              fmt::format("Record size {} is less than the header of a record batch", length));
}

// UnifiedLog.analyzeAndValidateRecords for a single batch from a client.
Status check_batch(BatchView batch, const ValidateOptions& options) {
  if (batch.base_offset().value() != 0) {
    return invalid(
        fmt::format("The baseOffset of the record batch in the append to {} should be 0, but it is "
                    "{}",
                    options.topic_partition, batch.base_offset().value()));
  }
  if (batch.size_bytes() > options.max_message_bytes) {
    return fail(
        ErrorCode::kMessageTooLarge,
        fmt::format("The record batch size in the append to {} is {} bytes which exceeds "
                    "the maximum configured value of {}.",
                    options.topic_partition, batch.size_bytes(), options.max_message_bytes));
  }
  if (!batch.crc_is_valid()) {
    return fail(ErrorCode::kCorruptMessage,
                fmt::format("Record is corrupt (stored crc = {}) in topic partition {}.",
                            batch.crc(), options.topic_partition));
  }
  if (!is_known_codec(batch.compression())) {
    return fail(ErrorCode::kUnsupportedCompressionType,
                fmt::format("Unknown compression type id {} in topic partition {}",
                            static_cast<int>(batch.compression()), options.topic_partition));
  }
  return {};
}

// LogValidator.validateBatch, with origin CLIENT; and a producer id with a negative epoch, for
// which Kafka would keep no sequence.
Status check_header(BatchView batch, const ValidateOptions& options) {
  const std::int64_t span = std::int64_t{batch.last_offset_delta()} + 1;
  const auto& where = options.topic_partition;
  if (span <= 0) {
    return invalid(fmt::format("Batch has an invalid offset range: [{}, {}] in topic partition {}",
                               batch.base_offset().value(), batch.last_offset().value(), where));
  }
  if (batch.record_count() <= 0) {
    return invalid(fmt::format("Invalid reported count for record batch: {} in topic partition {}",
                               batch.record_count(), where));
  }
  if (span != batch.record_count()) {
    return invalid(fmt::format(
        "Inconsistent batch offset range [{}, {}] and count of records {} in topic partition {}",
        batch.base_offset().value(), batch.last_offset().value(), batch.record_count(), where));
  }
  if (batch.is_control()) {
    return invalid(fmt::format(
        "Clients are not allowed to write control records in topic partition {}", where));
  }
  if (batch.has_producer_id() && batch.base_sequence().value() < 0) {
    return invalid(fmt::format(
        "Invalid sequence number {} in record batch with producerId {} in topic partition {}",
        batch.base_sequence().value(), batch.producer_id().value(), where));
  }
  if (batch.has_producer_id() && batch.producer_epoch().value() < 0) {
    return invalid(fmt::format(
        "Invalid producer epoch {} in record batch with producerId {} in topic partition {}",
        batch.producer_epoch().value(), batch.producer_id().value(), where));
  }
  return {};
}

// LogValidator.validateRecord for each record: what is wrong with one record does not end the walk.
class RecordChecks {
 public:
  RecordChecks(BatchView batch, const ValidateOptions& options, std::vector<RecordError>& errors)
      : batch_(batch),
        options_(options),
        errors_(errors),
        base_timestamp_ms_(batch.base_timestamp_ms()),
        batch_max_timestamp_ms_(batch.max_timestamp_ms()),
        batch_type_(batch.timestamp_type()) {}

  void check(std::int32_t index, const RecordShape& record) {
    if (options_.compact && record.key_size < 0) {
      refuse(index, ErrorCode::kInvalidRecord,
             fmt::format("Compacted topic cannot accept message without key in topic partition {}",
                         options_.topic_partition));
      return;
    }
    const std::int64_t timestamp_ms =
        batch_type_ == TimestampType::kLogAppendTime
            ? batch_max_timestamp_ms_
            : wrapping_add(base_timestamp_ms_, record.timestamp_delta);
    check_timestamp(index, record, timestamp_ms);
    max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  }

  // Kafka's processRecordErrors: one error for the batch, with each record's beside it.
  Status finish() const {
    if (count_ == 0) {
      return {};
    }
    if (has_timestamp_error_) {
      return fail(ErrorCode::kInvalidTimestamp,
                  "One or more records have been rejected due to invalid timestamp");
    }
    std::string shown;
    for (std::size_t i = 0; i < std::min<std::size_t>(errors_.size(), 3); ++i) {
      shown += fmt::format("{}RecordError(batchIndex={}, message='{}')", i == 0 ? "" : ", ",
                           errors_[i].batch_index, errors_[i].message);
    }
    return invalid(fmt::format(
        "One or more records have been rejected due to {} record errors in total, and only showing "
        "the first three errors at most: [{}]",
        count_, shown));
  }

  void forget() { errors_.clear(); }
  [[nodiscard]] std::int64_t max_timestamp_ms() const { return max_timestamp_ms_; }

 private:
  void check_timestamp(std::int32_t index, const RecordShape& record, std::int64_t timestamp_ms) {
    if (options_.timestamp_type == TimestampType::kCreateTime && timestamp_ms != kNoTimestamp) {
      const std::int64_t age = wrapping_sub(options_.now_ms, timestamp_ms);
      if (age > options_.timestamp_before_max_ms ||
          wrapping_sub(0, age) > options_.timestamp_after_max_ms) {
        refuse(index, ErrorCode::kInvalidTimestamp,
               fmt::format("Timestamp {} of message with offset {} is out of range. The timestamp "
                           "should be within [{}, {}]",
                           timestamp_ms, record.offset_delta,
                           wrapping_sub(options_.now_ms, options_.timestamp_before_max_ms),
                           wrapping_add(options_.now_ms, options_.timestamp_after_max_ms)));
      }
    } else if (batch_type_ == TimestampType::kLogAppendTime) {
      // The text that Java's toString makes of the record.
      const bool plain = batch_.compression() == CompressionType::kNone;
      refuse(index, ErrorCode::kInvalidTimestamp,
             fmt::format("Invalid timestamp type in message {}DefaultRecord(offset={}, "
                         "timestamp={}, key={} bytes, value={} bytes). Producer should not set "
                         "timestamp type to LogAppendTime.",
                         plain ? "" : "Partial", record.offset_delta, timestamp_ms,
                         plain ? std::max(record.key_size, 0) : record.key_size,
                         plain ? std::max(record.value_size, 0) : record.value_size));
    }
  }

  void refuse(std::int32_t index, ErrorCode code, std::string message) {
    ++count_;
    has_timestamp_error_ = has_timestamp_error_ || code == ErrorCode::kInvalidTimestamp;
    if (errors_.size() < kMaxRecordErrors) {
      errors_.push_back({index, std::move(message)});
    }
  }

  BatchView batch_;
  const ValidateOptions& options_;
  std::vector<RecordError>& errors_;
  std::int64_t base_timestamp_ms_;
  std::int64_t batch_max_timestamp_ms_;
  TimestampType batch_type_;
  std::int64_t max_timestamp_ms_ = kNoTimestamp;
  std::int64_t count_ = 0;
  bool has_timestamp_error_ = false;
};

// Errors of single records count only where the batch as such holds: a failure of the walk itself
// leaves none of them.
template <typename Walk>
Status walk_records(Walk& walk, std::int32_t count, RecordChecks& checks) {
  RecordShape shape;
  for (std::int32_t index = 0; index < count; ++index) {
    if (!walk.next(shape)) {
      return std::unexpected(walk.failure());
    }
    if (shape.offset_delta != index) {
      return invalid(
          fmt::format("Record {} of the batch has offset delta {}: offsets must follow "
                      "each other",
                      index, shape.offset_delta));
    }
    checks.check(index, shape);
  }
  return walk.finish() ? Status{} : std::unexpected(walk.failure());
}

template <typename Walk>
Status check_records(Walk walk, std::int32_t count, RecordChecks& checks) {
  if (Status walked = walk_records(walk, count, checks); !walked) {
    checks.forget();
    return walked;
  }
  return checks.finish();
}

}  // namespace

Result<MutableBytes> single_batch(MutableBytes records, std::int16_t produce_version) {
  BatchCursor cursor(records);
  const BatchStep first = cursor.next();
  if (first == BatchStep::kCorrupt) {
    return corrupt(cursor.rest());
  }
  if (first == BatchStep::kEnd) {
    return invalid("Produce requests must have at least one record batch per partition");
  }
  const BatchView batch = cursor.batch();
  if (batch.magic() != kMagicV2) {
    return invalid(
        fmt::format("Produce requests with version {} are only allowed to contain "
                    "record batches with magic version 2",
                    produce_version));
  }
  if (produce_version < 7 && batch.compression() == CompressionType::kZstd) {
    return fail(ErrorCode::kUnsupportedCompressionType,
                fmt::format("Produce requests with version {} are not allowed to use ZStandard "
                            "compression",
                            produce_version));
  }
  const std::size_t size = batch.bytes().size();
  switch (cursor.next()) {
    case BatchStep::kEnd:
      return records.first(size);
    case BatchStep::kBatch:
      return invalid(
          fmt::format("Produce requests with version {} are only allowed to contain "
                      "exactly one record batch per partition",
                      produce_version));
    case BatchStep::kCorrupt:
      break;
  }
  return corrupt(cursor.rest());
}

Result<ValidatedBatch> RecordValidator::validate(MutableBytes batch,
                                                 const ValidateOptions& options) {
  record_errors_.clear();
  const BatchView view(batch);
  TRY_STATUS(check_batch(view, options));
  TRY_STATUS(check_header(view, options));

  const std::int32_t count = view.record_count();
  const bool compressed = view.compression() != CompressionType::kNone;
  RecordChecks checks(view, options, record_errors_);
  if (!compressed) {
    TRY_STATUS(check_records(PlainWalk(view.records()), count, checks));
  } else {
    TRY(Decompressor * stream, decompressors_.start(view.compression(), view.records()));
    const Status walked = check_records(StreamWalk(*stream), count, checks);
    stream->trim();
    TRY_STATUS(walked);
  }

  const bool append_time = options.timestamp_type == TimestampType::kLogAppendTime;
  ValidatedBatch result;
  result.size_bytes = static_cast<std::int32_t>(batch.size());
  result.record_count = count;
  result.max_timestamp_ms = append_time ? options.now_ms : checks.max_timestamp_ms();
  result.log_append_time_ms = append_time ? options.now_ms : kNoTimestamp;
  result.restamped = stamp_max_timestamp(batch, options.timestamp_type, result.max_timestamp_ms);
  return result;
}

}  // namespace barnabas::record
