// offset -> position in the .log file, sparse: the last offset of what one append wrote, and where
// that append begins. Kafka's OffsetIndex. Threads and failures: index_file.h.
#pragma once

#include "barnabas/base/ids.h"
#include "index_file.h"

namespace barnabas::storage {

struct OffsetPosition {
  Offset offset;
  std::int64_t position = 0;
};

class OffsetIndex {
 public:
  static constexpr std::size_t kEntryBytes = 8;

  OffsetIndex(Vfs& vfs, IndexFile::PathOf path, Offset base)
      : file_(vfs, std::move(path), kEntryBytes), base_(base) {}

  [[nodiscard]] IndexFile& file() { return file_; }
  [[nodiscard]] bool is_full() const { return file_.count() >= file_.max_entries(); }
  // Returns whether the file should be saved.
  bool append(Offset offset, std::int64_t position) {
    IndexFile::Entry entry{};
    store_be(entry.data(), static_cast<std::int32_t>(offset - base_));
    store_be(entry.data() + 4, static_cast<std::int32_t>(position));
    return file_.append(entry.data());
  }
  // The entry with the largest offset not above `target`; (base, 0) where there is none.
  [[nodiscard]] Result<OffsetPosition> lookup(Offset target) {
    TRY_STATUS(file_.load());
    TRY(const auto slot, file_.floor(target - base_, &key));
    return parse(slot);
  }
  // The first entry whose position is not below `position`, for the bound of a fetch.
  [[nodiscard]] Result<std::optional<OffsetPosition>> ceiling_of_position(std::int64_t position) {
    TRY_STATUS(file_.load());
    TRY(const auto slot, file_.floor(position - 1, &value));
    if (slot.number + 1 >= file_.count()) {
      return std::nullopt;
    }
    TRY(const auto next, file_.entry(slot.number + 1));
    return parse(next);
  }
  [[nodiscard]] Result<OffsetPosition> last_entry() {
    TRY_STATUS(file_.load());
    if (file_.count() == 0) {
      return OffsetPosition{base_, 0};
    }
    TRY(const auto slot, file_.entry(file_.count() - 1));
    return parse(slot);
  }
  // Drops the entries at and above `offset`.
  Status truncate_to(Offset offset) {
    TRY_STATUS(file_.load());
    TRY(const auto slot, file_.floor(offset - base_ - 1, &key));
    return file_.truncate(slot.number + 1);
  }

 private:
  static std::int64_t key(const std::byte* entry) { return load_be<std::int32_t>(entry); }
  static std::int64_t value(const std::byte* entry) { return load_be<std::int32_t>(entry + 4); }
  [[nodiscard]] OffsetPosition parse(const IndexFile::Slot& slot) const {
    return slot.number < 0
               ? OffsetPosition{base_, 0}
               : OffsetPosition{base_ + key(slot.bytes.data()), value(slot.bytes.data())};
  }

  IndexFile file_;
  Offset base_;
};

}  // namespace barnabas::storage
