// Records that cannot be stored as they came: LogValidator's convertAndAssignOffsetsNonCompressed
// and buildRecordsAndAssignOffsets. One batch of magic 2 comes out, with new offsets from 0.
#include <fmt/format.h>

#include <algorithm>

#include "barnabas/record/builder.h"
#include "barnabas/record/legacy.h"
#include "barnabas/record/validate.h"
#include "record_checks.h"

namespace barnabas::record {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalidRecord, std::move(message));
}

// What UnifiedLog.analyzeAndValidateRecords looks at in each message, and the codec of the last
// that has one.
Result<CompressionType> analyze(ByteView records, const ValidateOptions& options) {
  CompressionType source = CompressionType::kNone;
  BatchCursor cursor(records);
  while (cursor.next() == BatchStep::kBatch) {
    const BatchView batch = cursor.batch();
    const LegacyView message(batch.bytes());
    const bool legacy = batch.magic() != kMagicV2;
    if (!legacy && batch.base_offset().value() != 0) {
      return invalid(
          fmt::format("The baseOffset of the record batch in the append to {} should be "
                      "0, but it is {}",
                      options.topic_partition, batch.base_offset().value()));
    }
    if (batch.size_bytes() > options.max_message_bytes) {
      return fail(
          ErrorCode::kMessageTooLarge,
          fmt::format("The record batch size in the append to {} is {} bytes which exceeds "
                      "the maximum configured value of {}.",
                      options.topic_partition, batch.size_bytes(), options.max_message_bytes));
    }
    if (!(legacy ? message.crc_is_valid() : batch.crc_is_valid())) {
      return fail(ErrorCode::kCorruptMessage,
                  fmt::format("Record is corrupt (stored crc = {}) in topic partition {}.",
                              legacy ? message.crc() : batch.crc(), options.topic_partition));
    }
    const CompressionType codec = legacy ? message.compression() : batch.compression();
    if (!is_known_codec(codec)) {
      return fail(ErrorCode::kUnsupportedCompressionType,
                  fmt::format("Unknown compression type id {} in topic partition {}",
                              static_cast<int>(codec), options.topic_partition));
    }
    if (codec != CompressionType::kNone) {
      source = codec;
    }
  }
  return source;
}

BatchOptions new_batch(const ValidateOptions& options, CompressionType target) {
  BatchOptions batch;
  batch.compression = target;
  batch.level = options.compression ? options.compression_level : kDefaultLevel;
  batch.timestamp_type = options.timestamp_type;
  batch.log_append_time_ms = options.now_ms;
  return batch;
}

// Kafka's builder takes no negative timestamp but -1.
Status finish(BatchBuilder& builder, ByteVector& out) {
  if (builder.smallest_timestamp_ms() < kNoTimestamp) {
    return fail(ErrorCode::kInvalidTimestamp,
                fmt::format("Invalid negative timestamp {}", builder.smallest_timestamp_ms()));
  }
  return builder.finish(out);
}

std::int32_t size_of(const std::optional<ByteView>& bytes) {
  return bytes ? static_cast<std::int32_t>(bytes->size()) : -1;
}

}  // namespace

Status RecordValidator::rewrite_batch(BatchView batch, const ValidateOptions& options,
                                      CompressionType target, ByteVector& out) {
  TRY_STATUS(check(batch, options, true));
  if (batch.producer_id() == kNoProducerId
          ? batch.is_transactional()
          : batch.producer_epoch().value() < 0 || batch.base_sequence().value() < 0) {
    return invalid("A producer id, its epoch and its sequence must all be there or none of them");
  }
  BatchOptions wish = new_batch(options, target);
  wish.producer_id = batch.producer_id();
  wish.producer_epoch = batch.producer_epoch();
  wish.base_sequence = batch.base_sequence();
  wish.is_transactional = batch.is_transactional();
  BatchBuilder builder(wish);
  RecordReader reader;
  TRY_STATUS(reader.start(batch, kMaxConvertedBytes));
  while (true) {
    TRY(const RecordView* record, reader.next());
    if (record == nullptr) {
      return finish(builder, out);
    }
    builder.add(record->timestamp_ms, record->key, record->value, record->headers);
  }
}

// The records of one message, checked and added to `builder`.
Status RecordValidator::rewrite_message(LegacyReader& reader, LegacyView message,
                                        const ValidateOptions& options, BatchBuilder& builder) {
  RecordChecks checks(message.timestamp_type(), true, options, record_errors_);
  const auto walk = [&]() -> Status {
    TRY_STATUS(reader.start(message, true));
    for (std::int32_t index = 0;; ++index) {
      TRY(const RecordView* record, reader.next());
      if (record == nullptr) {
        return {};
      }
      checks.check(index, record->timestamp_ms, size_of(record->key), size_of(record->value));
      builder.add(record->timestamp_ms, record->key, record->value);
    }
  };
  if (Status walked = walk(); !walked) {
    checks.forget();
    return walked;
  }
  return checks.finish();
}

Status RecordValidator::rewrite_messages(ByteView records, const ValidateOptions& options,
                                         CompressionType target, ByteVector& out) {
  const std::int8_t magic = BatchView(records).magic();
  BatchBuilder builder(new_batch(options, target));
  LegacyReader reader;
  BatchCursor cursor(records);
  while (cursor.next() == BatchStep::kBatch) {
    if (cursor.batch().magic() != magic) {
      return invalid(
          fmt::format("Batch magic {} is not the same as the first batch's magic byte "
                      "{} in topic partition {}",
                      cursor.batch().magic(), magic, options.topic_partition));
    }
    TRY_STATUS(rewrite_message(reader, LegacyView(cursor.batch().bytes()), options, builder));
  }
  return finish(builder, out);
}

Result<ValidatedBatch> RecordValidator::convert(ByteView records, const ValidateOptions& options,
                                                ByteVector& out) {
  record_errors_.clear();
  out.clear();
  TRY(const CompressionType source, analyze(records, options));
  const CompressionType target = options.compression.value_or(source);
  const BatchView first(records);
  const bool several = static_cast<std::size_t>(first.size_bytes()) != records.size();
  if (several && (first.magic() == kMagicV2 || source != CompressionType::kNone)) {
    return invalid("Compressed outer record has more than one batch");
  }
  if (first.magic() == kMagicV2) {
    TRY_STATUS(rewrite_batch(first, options, target, out));
  } else {
    TRY_STATUS(rewrite_messages(records, options, target, out));
  }
  const BatchView made(out);
  if (made.size_bytes() > options.max_message_bytes) {
    return fail(ErrorCode::kMessageTooLarge,
                fmt::format("Message batch size is {} bytes in append to partition {} which "
                            "exceeds the maximum configured size of {}.",
                            made.size_bytes(), options.topic_partition, options.max_message_bytes));
  }
  ValidatedBatch result;
  result.size_bytes = static_cast<std::int32_t>(out.size());
  result.record_count = made.record_count();
  result.max_timestamp_ms = made.max_timestamp_ms();
  result.log_append_time_ms =
      options.timestamp_type == TimestampType::kLogAppendTime ? options.now_ms : kNoTimestamp;
  result.restamped = true;
  return result;
}

}  // namespace barnabas::record
