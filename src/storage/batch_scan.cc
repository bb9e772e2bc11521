#include "batch_scan.h"

#include <zlib.h>

#include <algorithm>

#include "barnabas/base/crc32c.h"
#include "io_errors.h"

namespace barnabas::storage {
namespace {

constexpr std::size_t kOldHeaderBytes =
    26;  // of magic 1: offset, size, crc, magic, attributes, time
constexpr std::size_t kOldTimestampAt = 18;
constexpr std::size_t kOldCrcAt = 12;

}  // namespace

bool parse_batch_meta(ByteView bytes, std::uint64_t position, BatchMeta& meta) {
  const record::BatchView view(bytes);
  if (view.length() < record::kSmallestLength) {
    return false;
  }
  meta.position = position;
  meta.size_bytes = view.size_bytes();
  meta.magic = view.magic();
  if (meta.magic == record::kMagicV2) {
    if (meta.size_bytes < static_cast<std::int64_t>(record::kBatchOverhead) ||
        bytes.size() < record::kBatchOverhead || view.last_offset_delta() < 0) {
      return false;
    }
    meta.base_offset = view.base_offset();
    meta.last_offset = view.last_offset();
    meta.max_timestamp_ms = view.max_timestamp_ms();
    meta.leader_epoch = view.leader_epoch();
    return true;
  }
  if (meta.magic != 0 && meta.magic != 1) {
    return false;
  }
  meta.base_offset = view.base_offset();  // a compressed message carries its last offset
  meta.last_offset = view.base_offset();
  meta.max_timestamp_ms = meta.magic == 1 && bytes.size() >= kOldHeaderBytes &&
                                  meta.size_bytes >= static_cast<std::int64_t>(kOldHeaderBytes)
                              ? load_be<std::int64_t>(bytes.data() + kOldTimestampAt)
                              : kNoTimestamp;
  meta.leader_epoch = kNoLeaderEpoch;
  return true;
}

Result<ByteView> BatchScanner::at(std::uint64_t position, std::size_t wanted) {
  if (position < chunk_at_ || position + wanted > chunk_at_ + chunk_size_) {
    const auto room =
        static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, limit_ - position));
    TRY(chunk_size_, file_.read_at(position, {chunk_.data(), room}));
    chunk_at_ = position;
  }
  const auto skip = static_cast<std::size_t>(position - chunk_at_);
  return ByteView(chunk_.data() + skip, std::min(wanted, chunk_size_ - skip));
}

Result<std::optional<BatchMeta>> BatchScanner::next() {
  if (position_ >= limit_ || limit_ - position_ < record::kUpToMagic) {
    return std::nullopt;
  }
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(kHeaderBytes, limit_ - position_));
  TRY(const ByteView header, at(position_, wanted));
  if (header.size() < record::kUpToMagic) {
    return std::nullopt;
  }
  BatchMeta meta;
  if (!parse_batch_meta(header, position_, meta)) {
    return fail(ErrorCode::kCorruptMessage,
                file_.path() + " holds no batch at byte " + std::to_string(position_));
  }
  if (position_ + static_cast<std::uint64_t>(meta.size_bytes) > limit_) {
    return std::nullopt;
  }
  position_ += static_cast<std::uint64_t>(meta.size_bytes);
  return meta;
}

Result<std::optional<BatchMeta>> BatchScanner::next_if_whole() {
  auto step = next();
  if (!step && is_corrupt(step.error())) {
    return std::nullopt;
  }
  return step;
}

Result<std::size_t> BatchChecker::fill(std::uint64_t position, std::size_t wanted) {
  if (buffer_.empty()) {
    buffer_.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, limit_ - position)));
  }
  if (position < buffer_at_ || position + wanted > buffer_at_ + buffer_size_) {
    const auto room =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), limit_ - position));
    TRY(buffer_size_, file_.read_at(position, {buffer_.data(), room}));
    buffer_at_ = position;
  }
  return std::min(wanted, buffer_size_ - static_cast<std::size_t>(position - buffer_at_));
}

Result<bool> BatchChecker::crc_holds(const BatchMeta& meta) {
  const bool old = meta.magic < record::kMagicV2;
  const std::size_t from = old ? record::kMagicAt : record::kAttributesAt;
  std::uint64_t position = meta.position + from;
  std::uint64_t left = static_cast<std::uint64_t>(meta.size_bytes) - from;
  const std::byte* header = buffer_.data() + (meta.position - buffer_at_);
  const auto stored = load_be<std::uint32_t>(header + (old ? kOldCrcAt : record::kCrcAt));
  std::uint32_t crc = 0;
  while (left > 0) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
    TRY(const std::size_t got, fill(position, piece));
    if (got == 0) {
      return false;
    }
    const ByteView bytes(buffer_.data() + (position - buffer_at_), got);
    crc =
        old ? static_cast<std::uint32_t>(::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()),
                                                 static_cast<uInt>(bytes.size())))
            : crc32c(bytes, crc);
    position += got;
    left -= got;
  }
  return crc == stored;
}

Result<std::optional<BatchMeta>> BatchChecker::next() {
  batch_ = {};
  if (position_ >= limit_ || limit_ - position_ < record::kUpToMagic) {
    return std::nullopt;
  }
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(kHeaderBytes, limit_ - position_));
  TRY(const std::size_t got, fill(position_, wanted));
  BatchMeta meta;
  if (got < record::kUpToMagic ||
      !parse_batch_meta({buffer_.data() + (position_ - buffer_at_), got}, position_, meta) ||
      position_ + static_cast<std::uint64_t>(meta.size_bytes) > limit_) {
    return std::nullopt;
  }
  const auto size = static_cast<std::size_t>(meta.size_bytes);
  const bool whole = size <= buffer_.size();
  if (whole) {
    TRY(const std::size_t there, fill(position_, size));
    if (there < size) {
      return std::nullopt;
    }
  } else {
    std::copy_n(buffer_.data() + (position_ - buffer_at_), header_.size(), header_.begin());
  }
  TRY(const bool holds, crc_holds(meta));
  if (!holds) {
    return std::nullopt;
  }
  batch_ = whole ? ByteView(buffer_.data() + (position_ - buffer_at_), size) : ByteView(header_);
  position_ += size;
  return meta;
}

}  // namespace barnabas::storage
