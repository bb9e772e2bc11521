#include "barnabas/record/compression.h"

#include <gtest/gtest.h>
#include <lz4frame.h>

#include "batches.h"

namespace barnabas::record {
namespace {

Result<std::string> decompress_all(CompressionType type, ByteView compressed) {
  Decompressors decompressors;
  TRY(Decompressor * stream, decompressors.start(type, compressed));
  std::string plain;
  while (true) {
    TRY(const ByteView chunk, stream->next());
    if (chunk.empty()) {
      return plain;
    }
    plain += as_text(chunk);
  }
}

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += std::to_string(i * 7919) + ",";
  }
  return text;
}

class Codec : public testing::TestWithParam<CompressionType> {};
INSTANTIATE_TEST_SUITE_P(Codecs, Codec, testing::ValuesIn(kAllCodecs), codec_text);

TEST_P(Codec, RoundTrips) {
  for (const int count : {1, 10, 5000, 100'000}) {
    const std::string plain = numbers(count);
    ByteVector compressed;
    ASSERT_TRUE(compress(GetParam(), as_bytes(plain), compressed));
    const auto back = decompress_all(GetParam(), compressed);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, plain);
  }
}

TEST_P(Codec, AStreamLeftHalfWayDoesNotDisturbTheNext) {
  const std::string plain = numbers(100'000);
  ByteVector compressed;
  ASSERT_TRUE(compress(GetParam(), as_bytes(plain), compressed));
  Decompressors decompressors;
  std::size_t first_size = 0;
  for (int round = 0; round < 3; ++round) {
    const auto stream = decompressors.start(GetParam(), compressed);
    ASSERT_TRUE(stream);
    const auto chunk = (*stream)->next();
    ASSERT_TRUE(chunk);
    EXPECT_EQ(as_text(*chunk), plain.substr(0, chunk->size()));
    first_size = round == 0 ? chunk->size() : first_size;
    EXPECT_EQ(chunk->size(), first_size);
    (*stream)->trim();
  }
}

TEST(Codecs, AnUnknownCodecIsRefused) {
  Decompressors decompressors;
  const auto unknown = static_cast<CompressionType>(5);
  EXPECT_EQ(decompressors.start(unknown, {}).error().code, ErrorCode::kUnsupportedCompressionType);
  ByteVector out;
  EXPECT_EQ(compress(unknown, {}, out).error().code, ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(codec_name(unknown), "unknown");
}

TEST(Gzip, MembersFollowEachOtherAndTrailingBytesAreIgnored) {
  ByteVector compressed;
  ASSERT_TRUE(compress(CompressionType::kGzip, as_bytes("one "), compressed));
  ASSERT_TRUE(compress(CompressionType::kGzip, as_bytes("two"), compressed));
  compressed.push_back(std::byte{7});
  EXPECT_EQ(decompress_all(CompressionType::kGzip, compressed), "one two");
}

TEST(Snappy, ARawBlockIsUnderstood) {
  // Preamble 5, then a literal of 5 bytes: as librdkafka and franz-go send it.
  EXPECT_EQ(decompress_all(CompressionType::kSnappy, as_bytes("\x05\x10hello")), "hello");
}

TEST(Snappy, ARepeatedFrameHeaderIsSkippedAndAFewTrailingBytesIgnored) {
  ByteVector compressed;
  ASSERT_TRUE(compress(CompressionType::kSnappy, as_bytes("one "), compressed));
  ASSERT_TRUE(compress(CompressionType::kSnappy, as_bytes("two"), compressed));
  compressed.resize(compressed.size() + 3);
  EXPECT_EQ(decompress_all(CompressionType::kSnappy, compressed), "one two");
}

TEST(Snappy, TheVersionsInTheFrameHeaderMeanNothing) {
  ByteVector compressed;
  ASSERT_TRUE(compress(CompressionType::kSnappy, as_bytes("one"), compressed));
  store_be(compressed.data() + 8, std::int32_t{1 << 24});
  store_be(compressed.data() + 12, std::int32_t{-1});
  EXPECT_EQ(decompress_all(CompressionType::kSnappy, compressed), "one");
}

TEST(Snappy, ABlockLongerThanTheBytesLeftIsRefused) {
  ByteVector compressed;
  ASSERT_TRUE(compress(CompressionType::kSnappy, as_bytes("one"), compressed));
  store_be(compressed.data() + 16, INT32_MAX);
  EXPECT_FALSE(decompress_all(CompressionType::kSnappy, compressed));
  store_be(compressed.data() + 16, std::int32_t{-1});
  EXPECT_FALSE(decompress_all(CompressionType::kSnappy, compressed));
}

ByteVector lz4_frame(std::string_view plain, const LZ4F_preferences_t& wish) {
  ByteVector out(LZ4F_compressFrameBound(plain.size(), &wish));
  out.resize(LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &wish));
  return out;
}

TEST(Lz4, EveryFrameThatKafkaReadsIsRead) {
  const std::string plain = numbers(200'000);
  for (const auto size : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB}) {
    for (int flags = 0; flags < 8; ++flags) {
      LZ4F_preferences_t wish{};
      wish.frameInfo.blockSizeID = size;
      wish.frameInfo.blockMode = LZ4F_blockIndependent;
      wish.frameInfo.contentChecksumFlag =
          (flags & 1) != 0 ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
      wish.frameInfo.blockChecksumFlag =
          (flags & 2) != 0 ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
      wish.frameInfo.contentSize = (flags & 4) != 0 ? plain.size() : 0;
      ByteVector frame = lz4_frame(plain, wish);
      frame.push_back(std::byte{1});  // ignored behind the end mark, as Kafka does
      const auto back = decompress_all(CompressionType::kLz4, frame);
      ASSERT_TRUE(back) << size << " " << flags << " " << back.error().message;
      EXPECT_EQ(*back, plain);
    }
  }
}

TEST(Lz4, LinkedBlocksAndAWrongHeaderChecksumAreRefused) {
  const std::string plain = numbers(200'000);
  LZ4F_preferences_t wish{};
  wish.frameInfo.blockMode = LZ4F_blockLinked;
  EXPECT_FALSE(decompress_all(CompressionType::kLz4, lz4_frame(plain, wish)));
  wish.frameInfo.blockMode = LZ4F_blockIndependent;
  ByteVector frame = lz4_frame(plain, wish);
  ASSERT_TRUE(decompress_all(CompressionType::kLz4, frame));
  frame[6] ^= std::byte{1};
  EXPECT_FALSE(decompress_all(CompressionType::kLz4, frame));
}

TEST(Zstd, FramesFollowEachOtherAndTrailingBytesAreRefused) {
  ByteVector compressed;
  ASSERT_TRUE(compress(CompressionType::kZstd, as_bytes("one "), compressed));
  ASSERT_TRUE(compress(CompressionType::kZstd, as_bytes("two"), compressed));
  EXPECT_EQ(decompress_all(CompressionType::kZstd, compressed), "one two");
  compressed.push_back(std::byte{7});
  EXPECT_FALSE(decompress_all(CompressionType::kZstd, compressed));
}

}  // namespace
}  // namespace barnabas::record
