#include "barnabas/record/batch.h"

#include "barnabas/base/crc32c.h"
#include "barnabas/record/builder.h"

namespace barnabas::record {

std::uint32_t BatchView::computed_crc() const {
  return crc32c(
      bytes_.subspan(kAttributesAt, static_cast<std::size_t>(size_bytes()) - kAttributesAt));
}

bool BatchView::crc_is_valid() const {
  const std::int64_t size = size_bytes();
  return size >= static_cast<std::int64_t>(kBatchOverhead) &&
         size <= static_cast<std::int64_t>(bytes_.size()) && crc() == computed_crc();
}

void stamp_crc(MutableBytes batch) {
  store_be(batch.data() + kCrcAt, BatchView(batch).computed_crc());
}

bool stamp_max_timestamp(MutableBytes batch, TimestampType type, std::int64_t max_timestamp_ms) {
  const BatchView view(batch);
  if (view.timestamp_type() == type && view.max_timestamp_ms() == max_timestamp_ms) {
    return false;
  }
  constexpr std::uint16_t kKept =
      kCodecMask | kTransactionalMask | kControlMask | kDeleteHorizonMask;
  auto attributes = static_cast<std::uint16_t>(view.attributes() & kKept);
  if (type == TimestampType::kLogAppendTime) {
    attributes |= kTimestampTypeMask;
  }
  store_be(batch.data() + kAttributesAt, attributes);
  store_be(batch.data() + kMaxTimestampAt, max_timestamp_ms);
  stamp_crc(batch);
  return true;
}

// The order of these checks is that of Kafka's ByteBufferLogInputStream: what is cut off before
// its magic is an end, what is cut off after a magic that cannot be is corrupt.
BatchStep BatchCursor::next() {
  if (rest_.size() < kLogOverhead) {
    return BatchStep::kEnd;
  }
  const auto length = load_be<std::int32_t>(rest_.data() + kLengthAt);
  if (length < kSmallestLength) {
    return BatchStep::kCorrupt;
  }
  if (rest_.size() < kUpToMagic) {
    return BatchStep::kEnd;
  }
  const auto magic = load_be<std::int8_t>(rest_.data() + kMagicAt);
  if (magic < 0 || magic > kMagicV2) {
    return BatchStep::kCorrupt;
  }
  const std::size_t size = static_cast<std::size_t>(length) + kLogOverhead;
  if (magic == kMagicV2 && size < kBatchOverhead) {
    return BatchStep::kCorrupt;
  }
  if (rest_.size() < size) {
    return BatchStep::kEnd;
  }
  current_ = rest_.first(size);
  rest_ = rest_.subspan(size);
  return BatchStep::kBatch;
}

}  // namespace barnabas::record
