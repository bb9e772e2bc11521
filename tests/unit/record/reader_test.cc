#include "barnabas/record/reader.h"

#include <gtest/gtest.h>

#include "barnabas/base/random.h"
#include "batches.h"

namespace barnabas::record {
namespace {

class ReaderEveryCodec : public testing::TestWithParam<CompressionType> {};
INSTANTIATE_TEST_SUITE_P(Codecs, ReaderEveryCodec, testing::ValuesIn(kAllCodecs), codec_text);

TEST_P(ReaderEveryCodec, GivesBackWhatWasBuilt) {
  auto random = make_seeded_random(11);
  // Values from nothing to well over a decompressed chunk, hard to compress.
  std::vector<std::string> values;
  for (const std::size_t size : {0U, 1U, 63U, 64U, 8191U, 8192U, 65'535U, 200'000U, 3U}) {
    std::string value;
    while (value.size() < size) {
      value += random->uuid().to_string();
    }
    value.resize(size);
    values.push_back(value);
  }
  BatchBuilder builder({.compression = GetParam(),
                        .base_offset = Offset(100),
                        .producer_id = ProducerId(1),
                        .producer_epoch = ProducerEpoch(0),
                        .base_sequence = SequenceNumber(INT32_MAX - 2)});
  const HeaderView headers[] = {
      {as_bytes("h"), as_bytes("v")}, {as_bytes(""), std::nullopt}, {as_bytes("h"), as_bytes("")}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    builder.add(kT0 - static_cast<std::int64_t>(i),
                i % 2 == 0 ? std::nullopt : std::optional(as_bytes(values[i])),
                i == 4 ? std::nullopt : std::optional(as_bytes(values[i])),
                i % 3 == 0 ? std::span<const HeaderView>(headers) : std::span<const HeaderView>());
  }
  ByteVector batch;
  ASSERT_TRUE(builder.finish(batch));

  RecordReader reader;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(reader.start(BatchView(batch)));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto record = reader.next();
      ASSERT_TRUE(record && *record != nullptr);
      const RecordView& view = **record;
      EXPECT_EQ(view.offset, Offset(100 + static_cast<std::int64_t>(i)));
      EXPECT_EQ(view.timestamp_ms, kT0 - static_cast<std::int64_t>(i));
      EXPECT_EQ(view.sequence,
                increment_sequence(SequenceNumber(INT32_MAX - 2), static_cast<std::int32_t>(i)));
      EXPECT_EQ(view.key.has_value(), i % 2 == 1);
      EXPECT_EQ(view.value.has_value(), i != 4);
      if (view.value) {
        EXPECT_EQ(as_text(*view.value), values[i]);
      }
      ASSERT_EQ(view.headers.size(), i % 3 == 0 ? 3U : 0U);
      if (!view.headers.empty()) {
        EXPECT_EQ(as_text(view.headers[0].key), "h");
        EXPECT_EQ(as_text(*view.headers[0].value), "v");
        EXPECT_FALSE(view.headers[1].value);
        EXPECT_TRUE(view.headers[2].value && view.headers[2].value->empty());
      }
    }
    for (int again = 0; again < 2; ++again) {
      const auto end = reader.next();
      ASSERT_TRUE(end);
      EXPECT_EQ(*end, nullptr);
    }
  }
}

TEST_P(ReaderEveryCodec, SaysWhenRecordsRemain) {
  ByteVector batch = make_batch({.compression = GetParam()}, 3);
  patch(batch, kRecordCountAt, std::int32_t{2});
  RecordReader reader;
  ASSERT_TRUE(reader.start(BatchView(batch)));
  ASSERT_TRUE(reader.next());
  ASSERT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(Reader, AppendTimeStandsForEveryRecord) {
  ByteVector batch = make_batch(
      {.timestamp_type = TimestampType::kLogAppendTime, .log_append_time_ms = kT0 + 77}, 2);
  RecordReader reader;
  ASSERT_TRUE(reader.start(BatchView(batch)));
  EXPECT_EQ((*reader.next())->timestamp_ms, kT0 + 77);
  EXPECT_EQ((*reader.next())->timestamp_ms, kT0 + 77);
}

TEST(Reader, ABatchThatCompactionEmptiedHasNoRecords) {
  ByteVector batch = make_batch();
  batch.resize(kBatchOverhead);
  store_be(batch.data() + kLengthAt, static_cast<std::int32_t>(kBatchOverhead - kLogOverhead));
  patch(batch, kRecordCountAt, std::int32_t{0});
  RecordReader reader;
  ASSERT_TRUE(reader.start(BatchView(batch)));
  EXPECT_EQ(*reader.next(), nullptr);
}

TEST(Reader, RefusesAHeaderThatCannotBe) {
  ByteVector batch = make_batch();
  RecordReader reader;
  store_be(batch.data() + kRecordCountAt, std::int32_t{-1});
  EXPECT_FALSE(reader.start(BatchView(batch)));
  batch = make_batch();
  store_be(batch.data() + kLengthAt, INT32_MAX);
  EXPECT_FALSE(reader.start(BatchView(batch)));
  batch = make_batch();
  store_be(batch.data() + kAttributesAt, std::int16_t{6});
  EXPECT_EQ(reader.start(BatchView(batch)).error().code, ErrorCode::kUnsupportedCompressionType);
}

TEST(Builder, RefusesABatchWithoutRecords) {
  BatchBuilder builder({});
  ByteVector out;
  EXPECT_FALSE(builder.finish(out));
  EXPECT_TRUE(out.empty());
}

TEST(Builder, IsReusable) {
  BatchBuilder builder({});
  builder.add(kT0, {}, as_bytes("first"));
  ByteVector first;
  ASSERT_TRUE(builder.finish(first));
  builder.reset({.base_offset = Offset(0)});
  builder.add(kT0, {}, as_bytes("first"));
  ByteVector second;
  ASSERT_TRUE(builder.finish(second));
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace barnabas::record
