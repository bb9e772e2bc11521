// Batches for the tests of the record module, whole or broken on purpose.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "barnabas/record/builder.h"
#include "barnabas/record/validate.h"

namespace barnabas::record {

inline constexpr std::array kAllCodecs{CompressionType::kNone, CompressionType::kGzip,
                                       CompressionType::kSnappy, CompressionType::kLz4,
                                       CompressionType::kZstd};
inline constexpr std::array kRealCodecs{CompressionType::kGzip, CompressionType::kSnappy,
                                        CompressionType::kLz4, CompressionType::kZstd};
inline constexpr std::int64_t kT0 = 1'700'000'000'000;

inline std::string codec_text(const testing::TestParamInfo<CompressionType>& info) {
  return std::string(codec_name(info.param));
}

// `count` records "value-0", "value-1", ... with keys and timestamps one after the other.
inline ByteVector make_batch(const BatchOptions& options = {}, int count = 1) {
  BatchBuilder builder(options);
  for (int i = 0; i < count; ++i) {
    const std::string key = "key-" + std::to_string(i);
    const std::string value = "value-" + std::to_string(i);
    builder.add(kT0 + i, as_bytes(key), as_bytes(value));
  }
  ByteVector out;
  EXPECT_TRUE(builder.finish(out));
  return out;
}

// A batch with the given body and count behind a right header.
inline ByteVector make_raw_batch(std::string_view body, std::int32_t count,
                                 CompressionType codec = CompressionType::kNone) {
  ByteVector out = make_batch();
  out.resize(kBatchOverhead);
  const ByteView bytes = as_bytes(body);
  out.insert(out.end(), bytes.begin(), bytes.end());
  store_be(out.data() + kLengthAt, static_cast<std::int32_t>(out.size() - kLogOverhead));
  store_be(out.data() + kAttributesAt, static_cast<std::int16_t>(codec));
  store_be(out.data() + kLastOffsetDeltaAt, count - 1);
  store_be(out.data() + kRecordCountAt, count);
  stamp_crc(out);
  return out;
}

// The whole way of a produce request's bytes; the error code, or kNone.
inline ErrorCode outcome(ByteVector& records, const ValidateOptions& options = {},
                         std::int16_t produce_version = 11) {
  const auto batch = single_batch(records, produce_version);
  if (!batch) {
    return batch.error().code;
  }
  RecordValidator validator;
  const auto result = validator.validate(*batch, options);
  return result ? ErrorCode::kNone : result.error().code;
}

template <typename T>
void patch(ByteVector& batch, std::size_t at, T value) {
  store_be(batch.data() + at, value);
  stamp_crc(batch);
}

}  // namespace barnabas::record
