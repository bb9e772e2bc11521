// The codecs of record batches: gzip, snappy, lz4, zstd. Decompression is streamed in chunks, so
// that a small batch cannot make the broker hold what it swells to.
//
//   gzip    RFC 1952 members, one after the other (zlib)
//   snappy  snappy-java's framing (16 byte header, then blocks with a 4 byte big-endian size), or
//           one raw snappy block, as librdkafka and franz-go send it
//   lz4     one LZ4 frame: version 1, independent blocks, right header checksum; what follows its
//           end mark is ignored (Kafka's Lz4BlockInputStream). Messages of magic 0 carry a checksum
//           that old producers took over the frame's magic, too (Lz4Header)
//   zstd    frames one after the other, window up to 128 MiB
//
// How it fails: kInvalidRecord for bytes that are not what the codec says,
// kUnsupportedCompressionType for a codec that does not exist. Never kUnknownServerError, which
// makes Java producers retry and duplicate (KAFKA-14034).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"

namespace barnabas::record {

enum class CompressionType : std::int8_t {
  kNone = 0,
  kGzip = 1,
  kSnappy = 2,
  kLz4 = 3,
  kZstd = 4,
};
inline constexpr std::size_t kCodecCount = 5;

[[nodiscard]] constexpr bool is_known_codec(CompressionType type) {
  return type >= CompressionType::kNone && type <= CompressionType::kZstd;
}
// Kafka's name: none, gzip, snappy, lz4, zstd; "unknown" for anything else.
[[nodiscard]] std::string_view codec_name(CompressionType type);

// What becomes of the header checksum of an lz4 frame.
enum class Lz4Header : std::uint8_t {
  kCheck,           // it is right, and must be
  kIgnoreChecksum,  // reading magic 0: whatever stands there
  kWithMagic,       // writing magic 0: over the frame's magic, too
};

// A stream of decompressed bytes. Reused from batch to batch, so that a warm one allocates nothing.
// THREAD: home (one at a time; it belongs to whoever owns the pool)
class Decompressor {
 public:
  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  virtual ~Decompressor() = default;

  // Begins with `compressed`, which must stay where it is until the stream is left.
  virtual Status start(ByteView compressed) = 0;
  // The next bytes, valid until the next call; empty at the end of the stream.
  virtual Result<ByteView> next() = 0;
  // Gives back what a large stream made it hold; called when a stream is left.
  virtual void trim() = 0;
};

// One decompressor of each codec, made when first needed. Holds at most a few MiB between uses.
// THREAD: home
class Decompressors {
 public:
  Decompressors();
  ~Decompressors();
  Decompressors(Decompressors&&) noexcept;
  Decompressors& operator=(Decompressors&&) noexcept;

  // A started stream, owned by the pool; starting another of the same codec ends it.
  Result<Decompressor*> start(CompressionType type, ByteView compressed,
                              Lz4Header lz4_header = Lz4Header::kCheck);

 private:
  std::array<std::unique_ptr<Decompressor>, kCodecCount> by_codec_;
};

inline constexpr int kDefaultLevel = INT32_MIN;  // the codec's own default, as Kafka's producer
inline constexpr int kFastLz4Level = 9;  // Kafka's default for lz4, which means its fast compressor

// Appends `plain`, compressed as Kafka's producer frames it, to `out`. kNone copies.
// Levels are Kafka's: gzip 1 to 9, lz4 1 to 17, zstd -131072 to 22; snappy has none.
// THREAD: any
Status compress(CompressionType type, ByteView plain, ByteVector& out, int level = kDefaultLevel,
                Lz4Header lz4_header = Lz4Header::kCheck);

}  // namespace barnabas::record
