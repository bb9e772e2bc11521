// Records that are written anew: old messages, and codecs that the topic does not want. The whole
// of it against Kafka's LogValidator is tests/integration/disk/record_validate_test.py.
#include <string>

#include "barnabas/record/down_convert.h"
#include "barnabas/record/legacy.h"
#include "barnabas/record/reader.h"
#include "batches.h"

namespace barnabas::record {
namespace {

ByteVector old_messages(const LegacyOptions& options, int count) {
  LegacyBuilder builder(options);
  for (int i = 0; i < count; ++i) {
    builder.add(Offset(i), kT0 + (i == 1 ? 900 : i), as_bytes("key"), as_bytes("value"));
  }
  ByteVector out;
  EXPECT_TRUE(builder.finish(out));
  return out;
}

ErrorCode converted(ByteView records, const ValidateOptions& options, ByteVector& out) {
  RecordValidator validator;
  EXPECT_TRUE(RecordValidator::must_convert(records, options));
  const auto result = validator.convert(records, options, out);
  return result ? ErrorCode::kNone : result.error().code;
}

TEST(Convert, MessagesBecomeOneBatch) {
  for (const auto codec : {CompressionType::kNone, CompressionType::kGzip, CompressionType::kLz4}) {
    ByteVector out;
    ASSERT_EQ(converted(old_messages({.compression = codec}, 3), {}, out), ErrorCode::kNone);
    const BatchView batch(out);
    EXPECT_TRUE(batch.crc_is_valid());
    EXPECT_EQ(batch.size_bytes(), static_cast<std::int64_t>(out.size()));
    EXPECT_EQ(batch.compression(), codec);
    EXPECT_EQ(batch.record_count(), 3);
    EXPECT_EQ(batch.last_offset_delta(), 2);
    EXPECT_EQ(batch.base_timestamp_ms(), kT0);
    EXPECT_EQ(batch.max_timestamp_ms(), kT0 + 900);
    EXPECT_EQ(batch.producer_id(), kNoProducerId);
    RecordReader reader;
    ASSERT_TRUE(reader.start(batch));
    for (int i = 0; i < 3; ++i) {
      const auto record = reader.next();
      ASSERT_TRUE(record && *record != nullptr);
      EXPECT_EQ(as_text(*(*record)->value), "value");
    }
  }
}

TEST(Convert, Magic0HasNoTimestamps) {
  ByteVector out;
  ASSERT_EQ(converted(old_messages({.magic = kMagicV0}, 2), {}, out), ErrorCode::kNone);
  EXPECT_EQ(BatchView(out).max_timestamp_ms(), kNoTimestamp);
  ValidateOptions append_time{.now_ms = kT0 + 5, .timestamp_type = TimestampType::kLogAppendTime};
  ASSERT_EQ(converted(old_messages({.magic = kMagicV0}, 2), append_time, out), ErrorCode::kNone);
  EXPECT_EQ(BatchView(out).max_timestamp_ms(), kT0 + 5);
  EXPECT_EQ(BatchView(out).timestamp_type(), TimestampType::kLogAppendTime);
}

TEST(Convert, RecompressesToWhatTheTopicWants) {
  for (const auto source : kAllCodecs) {
    for (const auto target : kAllCodecs) {
      BatchOptions sent{.compression = source,
                        .producer_id = ProducerId(9),
                        .producer_epoch = ProducerEpoch(1),
                        .base_sequence = SequenceNumber(4)};
      ByteVector batch = make_batch(sent, 4);
      ValidateOptions options;
      options.compression = target;
      EXPECT_EQ(RecordValidator::must_convert(batch, options), source != target);
      if (source == target) {
        continue;
      }
      ByteVector out;
      ASSERT_EQ(converted(batch, options, out), ErrorCode::kNone);
      const BatchView made(out);
      EXPECT_EQ(made.compression(), target);
      EXPECT_TRUE(made.crc_is_valid());
      EXPECT_EQ(made.producer_id(), ProducerId(9));
      EXPECT_EQ(made.base_sequence(), SequenceNumber(4));
      EXPECT_EQ(made.record_count(), 4);
    }
  }
}

TEST(Convert, AppendTimeKeepsWhatTheProducerSaid) {
  ByteVector out;
  ValidateOptions options{.now_ms = kT0 + 5000, .timestamp_type = TimestampType::kLogAppendTime};
  options.compression = CompressionType::kNone;
  ASSERT_EQ(converted(make_batch({.compression = CompressionType::kGzip}, 3), options, out),
            ErrorCode::kNone);
  const BatchView made(out);
  EXPECT_EQ(made.base_timestamp_ms(), kT0);
  EXPECT_EQ(made.max_timestamp_ms(), kT0 + 5000);
}

TEST(Convert, Refusals) {
  const ByteVector one = old_messages({}, 1);
  const ByteVector wrapper = old_messages({.compression = CompressionType::kGzip}, 2);
  const ByteVector batch = make_batch({}, 1);
  const auto refused = [](const ByteVector& records, const ValidateOptions& options = {}) {
    ByteVector out;
    return converted(records, options, out);
  };
  const auto both = [](ByteVector first, const ByteVector& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  };
  EXPECT_EQ(refused(both(one, wrapper)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(refused(both(one, batch)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(refused(both(batch, batch)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(refused(both(one, old_messages({.magic = kMagicV0}, 1))), ErrorCode::kInvalidRecord);
  EXPECT_EQ(refused(both(one, one)), ErrorCode::kNone);

  ByteVector broken = one;
  broken.back() ^= std::byte{1};
  EXPECT_EQ(refused(both(one, broken)), ErrorCode::kCorruptMessage);
  broken = one;
  broken[kLegacyAttributesAt] = std::byte{7};
  stamp_legacy_crc(broken);
  EXPECT_EQ(refused(broken), ErrorCode::kUnsupportedCompressionType);
  broken = one;
  store_be(broken.data() + kLegacyTimestampAt, std::int64_t{-2});
  stamp_legacy_crc(broken);
  EXPECT_EQ(refused(broken), ErrorCode::kInvalidTimestamp);

  EXPECT_EQ(refused(one, {.max_message_bytes = static_cast<std::int32_t>(one.size()) - 1}),
            ErrorCode::kMessageTooLarge);
  // The batch that is made is larger than the message that was sent.
  EXPECT_EQ(refused(one, {.max_message_bytes = static_cast<std::int32_t>(one.size())}),
            ErrorCode::kMessageTooLarge);
  EXPECT_EQ(refused(one, {.now_ms = kT0 + 10'000, .timestamp_before_max_ms = 9'000}),
            ErrorCode::kInvalidTimestamp);
}

TEST(Convert, CompactedTopicsWantKeys) {
  LegacyBuilder builder({});
  builder.add(Offset(0), kT0, std::nullopt, as_bytes("v"));
  ByteVector set;
  ASSERT_TRUE(builder.finish(set));
  ByteVector out;
  EXPECT_EQ(converted(set, {.compact = true}, out), ErrorCode::kInvalidRecord);
}

// A batch of little that swells to a lot is refused, not held.
TEST(Convert, BoundedSwelling) {
  const std::string zeros(16 << 20, '\0');
  BatchBuilder builder({.compression = CompressionType::kZstd});
  for (int i = 0; i < 9; ++i) {
    builder.add(kT0, std::nullopt, as_bytes(zeros));
  }
  ByteVector batch;
  ASSERT_TRUE(builder.finish(batch));
  ByteVector out;
  ValidateOptions options;
  options.compression = CompressionType::kGzip;
  EXPECT_EQ(converted(batch, options, out), ErrorCode::kMessageTooLarge);
}

TEST(MessageSet, WholeMessagesOnly) {
  ByteVector set = old_messages({}, 2);
  const std::size_t size = set.size();
  set.insert(set.end(), set.begin(), set.begin() + 20);
  EXPECT_EQ(message_set(set)->size(), size);
  ByteVector none(5);
  EXPECT_EQ(message_set(none)->size(), 0U);
  set.resize(size);
  set.insert(set.end(), 30, std::byte{0});
  EXPECT_EQ(message_set(set).error().code, ErrorCode::kCorruptMessage);
}

TEST(DownConvert, RecordsBelowTheOffsetAreLeftOutOfPlainBatches) {
  ByteVector batch = make_batch({.base_offset = Offset(10)}, 4);
  DownConverter converter;
  ByteVector out;
  ASSERT_TRUE(converter.convert(BatchView(batch), kMagicV1, Offset(12), out));
  BatchCursor cursor(out);
  ASSERT_EQ(cursor.next(), BatchStep::kBatch);
  EXPECT_EQ(cursor.batch().base_offset(), Offset(12));
  EXPECT_EQ(LegacyView(cursor.batch().bytes()).timestamp_ms(), kT0 + 2);
  ASSERT_EQ(cursor.next(), BatchStep::kBatch);
  EXPECT_EQ(cursor.next(), BatchStep::kEnd);
  out.clear();
  ASSERT_TRUE(converter.convert(BatchView(batch), kMagicV1, Offset(14), out));
  EXPECT_TRUE(out.empty());
}

TEST(DownConvert, WrappersAreKeptWhole) {
  for (const auto codec :
       {CompressionType::kGzip, CompressionType::kSnappy, CompressionType::kLz4}) {
    for (const std::int8_t magic : {kMagicV0, kMagicV1}) {
      ByteVector batch = make_batch({.compression = codec, .base_offset = Offset(10)}, 4);
      DownConverter converter;
      ByteVector out;
      ASSERT_TRUE(converter.convert(BatchView(batch), magic, Offset(12), out));
      LegacyReader reader;
      ASSERT_TRUE(reader.start(LegacyView(out), true));
      EXPECT_EQ(LegacyView(out).offset(), Offset(13));
      for (int i = 0; i < 4; ++i) {
        const auto record = reader.next();
        ASSERT_TRUE(record && *record != nullptr);
        EXPECT_EQ((*record)->offset, Offset(10 + i));
      }
    }
  }
}

TEST(DownConvert, WhatHasNoPlace) {
  DownConverter converter;
  ByteVector out;
  const ByteVector control = make_batch({.is_control = true}, 1);
  ASSERT_TRUE(converter.convert(BatchView(control), kMagicV1, Offset(0), out));
  EXPECT_TRUE(out.empty());
  const ByteVector zstd = make_batch({.compression = CompressionType::kZstd}, 1);
  EXPECT_EQ(converter.convert(BatchView(zstd), kMagicV1, Offset(0), out).error().code,
            ErrorCode::kUnsupportedCompressionType);
  const ByteVector old = old_messages({}, 1);
  ASSERT_TRUE(converter.convert(BatchView(old), kMagicV1, Offset(0), out));
  EXPECT_EQ(out, old);
}

}  // namespace
}  // namespace barnabas::record
