// The value of a `records` field: record batches that the codec never copies on reading.
// Decoded, it is a view into the frame it was read from and lives no longer than that frame.
// To be encoded, it is either such a view (copied into the buffer) or an external part: bytes that
// lie elsewhere, such as a file range. The Writer then writes the length only and notes where the
// part belongs (Writer::splices()), so that the range can be sent without passing through memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "barnabas/base/bytes.h"

namespace barnabas::protocol {

// THREAD: any (a value)
class Records {
 public:
  Records() = default;  // null, Kafka's default
  explicit Records(ByteView bytes) : kind_(Kind::kView), view_(bytes) {}

  // `size` bytes that the sender finds again under `index`.
  [[nodiscard]] static Records external(std::size_t size, std::uint32_t index) {
    Records records;
    records.kind_ = Kind::kExternal;
    records.size_ = size;
    records.index_ = index;
    return records;
  }

  [[nodiscard]] bool is_null() const { return kind_ == Kind::kNull; }
  [[nodiscard]] bool is_external() const { return kind_ == Kind::kExternal; }
  // The bytes; empty when null or external.
  [[nodiscard]] ByteView bytes() const { return view_; }
  [[nodiscard]] std::size_t size() const { return is_external() ? size_ : view_.size(); }
  [[nodiscard]] std::uint32_t external_index() const { return index_; }

  friend bool operator==(const Records& a, const Records& b) {
    return a.kind_ == b.kind_ && a.size_ == b.size_ && a.index_ == b.index_ &&
           std::ranges::equal(a.view_, b.view_);
  }

 private:
  enum class Kind : std::uint8_t { kNull, kView, kExternal };
  Kind kind_ = Kind::kNull;
  std::uint32_t index_ = 0;
  std::size_t size_ = 0;
  ByteView view_;
};

// The writable bytes of a part of a frame that was decoded from `frame`; `part` must lie in it.
// Lets a produce handler stamp offsets in place.
[[nodiscard]] MutableBytes writable_part(MutableBytes frame, ByteView part);

}  // namespace barnabas::protocol
