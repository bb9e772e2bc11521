#include "barnabas/record/validate.h"

#include <fmt/format.h>

#include "record_checks.h"
#include "walk.h"
#include "wrapping.h"

namespace barnabas::record {
namespace {

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

// Errors of single records count only where the batch as such holds: a failure of the walk itself
// leaves none of them.
template <typename Walk>
Status walk_records(Walk& walk, BatchView batch, RecordChecks& checks) {
  const std::int32_t count = batch.record_count();
  const std::int64_t base_timestamp_ms = batch.base_timestamp_ms();
  const bool append_time = batch.timestamp_type() == TimestampType::kLogAppendTime;
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
    const std::int64_t timestamp_ms = append_time
                                          ? batch.max_timestamp_ms()
                                          : wrapping_add(base_timestamp_ms, shape.timestamp_delta);
    checks.check(index, timestamp_ms, shape.key_size, shape.value_size);
  }
  return walk.finish() ? Status{} : std::unexpected(walk.failure());
}

template <typename Walk>
Status check_records(Walk walk, BatchView batch, RecordChecks& checks) {
  if (Status walked = walk_records(walk, batch, checks); !walked) {
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

namespace {

// Whole, it would take more than 2 GiB - 1: nobody has sent the beginning of that by chance.
bool claims_too_much(ByteView rest) {
  return rest.size() >= kLogOverhead && load_be<std::int32_t>(rest.data() + kLengthAt) >
                                            INT32_MAX - static_cast<std::int32_t>(kLogOverhead);
}

}  // namespace

Result<MutableBytes> message_set(MutableBytes records) {
  BatchCursor cursor(records);
  while (true) {
    switch (cursor.next()) {
      case BatchStep::kBatch:
        break;
      case BatchStep::kEnd:
        if (claims_too_much(cursor.rest())) {
          return fail(ErrorCode::kCorruptMessage, "A message claims to be larger than any can be");
        }
        return records.first(cursor.position());
      case BatchStep::kCorrupt:
        return corrupt(cursor.rest());
    }
  }
}

Result<std::int64_t> RecordValidator::check(BatchView batch, const ValidateOptions& options,
                                            bool rewrite) {
  record_errors_.clear();
  TRY_STATUS(check_batch(batch, options));
  TRY_STATUS(check_header(batch, options));
  const bool compressed = batch.compression() != CompressionType::kNone;
  RecordChecks checks(batch.timestamp_type(), !compressed || rewrite, options, record_errors_);
  if (!compressed) {
    TRY_STATUS(check_records(PlainWalk(batch.records()), batch, checks));
  } else {
    TRY(Decompressor * stream, decompressors_.start(batch.compression(), batch.records()));
    const Status walked = check_records(StreamWalk(*stream), batch, checks);
    stream->trim();
    TRY_STATUS(walked);
  }
  return checks.max_timestamp_ms();
}

Result<ValidatedBatch> RecordValidator::validate(MutableBytes batch,
                                                 const ValidateOptions& options) {
  TRY(const std::int64_t max_timestamp_ms, check(BatchView(batch), options, false));
  const bool append_time = options.timestamp_type == TimestampType::kLogAppendTime;
  ValidatedBatch result;
  result.size_bytes = static_cast<std::int32_t>(batch.size());
  result.record_count = BatchView(batch).record_count();
  result.max_timestamp_ms = append_time ? options.now_ms : max_timestamp_ms;
  result.log_append_time_ms = append_time ? options.now_ms : kNoTimestamp;
  result.restamped = stamp_max_timestamp(batch, options.timestamp_type, result.max_timestamp_ms);
  return result;
}

}  // namespace barnabas::record
