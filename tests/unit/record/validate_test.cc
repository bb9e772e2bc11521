#include "barnabas/record/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "batches.h"

namespace barnabas::record {
namespace {

constexpr std::int64_t kNow = kT0 + 1'000'000;
using testing::HasSubstr;

ValidateOptions at_now() {
  ValidateOptions options;
  options.topic_partition = "t-0";
  options.now_ms = kNow;
  return options;
}

class ValidateEveryCodec : public testing::TestWithParam<CompressionType> {};
INSTANTIATE_TEST_SUITE_P(Codecs, ValidateEveryCodec, testing::ValuesIn(kAllCodecs), codec_text);

TEST_P(ValidateEveryCodec, AGoodBatchIsAcceptedAndLeftAsItCame) {
  RecordValidator validator;
  for (const int count : {1, 2, 100, 20'000}) {
    ByteVector batch = make_batch({.compression = GetParam()}, count);
    const ByteVector before = batch;
    const auto result = validator.validate(batch, at_now());
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(batch, before);
    EXPECT_FALSE(result->restamped);
    EXPECT_EQ(result->size_bytes, static_cast<std::int32_t>(batch.size()));
    EXPECT_EQ(result->record_count, count);
    EXPECT_EQ(result->max_timestamp_ms, kT0 + count - 1);
    EXPECT_EQ(result->log_append_time_ms, kNoTimestamp);
  }
}

TEST_P(ValidateEveryCodec, LogAppendTimeIsStamped) {
  ByteVector batch = make_batch({.compression = GetParam()}, 3);
  ValidateOptions options = at_now();
  options.timestamp_type = TimestampType::kLogAppendTime;
  RecordValidator validator;
  const auto result = validator.validate(batch, options);
  ASSERT_TRUE(result);
  const BatchView view(batch);
  EXPECT_EQ(view.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_EQ(view.max_timestamp_ms(), kNow);
  EXPECT_EQ(view.compression(), GetParam());
  EXPECT_TRUE(view.crc_is_valid());
  EXPECT_EQ(result->max_timestamp_ms, kNow);
  EXPECT_EQ(result->log_append_time_ms, kNow);
}

TEST_P(ValidateEveryCodec, AWrongMaxTimestampIsCorrected) {
  ByteVector batch = make_batch({.compression = GetParam()}, 3);
  patch(batch, kMaxTimestampAt, kT0 + 999);
  RecordValidator validator;
  const auto result = validator.validate(batch, at_now());
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->restamped);
  EXPECT_EQ(BatchView(batch).max_timestamp_ms(), kT0 + 2);
  EXPECT_TRUE(BatchView(batch).crc_is_valid());
}

TEST_P(ValidateEveryCodec, RecordsWithoutTimestamps) {
  BatchBuilder builder({.compression = GetParam()});
  builder.add(kNoTimestamp, {}, as_bytes("a"));
  builder.add(kNoTimestamp, {}, as_bytes("b"));
  ByteVector batch;
  ASSERT_TRUE(builder.finish(batch));
  RecordValidator validator;
  const auto result = validator.validate(batch, at_now());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->max_timestamp_ms, kNoTimestamp);
}

TEST_P(ValidateEveryCodec, NullKeysAreRefusedOnACompactedTopic) {
  BatchBuilder builder({.compression = GetParam()});
  builder.add(kT0, as_bytes("k"), as_bytes("a"));
  builder.add(kT0, {}, as_bytes("b"));
  builder.add(kT0, as_bytes(""), {});
  builder.add(kT0, {}, as_bytes("d"));
  ByteVector batch;
  ASSERT_TRUE(builder.finish(batch));
  ValidateOptions options = at_now();
  RecordValidator validator;
  EXPECT_TRUE(validator.validate(batch, options));
  options.compact = true;
  const auto result = validator.validate(batch, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidRecord);
  EXPECT_EQ(
      result.error().message,
      "One or more records have been rejected due to 2 record errors in total, and only showing "
      "the first three errors at most: [RecordError(batchIndex=1, message='Compacted topic cannot "
      "accept message without key in topic partition t-0'), RecordError(batchIndex=3, "
      "message='Compacted topic cannot accept message without key in topic partition t-0')]");
  ASSERT_EQ(validator.record_errors().size(), 2U);
  EXPECT_EQ(validator.record_errors()[0].batch_index, 1);
  EXPECT_EQ(validator.record_errors()[1].batch_index, 3);
  EXPECT_TRUE(validator.validate(batch, at_now()));
  EXPECT_TRUE(validator.record_errors().empty());
}

TEST_P(ValidateEveryCodec, TimestampsOutOfRangeAreRefused) {
  ValidateOptions options = at_now();
  options.timestamp_before_max_ms = 100;
  options.timestamp_after_max_ms = 50;
  const struct {
    std::int64_t timestamp_ms;
    bool accepted;
  } kCases[] = {{kNow, true},       {kNow - 100, true}, {kNow - 101, false},
                {kNow + 50, true},  {kNow + 51, false}, {kNoTimestamp, true},
                {INT64_MAX, false}, {INT64_MIN, false}, {0, false}};
  for (const auto& row : kCases) {
    BatchBuilder builder({.compression = GetParam()});
    builder.add(kNow, {}, as_bytes("a"));
    builder.add(row.timestamp_ms, {}, as_bytes("b"));
    ByteVector batch;
    ASSERT_TRUE(builder.finish(batch));
    RecordValidator validator;
    const auto result = validator.validate(batch, options);
    EXPECT_EQ(result.has_value(), row.accepted) << row.timestamp_ms - kNow;
    if (!row.accepted) {
      EXPECT_EQ(result.error().code, ErrorCode::kInvalidTimestamp);
      EXPECT_EQ(result.error().message,
                "One or more records have been rejected due to invalid timestamp");
      ASSERT_EQ(validator.record_errors().size(), 1U);
      EXPECT_EQ(validator.record_errors()[0].batch_index, 1);
      EXPECT_EQ(validator.record_errors()[0].message,
                "Timestamp " + std::to_string(row.timestamp_ms) +
                    " of message with offset 1 is out of range. The timestamp should be within [" +
                    std::to_string(kNow - 100) + ", " + std::to_string(kNow + 50) + "]");
    }
  }
}

TEST(Validate, AProducerMustNotSetLogAppendTime) {
  for (const CompressionType codec : {CompressionType::kNone, CompressionType::kGzip}) {
    ByteVector batch = make_batch({.compression = codec,
                                   .timestamp_type = TimestampType::kLogAppendTime,
                                   .log_append_time_ms = kT0});
    ValidateOptions options = at_now();
    options.timestamp_type = TimestampType::kLogAppendTime;
    RecordValidator validator;
    const auto result = validator.validate(batch, options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidTimestamp);
    ASSERT_EQ(validator.record_errors().size(), 1U);
    EXPECT_EQ(validator.record_errors()[0].message,
              std::string("Invalid timestamp type in message ") +
                  (codec == CompressionType::kNone ? "" : "Partial") +
                  "DefaultRecord(offset=0, timestamp=1700000000000, key=5 bytes, value=7 bytes). "
                  "Producer should not set timestamp type to LogAppendTime.");
  }
}

TEST(Validate, OnACreateTimeTopicKafkaTurnsAnAppendTimeBatchBack) {
  // LogValidator compares the timestamp first and asks for the type only where there is none.
  ByteVector batch = make_batch(
      {.timestamp_type = TimestampType::kLogAppendTime, .log_append_time_ms = kT0 + 9}, 2);
  RecordValidator validator;
  const auto result = validator.validate(batch, at_now());
  ASSERT_TRUE(result);
  EXPECT_EQ(BatchView(batch).timestamp_type(), TimestampType::kCreateTime);
  EXPECT_EQ(BatchView(batch).max_timestamp_ms(), kT0 + 9);
  EXPECT_TRUE(BatchView(batch).crc_is_valid());
}

TEST(Validate, ABrokenBatchNamesNoSingleRecords) {
  BatchBuilder builder({});
  builder.add(kT0, {}, as_bytes("without a key"));
  builder.add(kT0, as_bytes("k"), as_bytes("v"));
  ByteVector batch;
  ASSERT_TRUE(builder.finish(batch));
  store_be(batch.data() + kRecordCountAt, std::int32_t{1});
  patch(batch, kLastOffsetDeltaAt, std::int32_t{0});
  ValidateOptions options = at_now();
  options.compact = true;
  RecordValidator validator;
  const auto result = validator.validate(batch, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidRecord);
  EXPECT_TRUE(validator.record_errors().empty());
}

TEST(Validate, RecordErrorsAreBounded) {
  BatchBuilder builder({.compression = CompressionType::kZstd});
  for (int i = 0; i < 5000; ++i) {
    builder.add(kT0, {}, {});
  }
  ByteVector batch;
  ASSERT_TRUE(builder.finish(batch));
  ValidateOptions options = at_now();
  options.compact = true;
  RecordValidator validator;
  const auto result = validator.validate(batch, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(validator.record_errors().size(), kMaxRecordErrors);
  EXPECT_THAT(result.error().message, HasSubstr("due to 5000 record errors in total"));
}

TEST(Validate, IdempotentBatchesPass) {
  ByteVector batch = make_batch({.producer_id = ProducerId(0),
                                 .producer_epoch = ProducerEpoch(0),
                                 .base_sequence = SequenceNumber(INT32_MAX)},
                                2);
  RecordValidator validator;
  EXPECT_TRUE(validator.validate(batch, at_now()));
  EXPECT_EQ(BatchView(batch).last_sequence(), SequenceNumber(0));
}

TEST(SingleBatch, CutsOffWhatBeginsNoBatch) {
  ByteVector records = make_batch();
  const std::size_t size = records.size();
  records.resize(size + 9);
  const auto batch = single_batch(records, 11);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->data(), records.data());
  EXPECT_EQ(batch->size(), size);
}

TEST(SingleBatch, SaysWhatIsCorruptInKafkasWords) {
  ByteVector records = make_batch();
  store_be(records.data() + kMagicAt, std::int8_t{9});
  EXPECT_EQ(single_batch(records, 11).error().message, "Invalid magic found in record: 9");
  store_be(records.data() + kLengthAt, std::int32_t{-9});
  EXPECT_EQ(single_batch(records, 11).error().message,
            "Record size -9 is less than the minimum record overhead (14)");
}

TEST(SingleBatch, ZstdNeedsProduce7) {
  ByteVector records = make_batch({.compression = CompressionType::kZstd});
  EXPECT_EQ(outcome(records, {}, 6), ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(outcome(records, {}, 7), ErrorCode::kNone);
}

}  // namespace
}  // namespace barnabas::record
