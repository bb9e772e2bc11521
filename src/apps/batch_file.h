// The batches of a segment file one after the other, each read whole, as Kafka's FileLogInputStream
// goes through them; and the records of a batch, whatever its magic.
// Fails: KAFKA_STORAGE_ERROR, CORRUPT_MESSAGE (a size that cannot be), INVALID_RECORD.
// Owner: the tool's main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/legacy.h"
#include "barnabas/record/reader.h"

namespace barnabas::apps {

// What all magics have in common.
class FileBatch {
 public:
  explicit FileBatch(ByteView bytes) : bytes_(bytes) {}
  [[nodiscard]] record::BatchView v2() const { return record::BatchView(bytes_); }
  [[nodiscard]] record::LegacyView legacy() const { return record::LegacyView(bytes_); }
  [[nodiscard]] bool is_v2() const { return v2().magic() >= record::kMagicV2; }
  [[nodiscard]] std::int64_t last_offset() const { return record::last_offset_of(v2()).value(); }
  [[nodiscard]] record::CompressionType compression() const {
    return is_v2() ? v2().compression() : legacy().compression();
  }
  // "CreateTime", "LogAppendTime", "NoTimestampType"
  [[nodiscard]] std::string_view timestamp_type() const;
  [[nodiscard]] std::int64_t max_timestamp_ms() const {
    return is_v2() ? v2().max_timestamp_ms() : legacy().timestamp_ms();
  }
  [[nodiscard]] std::uint32_t crc() const { return is_v2() ? v2().crc() : legacy().crc(); }
  [[nodiscard]] bool crc_is_valid() const {
    return is_v2() ? v2().crc_is_valid() : legacy().crc_is_valid();
  }
  [[nodiscard]] std::int64_t size_bytes() const { return v2().size_bytes(); }

 private:
  ByteView bytes_;
};

class BatchFile {
 public:
  [[nodiscard]] static Result<BatchFile> open(Vfs& vfs, const std::string& path);
  [[nodiscard]] std::int64_t size_bytes() const { return size_; }
  // The batch at `position`, whole before `end`; nothing where there is none. Its bytes are valid
  // until the next call.
  [[nodiscard]] Result<std::optional<FileBatch>> batch_at(std::int64_t position, std::int64_t end);

 private:
  BatchFile(std::unique_ptr<File> file, std::int64_t size) : file_(std::move(file)), size_(size) {}
  std::unique_ptr<File> file_;
  std::int64_t size_ = 0;
  ByteVector buffer_;
};

// Of a message of magic 0 or 1, which checks itself.
struct LegacyChecksum {
  std::uint32_t crc = 0;
  bool is_valid = false;
};

// Goes through the records of batches; buffers are kept.
class FileRecordWalk {
 public:
  using Visit = std::function<Status(const record::RecordView&, const LegacyChecksum*)>;
  [[nodiscard]] Status each(const FileBatch& batch, const Visit& visit);

 private:
  [[nodiscard]] Status each_legacy(record::LegacyView message, const Visit& visit);
  // The messages inside a wrapper, as they lie there.
  [[nodiscard]] Result<ByteView> unwrap(record::LegacyView wrapper);

  record::RecordReader reader_;
  record::LegacyReader legacy_reader_;
  record::Decompressors decompressors_;
  ByteVector inner_;
};

}  // namespace barnabas::apps
