// Batches in the format that old consumers read (Fetch 0 to 3), as Kafka 3.9.1's RecordsUtil makes
// it: headers, producer ids and control batches have no place in it and are left out.
#pragma once

#include <cstdint>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/legacy.h"
#include "barnabas/record/reader.h"

namespace barnabas::record {

// Memory: what one batch swells to, at most kMaxConvertedBytes; kept buffers are its own.
// How it fails: kUnsupportedCompressionType for zstd, which old formats do not know, and for
// unknown codecs; kCorruptMessage, kInvalidRecord where the batch does not hold; kMessageTooLarge.
// THREAD: home
class DownConverter {
 public:
  // Appends one whole batch of any magic to `out`, as magic `to` (0 or 1); as it lies where it is
  // no newer than that. Records below `from` are left out where the batch is not compressed. Where
  // no record is left, nothing is appended.
  Status convert(BatchView batch, std::int8_t to, Offset from, ByteVector& out);

 private:
  RecordReader reader_;
  LegacyReader legacy_reader_;
};

}  // namespace barnabas::record
