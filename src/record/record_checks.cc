#include "record_checks.h"

#include <fmt/format.h>

namespace barnabas::record {

Status RecordChecks::finish() const {
  if (count_ == 0) {
    return {};
  }
  if (has_timestamp_error_) {
    return fail(ErrorCode::kInvalidTimestamp,
                "One or more records have been rejected due to invalid timestamp");
  }
  std::string shown;
  for (std::size_t i = 0; i < std::min<std::size_t>(errors_.size(), 3); ++i) {
    shown += fmt::format("{}RecordError(batchIndex={}, message='{}')", i == 0 ? "" : ", ",
                         errors_[i].batch_index, errors_[i].message);
  }
  return fail(
      ErrorCode::kInvalidRecord,
      fmt::format("One or more records have been rejected due to {} record errors in total, and "
                  "only showing the first three errors at most: [{}]",
                  count_, shown));
}

void RecordChecks::refuse_key(std::int32_t index) {
  refuse(index, ErrorCode::kInvalidRecord,
         fmt::format("Compacted topic cannot accept message without key in topic partition {}",
                     options_.topic_partition));
}

void RecordChecks::refuse_timestamp(std::int32_t index, std::int64_t timestamp_ms) {
  refuse(index, ErrorCode::kInvalidTimestamp,
         fmt::format("Timestamp {} of message with offset {} is out of range. The timestamp "
                     "should be within [{}, {}]",
                     timestamp_ms, index,
                     wrapping_sub(options_.now_ms, options_.timestamp_before_max_ms),
                     wrapping_add(options_.now_ms, options_.timestamp_after_max_ms)));
}

// The text that Java's toString makes of the record.
void RecordChecks::refuse_timestamp_type(std::int32_t index, std::int64_t timestamp_ms,
                                         std::int32_t key_size, std::int32_t value_size) {
  refuse(index, ErrorCode::kInvalidTimestamp,
         fmt::format("Invalid timestamp type in message {}DefaultRecord(offset={}, "
                     "timestamp={}, key={} bytes, value={} bytes). Producer should not set "
                     "timestamp type to LogAppendTime.",
                     plain_ ? "" : "Partial", index, timestamp_ms,
                     plain_ ? std::max(key_size, 0) : key_size,
                     plain_ ? std::max(value_size, 0) : value_size));
}

void RecordChecks::refuse(std::int32_t index, ErrorCode code, std::string message) {
  ++count_;
  has_timestamp_error_ = has_timestamp_error_ || code == ErrorCode::kInvalidTimestamp;
  if (errors_.size() < kMaxRecordErrors) {
    errors_.push_back({index, std::move(message)});
  }
}

}  // namespace barnabas::record
