// The largest timestamp so far -> the last offset of the batch that holds it; both rise. Kafka's
// TimeIndex, which keeps its last slot for the entry that sealing a segment adds.
// Threads and failures: index_file.h.
#pragma once

#include "barnabas/base/ids.h"
#include "index_file.h"

namespace barnabas::storage {

struct TimestampOffset {
  std::int64_t timestamp_ms = kNoTimestamp;
  Offset offset;
};

class TimeIndex {
 public:
  static constexpr std::size_t kEntryBytes = 12;

  TimeIndex(Vfs& vfs, IndexFile::PathOf path, Offset base)
      : file_(vfs, std::move(path), kEntryBytes), base_(base) {}

  [[nodiscard]] IndexFile& file() { return file_; }
  [[nodiscard]] bool is_full() const { return file_.count() >= file_.max_entries() - 1; }
  // Appends only what is later than the last entry. Returns whether the file should be saved.
  Result<bool> maybe_append(std::int64_t timestamp_ms, Offset offset) {
    TRY(const TimestampOffset last, last_entry());
    if (timestamp_ms <= last.timestamp_ms) {
      return false;
    }
    IndexFile::Entry entry{};
    store_be(entry.data(), timestamp_ms);
    store_be(entry.data() + 8, static_cast<std::int32_t>(offset - base_));
    return file_.append(entry.data());
  }
  // The last entry whose timestamp is not above the target; (-1, base) where there is none.
  [[nodiscard]] Result<TimestampOffset> lookup(std::int64_t timestamp_ms) {
    TRY_STATUS(file_.load());
    TRY(const auto slot, file_.floor(timestamp_ms, &key));
    return parse(slot);
  }
  [[nodiscard]] Result<TimestampOffset> last_entry() {
    TRY_STATUS(file_.load());
    if (file_.count() == 0) {
      return TimestampOffset{kNoTimestamp, base_};
    }
    TRY(const auto slot, file_.entry(file_.count() - 1));
    return parse(slot);
  }
  // Drops the entries at and above `offset`.
  Status truncate_to(Offset offset) {
    TRY_STATUS(file_.load());
    TRY(const auto slot, file_.floor(offset - base_ - 1, &value));
    return file_.truncate(slot.number + 1);
  }

 private:
  static std::int64_t key(const std::byte* entry) { return load_be<std::int64_t>(entry); }
  static std::int64_t value(const std::byte* entry) { return load_be<std::int32_t>(entry + 8); }
  [[nodiscard]] TimestampOffset parse(const IndexFile::Slot& slot) const {
    return slot.number < 0
               ? TimestampOffset{kNoTimestamp, base_}
               : TimestampOffset{key(slot.bytes.data()), base_ + value(slot.bytes.data())};
  }

  IndexFile file_;
  Offset base_;
};

}  // namespace barnabas::storage
