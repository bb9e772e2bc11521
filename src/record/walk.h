// The shapes of all records of a batch, one after the other, whatever the codec, with no more than
// one decompressed chunk in memory: keys, values and headers are skipped.
// next() and finish() say false when the records do not hold; failure() says why.
#pragma once

#include <cstddef>
#include <cstdint>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "barnabas/record/compression.h"
#include "record_body.h"

namespace barnabas::record {

// The walk over records that are not compressed. Allocates nothing, unless it fails.
class PlainWalk {
 public:
  explicit PlainWalk(ByteView records) : cursor_(records) {}

  [[nodiscard]] bool next(RecordShape& shape) {
    std::int32_t size = 0;
    if (!cursor_.read_varint(size)) {
      wrong_ = kTooFew;
    } else if (size < 0 || static_cast<std::size_t>(size) > cursor_.left()) {
      wrong_ = "Invalid record size: more than the bytes that are left of the batch";
    } else {
      wrong_ = read_shape(ByteView(cursor_.at(), static_cast<std::size_t>(size)), shape);
    }
    return wrong_ == nullptr && cursor_.skip(size);
  }
  // False unless the records have ended here.
  [[nodiscard]] bool finish() {
    wrong_ = cursor_.left() == 0 ? nullptr : kTooMany;
    return wrong_ == nullptr;
  }
  [[nodiscard]] Error failure() const { return {ErrorCode::kInvalidRecord, wrong_, 0}; }

 private:
  BodyCursor cursor_;
  const char* wrong_ = nullptr;
};

// The same over a started decompressor.
class StreamWalk {
 public:
  explicit StreamWalk(Decompressor& stream) : stream_(stream) {}

  [[nodiscard]] bool next(RecordShape& shape) { return keep(next_slowly(shape)); }
  [[nodiscard]] bool finish() { return keep(ended()); }
  [[nodiscard]] Error failure() const { return failure_; }

 private:
  bool keep(Status status) {
    if (!status) {
      failure_ = std::move(status).error();
      return false;
    }
    return true;
  }
  Status next_slowly(RecordShape& shape);
  Status ended();
  // Asks for more once `chunk_` is used up; false at the end of the stream.
  Result<bool> refill();
  Result<std::uint8_t> read_byte();
  // Reads an unsigned varint; `left` is lowered by the bytes it took.
  Result<std::uint64_t> read_raw(std::size_t max_bytes, std::int64_t& left);
  Result<std::int32_t> read_varint(std::int64_t& left);
  Status skip(std::int32_t size, std::int64_t& left);
  // A record that lies across chunks.
  Status read_split_shape(std::int64_t left, RecordShape& shape);

  Decompressor& stream_;
  ByteView chunk_;
  Error failure_;
};

}  // namespace barnabas::record
