#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "barnabas/record/compression.h"
#include "lz4_header.h"
#include "snappy_framing.h"

namespace barnabas::record {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;
constexpr std::size_t kRetainedBytes = std::size_t{4} * 1024 * 1024;  // what a codec may keep

std::unexpected<Error> broken(std::string_view codec, std::string_view what) {
  std::string message("The batch's ");
  message.append(codec).append(" data cannot be decompressed: ").append(what);
  return fail(ErrorCode::kInvalidRecord, std::move(message));
}

class GzipDecompressor final : public Decompressor {
 public:
  ~GzipDecompressor() override {
    if (ready_) {
      inflateEnd(&stream_);
    }
  }

  Status start(ByteView compressed) override {
    if (!ready_) {
      out_.resize(kChunkBytes);
      if (inflateInit2(&stream_, kGzipWindow) != Z_OK) {
        return broken("gzip", "no memory for it");
      }
      ready_ = true;
    } else {
      inflateReset(&stream_);
    }
    // zlib's interface knows no const, but inflate only reads.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data()));
    stream_.avail_in = static_cast<uInt>(compressed.size());
    ended_ = false;
    return {};
  }

  Result<ByteView> next() override {
    while (!ended_) {
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int outcome = inflate(&stream_, Z_NO_FLUSH);
      const std::size_t made = out_.size() - stream_.avail_out;
      if (outcome == Z_STREAM_END) {
        begin_next_member();
      } else if (outcome != Z_OK && !(outcome == Z_BUF_ERROR && made > 0)) {
        return broken("gzip", outcome == Z_BUF_ERROR   ? "it ends early"
                              : stream_.msg != nullptr ? stream_.msg
                                                       : "it is damaged");
      }
      if (made > 0) {
        return ByteView(out_.data(), made);
      }
    }
    return ByteView{};
  }

  void trim() override {}  // about 110 KiB, always

 private:
  static constexpr int kGzipWindow = 15 + 16;

  // Another member may follow; anything else behind a member is ignored, as java.util.zip does.
  void begin_next_member() {
    const bool more =
        stream_.avail_in >= 2 && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
    if (more) {
      inflateReset(&stream_);
    } else {
      ended_ = true;
    }
  }

  z_stream stream_{};
  ByteVector out_;
  bool ready_ = false;
  bool ended_ = false;
};

class SnappyDecompressor final : public Decompressor {
 public:
  Status start(ByteView compressed) override {
    rest_ = compressed;
    raw_ = !has_snappy_frame(compressed);
    if (!raw_) {  // the versions in it are not looked at, as SnappyInputStream does not
      rest_ = compressed.subspan(kSnappyFrameHeader);
    }
    return {};
  }

  Result<ByteView> next() override {
    while (true) {
      ByteView block;
      if (raw_) {
        block = std::exchange(rest_, ByteView{});
        if (block.empty()) {
          return ByteView{};
        }
      } else {
        TRY(block, next_block());
        if (block.empty()) {
          return ByteView{};
        }
      }
      TRY(const ByteView plain, decompress(block));
      if (!plain.empty()) {
        return plain;
      }
    }
  }

  void trim() override {
    if (out_.capacity() > kRetainedBytes) {
      ByteVector().swap(out_);
    }
  }

 private:
  // The next block of snappy-java's framing; empty at the end. Up to three bytes behind the last
  // block are ignored, and a repeated frame header is skipped, as SnappyInputStream does.
  Result<ByteView> next_block() {
    while (rest_.size() >= 4) {
      if (has_snappy_frame(rest_)) {
        rest_ = rest_.subspan(kSnappyFrameHeader);
        continue;
      }
      const auto size = load_be<std::int32_t>(rest_.data());
      if (size <= 0 || static_cast<std::size_t>(size) > rest_.size() - 4) {
        return broken("snappy", "a block with an impossible size");
      }
      const ByteView block = rest_.subspan(4, static_cast<std::size_t>(size));
      rest_ = rest_.subspan(4 + block.size());
      return block;
    }
    rest_ = {};
    return ByteView{};
  }

  Result<ByteView> decompress(ByteView block) {
    // The densest element is a copy of 64 bytes in 3: a length beyond that is a lie that must not
    // be believed with memory.
    constexpr std::size_t kMaxExpansion = 22;
    const char* data = reinterpret_cast<const char*>(block.data());
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(data, block.size(), &size) ||
        size > block.size() * kMaxExpansion) {
      return broken("snappy", "a block with an impossible uncompressed size");
    }
    if (out_.size() < size) {
      out_.resize(size);
    }
    if (!snappy::RawUncompress(data, block.size(), reinterpret_cast<char*>(out_.data()))) {
      return broken("snappy", "a damaged block");
    }
    return ByteView(out_.data(), size);
  }

  ByteView rest_;
  bool raw_ = false;
  ByteVector out_;
};

class Lz4Decompressor final : public Decompressor {
 public:
  ~Lz4Decompressor() override { LZ4F_freeDecompressionContext(context_); }

  Status start(ByteView compressed) override { return start(compressed, Lz4Header::kCheck); }

  Status start(ByteView compressed, Lz4Header header) {
    TRY_STATUS(check_frame_header(compressed));
    if (context_ == nullptr) {
      out_.resize(kChunkBytes);
      if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) != 0U) {
        context_ = nullptr;
        return broken("lz4", "no memory for it");
      }
    } else {
      LZ4F_resetDecompressionContext(context_);
    }
    rest_ = compressed;
    ended_ = false;
    return header == Lz4Header::kCheck ? Status{} : feed_right_header();
  }

  Result<ByteView> next() override {
    while (!ended_) {
      std::size_t made = out_.size();
      std::size_t taken = rest_.size();
      const std::size_t outcome =
          LZ4F_decompress(context_, out_.data(), &made, rest_.data(), &taken, nullptr);
      if (LZ4F_isError(outcome) != 0U) {
        return broken("lz4", LZ4F_getErrorName(outcome));
      }
      rest_ = rest_.subspan(taken);
      ended_ = outcome == 0;
      if (made > 0) {
        return ByteView(out_.data(), made);
      }
      if (!ended_ && taken == 0) {
        return broken("lz4", "it ends early");
      }
    }
    return ByteView{};
  }

  void trim() override {
    if (large_blocks_) {
      LZ4F_freeDecompressionContext(context_);
      context_ = nullptr;
    }
  }

 private:
  // Narrower than the lz4 library: what Kafka's own reader refuses would be stored for consumers
  // that cannot read it.
  Status check_frame_header(ByteView compressed) {
    if (compressed.size() < kLz4SmallestHeader) {
      return broken("lz4", "it ends early");
    }
    if (!std::equal(kLz4Magic.begin(), kLz4Magic.end(), compressed.begin())) {
      return broken("lz4", "it has no frame magic");
    }
    const auto flags = std::to_integer<unsigned>(compressed[4]);
    if ((flags & 0xc0U) != 0x40U || (flags & 0x20U) == 0 || (flags & 0x03U) != 0) {
      return broken("lz4", "a version, linked blocks or flags that Kafka does not read");
    }
    large_blocks_ = (std::to_integer<unsigned>(compressed[5]) >> 4U) > 5;  // over 256 KiB
    return {};
  }

  // The library is shown a header with the checksum that it wants to see.
  Status feed_right_header() {
    const std::size_t size = lz4_header_size(rest_);
    if (rest_.size() < size) {
      return broken("lz4", "it ends early");
    }
    std::array<std::byte, kLz4LargestHeader> copy{};
    std::copy_n(rest_.begin(), size, copy.begin());
    const MutableBytes header(copy.data(), size);
    header.back() = lz4_header_checksum(header, false);
    std::size_t made = 0;
    std::size_t taken = size;
    const std::size_t outcome =
        LZ4F_decompress(context_, out_.data(), &made, header.data(), &taken, nullptr);
    if (LZ4F_isError(outcome) != 0U || taken != size) {
      return broken("lz4", "a damaged frame header");
    }
    rest_ = rest_.subspan(size);
    return {};
  }

  LZ4F_dctx* context_ = nullptr;
  ByteView rest_;
  ByteVector out_;
  bool ended_ = false;
  bool large_blocks_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ~ZstdDecompressor() override { ZSTD_freeDCtx(context_); }

  Status start(ByteView compressed) override {
    if (context_ == nullptr) {
      out_.resize(kChunkBytes);
      context_ = ZSTD_createDCtx();
      if (context_ == nullptr) {
        return broken("zstd", "no memory for it");
      }
    } else {
      ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    }
    in_ = {compressed.data(), compressed.size(), 0};
    frame_ended_ = false;
    return {};
  }

  Result<ByteView> next() override {
    while (!(frame_ended_ && in_.pos == in_.size)) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const std::size_t before = in_.pos;
      const std::size_t outcome = ZSTD_decompressStream(context_, &out, &in_);
      if (ZSTD_isError(outcome) != 0U) {
        return broken("zstd", ZSTD_getErrorName(outcome));
      }
      frame_ended_ = outcome == 0;
      if (out.pos > 0) {
        return ByteView(out_.data(), out.pos);
      }
      if (!frame_ended_ && in_.pos == before) {
        return broken("zstd", "it ends early");
      }
    }
    return ByteView{};
  }

  void trim() override {
    if (context_ != nullptr && ZSTD_sizeof_DCtx(context_) > kRetainedBytes) {
      ZSTD_freeDCtx(context_);
      context_ = nullptr;
    }
  }

 private:
  ZSTD_DCtx* context_ = nullptr;
  ZSTD_inBuffer in_{};
  ByteVector out_;
  bool frame_ended_ = false;
};

class PlainDecompressor final : public Decompressor {
 public:
  Status start(ByteView compressed) override {
    rest_ = compressed;
    return {};
  }
  Result<ByteView> next() override { return std::exchange(rest_, ByteView{}); }
  void trim() override {}

 private:
  ByteView rest_;
};

std::unique_ptr<Decompressor> make_decompressor(CompressionType type) {
  switch (type) {
    case CompressionType::kNone:
      return std::make_unique<PlainDecompressor>();
    case CompressionType::kGzip:
      return std::make_unique<GzipDecompressor>();
    case CompressionType::kSnappy:
      return std::make_unique<SnappyDecompressor>();
    case CompressionType::kLz4:
      return std::make_unique<Lz4Decompressor>();
    case CompressionType::kZstd:
      return std::make_unique<ZstdDecompressor>();
  }
  return nullptr;
}

}  // namespace

std::string_view codec_name(CompressionType type) {
  constexpr std::array<std::string_view, kCodecCount> kNames{"none", "gzip", "snappy", "lz4",
                                                             "zstd"};
  return is_known_codec(type) ? kNames[static_cast<std::size_t>(type)] : "unknown";
}

Decompressors::Decompressors() = default;
Decompressors::~Decompressors() = default;
Decompressors::Decompressors(Decompressors&&) noexcept = default;
Decompressors& Decompressors::operator=(Decompressors&&) noexcept = default;

Result<Decompressor*> Decompressors::start(CompressionType type, ByteView compressed,
                                           Lz4Header lz4_header) {
  if (!is_known_codec(type)) {
    return fail(ErrorCode::kUnsupportedCompressionType, "Unknown compression type");
  }
  auto& decompressor = by_codec_[static_cast<std::size_t>(type)];
  if (!decompressor) {
    decompressor = make_decompressor(type);
  }
  if (type == CompressionType::kLz4) {
    TRY_STATUS(static_cast<Lz4Decompressor&>(*decompressor).start(compressed, lz4_header));
  } else {
    TRY_STATUS(decompressor->start(compressed));
  }
  return decompressor.get();
}

}  // namespace barnabas::record
