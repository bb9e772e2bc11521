#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "barnabas/record/compression.h"
#include "lz4_header.h"
#include "snappy_framing.h"

namespace barnabas::record {
namespace {

std::unexpected<Error> unable(std::string_view codec, std::string_view what) {
  std::string message("cannot compress with ");
  message.append(codec).append(": ").append(what);
  return fail(ErrorCode::kUnsupportedCompressionType, std::move(message));
}

Status compress_gzip(ByteView plain, ByteVector& out, int level) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  constexpr int kMemory = 8;
  if (deflateInit2(&stream, level == kDefaultLevel ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED,
                   kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    return unable("gzip", "the level is none of its levels");
  }
  gz_header header{};
  header.os = 255;  // "unknown", as Java writes it
  deflateSetHeader(&stream, &header);
  const std::size_t begin = out.size();
  out.resize(begin + deflateBound(&stream, plain.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
  stream.avail_out = static_cast<uInt>(out.size() - begin);
  const int outcome = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return outcome == Z_STREAM_END ? Status{} : unable("gzip", "the stream did not end");
}

Status compress_snappy(ByteView plain, ByteVector& out) {
  constexpr std::size_t kBlockBytes = std::size_t{32} * 1024;
  const std::size_t begin = out.size();
  out.resize(begin + kSnappyFrameHeader);
  std::copy(kSnappyMagic.begin(), kSnappyMagic.end(), out.data() + begin);
  store_be(out.data() + begin + 8, kSnappyFrameVersion);
  store_be(out.data() + begin + 12, kSnappyFrameVersion);
  while (!plain.empty()) {
    const ByteView block = plain.first(std::min(plain.size(), kBlockBytes));
    plain = plain.subspan(block.size());
    const std::size_t at = out.size();
    out.resize(at + 4 + snappy::MaxCompressedLength(block.size()));
    std::size_t size = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(block.data()), block.size(),
                        reinterpret_cast<char*>(out.data() + at + 4), &size);
    store_be(out.data() + at, static_cast<std::int32_t>(size));
    out.resize(at + 4 + size);
  }
  return {};
}

// Kafka's default level asks lz4-java for its fast compressor, every other one for the thorough
// one, whose lowest level in lz4's own count is 3.
int lz4_level(int level) {
  constexpr int kFast = 0;
  constexpr int kLowestThorough = 3;
  constexpr int kHighest = 12;
  return level == kDefaultLevel || level == kFastLz4Level
             ? kFast
             : std::clamp(level, kLowestThorough, kHighest);
}

Status compress_lz4(ByteView plain, ByteVector& out, int level, Lz4Header header) {
  LZ4F_preferences_t wish{};
  wish.frameInfo.blockSizeID = LZ4F_max64KB;
  wish.frameInfo.blockMode = LZ4F_blockIndependent;
  wish.compressionLevel = lz4_level(level);
  const std::size_t begin = out.size();
  out.resize(begin + LZ4F_compressFrameBound(plain.size(), &wish));
  const std::size_t size =
      LZ4F_compressFrame(out.data() + begin, out.size() - begin, plain.data(), plain.size(), &wish);
  if (LZ4F_isError(size) != 0U) {
    out.resize(begin);
    return unable("lz4", LZ4F_getErrorName(size));
  }
  out.resize(begin + size);
  if (header == Lz4Header::kWithMagic) {
    const MutableBytes written(out.data() + begin, lz4_header_size({out.data() + begin, size}));
    written.back() = lz4_header_checksum(written, true);
  }
  return {};
}

Status compress_zstd(ByteView plain, ByteVector& out, int level) {
  const std::size_t begin = out.size();
  out.resize(begin + ZSTD_compressBound(plain.size()));
  const std::size_t size =
      ZSTD_compress(out.data() + begin, out.size() - begin, plain.data(), plain.size(),
                    level == kDefaultLevel ? ZSTD_CLEVEL_DEFAULT : level);
  if (ZSTD_isError(size) != 0U) {
    out.resize(begin);
    return unable("zstd", ZSTD_getErrorName(size));
  }
  out.resize(begin + size);
  return {};
}

}  // namespace

Status compress(CompressionType type, ByteView plain, ByteVector& out, int level,
                Lz4Header lz4_header) {
  switch (type) {
    case CompressionType::kNone:
      out.insert(out.end(), plain.begin(), plain.end());
      return {};
    case CompressionType::kGzip:
      return compress_gzip(plain, out, level);
    case CompressionType::kSnappy:
      return compress_snappy(plain, out);
    case CompressionType::kLz4:
      return compress_lz4(plain, out, level, lz4_header);
    case CompressionType::kZstd:
      return compress_zstd(plain, out, level);
  }
  return fail(ErrorCode::kUnsupportedCompressionType, "Unknown compression type");
}

}  // namespace barnabas::record
