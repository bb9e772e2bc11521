#include "batch_file.h"

#include <fmt/format.h>

#include <array>

namespace barnabas::apps {

std::string_view FileBatch::timestamp_type() const {
  if (!is_v2() && legacy().magic() == record::kMagicV0) {
    return "NoTimestampType";
  }
  const auto type = is_v2() ? v2().timestamp_type() : legacy().timestamp_type();
  return type == record::TimestampType::kLogAppendTime ? "LogAppendTime" : "CreateTime";
}

Result<BatchFile> BatchFile::open(Vfs& vfs, const std::string& path) {
  TRY(std::unique_ptr<File> file, vfs.open(path, OpenMode::kRead));
  TRY(const std::uint64_t size, file->size());
  return BatchFile(std::move(file), static_cast<std::int64_t>(size));
}

Result<std::optional<FileBatch>> BatchFile::batch_at(std::int64_t position, std::int64_t end) {
  if (position >= end - static_cast<std::int64_t>(record::kUpToMagic)) {
    return std::optional<FileBatch>{};
  }
  std::array<std::byte, record::kUpToMagic> header{};
  TRY(const std::size_t got, file_->read_at(static_cast<std::uint64_t>(position), header));
  if (got < header.size()) {
    return std::optional<FileBatch>{};
  }
  const auto length = load_be<std::int32_t>(header.data() + record::kLengthAt);
  if (length < record::kSmallestLength) {
    return fail(ErrorCode::kCorruptMessage,
                fmt::format("Found record size {} smaller than minimum record overhead ({}) in "
                            "file {}.",
                            length, record::kSmallestLength, file_->path()));
  }
  if (position > end - static_cast<std::int64_t>(record::kLogOverhead) - length) {
    return std::optional<FileBatch>{};
  }
  const std::size_t size = record::kLogOverhead + static_cast<std::size_t>(length);
  const auto magic = load_be<std::int8_t>(header.data() + record::kMagicAt);
  const std::size_t least =
      magic >= record::kMagicV2 ? record::kBatchOverhead : record::legacy_key_at(magic) + 8;
  if (magic < record::kMagicV0 || magic > record::kMagicV2 || size < least) {
    return fail(ErrorCode::kCorruptMessage,
                fmt::format("No batch of magic {} has {} bytes (position {} of {}).", magic, size,
                            position, file_->path()));
  }
  buffer_.resize(size);
  TRY(const std::size_t read, file_->read_at(static_cast<std::uint64_t>(position), buffer_));
  if (read < size) {
    return std::optional<FileBatch>{};
  }
  return std::optional(FileBatch(buffer_));
}

Status FileRecordWalk::each(const FileBatch& batch, const Visit& visit) {
  if (!batch.is_v2()) {
    return each_legacy(batch.legacy(), visit);
  }
  TRY_STATUS(reader_.start(batch.v2()));
  for (;;) {
    TRY(const record::RecordView* const record, reader_.next());
    if (record == nullptr) {
      return {};
    }
    TRY_STATUS(visit(*record, nullptr));
  }
}

Result<ByteView> FileRecordWalk::unwrap(record::LegacyView wrapper) {
  TRY(const auto parts, wrapper.parse());
  if (!parts.value) {
    return fail(ErrorCode::kInvalidRecord, "a compressed message without a value");
  }
  const auto header = wrapper.magic() == record::kMagicV0 ? record::Lz4Header::kIgnoreChecksum
                                                          : record::Lz4Header::kCheck;
  TRY(record::Decompressor* const stream,
      decompressors_.start(wrapper.compression(), *parts.value, header));
  inner_.clear();
  for (;;) {
    TRY(const ByteView plain, stream->next());
    if (plain.empty()) {
      return ByteView(inner_);
    }
    if (inner_.size() + plain.size() > record::kMaxConvertedBytes) {
      return fail(ErrorCode::kMessageTooLarge, "a compressed message swells beyond all bounds");
    }
    inner_.insert(inner_.end(), plain.begin(), plain.end());
  }
}

Status FileRecordWalk::each_legacy(record::LegacyView message, const Visit& visit) {
  TRY_STATUS(legacy_reader_.start(message));
  const bool wrapper = legacy_reader_.is_compressed();
  ByteView inner = message.bytes();
  if (wrapper) {
    TRY(inner, unwrap(message));
  }
  record::BatchCursor cursor(inner);
  for (;;) {
    TRY(const record::RecordView* const record, legacy_reader_.next());
    if (record == nullptr) {
      return {};
    }
    if (cursor.next() != record::BatchStep::kBatch) {
      return fail(ErrorCode::kInvalidRecord, "a compressed message that ends early");
    }
    const record::LegacyView checked(cursor.batch().bytes());
    const LegacyChecksum checksum{checked.crc(), checked.crc_is_valid()};
    TRY_STATUS(visit(*record, &checksum));
  }
}

}  // namespace barnabas::apps
