// The records of a batch, one after the other, decompressed as they are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/compression.h"

namespace barnabas::record {

struct HeaderView {
  ByteView key;
  std::optional<ByteView> value;
};

// Views into the batch or the reader's buffer: valid until the reader moves on.
struct RecordView {
  Offset offset;
  std::int64_t timestamp_ms = kNoTimestamp;  // the append time where the batch says so
  SequenceNumber sequence = kNoSequence;
  std::int8_t attributes = 0;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  std::vector<HeaderView> headers;
};

// Reads one batch at a time; the buffers are kept for the next. How it fails: kCorruptMessage for a
// header that cannot be, kInvalidRecord for records that do not hold, kUnsupportedCompressionType.
// The CRC is the caller's to check.
// THREAD: home
class RecordReader {
 public:
  // Begins with a whole batch of magic 2, whose bytes must stay where they are. kMessageTooLarge
  // from next() once its records swell beyond `max_plain_bytes`.
  Status start(BatchView batch, std::size_t max_plain_bytes = SIZE_MAX);
  // The next record, or null after the last (and then the batch held nothing more).
  Result<const RecordView*> next();

 private:
  Result<ByteView> next_body();
  Result<std::size_t> read_size();
  Result<bool> refill();
  Status parse(ByteView body);

  Decompressors decompressors_;
  Decompressor* stream_ = nullptr;
  ByteView chunk_;   // what is left of the bytes at hand
  ByteVector body_;  // a record that lies across chunks
  RecordView record_;
  Offset base_offset_;
  std::int64_t base_timestamp_ms_ = 0;
  std::optional<std::int64_t> append_time_ms_;
  SequenceNumber base_sequence_ = kNoSequence;
  std::int32_t left_ = 0;
  std::size_t plain_left_ = 0;
  bool at_end_ = true;
};

}  // namespace barnabas::record
