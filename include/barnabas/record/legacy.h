// Messages of magic 0 and 1, as producers before 0.11 send them and old logs hold them: a view over
// one of them, the reader of its records, and the builder of message sets for old consumers.
//
//   offset size field
//        0    8 offset       of a wrapper: that of its last inner message
//        8    4 size         bytes after this field
//       12    4 CRC-32       (IEEE) of everything from the magic to the end
//       16    1 magic        0 or 1
//       17    1 attributes   0-2 codec, 3 timestamp type (magic 1 only)
//       18    8 timestamp    magic 1 only
//        .    4 key size     -1: null; the key
//        .    4 value size   -1: null; the value
//
// A message with a codec is a wrapper: its value is a message set of the same magic, compressed.
// Inner offsets of magic 0 are those of the log; of magic 1 they count from 0, and the wrapper's
// offset, that of the last one, places them (0 in a set that an old producer left at 0). Inner
// messages of magic 1 take the timestamp of a wrapper whose type is the append time. Lz4 frames of
// magic 0 carry a header checksum over the wrong bytes: it is not looked at, and written so.
// Facts: Kafka 3.9.1, org.apache.kafka.common.record.LegacyRecord and AbstractLegacyRecordBatch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/compression.h"
#include "barnabas/record/reader.h"

namespace barnabas::record {

inline constexpr std::int8_t kMagicV0 = 0;
inline constexpr std::int8_t kMagicV1 = 1;
inline constexpr std::size_t kLegacyCrcAt = 12;
inline constexpr std::size_t kLegacyAttributesAt = 17;
inline constexpr std::size_t kLegacyTimestampAt = 18;

// Where the key size stands, which is also the size of everything before it.
[[nodiscard]] constexpr std::size_t legacy_key_at(std::int8_t magic) {
  return magic == kMagicV0 ? 18 : 26;
}

// What records may swell to where a whole set of them has to be held: converting a batch to another
// format or codec. Beyond it: kMessageTooLarge.
inline constexpr std::size_t kMaxConvertedBytes = std::size_t{128} << 20U;

// Reads the fields of one message. The bytes must outlive the view; size_bytes() of them are there
// (BatchCursor sees to that). timestamp_ms() and parse() look at nothing beyond them.
// THREAD: any
class LegacyView {
 public:
  explicit LegacyView(ByteView bytes) : bytes_(bytes) {}

  [[nodiscard]] ByteView bytes() const { return bytes_; }
  [[nodiscard]] Offset offset() const { return Offset(load_be<std::int64_t>(bytes_.data())); }
  [[nodiscard]] std::int64_t size_bytes() const {
    return std::int64_t{load_be<std::int32_t>(bytes_.data() + kLengthAt)} +
           std::int64_t{kLogOverhead};
  }
  [[nodiscard]] std::int8_t magic() const { return load_be<std::int8_t>(bytes_.data() + kMagicAt); }
  [[nodiscard]] std::uint8_t attributes() const {
    return load_be<std::uint8_t>(bytes_.data() + kLegacyAttributesAt);
  }
  [[nodiscard]] CompressionType compression() const {
    return static_cast<CompressionType>(attributes() & kCodecMask);
  }
  // Magic 0 knows no timestamps: CreateTime and -1.
  [[nodiscard]] TimestampType timestamp_type() const {
    return magic() == kMagicV1 && (attributes() & kTimestampTypeMask) != 0
               ? TimestampType::kLogAppendTime
               : TimestampType::kCreateTime;
  }
  [[nodiscard]] std::int64_t timestamp_ms() const;
  [[nodiscard]] std::uint32_t crc() const {
    return load_be<std::uint32_t>(bytes_.data() + kLegacyCrcAt);
  }
  [[nodiscard]] std::uint32_t computed_crc() const;
  [[nodiscard]] bool crc_is_valid() const { return crc() == computed_crc(); }

  struct KeyAndValue {
    std::optional<ByteView> key;
    std::optional<ByteView> value;
  };
  // kInvalidRecord: the sizes in it do not fit it.
  [[nodiscard]] Result<KeyAndValue> parse() const;

 private:
  ByteView bytes_;
};

// The records of one message: itself, or those inside a wrapper, decompressed as they are read. A
// wrapper of magic 1 is gone through twice, because its offsets are known at its end.
// How it fails: kInvalidRecord for what does not hold, kCorruptMessage for a size that cannot be or
// (where asked for) an inner CRC, kUnsupportedCompressionType, kMessageTooLarge beyond
// kMaxConvertedBytes.
// THREAD: home
class LegacyReader {
 public:
  // Begins with a whole message, whose bytes must stay where they are.
  Status start(LegacyView message, bool check_inner_crc = false);
  // The next record, or null after the last. Views in it are valid until the next call.
  Result<const RecordView*> next();
  [[nodiscard]] bool is_compressed() const { return stream_ != nullptr; }

 private:
  Status open();
  Status find_base();
  // The next inner message into inner_, or false at the end. Without `body` that is skipped.
  Result<bool> next_inner(bool body);
  Result<bool> take(std::size_t count, ByteVector* out);
  Status fill(LegacyView message);

  Decompressors decompressors_;
  Decompressor* stream_ = nullptr;
  ByteView chunk_;
  ByteVector inner_;  // one inner message
  ByteView compressed_;
  std::int8_t magic_ = 0;
  CompressionType codec_ = CompressionType::kNone;
  Offset wrapper_offset_;
  std::int64_t base_ = 0;  // of relative offsets
  std::optional<std::int64_t> append_time_ms_;
  std::size_t plain_bytes_ = 0;
  ByteView single_;  // the message, where it is no wrapper
  bool check_inner_crc_ = false;
  bool any_ = false;
  RecordView record_;
};

struct LegacyOptions {
  std::int8_t magic = kMagicV1;
  CompressionType compression = CompressionType::kNone;  // not zstd
  TimestampType timestamp_type = TimestampType::kCreateTime;
  std::int64_t log_append_time_ms = kNoTimestamp;
};

// Builds a message set: a message for each record, or one wrapper around all of them.
// How it fails: finish() with no record or a codec's error.
// THREAD: home
class LegacyBuilder {
 public:
  explicit LegacyBuilder(const LegacyOptions& options) : options_(options) {}

  // Offsets rise from record to record.
  void add(Offset offset, std::int64_t timestamp_ms, std::optional<ByteView> key,
           std::optional<ByteView> value);
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  [[nodiscard]] std::size_t size_bytes() const { return messages_.size(); }
  // Appends the set to `out`.
  Status finish(ByteVector& out) const;

 private:
  LegacyOptions options_;
  ByteVector messages_;
  Offset first_offset_ = kNoOffset;
  Offset last_offset_ = kNoOffset;
  std::int64_t max_timestamp_ms_ = kNoTimestamp;
};

// Recomputes the CRC of one whole message after its bytes were changed.
void stamp_legacy_crc(MutableBytes message);

}  // namespace barnabas::record
