// Every kind of broken record set that a Produce request can carry, and the answer to it. The
// expected codes are those that Kafka 3.9.1 gave to the same bytes, unless a comment says better.
#include <gtest/gtest.h>
#include <zstd.h>

#include <limits>

#include "batches.h"

namespace barnabas::record {
namespace {

struct Row {
  const char* name;
  ErrorCode expected;
  ByteVector (*make)();
};

ByteVector with_length(std::int32_t length) {
  ByteVector batch = make_batch();
  store_be(batch.data() + kLengthAt, length);
  return batch;
}
ByteVector with_magic(std::int8_t magic) {
  ByteVector batch = make_batch();
  store_be(batch.data() + kMagicAt, magic);
  return batch;
}
ByteVector with_count(std::int32_t count) {
  ByteVector batch = make_batch({}, 3);
  patch(batch, kRecordCountAt, count);
  return batch;
}
ByteVector with_deltas(CompressionType codec, std::int32_t first, std::int32_t second) {
  BatchBuilder builder({.compression = codec});
  builder.add_at(first, kT0, {}, as_bytes("a"));
  builder.add_at(second, kT0, {}, as_bytes("b"));
  ByteVector batch;
  EXPECT_TRUE(builder.finish(batch));
  patch(batch, kLastOffsetDeltaAt, std::int32_t{1});
  return batch;
}
ByteVector with_timestamp(std::int64_t timestamp_ms) {
  BatchBuilder builder({});
  builder.add(timestamp_ms, {}, as_bytes("a"));
  ByteVector batch;
  EXPECT_TRUE(builder.finish(batch));
  return batch;
}

const Row kRows[] = {
    {"BadCrc", ErrorCode::kCorruptMessage,
     [] {
       ByteVector batch = make_batch();
       batch.back() ^= std::byte{1};
       return batch;
     }},
    {"Magic9", ErrorCode::kCorruptMessage, [] { return with_magic(9); }},
    {"MagicMinus1", ErrorCode::kCorruptMessage, [] { return with_magic(-1); }},
    {"BatchLength20", ErrorCode::kCorruptMessage, [] { return with_length(20); }},
    {"BatchLengthMinus9", ErrorCode::kCorruptMessage, [] { return with_length(-9); }},
    {"BatchLongerThanPayload", ErrorCode::kInvalidRecord,
     [] { return with_length(static_cast<std::int32_t>(make_batch().size())); }},
    {"Truncated", ErrorCode::kInvalidRecord,
     [] {
       ByteVector batch = make_batch();
       batch.pop_back();
       return batch;
     }},
    {"Empty", ErrorCode::kInvalidRecord, [] { return ByteVector(); }},
    {"NoBatch", ErrorCode::kInvalidRecord, [] { return ByteVector(11); }},
    {"TwoBatches", ErrorCode::kInvalidRecord,
     [] {
       ByteVector batch = make_batch();
       const ByteVector second = make_batch();
       batch.insert(batch.end(), second.begin(), second.end());
       return batch;
     }},
    {"CountHigh", ErrorCode::kInvalidRecord, [] { return with_count(4); }},
    {"CountLow", ErrorCode::kInvalidRecord, [] { return with_count(2); }},
    {"CountNegative", ErrorCode::kInvalidRecord, [] { return with_count(-1); }},
    {"CountZero", ErrorCode::kInvalidRecord, [] { return with_count(0); }},
    {"CountIntMax", ErrorCode::kInvalidRecord, [] { return with_count(INT32_MAX); }},
    {"CountAndLastDeltaHigh", ErrorCode::kInvalidRecord,
     [] {
       ByteVector batch = with_count(4);
       patch(batch, kLastOffsetDeltaAt, std::int32_t{3});
       return batch;
     }},
    {"CountAndLastDeltaLow", ErrorCode::kInvalidRecord,
     [] {
       ByteVector batch = with_count(2);
       patch(batch, kLastOffsetDeltaAt, std::int32_t{1});
       return batch;
     }},
    {"LastOffsetDeltaWrong", ErrorCode::kInvalidRecord,
     [] {
       ByteVector batch = make_batch();
       patch(batch, kLastOffsetDeltaAt, std::int32_t{7});
       return batch;
     }},
    {"LastOffsetDeltaNegative", ErrorCode::kInvalidRecord,
     [] {
       ByteVector batch = make_batch();
       patch(batch, kLastOffsetDeltaAt, std::int32_t{-5});
       return batch;
     }},
    {"BaseOffset77", ErrorCode::kInvalidRecord,
     [] { return make_batch({.base_offset = Offset(77)}); }},
    {"RecordLengthNegative", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\x05\0\0\0\1\1\0", 7), 1); }},
    {"RecordLengthIntMax", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\xfe\xff\xff\xff\x0f\0\0\0\1\1\0", 11), 1); }},
    {"RecordLengthShort", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\x0a\0\0\0\1\1\0", 7), 1); }},
    {"RecordLengthLong", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\x0e\0\0\0\1\1\0\0", 8), 1); }},
    {"HeaderCount2To30", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\x14\0\0\0\1\1\x80\x80\x80\x80\x08", 11), 1); }},
    {"HeaderCountNegative", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\x0c\0\0\0\1\1\1", 7), 1); }},
    {"HeaderKeyNull", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\x10\0\0\0\1\1\2\1\1", 9), 1); }},
    {"VarintWithoutEnd", ErrorCode::kInvalidRecord,
     [] { return make_raw_batch(std::string_view("\xff\xff\xff\xff\xff\xff\xff", 7), 1); }},
    {"ControlFlag", ErrorCode::kInvalidRecord, [] { return make_batch({.is_control = true}); }},
    {"ProducerIdWithEpochMinus1", ErrorCode::kInvalidRecord,
     [] { return make_batch({.producer_id = ProducerId(5), .base_sequence = SequenceNumber(0)}); }},
    {"ProducerIdWithSequenceMinus1", ErrorCode::kInvalidRecord,
     [] { return make_batch({.producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0)}); }},
    {"Magic0", ErrorCode::kInvalidRecord, [] { return with_magic(0); }},
    {"Magic1", ErrorCode::kInvalidRecord, [] { return with_magic(1); }},
    // Kafka accepts these two: the log then holds offsets outside the batch's range.
    {"OffsetDeltas5And3", ErrorCode::kInvalidRecord,
     [] { return with_deltas(CompressionType::kNone, 5, 3); }},
    {"OffsetDeltas5And3Compressed", ErrorCode::kInvalidRecord,
     [] { return with_deltas(CompressionType::kLz4, 5, 3); }},
    {"NineJunkBytesBehind", ErrorCode::kNone,
     [] {
       ByteVector batch = make_batch();
       batch.resize(batch.size() + 9, std::byte{0x5a});
       return batch;
     }},
    {"JunkBehindThatIsNoBatch", ErrorCode::kCorruptMessage,
     [] {
       ByteVector batch = make_batch();
       batch.resize(batch.size() + 40);
       return batch;
     }},
    // Kafka: UNKNOWN_SERVER_ERROR from here on.
    {"BatchLengthIntMax", ErrorCode::kInvalidRecord, [] { return with_length(INT32_MAX); }},
    {"Codec7", ErrorCode::kUnsupportedCompressionType,
     [] {
       ByteVector batch = make_batch();
       patch(batch, kAttributesAt, std::int16_t{7});
       return batch;
     }},
    {"TimestampFarAhead", ErrorCode::kNone, [] { return with_timestamp(std::int64_t{1} << 62); }},
    {"TimestampFarBehind", ErrorCode::kNone,
     [] { return with_timestamp(-(std::int64_t{1} << 60)); }},
};

class BadInput : public testing::TestWithParam<Row> {};

TEST_P(BadInput, IsAnsweredAs) {
  ByteVector records = GetParam().make();
  const ByteVector before = records;
  EXPECT_EQ(error_name(outcome(records)), error_name(GetParam().expected));
  if (GetParam().expected != ErrorCode::kNone) {
    EXPECT_EQ(records, before) << "a refused batch is left as it came";
  }
}
INSTANTIATE_TEST_SUITE_P(Rows, BadInput, testing::ValuesIn(kRows),
                         [](const auto& info) { return std::string(info.param.name); });

class BadCompressed : public testing::TestWithParam<CompressionType> {};

TEST_P(BadCompressed, GarbageIsInvalid) {
  for (const char* garbage : {"", "x", "this is certainly not a compressed stream of any kind"}) {
    ByteVector batch = make_raw_batch(garbage, 1, GetParam());
    EXPECT_EQ(outcome(batch), ErrorCode::kInvalidRecord) << garbage;
  }
}

TEST_P(BadCompressed, EveryTruncationIsInvalid) {
  const ByteVector whole = make_batch({.compression = GetParam()}, 40);
  for (std::size_t size = kBatchOverhead; size < whole.size(); ++size) {
    ByteVector batch(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    patch(batch, kLengthAt, static_cast<std::int32_t>(size - kLogOverhead));
    EXPECT_EQ(outcome(batch), ErrorCode::kInvalidRecord) << size << " of " << whole.size();
  }
}

TEST_P(BadCompressed, EveryFlippedByteIsRefusedOrHarmless) {
  const ByteVector whole = make_batch({.compression = GetParam()}, 40);
  for (std::size_t at = kBatchOverhead; at < whole.size(); ++at) {
    ByteVector batch = whole;
    batch[at] ^= std::byte{0x21};
    stamp_crc(batch);
    const ErrorCode code = outcome(batch);
    EXPECT_TRUE(code == ErrorCode::kInvalidRecord || code == ErrorCode::kNone)
        << at << ": " << error_name(code);
  }
}

TEST_P(BadCompressed, RecordsStillRemainingAreInvalid) {
  ByteVector batch = make_batch({.compression = GetParam()}, 3);
  store_be(batch.data() + kRecordCountAt, std::int32_t{2});
  patch(batch, kLastOffsetDeltaAt, std::int32_t{1});
  EXPECT_EQ(outcome(batch), ErrorCode::kInvalidRecord);
}

TEST_P(BadCompressed, AWrongRecordSizeInsideIsInvalid) {
  for (const std::string_view body :
       {std::string_view("\x0a\0\0\0\1\1\0", 7), std::string_view("\x0e\0\0\0\1\1\0\0", 8),
        std::string_view("\xfe\xff\xff\xff\x0f\0\0\0\1\1\0", 11)}) {
    ByteVector compressed;
    ASSERT_TRUE(compress(GetParam(), as_bytes(body), compressed));
    ByteVector batch = make_raw_batch(as_text(compressed), 1, GetParam());
    EXPECT_EQ(outcome(batch), ErrorCode::kInvalidRecord);
  }
}

TEST_P(BadCompressed, TwoMillionTinyRecordsThatDoNotCountAreInvalid) {
  constexpr int kRecords = 2'000'000;
  std::string body;
  for (int i = 0; i < kRecords; ++i) {
    body.append(std::string_view("\x0c\0\0\0\1\1\0", 7));  // each with offset delta 0
  }
  ByteVector compressed;
  ASSERT_TRUE(compress(GetParam(), as_bytes(body), compressed));
  ByteVector batch = make_raw_batch(as_text(compressed), kRecords, GetParam());
  ValidateOptions options;
  options.max_message_bytes = INT32_MAX;
  EXPECT_EQ(outcome(batch, options), ErrorCode::kInvalidRecord);
}

INSTANTIATE_TEST_SUITE_P(Codecs, BadCompressed, testing::ValuesIn(kRealCodecs), codec_text);

// A gigabyte of zeros through zstd's stream: about 33 KiB.
ByteVector gigabyte_of_zeros() {
  ByteVector out(std::size_t{1} << 20U);
  const ByteVector zeros(std::size_t{1} << 20U);
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_outBuffer target{out.data(), out.size(), 0};
  for (int i = 0; i < 1024; ++i) {
    ZSTD_inBuffer source{zeros.data(), zeros.size(), 0};
    const auto mode = i == 1023 ? ZSTD_e_end : ZSTD_e_continue;
    while (ZSTD_compressStream2(context, &target, &source, mode) != 0 && mode == ZSTD_e_end) {
    }
  }
  ZSTD_freeCCtx(context);
  out.resize(target.pos);
  return out;
}

TEST(BadInputBomb, GigabyteOfZerosIsInvalid) {
  const ByteVector compressed = gigabyte_of_zeros();
  ASSERT_LT(compressed.size(), 100'000U);
  ByteVector batch = make_raw_batch(as_text(compressed), 1, CompressionType::kZstd);
  EXPECT_EQ(outcome(batch), ErrorCode::kInvalidRecord);
}

TEST(BadInputBomb, IsStreamedInSmallChunks) {
  const ByteVector compressed = gigabyte_of_zeros();
  Decompressors decompressors;
  const auto stream = decompressors.start(CompressionType::kZstd, compressed);
  ASSERT_TRUE(stream);
  std::size_t total = 0;
  while (true) {
    const auto chunk = (*stream)->next();
    ASSERT_TRUE(chunk);
    if (chunk->empty()) {
      break;
    }
    ASSERT_LE(chunk->size(), 64U * 1024);
    total += chunk->size();
  }
  EXPECT_EQ(total, std::size_t{1} << 30U);
}

TEST(BadInputBomb, ASnappyBlockThatClaimsTooMuchIsNotBelieved) {
  // A raw block of 6 bytes whose preamble says 4 GiB - 1.
  ByteVector batch = make_raw_batch("\xff\xff\xff\xff\x0f\x61", 1, CompressionType::kSnappy);
  EXPECT_EQ(outcome(batch), ErrorCode::kInvalidRecord);
}

TEST(BadInputSize, LargerThanMaxMessageBytesIsTooLarge) {
  ByteVector batch = make_batch({}, 10);
  ValidateOptions options;
  options.max_message_bytes = static_cast<std::int32_t>(batch.size()) - 1;
  EXPECT_EQ(outcome(batch, options), ErrorCode::kMessageTooLarge);
  options.max_message_bytes += 1;
  EXPECT_EQ(outcome(batch, options), ErrorCode::kNone);
}

}  // namespace
}  // namespace barnabas::record
