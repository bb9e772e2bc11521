// What a leader checks of the record set of a produce request before it appends it, with Kafka
// 3.9.1's order of checks, error codes and messages: ProduceRequest.validateRecords,
// UnifiedLog.analyzeAndValidateRecords, LogValidator (origin CLIENT, to magic 2). What can be
// stored as it came is checked and stamped in place; messages of magic 0 and 1, and batches of a
// codec that the topic does not want, are checked and written anew. Some answers are better than
// Kafka's on purpose:
//   - offset deltas that are not 0, 1, 2, ...: kInvalidRecord; Kafka 3.9.1 accepts them in an
//     uncompressed batch and rewrites a compressed one
//   - unknown codec: kUnsupportedCompressionType; compressed bytes that do not decompress, messages
//     whose sizes do not fit them: kInvalidRecord; a timestamp below -1 in what is written anew:
//     kInvalidTimestamp; Kafka says UNKNOWN_SERVER_ERROR, which makes Java producers duplicate
//   - what swells to more than kMaxConvertedBytes (legacy.h) while it is written anew:
//     kMessageTooLarge; Kafka has no bound but its heap
//   - a record in a compressed batch whose declared size is not its real one: kInvalidRecord;
//     Kafka passes it on to consumers that cannot read it
//   - a producer id with a negative epoch: kInvalidRecord; Kafka accepts it from a producer it does
//     not know, and then sees neither its duplicates nor its gaps
//
// How it fails: an Error with Kafka's code; nothing has been written then, and the bytes are as
// they came. Where record_errors() is not empty, the produce answer carries those and the Error's
// message; otherwise Kafka puts no message on the wire. Kafka answers kCorruptMessage and
// kMessageTooLarge with log start offset -1, the others with the real one.
//
// An uncompressed batch allocates nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/compression.h"

namespace barnabas::record {

class BatchBuilder;
class LegacyReader;
class LegacyView;

// First step, before the partition is even asked whether it leads: the one batch of magic 2 that a
// Produce request of version 3 or later must hold. Bytes after it that begin no further batch are
// cut off, as Kafka drops them. Later steps want exactly what this returns.
//   kInvalidRecord               no whole batch, more than one, magic 0 or 1
//   kCorruptMessage              a length that cannot be, an unknown magic: the one error whose
//                                message stands in Kafka's answer without record errors
//   kUnsupportedCompressionType  zstd before Produce 7
// THREAD: any
[[nodiscard]] Result<MutableBytes> single_batch(MutableBytes records, std::int16_t produce_version);

// The same for versions 0 to 2: every whole message or batch, of any magic; what is cut off at the
// end is left out. Empty where there is none, which such a request may send.
//   kCorruptMessage  a length that cannot be, an unknown magic
// THREAD: any
[[nodiscard]] Result<MutableBytes> message_set(MutableBytes records);

struct ValidateOptions {
  std::string_view topic_partition{};  // "topic-0", for messages only
  std::int64_t now_ms = 0;             // log append time, and what timestamps are compared with
  TimestampType timestamp_type = TimestampType::kCreateTime;  // message.timestamp.type
  std::int64_t timestamp_before_max_ms = INT64_MAX;           // message.timestamp.before.max.ms
  std::int64_t timestamp_after_max_ms = INT64_MAX;            // message.timestamp.after.max.ms
  std::int32_t max_message_bytes = 1048588;                   // max.message.bytes
  bool compact = false;                                       // cleanup.policy holds "compact"
  std::optional<CompressionType> compression{};  // compression.type; none: as the producer did
  int compression_level = kDefaultLevel;
};

// What the append needs to know of an accepted batch. Its max timestamp stands for the batch's last
// offset in the time index, whichever record it is of.
struct ValidatedBatch {
  std::int32_t size_bytes = 0;
  std::int32_t record_count = 0;  // the last record's offset delta is one less
  std::int64_t max_timestamp_ms = kNoTimestamp;
  std::int64_t log_append_time_ms = kNoTimestamp;  // -1 for CreateTime
  bool restamped = false;                          // the CRC is no more the producer's
};

// One record that was refused, for the RecordErrors of a produce answer.
struct RecordError {
  std::int32_t batch_index = 0;
  std::string message;
};
inline constexpr std::size_t kMaxRecordErrors = 1000;  // kept; further ones are only counted

// Holds the decompressors and the record errors of the last call; one for each connection thread.
// THREAD: home
class RecordValidator {
 public:
  // `batch` is what single_batch() returned. Checks everything that Kafka checks, and stamps type
  // and max timestamp (with a new CRC) where Kafka would. Base offset and leader epoch are left to
  // the log, which knows them when it holds its lock.
  [[nodiscard]] Result<ValidatedBatch> validate(MutableBytes batch, const ValidateOptions& options);
  // Whether records have to be written anew: convert() takes validate()'s place then. `records` are
  // not empty, and what single_batch() or message_set() returned.
  [[nodiscard]] static bool must_convert(ByteView records, const ValidateOptions& options) {
    const BatchView first(records);
    return first.magic() != kMagicV2 ||
           static_cast<std::size_t>(first.size_bytes()) != records.size() ||
           (options.compression && *options.compression != first.compression());
  }
  // Checks the same, and makes one batch of magic 2 of all records, in place of what `out` held.
  // Memory: at most kMaxConvertedBytes plain, and the batch.
  [[nodiscard]] Result<ValidatedBatch> convert(ByteView records, const ValidateOptions& options,
                                               ByteVector& out);
  [[nodiscard]] const std::vector<RecordError>& record_errors() const { return record_errors_; }

 private:
  // All of validate() but the stamp; the largest timestamp. `rewrite`: for convert().
  [[nodiscard]] Result<std::int64_t> check(BatchView batch, const ValidateOptions& options,
                                           bool rewrite);
  [[nodiscard]] Status rewrite_batch(BatchView batch, const ValidateOptions& options,
                                     CompressionType target, ByteVector& out);
  [[nodiscard]] Status rewrite_message(LegacyReader& reader, LegacyView message,
                                       const ValidateOptions& options, BatchBuilder& builder);
  [[nodiscard]] Status rewrite_messages(ByteView records, const ValidateOptions& options,
                                        CompressionType target, ByteVector& out);

  Decompressors decompressors_;
  std::vector<RecordError> record_errors_;
};

}  // namespace barnabas::record
