// The fields of one record whose body lies in one piece. Shared by validation and reading.
#pragma once

#include <cstddef>
#include <cstdint>

#include "barnabas/base/bytes.h"
#include "barnabas/base/varint.h"

namespace barnabas::record {

// Reads zigzag varints as Kafka's ByteUtils does: at most 5 bytes (10 for a varlong), bits beyond
// the width dropped.
class BodyCursor {
 public:
  explicit BodyCursor(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] const std::byte* at() const { return at_; }

  [[nodiscard]] bool read_varint(std::int32_t& value) {
    std::uint64_t raw = 0;
    if (!read_raw(5, raw)) {
      return false;
    }
    value = static_cast<std::int32_t>(zigzag_decode(static_cast<std::uint32_t>(raw)));
    return true;
  }
  [[nodiscard]] bool read_varlong(std::int64_t& value) {
    std::uint64_t raw = 0;
    if (!read_raw(10, raw)) {
      return false;
    }
    value = zigzag_decode(raw);
    return true;
  }
  [[nodiscard]] bool read_int8(std::int8_t& value) {
    if (at_ == end_) {
      return false;
    }
    value = static_cast<std::int8_t>(*at_++);
    return true;
  }
  // Skips `size` bytes; a negative size stands for null and skips nothing.
  [[nodiscard]] bool skip(std::int32_t size) {
    if (size <= 0) {
      return true;
    }
    if (left() < static_cast<std::size_t>(size)) {
      return false;
    }
    at_ += size;
    return true;
  }

 private:
  [[nodiscard]] bool read_raw(std::size_t max_bytes, std::uint64_t& raw) {
    if (at_ != end_ && (std::to_integer<std::uint8_t>(*at_) & 0x80U) == 0) {
      raw = std::to_integer<std::uint8_t>(*at_++);
      return true;
    }
    const std::size_t used = read_uvarint(at_, left(), max_bytes, raw);
    at_ += used;
    return used != 0;
  }
  const std::byte* at_;
  const std::byte* end_;
};

// What validation needs to know of a record.
struct RecordShape {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t key_size = -1;    // negative: null
  std::int32_t value_size = -1;  // negative: null
};

inline constexpr const char* kBadStructure = "Found invalid record structure";
inline constexpr const char* kBadHeaderCount = "Found invalid number of record headers";
inline constexpr const char* kBadHeaderKey = "Invalid negative header key size";
inline constexpr const char* kBadRecordSize =
    "Invalid record size: the record's declared size is not what its fields take";
inline constexpr const char* kTooFew = "Incorrect declared batch size, premature EOF reached";
inline constexpr const char* kTooMany =
    "Incorrect declared batch size, records still remaining in file";

// Reads the shape of a record and walks over the rest of it. Null when it holds, otherwise what is
// wrong with it. Inline: validation spends its time here.
[[nodiscard]] inline const char* read_shape(ByteView body, RecordShape& shape) {
  BodyCursor cursor(body);
  std::int8_t attributes = 0;  // no bit of them means anything yet
  if (!cursor.read_int8(attributes) || !cursor.read_varlong(shape.timestamp_delta) ||
      !cursor.read_varint(shape.offset_delta) || !cursor.read_varint(shape.key_size) ||
      !cursor.skip(shape.key_size) || !cursor.read_varint(shape.value_size) ||
      !cursor.skip(shape.value_size)) {
    return kBadStructure;
  }
  std::int32_t header_count = 0;
  if (!cursor.read_varint(header_count)) {
    return kBadStructure;
  }
  if (header_count < 0 || static_cast<std::size_t>(header_count) > cursor.left()) {
    return kBadHeaderCount;
  }
  for (std::int32_t i = 0; i < header_count; ++i) {
    std::int32_t key_size = 0;
    std::int32_t value_size = 0;
    if (!cursor.read_varint(key_size)) {
      return kBadStructure;
    }
    if (key_size < 0) {
      return kBadHeaderKey;
    }
    if (!cursor.skip(key_size) || !cursor.read_varint(value_size) || !cursor.skip(value_size)) {
      return kBadStructure;
    }
  }
  return cursor.left() == 0 ? nullptr : kBadRecordSize;
}

}  // namespace barnabas::record
