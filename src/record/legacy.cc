#include "barnabas/record/legacy.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "wrapping.h"

namespace barnabas::record {
namespace {

constexpr const char* kLegacyStructure = "Found a message whose sizes do not fit it";

std::unexpected<Error> invalid(const char* what) {
  return fail(ErrorCode::kInvalidRecord, what);
}

// A key or value at `at`, which moves behind it; false when the message ends before.
bool read_field(ByteView message, std::size_t& at, std::optional<ByteView>& field) {
  if (message.size() - at < sizeof(std::int32_t)) {
    return false;
  }
  const auto size = load_be<std::int32_t>(message.data() + at);
  at += sizeof(std::int32_t);
  if (size < 0) {
    field.reset();
    return true;
  }
  if (static_cast<std::size_t>(size) > message.size() - at) {
    return false;
  }
  field = message.subspan(at, static_cast<std::size_t>(size));
  at += static_cast<std::size_t>(size);
  return true;
}

std::uint32_t crc32_of(ByteView bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()),
                                              static_cast<z_size_t>(bytes.size())));
}

}  // namespace

std::int64_t LegacyView::timestamp_ms() const {
  if (magic() == kMagicV0 || bytes_.size() < legacy_key_at(kMagicV1)) {
    return kNoTimestamp;
  }
  return load_be<std::int64_t>(bytes_.data() + kLegacyTimestampAt);
}

std::uint32_t LegacyView::computed_crc() const {
  return crc32_of(bytes_.subspan(kMagicAt, static_cast<std::size_t>(size_bytes()) - kMagicAt));
}

Result<LegacyView::KeyAndValue> LegacyView::parse() const {
  const ByteView message = bytes_.first(static_cast<std::size_t>(size_bytes()));
  std::size_t at = legacy_key_at(magic());
  KeyAndValue found;
  if (message.size() < at || !read_field(message, at, found.key) ||
      !read_field(message, at, found.value)) {
    return invalid(kLegacyStructure);
  }
  return found;
}

void stamp_legacy_crc(MutableBytes message) {
  store_be(message.data() + kLegacyCrcAt, LegacyView(message).computed_crc());
}

Status LegacyReader::start(LegacyView message, bool check_inner_crc) {
  magic_ = message.magic();
  codec_ = message.compression();
  wrapper_offset_ = message.offset();
  check_inner_crc_ = check_inner_crc;
  base_ = 0;
  any_ = false;
  stream_ = nullptr;
  single_ = {};
  append_time_ms_.reset();
  if (message.timestamp_type() == TimestampType::kLogAppendTime) {
    append_time_ms_ = message.timestamp_ms();
  }
  if (codec_ == CompressionType::kNone) {
    single_ = message.bytes();
    return {};
  }
  if (codec_ == CompressionType::kZstd) {
    return invalid("Invalid codec zstd of a compressed message of magic 0 or 1");
  }
  TRY(const auto fields, message.parse());
  if (!fields.value) {
    return invalid("Found a compressed message without a value");
  }
  compressed_ = *fields.value;
  TRY_STATUS(open());
  if (magic_ == kMagicV1 && wrapper_offset_.value() != 0) {
    TRY_STATUS(find_base());
    TRY_STATUS(open());
  }
  return {};
}

Status LegacyReader::open() {
  TRY(stream_,
      decompressors_.start(codec_, compressed_,
                           magic_ == kMagicV0 ? Lz4Header::kIgnoreChecksum : Lz4Header::kCheck));
  chunk_ = {};
  plain_bytes_ = 0;
  return {};
}

// Where relative offsets begin: the wrapper carries the offset of its last message.
Status LegacyReader::find_base() {
  bool any = false;
  std::int64_t last = 0;
  while (true) {
    TRY(const bool more, next_inner(false));
    if (!more) {
      break;
    }
    any = true;
    last = LegacyView(inner_).offset().value();
  }
  if (any && wrapper_offset_.value() < last) {
    return invalid("Found invalid wrapper offset in a compressed message set of magic 1");
  }
  base_ = wrapper_offset_.value() - last;
  return {};
}

// Exactly `count` bytes, appended to `out` unless that is null. False where the stream ends before:
// what is cut off at its end counts for nothing, as in Kafka.
Result<bool> LegacyReader::take(std::size_t count, ByteVector* out) {
  while (count > 0) {
    if (chunk_.empty()) {
      TRY(chunk_, stream_->next());
      if (chunk_.empty()) {
        return false;
      }
    }
    const std::size_t taken = std::min(count, chunk_.size());
    plain_bytes_ += taken;
    if (out != nullptr) {
      if (plain_bytes_ > kMaxConvertedBytes) {
        return fail(ErrorCode::kMessageTooLarge,
                    "A compressed message swells to more than what one may");
      }
      out->insert(out->end(), chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    chunk_ = chunk_.subspan(taken);
    count -= taken;
  }
  return true;
}

Result<bool> LegacyReader::next_inner(bool body) {
  inner_.clear();
  TRY(const bool begun, take(kLogOverhead, &inner_));
  if (!begun) {
    return false;
  }
  const auto size = load_be<std::int32_t>(inner_.data() + kLengthAt);
  if (size < kSmallestLength) {
    return fail(ErrorCode::kCorruptMessage,
                "The size of an inner message is less than the minimum record overhead");
  }
  return take(static_cast<std::size_t>(size), body ? &inner_ : nullptr);
}

Status LegacyReader::fill(LegacyView message) {
  TRY(const auto fields, message.parse());
  record_.key = fields.key;
  record_.value = fields.value;
  record_.timestamp_ms =
      append_time_ms_ && magic_ == kMagicV1 ? *append_time_ms_ : message.timestamp_ms();
  record_.offset = message.offset();
  return {};
}

Result<const RecordView*> LegacyReader::next() {
  if (stream_ == nullptr) {
    if (single_.empty()) {
      return nullptr;
    }
    const LegacyView message(std::exchange(single_, ByteView{}));
    TRY_STATUS(fill(message));
    return &record_;
  }
  TRY(const bool more, next_inner(true));
  if (!more) {
    stream_->trim();
    if (!any_) {
      return invalid("Found a compressed message set with no inner records");
    }
    return nullptr;
  }
  any_ = true;
  const LegacyView message(inner_);
  if (message.magic() != magic_) {
    return invalid("The magic of an inner message is not that of its wrapper");
  }
  if (message.compression() != CompressionType::kNone) {
    return invalid("Inner messages must not be compressed");
  }
  if (check_inner_crc_ && !message.crc_is_valid()) {
    return fail(ErrorCode::kCorruptMessage, "The CRC of an inner message does not hold");
  }
  TRY_STATUS(fill(message));
  if (magic_ == kMagicV1) {
    record_.offset = Offset(wrapping_add(base_, record_.offset.value()));
  }
  return &record_;
}

}  // namespace barnabas::record
