// Messages of magic 0 and 1: views, the reader, the builder. What they look like to Kafka itself is
// tests/integration/disk/record_convert_test.py.
#include "barnabas/record/legacy.h"

#include <string>
#include <vector>

#include "batches.h"

namespace barnabas::record {
namespace {

constexpr std::array kLegacyCodecs{CompressionType::kNone, CompressionType::kGzip,
                                   CompressionType::kSnappy, CompressionType::kLz4};

ByteVector make_set(const LegacyOptions& options, int count = 3, std::int64_t first_offset = 100) {
  LegacyBuilder builder(options);
  for (int i = 0; i < count; ++i) {
    const std::string value = "value-" + std::to_string(i);
    builder.add(Offset(first_offset + i), kT0 + i, as_bytes("key"), as_bytes(value));
  }
  ByteVector out;
  EXPECT_TRUE(builder.finish(out));
  return out;
}

struct Seen {
  std::int64_t offset;
  std::int64_t timestamp_ms;
  std::string value;
  bool operator==(const Seen&) const = default;
};

Result<std::vector<Seen>> read_set(ByteView set, bool check_inner_crc = false) {
  std::vector<Seen> seen;
  BatchCursor cursor(set);
  LegacyReader reader;
  while (cursor.next() == BatchStep::kBatch) {
    TRY_STATUS(reader.start(LegacyView(cursor.batch().bytes()), check_inner_crc));
    while (true) {
      TRY(const RecordView* record, reader.next());
      if (record == nullptr) {
        break;
      }
      seen.push_back({record->offset.value(), record->timestamp_ms,
                      record->value ? std::string(as_text(*record->value)) : "(null)"});
    }
  }
  return seen;
}

ErrorCode read_error(ByteView set) {
  const auto seen = read_set(set, true);
  return seen ? ErrorCode::kNone : seen.error().code;
}

// A wrapper around the given inner bytes.
ByteVector wrap(ByteView inner, const LegacyOptions& options, std::int64_t offset) {
  ByteVector set = make_set(options, 1);
  const std::size_t value_at = legacy_key_at(options.magic) + 8;
  set.resize(value_at);
  EXPECT_TRUE(compress(options.compression, inner, set));
  store_be(set.data(), offset);
  store_be(set.data() + value_at - 4, static_cast<std::int32_t>(set.size() - value_at));
  store_be(set.data() + kLengthAt, static_cast<std::int32_t>(set.size() - kLogOverhead));
  stamp_legacy_crc(set);
  return set;
}

class EachLegacyCodec : public testing::TestWithParam<CompressionType> {};

TEST_P(EachLegacyCodec, ComesBackAsItWentIn) {
  for (const std::int8_t magic : {kMagicV0, kMagicV1}) {
    const ByteVector set = make_set({.magic = magic, .compression = GetParam()});
    const auto seen = read_set(set, true);
    ASSERT_TRUE(seen) << seen.error().message;
    std::vector<Seen> wanted;
    for (int i = 0; i < 3; ++i) {
      wanted.push_back(
          {100 + i, magic == kMagicV0 ? kNoTimestamp : kT0 + i, "value-" + std::to_string(i)});
    }
    EXPECT_EQ(*seen, wanted) << int{magic};
  }
}

TEST_P(EachLegacyCodec, AppendTimeIsEveryRecordsTime) {
  const ByteVector set = make_set({.compression = GetParam(),
                                   .timestamp_type = TimestampType::kLogAppendTime,
                                   .log_append_time_ms = kT0 + 77});
  const auto seen = read_set(set);
  ASSERT_TRUE(seen);
  for (const Seen& record : *seen) {
    EXPECT_EQ(record.timestamp_ms, kT0 + 77);
  }
}

TEST_P(EachLegacyCodec, EveryCutAndEveryFlippedBitIsSurvived) {
  for (const std::int8_t magic : {kMagicV0, kMagicV1}) {
    const ByteVector set = make_set({.magic = magic, .compression = GetParam()}, 2);
    for (std::size_t i = 0; i < set.size() * 8; ++i) {
      ByteVector broken = set;
      broken[i / 8] ^= static_cast<std::byte>(1U << (i % 8));
      static_cast<void>(read_set(broken));
    }
    for (std::size_t size = 0; size < set.size(); ++size) {
      const auto seen = read_set(ByteView(set).first(size));
      EXPECT_TRUE(seen && seen->size() < 2) << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, EachLegacyCodec, testing::ValuesIn(kLegacyCodecs), codec_text);

TEST(Legacy, LayoutOfMagic1) {
  LegacyBuilder builder({.magic = kMagicV1});
  builder.add(Offset(7), 0x0102030405060708, as_bytes("k"), std::nullopt);
  ByteVector out;
  ASSERT_TRUE(builder.finish(out));
  const ByteVector wanted = [] {
    ByteVector bytes(35);
    store_be(bytes.data(), std::int64_t{7});
    store_be(bytes.data() + 8, std::int32_t{23});
    bytes[16] = std::byte{1};
    store_be(bytes.data() + 18, std::int64_t{0x0102030405060708});
    store_be(bytes.data() + 26, std::int32_t{1});
    bytes[30] = std::byte{'k'};
    store_be(bytes.data() + 31, std::int32_t{-1});
    stamp_legacy_crc(bytes);
    return bytes;
  }();
  EXPECT_EQ(out, wanted);
}

TEST(Legacy, WrapperLeftAtZeroCountsFromZero) {
  LegacyOptions options{.compression = CompressionType::kGzip};
  ByteVector set = make_set(options, 3, 100);
  store_be(set.data(), std::int64_t{0});
  const auto seen = read_set(set);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->front().offset, 0);
  EXPECT_EQ(seen->back().offset, 2);
}

TEST(Legacy, WrapperBelowItsLastMessageIsInvalid) {
  ByteVector set = make_set({.compression = CompressionType::kGzip});
  store_be(set.data(), std::int64_t{1});
  EXPECT_EQ(read_error(set), ErrorCode::kInvalidRecord);
}

TEST(Legacy, WhatIsWrongInsideAWrapper) {
  const LegacyOptions gzip{.compression = CompressionType::kGzip};
  const ByteVector plain = make_set({}, 2, 0);
  EXPECT_EQ(read_error(wrap(plain, gzip, 1)), ErrorCode::kNone);
  EXPECT_EQ(read_error(wrap({}, gzip, 0)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(read_error(wrap(make_set({.magic = kMagicV0}, 1, 0), gzip, 0)),
            ErrorCode::kInvalidRecord);
  EXPECT_EQ(read_error(wrap(make_set(gzip, 1, 0), gzip, 0)), ErrorCode::kInvalidRecord);
  ByteVector broken = plain;
  broken.back() ^= std::byte{1};
  EXPECT_EQ(read_error(wrap(broken, gzip, 1)), ErrorCode::kCorruptMessage);
  broken = plain;
  store_be(broken.data() + kLengthAt, std::int32_t{13});
  EXPECT_EQ(read_error(wrap(broken, gzip, 1)), ErrorCode::kCorruptMessage);
  // What is cut off at the end counts for nothing.
  const auto cut = read_set(wrap(ByteView(plain).first(plain.size() - 3), gzip, 0));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->size(), 1U);
}

TEST(Legacy, ZstdAndNullValuesAreNoWrappers) {
  ByteVector set = make_set({});
  set[kLegacyAttributesAt] = std::byte{4};
  EXPECT_EQ(read_error(set), ErrorCode::kInvalidRecord);
  set[kLegacyAttributesAt] = std::byte{6};
  EXPECT_EQ(read_error(set), ErrorCode::kUnsupportedCompressionType);
  LegacyBuilder builder({});
  builder.add(Offset(0), kT0, as_bytes("k"), std::nullopt);
  ByteVector no_value;
  ASSERT_TRUE(builder.finish(no_value));
  no_value[kLegacyAttributesAt] = std::byte{1};
  EXPECT_EQ(read_error(no_value), ErrorCode::kInvalidRecord);
}

TEST(Legacy, Lz4OfMagic0HasTheChecksumOfOld) {
  ByteVector right;
  ByteVector old;
  ASSERT_TRUE(compress(CompressionType::kLz4, as_bytes("hello"), right));
  ASSERT_TRUE(compress(CompressionType::kLz4, as_bytes("hello"), old, kDefaultLevel,
                       Lz4Header::kWithMagic));
  ASSERT_EQ(right.size(), old.size());
  EXPECT_NE(right[6], old[6]);
  old[6] = right[6];
  EXPECT_EQ(right, old);

  const ByteVector set = make_set({.magic = kMagicV0, .compression = CompressionType::kLz4});
  EXPECT_TRUE(read_set(set));
  Decompressors decompressors;
  const ByteView frame = ByteView(set).subspan(legacy_key_at(kMagicV0) + 8);
  auto checked = decompressors.start(CompressionType::kLz4, frame);
  EXPECT_TRUE(!checked || !(*checked)->next()) << "the library checks the header";
}

}  // namespace
}  // namespace barnabas::record
