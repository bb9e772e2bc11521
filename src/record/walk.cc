#include "walk.h"

#include "barnabas/base/varint.h"

namespace barnabas::record {
namespace {

std::unexpected<Error> invalid(const char* what) {
  return fail(ErrorCode::kInvalidRecord, what);
}

}  // namespace

Result<bool> StreamWalk::refill() {
  if (chunk_.empty()) {
    TRY(chunk_, stream_.next());
  }
  return !chunk_.empty();
}

Result<std::uint8_t> StreamWalk::read_byte() {
  TRY(const bool more, refill());
  if (!more) {
    return invalid(kTooFew);
  }
  const auto byte = std::to_integer<std::uint8_t>(chunk_.front());
  chunk_ = chunk_.subspan(1);
  return byte;
}

Result<std::uint64_t> StreamWalk::read_raw(std::size_t max_bytes, std::int64_t& left) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < max_bytes; ++i) {
    if (--left < 0) {
      return invalid(kBadRecordSize);
    }
    TRY(const std::uint64_t byte, read_byte());
    value |= (byte & 0x7fU) << (7U * i);
    if ((byte & 0x80U) == 0) {
      return value;
    }
  }
  return invalid(kBadStructure);
}

Result<std::int32_t> StreamWalk::read_varint(std::int64_t& left) {
  TRY(const std::uint64_t raw, read_raw(5, left));
  return static_cast<std::int32_t>(zigzag_decode(static_cast<std::uint32_t>(raw)));
}

Status StreamWalk::skip(std::int32_t size, std::int64_t& left) {
  if (size <= 0) {
    return {};
  }
  left -= size;
  if (left < 0) {
    return invalid(kBadRecordSize);
  }
  auto wanted = static_cast<std::size_t>(size);
  while (wanted > 0) {
    TRY(const bool more, refill());
    if (!more) {
      return invalid(kTooFew);
    }
    const std::size_t taken = wanted < chunk_.size() ? wanted : chunk_.size();
    chunk_ = chunk_.subspan(taken);
    wanted -= taken;
  }
  return {};
}

Status StreamWalk::next_slowly(RecordShape& shape) {
  // The size of a record is nearly always in the chunk with it.
  BodyCursor cursor(chunk_);
  std::int32_t size = 0;
  if (cursor.read_varint(size)) {
    chunk_ = chunk_.last(cursor.left());
  } else {
    std::int64_t most = 5;
    TRY(size, read_varint(most));
  }
  if (size < 0) {
    return invalid(kBadRecordSize);
  }
  const auto wanted = static_cast<std::size_t>(size);
  if (chunk_.size() < wanted) {
    return read_split_shape(size, shape);
  }
  if (const char* wrong = read_shape(chunk_.first(wanted), shape); wrong != nullptr) {
    return invalid(wrong);
  }
  chunk_ = chunk_.subspan(wanted);
  return {};
}

Status StreamWalk::read_split_shape(std::int64_t left, RecordShape& shape) {
  TRY_STATUS(skip(1, left));  // the attributes
  TRY(const std::uint64_t timestamp_delta, read_raw(10, left));
  shape.timestamp_delta = zigzag_decode(timestamp_delta);
  TRY(shape.offset_delta, read_varint(left));
  TRY(shape.key_size, read_varint(left));
  TRY_STATUS(skip(shape.key_size, left));
  TRY(shape.value_size, read_varint(left));
  TRY_STATUS(skip(shape.value_size, left));
  TRY(const std::int32_t header_count, read_varint(left));
  if (header_count < 0 || header_count > left) {
    return invalid(kBadHeaderCount);
  }
  for (std::int32_t i = 0; i < header_count; ++i) {
    TRY(const std::int32_t key_size, read_varint(left));
    if (key_size < 0) {
      return invalid(kBadHeaderKey);
    }
    TRY_STATUS(skip(key_size, left));
    TRY(const std::int32_t value_size, read_varint(left));
    TRY_STATUS(skip(value_size, left));
  }
  return left == 0 ? Status{} : invalid(kBadRecordSize);
}

Status StreamWalk::ended() {
  TRY(const bool more, refill());
  return more ? Status(invalid(kTooMany)) : Status{};
}

}  // namespace barnabas::record
