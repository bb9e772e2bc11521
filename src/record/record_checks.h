// What LogValidator.validateRecord checks of each record, whatever its format: what is wrong with
// one record does not end the walk, and finish() makes one error of all.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/record/validate.h"
#include "wrapping.h"

namespace barnabas::record {

// THREAD: home
class RecordChecks {
 public:
  // `plain`: not compressed, which changes a text of Kafka's.
  RecordChecks(TimestampType batch_type, bool plain, const ValidateOptions& options,
               std::vector<RecordError>& errors)
      : options_(options), errors_(errors), batch_type_(batch_type), plain_(plain) {}

  // One record; negative sizes stand for null.
  void check(std::int32_t index, std::int64_t timestamp_ms, std::int32_t key_size,
             std::int32_t value_size) {
    if (options_.compact && key_size < 0) {
      refuse_key(index);
      return;
    }
    if (options_.timestamp_type == TimestampType::kCreateTime && timestamp_ms != kNoTimestamp) {
      const std::int64_t age = wrapping_sub(options_.now_ms, timestamp_ms);
      if (age > options_.timestamp_before_max_ms ||
          wrapping_sub(0, age) > options_.timestamp_after_max_ms) {
        refuse_timestamp(index, timestamp_ms);
      }
    } else if (batch_type_ == TimestampType::kLogAppendTime) {
      refuse_timestamp_type(index, timestamp_ms, key_size, value_size);
    }
    max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  }
  // Kafka's processRecordErrors: one error for the batch, with each record's beside it.
  [[nodiscard]] Status finish() const;
  void forget() { errors_.clear(); }
  [[nodiscard]] std::int64_t max_timestamp_ms() const { return max_timestamp_ms_; }

 private:
  void refuse_key(std::int32_t index);
  void refuse_timestamp(std::int32_t index, std::int64_t timestamp_ms);
  void refuse_timestamp_type(std::int32_t index, std::int64_t timestamp_ms, std::int32_t key_size,
                             std::int32_t value_size);
  void refuse(std::int32_t index, ErrorCode code, std::string message);

  const ValidateOptions& options_;
  std::vector<RecordError>& errors_;
  TimestampType batch_type_;
  bool plain_;
  std::int64_t max_timestamp_ms_ = kNoTimestamp;
  std::int64_t count_ = 0;
  bool has_timestamp_error_ = false;
};

}  // namespace barnabas::record
