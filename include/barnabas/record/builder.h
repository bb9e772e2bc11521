// Builds record batches of magic 2, for tools, markers, coordinators and tests. Bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/compression.h"
#include "barnabas/record/reader.h"

namespace barnabas::record {

struct BatchOptions {
  CompressionType compression = CompressionType::kNone;
  int level = kDefaultLevel;
  Offset base_offset{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  std::int64_t log_append_time_ms = kNoTimestamp;  // the max timestamp of a LogAppendTime batch
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  SequenceNumber base_sequence = kNoSequence;
  bool is_transactional = false;
  bool is_control = false;
  std::optional<std::int64_t> delete_horizon_ms{};  // takes the place of the base timestamp
};

// Life cycle: add records, finish() once, reset() for the next batch (buffers are kept).
// How it fails: finish() with no record, or a codec's error.
// THREAD: home
class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchOptions& options) : options_(options) {}

  // Adds a record at the next offset. `key` and `value` may be null.
  void add(std::int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value,
           std::span<const HeaderView> headers = {});
  // Adds a record at a given distance from the base offset (compacted batches have gaps; tests
  // build what must be refused).
  void add_at(std::int32_t offset_delta, std::int64_t timestamp_ms, std::optional<ByteView> key,
              std::optional<ByteView> value, std::span<const HeaderView> headers = {});

  [[nodiscard]] std::int32_t record_count() const { return count_; }
  // Header and records before compression.
  [[nodiscard]] std::size_t uncompressed_size_bytes() const {
    return kBatchOverhead + records_.size();
  }
  // Of the records added so far; INT64_MAX where there is none.
  [[nodiscard]] std::int64_t smallest_timestamp_ms() const { return smallest_timestamp_ms_; }
  // Appends the whole batch with its CRC to `out`.
  Status finish(ByteVector& out);
  void reset(const BatchOptions& options);

 private:
  BatchOptions options_;
  ByteVector records_;
  std::int32_t count_ = 0;
  std::int32_t last_offset_delta_ = -1;
  std::int64_t base_timestamp_ms_ = kNoTimestamp;
  std::int64_t max_timestamp_ms_ = kNoTimestamp;
  std::int64_t smallest_timestamp_ms_ = INT64_MAX;
};

// Recomputes the CRC of one whole batch after its bytes were changed.
void stamp_crc(MutableBytes batch);

}  // namespace barnabas::record
