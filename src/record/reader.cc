#include "barnabas/record/reader.h"

#include <algorithm>

#include "record_body.h"

namespace barnabas::record {
namespace {

std::unexpected<Error> invalid(const char* what) {
  return fail(ErrorCode::kInvalidRecord, what);
}

// A key or value: a negative size is null.
bool read_nullable(BodyCursor& cursor, std::optional<ByteView>& bytes) {
  std::int32_t size = 0;
  if (!cursor.read_varint(size)) {
    return false;
  }
  if (size < 0) {
    bytes.reset();
    return true;
  }
  bytes.emplace(cursor.at(), static_cast<std::size_t>(size));
  return cursor.skip(size);
}

}  // namespace

Status RecordReader::start(BatchView batch, std::size_t max_plain_bytes) {
  left_ = 0;
  plain_left_ = max_plain_bytes;
  if (batch.size_bytes() < static_cast<std::int64_t>(kBatchOverhead) ||
      batch.size_bytes() > static_cast<std::int64_t>(batch.bytes().size()) ||
      batch.magic() != kMagicV2 || batch.record_count() < 0) {
    return fail(ErrorCode::kCorruptMessage, "The record batch has an impossible header");
  }
  base_offset_ = batch.base_offset();
  base_timestamp_ms_ = batch.base_timestamp_ms();
  base_sequence_ = batch.base_sequence();
  append_time_ms_.reset();
  if (batch.timestamp_type() == TimestampType::kLogAppendTime) {
    append_time_ms_ = batch.max_timestamp_ms();
  }
  TRY(stream_, decompressors_.start(batch.compression(), batch.records()));
  chunk_ = {};
  left_ = batch.record_count();
  at_end_ = left_ == 0;  // compaction leaves batches of no record whose body means nothing
  return {};
}

Result<bool> RecordReader::refill() {
  if (chunk_.empty()) {
    TRY(chunk_, stream_->next());
  }
  return !chunk_.empty();
}

Result<std::size_t> RecordReader::read_size() {
  std::uint64_t raw = 0;
  for (unsigned i = 0; i < 5; ++i) {
    TRY(const bool more, refill());
    if (!more) {
      return invalid("Incorrect declared batch size, premature EOF reached");
    }
    const auto byte = std::to_integer<std::uint64_t>(chunk_.front());
    chunk_ = chunk_.subspan(1);
    raw |= (byte & 0x7fU) << (7U * i);
    if ((byte & 0x80U) == 0) {
      const auto size = static_cast<std::int32_t>(zigzag_decode(static_cast<std::uint32_t>(raw)));
      if (size < 0) {
        return invalid(kBadRecordSize);
      }
      return static_cast<std::size_t>(size);
    }
  }
  return invalid(kBadStructure);
}

// A record in one piece: where it lies, or gathered from the chunks it lies across. What is
// gathered grows with the bytes that come, not with the size a record claims.
Result<ByteView> RecordReader::next_body() {
  TRY(const std::size_t size, read_size());
  if (size > plain_left_) {
    return fail(ErrorCode::kMessageTooLarge, "The records of a batch swell to more than they may");
  }
  plain_left_ -= size;
  if (chunk_.size() >= size) {
    const ByteView body = chunk_.first(size);
    chunk_ = chunk_.subspan(size);
    return body;
  }
  body_.clear();
  while (body_.size() < size) {
    TRY(const bool more, refill());
    if (!more) {
      return invalid("Invalid record size: the record payload reached EOF");
    }
    const std::size_t taken = std::min(size - body_.size(), chunk_.size());
    body_.insert(body_.end(), chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(taken));
    chunk_ = chunk_.subspan(taken);
  }
  return ByteView(body_);
}

Result<const RecordView*> RecordReader::next() {
  if (left_ == 0) {
    if (!at_end_) {
      at_end_ = true;
      TRY(const bool more, refill());
      stream_->trim();
      if (more) {
        return invalid("Incorrect declared batch size, records still remaining in file");
      }
    }
    return nullptr;
  }
  TRY(const ByteView body, next_body());
  TRY_STATUS(parse(body));
  --left_;
  return &record_;
}

Status RecordReader::parse(ByteView body) {
  BodyCursor cursor(body);
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t header_count = 0;
  if (!cursor.read_int8(record_.attributes) || !cursor.read_varlong(timestamp_delta) ||
      !cursor.read_varint(offset_delta) || !read_nullable(cursor, record_.key) ||
      !read_nullable(cursor, record_.value) || !cursor.read_varint(header_count)) {
    return invalid(kBadStructure);
  }
  if (header_count < 0 || static_cast<std::size_t>(header_count) > cursor.left()) {
    return invalid(kBadHeaderCount);
  }
  record_.headers.clear();
  for (std::int32_t i = 0; i < header_count; ++i) {
    std::optional<ByteView> key;
    HeaderView header;
    if (!read_nullable(cursor, key) || !read_nullable(cursor, header.value)) {
      return invalid(kBadStructure);
    }
    if (!key) {
      return invalid(kBadHeaderKey);
    }
    header.key = *key;
    record_.headers.push_back(header);
  }
  if (cursor.left() != 0) {
    return invalid(kBadRecordSize);
  }
  record_.offset = base_offset_ + offset_delta;
  record_.timestamp_ms = append_time_ms_.value_or(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(base_timestamp_ms_) +
                                static_cast<std::uint64_t>(timestamp_delta)));
  record_.sequence =
      base_sequence_.value() >= 0 ? increment_sequence(base_sequence_, offset_delta) : kNoSequence;
  return {};
}

}  // namespace barnabas::record
