// Walks the batch headers of a .log file without reading the records, and checks whole batches.
// Knows magic 0 and 1 as far as a walk needs them (old logs of Kafka): offset, size, timestamp,
// CRC.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "barnabas/record/batch.h"

namespace barnabas::storage {

struct BatchMeta {
  std::uint64_t position = 0;
  std::int64_t size_bytes = 0;
  Offset base_offset;
  Offset last_offset;
  std::int64_t max_timestamp_ms = kNoTimestamp;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::int8_t magic = record::kMagicV2;
};

// Reads the fields of a header; `bytes` holds at least 26 of a magic 0 or 1 message, or 61 of a
// batch of magic 2. False: no such magic, or a length that cannot be.
[[nodiscard]] bool parse_batch_meta(ByteView bytes, std::uint64_t position, BatchMeta& meta);

// Enough of a batch for parse_batch_meta, if the batch is that long.
inline constexpr std::size_t kHeaderBytes = record::kBatchOverhead;

// Walks from a position that is the beginning of a batch.
// How it fails: CORRUPT_MESSAGE where what follows is no batch; I/O errors.
// THREAD: home
class BatchScanner {
 public:
  BatchScanner(const File& file, std::uint64_t from, std::uint64_t limit)
      : file_(file), position_(from), limit_(limit) {}

  // The next whole batch that ends at or before the limit; null at the end or before a torn one.
  [[nodiscard]] Result<std::optional<BatchMeta>> next();
  // The same, and null also where what follows is no batch.
  [[nodiscard]] Result<std::optional<BatchMeta>> next_if_whole();
  // Where the next batch begins.
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  static constexpr std::size_t kChunkBytes = 4096;
  [[nodiscard]] Result<ByteView> at(std::uint64_t position, std::size_t wanted);

  const File& file_;
  std::uint64_t position_;
  std::uint64_t limit_;
  std::array<std::byte, kChunkBytes> chunk_;
  std::uint64_t chunk_at_ = 0;
  std::size_t chunk_size_ = 0;
};

// Reads the file from front to back in large pieces and checks the CRC of every batch: recovery.
// THREAD: disk
class BatchChecker {
 public:
  BatchChecker(const File& file, std::uint64_t from, std::uint64_t limit)
      : file_(file), position_(from), limit_(limit) {}

  // The next valid batch; null at the end of the valid ones (position() says where that is).
  [[nodiscard]] Result<std::optional<BatchMeta>> next();
  // The bytes of the batch that next() found; of one that is larger than the buffer the header.
  [[nodiscard]] ByteView bytes() const { return batch_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  static constexpr std::size_t kBufferBytes = std::size_t{1} << 20U;
  [[nodiscard]] Result<std::size_t> fill(std::uint64_t position, std::size_t wanted);
  [[nodiscard]] Result<bool> crc_holds(const BatchMeta& meta);

  const File& file_;
  std::uint64_t position_;
  std::uint64_t limit_;
  ByteVector buffer_;
  std::uint64_t buffer_at_ = 0;
  std::size_t buffer_size_ = 0;
  std::array<std::byte, kHeaderBytes> header_;
  ByteView batch_;
};

}  // namespace barnabas::storage
