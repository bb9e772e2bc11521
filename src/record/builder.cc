#include "barnabas/record/builder.h"

#include <algorithm>

#include "barnabas/base/varint.h"

namespace barnabas::record {
namespace {

void put_raw(ByteVector& out, std::uint64_t raw) {
  std::byte buffer[10];
  const std::size_t size = write_uvarint(buffer, raw);
  out.insert(out.end(), buffer, buffer + size);
}
void put_varint(ByteVector& out, std::int32_t value) {
  put_raw(out, static_cast<std::uint32_t>(zigzag_encode(value)));
}
void put_varlong(ByteVector& out, std::int64_t value) {
  put_raw(out, zigzag_encode(value));
}

std::size_t varint_size(std::int32_t value) {
  return uvarint_size(static_cast<std::uint32_t>(zigzag_encode(value)));
}

void put_nullable(ByteVector& out, const std::optional<ByteView>& bytes) {
  if (!bytes) {
    put_varint(out, -1);
    return;
  }
  put_varint(out, static_cast<std::int32_t>(bytes->size()));
  out.insert(out.end(), bytes->begin(), bytes->end());
}
std::size_t nullable_size(const std::optional<ByteView>& bytes) {
  return bytes ? varint_size(static_cast<std::int32_t>(bytes->size())) + bytes->size()
               : varint_size(-1);
}

std::uint16_t attributes_of(const BatchOptions& options) {
  auto attributes = static_cast<std::uint16_t>(options.compression);
  attributes |= options.timestamp_type == TimestampType::kLogAppendTime ? kTimestampTypeMask : 0U;
  attributes |= options.is_transactional ? kTransactionalMask : 0U;
  attributes |= options.is_control ? kControlMask : 0U;
  attributes |= options.delete_horizon_ms ? kDeleteHorizonMask : 0U;
  return attributes;
}

}  // namespace

void BatchBuilder::reset(const BatchOptions& options) {
  options_ = options;
  records_.clear();
  count_ = 0;
  last_offset_delta_ = -1;
  base_timestamp_ms_ = kNoTimestamp;
  max_timestamp_ms_ = kNoTimestamp;
  smallest_timestamp_ms_ = INT64_MAX;
}

void BatchBuilder::add(std::int64_t timestamp_ms, std::optional<ByteView> key,
                       std::optional<ByteView> value, std::span<const HeaderView> headers) {
  add_at(last_offset_delta_ + 1, timestamp_ms, key, value, headers);
}

void BatchBuilder::add_at(std::int32_t offset_delta, std::int64_t timestamp_ms,
                          std::optional<ByteView> key, std::optional<ByteView> value,
                          std::span<const HeaderView> headers) {
  if (count_ == 0) {
    base_timestamp_ms_ = options_.delete_horizon_ms.value_or(timestamp_ms);
  }
  const auto timestamp_delta = static_cast<std::int64_t>(
      static_cast<std::uint64_t>(timestamp_ms) - static_cast<std::uint64_t>(base_timestamp_ms_));
  std::size_t size = 1 + uvarint_size(zigzag_encode(timestamp_delta)) + varint_size(offset_delta) +
                     nullable_size(key) + nullable_size(value) +
                     varint_size(static_cast<std::int32_t>(headers.size()));
  for (const HeaderView& header : headers) {
    size += nullable_size(header.key) + nullable_size(header.value);
  }
  put_varint(records_, static_cast<std::int32_t>(size));
  records_.push_back(std::byte{0});  // attributes: no bit of them means anything yet
  put_varlong(records_, timestamp_delta);
  put_varint(records_, offset_delta);
  put_nullable(records_, key);
  put_nullable(records_, value);
  put_varint(records_, static_cast<std::int32_t>(headers.size()));
  for (const HeaderView& header : headers) {
    put_nullable(records_, header.key);
    put_nullable(records_, header.value);
  }
  ++count_;
  last_offset_delta_ = offset_delta;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  smallest_timestamp_ms_ = std::min(smallest_timestamp_ms_, timestamp_ms);
}

Status BatchBuilder::finish(ByteVector& out) {
  if (count_ == 0) {
    return fail(ErrorCode::kInvalidRecord, "a batch without records cannot be built");
  }
  const std::size_t begin = out.size();
  out.resize(begin + kBatchOverhead);
  if (Status done = compress(options_.compression, records_, out, options_.level); !done) {
    out.resize(begin);
    return done;
  }
  const std::size_t size = out.size() - begin;
  if (size > INT32_MAX) {
    out.resize(begin);
    return fail(ErrorCode::kMessageTooLarge, "a batch of more than 2 GiB cannot be built");
  }
  std::byte* header = out.data() + begin;
  store_be(header + kBaseOffsetAt, options_.base_offset.value());
  store_be(header + kLengthAt, static_cast<std::int32_t>(size - kLogOverhead));
  store_be(header + kLeaderEpochAt, options_.leader_epoch.value());
  store_be(header + kMagicAt, kMagicV2);
  store_be(header + kAttributesAt, attributes_of(options_));
  store_be(header + kLastOffsetDeltaAt, last_offset_delta_);
  store_be(header + kBaseTimestampAt, base_timestamp_ms_);
  const bool append_time = options_.timestamp_type == TimestampType::kLogAppendTime;
  store_be(header + kMaxTimestampAt, append_time ? options_.log_append_time_ms : max_timestamp_ms_);
  store_be(header + kProducerIdAt, options_.producer_id.value());
  store_be(header + kProducerEpochAt, options_.producer_epoch.value());
  store_be(header + kBaseSequenceAt, options_.base_sequence.value());
  store_be(header + kRecordCountAt, count_);
  stamp_crc(MutableBytes(header, size));
  return {};
}

}  // namespace barnabas::record
