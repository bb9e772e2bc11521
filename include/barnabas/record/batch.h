// Record batches of magic 2: a view over their bytes, the stamps a leader sets, and the walk over
// the batches of a buffer. Bytes only: nothing here allocates, locks or fails except as said.
//
//   offset size field                     covered by the CRC
//        0    8 base offset               no   the leader stamps it on append
//        8    4 batch length              no   bytes after this field: size - 12
//       12    4 partition leader epoch    no   the leader stamps it on append
//       16    1 magic (2)                 no
//       17    4 CRC-32C                   -    of everything from the attributes to the end
//       21    2 attributes                yes  0-2 codec, 3 timestamp type, 4 transactional,
//                                              5 control, 6 delete horizon
//       23    4 last offset delta         yes
//       27    8 base timestamp            yes  the delete horizon where bit 6 is set
//       35    8 max timestamp             yes  the append time where bit 3 is set
//       43    8 producer id               yes
//       51    2 producer epoch            yes
//       53    4 base sequence             yes
//       57    4 record count              yes
//       61    . records                   yes  compressed as one stream where a codec is set
//
// One record: varint size of the body; then int8 attributes, varlong timestamp delta, varint offset
// delta, varint key size (-1: null), key, varint value size, value, varint header count, and per
// header varint key size, key, varint value size, value. All varints are zigzag coded.
// Facts: Kafka 3.9.1, org.apache.kafka.common.record.DefaultRecordBatch and DefaultRecord.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/record/compression.h"

namespace barnabas::record {

inline constexpr std::size_t kBaseOffsetAt = 0;
inline constexpr std::size_t kLengthAt = 8;
inline constexpr std::size_t kLeaderEpochAt = 12;
inline constexpr std::size_t kMagicAt = 16;
inline constexpr std::size_t kCrcAt = 17;
inline constexpr std::size_t kAttributesAt = 21;
inline constexpr std::size_t kLastOffsetDeltaAt = 23;
inline constexpr std::size_t kBaseTimestampAt = 27;
inline constexpr std::size_t kMaxTimestampAt = 35;
inline constexpr std::size_t kProducerIdAt = 43;
inline constexpr std::size_t kProducerEpochAt = 51;
inline constexpr std::size_t kBaseSequenceAt = 53;
inline constexpr std::size_t kRecordCountAt = 57;
inline constexpr std::size_t kRecordsAt = 61;

inline constexpr std::size_t kBatchOverhead = kRecordsAt;  // the smallest batch of magic 2
inline constexpr std::size_t kLogOverhead = 12;            // base offset and length
inline constexpr std::size_t kUpToMagic = 17;              // enough to know size and magic
inline constexpr std::int32_t kSmallestLength = 14;        // of any magic: Kafka's v0 record header
inline constexpr std::int8_t kMagicV2 = 2;

inline constexpr std::uint16_t kCodecMask = 0x07;
inline constexpr std::uint16_t kTimestampTypeMask = 0x08;
inline constexpr std::uint16_t kTransactionalMask = 0x10;
inline constexpr std::uint16_t kControlMask = 0x20;
inline constexpr std::uint16_t kDeleteHorizonMask = 0x40;

enum class TimestampType : std::int8_t { kCreateTime = 0, kLogAppendTime = 1 };

// The sequence `increment` places after `sequence`: 2^31-1 is followed by 0.
[[nodiscard]] constexpr SequenceNumber increment_sequence(SequenceNumber sequence,
                                                          std::int32_t increment) {
  const std::int64_t sum = std::int64_t{sequence.value()} + increment;
  constexpr std::int64_t kModulus = std::int64_t{INT32_MAX} + 1;
  return SequenceNumber(static_cast<std::int32_t>(sum > INT32_MAX ? sum - kModulus : sum));
}

// Reads the fields of one batch of magic 2. The bytes must outlive the view. At least the header
// (kBatchOverhead bytes) must be there; crc_is_valid() and records() need all size_bytes() of them.
// THREAD: any
class BatchView {
 public:
  explicit BatchView(ByteView bytes) : bytes_(bytes) {}

  [[nodiscard]] ByteView bytes() const { return bytes_; }
  [[nodiscard]] Offset base_offset() const { return Offset(get<std::int64_t>(kBaseOffsetAt)); }
  [[nodiscard]] Offset last_offset() const { return base_offset() + last_offset_delta(); }
  [[nodiscard]] Offset next_offset() const { return last_offset() + 1; }
  [[nodiscard]] std::int32_t length() const { return get<std::int32_t>(kLengthAt); }
  [[nodiscard]] std::int64_t size_bytes() const {
    return std::int64_t{length()} + std::int64_t{kLogOverhead};
  }
  [[nodiscard]] LeaderEpoch leader_epoch() const {
    return LeaderEpoch(get<std::int32_t>(kLeaderEpochAt));
  }
  [[nodiscard]] std::int8_t magic() const { return get<std::int8_t>(kMagicAt); }
  [[nodiscard]] std::uint32_t crc() const { return get<std::uint32_t>(kCrcAt); }
  [[nodiscard]] std::uint16_t attributes() const { return get<std::uint16_t>(kAttributesAt); }
  // The codec as it stands; 5 to 7 mean nothing (see is_known_codec).
  [[nodiscard]] CompressionType compression() const {
    return static_cast<CompressionType>(attributes() & kCodecMask);
  }
  [[nodiscard]] TimestampType timestamp_type() const {
    return (attributes() & kTimestampTypeMask) != 0 ? TimestampType::kLogAppendTime
                                                    : TimestampType::kCreateTime;
  }
  [[nodiscard]] bool is_transactional() const { return (attributes() & kTransactionalMask) != 0; }
  [[nodiscard]] bool is_control() const { return (attributes() & kControlMask) != 0; }
  [[nodiscard]] std::optional<std::int64_t> delete_horizon_ms() const {
    if ((attributes() & kDeleteHorizonMask) == 0) {
      return std::nullopt;
    }
    return base_timestamp_ms();
  }
  [[nodiscard]] std::int32_t last_offset_delta() const {
    return get<std::int32_t>(kLastOffsetDeltaAt);
  }
  [[nodiscard]] std::int64_t base_timestamp_ms() const {
    return get<std::int64_t>(kBaseTimestampAt);
  }
  [[nodiscard]] std::int64_t max_timestamp_ms() const { return get<std::int64_t>(kMaxTimestampAt); }
  [[nodiscard]] ProducerId producer_id() const {
    return ProducerId(get<std::int64_t>(kProducerIdAt));
  }
  [[nodiscard]] bool has_producer_id() const { return producer_id() > kNoProducerId; }
  [[nodiscard]] ProducerEpoch producer_epoch() const {
    return ProducerEpoch(get<std::int16_t>(kProducerEpochAt));
  }
  [[nodiscard]] SequenceNumber base_sequence() const {
    return SequenceNumber(get<std::int32_t>(kBaseSequenceAt));
  }
  [[nodiscard]] SequenceNumber last_sequence() const {
    return base_sequence() == kNoSequence
               ? kNoSequence
               : increment_sequence(base_sequence(), last_offset_delta());
  }
  [[nodiscard]] std::int32_t record_count() const { return get<std::int32_t>(kRecordCountAt); }
  // The bytes after the header, compressed where a codec is set.
  [[nodiscard]] ByteView records() const {
    return bytes_.subspan(kRecordsAt, static_cast<std::size_t>(size_bytes()) - kRecordsAt);
  }

  [[nodiscard]] std::uint32_t computed_crc() const;
  // Kafka's DefaultRecordBatch.isValid: long enough for a header, all bytes there, the CRC right.
  [[nodiscard]] bool crc_is_valid() const;

 private:
  template <typename T>
  [[nodiscard]] T get(std::size_t at) const {
    return load_be<T>(bytes_.data() + at);
  }
  ByteView bytes_;
};

// The last offset, whatever the magic: a message of magic 0 or 1 says it where a batch of magic 2
// says its base. At least 26 bytes of it must be there, or the header of magic 2.
[[nodiscard]] inline Offset last_offset_of(BatchView batch) {
  return batch.magic() == kMagicV2 ? batch.last_offset() : batch.base_offset();
}

// What a leader sets outside the CRC. `batch` is one batch of magic 2, or at least its header.
inline void stamp_base_offset(MutableBytes batch, Offset base_offset) {
  store_be(batch.data() + kBaseOffsetAt, base_offset.value());
}
inline void stamp_leader_epoch(MutableBytes batch, LeaderEpoch epoch) {
  store_be(batch.data() + kLeaderEpochAt, epoch.value());
}
// Kafka's setMaxTimestamp: writes type and max timestamp and a new CRC unless both stand already.
// A rewrite keeps the known attribute bits and clears the unknown ones, as Kafka's does.
// `batch` is exactly one whole batch. Returns whether bytes changed.
bool stamp_max_timestamp(MutableBytes batch, TimestampType type, std::int64_t max_timestamp_ms);

// The walk over the batches of a buffer.
enum class BatchStep {
  kBatch,    // `batch` is the next whole batch (of any magic 0 to 2: ask before other fields)
  kEnd,      // nothing left, or only the beginning of a batch
  kCorrupt,  // a length under 14 or an unknown magic: the rest of the buffer means nothing
};

// THREAD: any
class BatchCursor {
 public:
  explicit BatchCursor(ByteView buffer) : rest_(buffer), whole_(buffer.size()) {}

  // Moves on. A batch of magic 2 shorter than its own header is corrupt, too.
  [[nodiscard]] BatchStep next();
  // The batch the last next() found. Only `magic()`, `base_offset()` and `size_bytes()` mean the
  // same in magic 0 and 1.
  [[nodiscard]] BatchView batch() const { return BatchView(current_); }
  // Where the next batch would begin, from the start of the buffer.
  [[nodiscard]] std::size_t position() const { return whole_ - rest_.size(); }
  [[nodiscard]] ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  ByteView current_;
  std::size_t whole_;
};

}  // namespace barnabas::record
