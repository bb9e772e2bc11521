#include <algorithm>

#include "barnabas/record/legacy.h"

namespace barnabas::record {
namespace {

template <typename T>
void put(ByteVector& out, T value) {
  std::byte bytes[sizeof(T)];
  store_be(bytes, value);
  out.insert(out.end(), bytes, bytes + sizeof(T));
}

void put_field(ByteVector& out, const std::optional<ByteView>& field) {
  put(out, field ? static_cast<std::int32_t>(field->size()) : std::int32_t{-1});
  if (field) {
    out.insert(out.end(), field->begin(), field->end());
  }
}

std::uint8_t attributes_of(const LegacyOptions& options, CompressionType codec) {
  auto attributes = static_cast<std::uint8_t>(codec);
  if (options.magic == kMagicV1 && options.timestamp_type == TimestampType::kLogAppendTime) {
    attributes |= kTimestampTypeMask;
  }
  return attributes;
}

// Everything up to the key; size and CRC are filled in by end_message.
std::size_t begin_message(ByteVector& out, Offset offset, const LegacyOptions& options,
                          CompressionType codec, std::int64_t timestamp_ms) {
  const std::size_t begin = out.size();
  put(out, offset.value());
  put(out, std::int32_t{0});
  put(out, std::uint32_t{0});
  put(out, options.magic);
  put(out, attributes_of(options, codec));
  if (options.magic == kMagicV1) {
    put(out, timestamp_ms);
  }
  return begin;
}

void end_message(ByteVector& out, std::size_t begin) {
  const MutableBytes message(out.data() + begin, out.size() - begin);
  store_be(message.data() + kLengthAt, static_cast<std::int32_t>(message.size() - kLogOverhead));
  stamp_legacy_crc(message);
}

}  // namespace

void LegacyBuilder::add(Offset offset, std::int64_t timestamp_ms, std::optional<ByteView> key,
                        std::optional<ByteView> value) {
  if (messages_.empty()) {
    first_offset_ = offset;
  }
  last_offset_ = offset;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  const bool relative =
      options_.magic == kMagicV1 && options_.compression != CompressionType::kNone;
  const bool append_time = options_.timestamp_type == TimestampType::kLogAppendTime;
  const std::size_t begin = begin_message(
      messages_, relative ? Offset(offset - first_offset_) : offset, options_,
      CompressionType::kNone, append_time ? options_.log_append_time_ms : timestamp_ms);
  put_field(messages_, key);
  put_field(messages_, value);
  end_message(messages_, begin);
}

Status LegacyBuilder::finish(ByteVector& out) const {
  if (messages_.empty()) {
    return fail(ErrorCode::kInvalidRecord, "a message set without records cannot be built");
  }
  if (options_.compression == CompressionType::kNone) {
    out.insert(out.end(), messages_.begin(), messages_.end());
    return {};
  }
  if (options_.compression == CompressionType::kZstd) {
    return fail(ErrorCode::kUnsupportedCompressionType, "messages of magic 0 and 1 know no zstd");
  }
  const bool append_time = options_.timestamp_type == TimestampType::kLogAppendTime;
  const std::size_t begin =
      begin_message(out, last_offset_, options_, options_.compression,
                    append_time ? options_.log_append_time_ms : max_timestamp_ms_);
  put(out, std::int32_t{-1});  // no key
  const std::size_t value_at = out.size();
  put(out, std::int32_t{0});
  const auto header = options_.magic == kMagicV0 ? Lz4Header::kWithMagic : Lz4Header::kCheck;
  if (Status done = compress(options_.compression, messages_, out, kDefaultLevel, header); !done) {
    out.resize(begin);
    return done;
  }
  store_be(out.data() + value_at,
           static_cast<std::int32_t>(out.size() - value_at - sizeof(std::int32_t)));
  end_message(out, begin);
  return {};
}

}  // namespace barnabas::record
