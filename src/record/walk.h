// The shapes of all records of a batch, one after the other, whatever the codec, with no more than
// one decompressed chunk in memory: keys, values and headers are skipped.
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
  Status next(RecordShape& shape);
  // Fails unless the records have ended here.
  Status finish();

 private:
  BodyCursor cursor_;
};

// The same over a started decompressor.
class StreamWalk {
 public:
  explicit StreamWalk(Decompressor& stream) : stream_(stream) {}
  Status next(RecordShape& shape);
  Status finish();

 private:
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
};

}  // namespace barnabas::record
