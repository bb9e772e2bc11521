#include "index_file.h"

#include <algorithm>
#include <cstring>

#include "barnabas/base/check.h"

namespace barnabas::storage {
namespace {

// How many saved entries stay in memory, for readers near the end of the log.
constexpr std::size_t kHotEntries = 512;
// A search in the file ends with one read of this many entries.
constexpr std::int64_t kBlockEntries = 256;

}  // namespace

Result<std::shared_ptr<File>> IndexFile::file() const {
  if (!file_) {
    TRY(auto opened, vfs_.open(path_(), OpenMode::kReadWrite));
    file_ = std::move(opened);
  }
  return file_;
}

Result<std::shared_ptr<File>> IndexFile::reader() const {
  const MutexLock io(io_mutex_);
  return file();
}

Status IndexFile::create(std::int32_t max_bytes, bool replaces) {
  const MutexLock io(io_mutex_);
  to_sync_ = replaces;
  TRY(auto created, vfs_.open(path_(), OpenMode::kCreateTruncated));
  max_entries_ = max_bytes / static_cast<std::int32_t>(entry_bytes_);
  grown_bytes_ = static_cast<std::uint64_t>(max_entries_) * entry_bytes_;
  TRY_STATUS(created->truncate(grown_bytes_));
  grown_ = true;
  {
    const MutexLock lock(mutex_);
    tail_.clear();
    tail_first_ = 0;
    saved_ = 0;
    count_.store(0, std::memory_order_release);
  }
  loaded_.store(true, std::memory_order_release);
  return {};
}

Status IndexFile::load() {
  const MutexLock io(io_mutex_);
  if (loaded_.load(std::memory_order_acquire)) {
    return {};
  }
  TRY(auto opened, file());
  TRY(const std::uint64_t size, opened->size());
  if (size % entry_bytes_ != 0) {
    return fail(ErrorCode::kCorruptMessage, path_() + " has " + std::to_string(size) +
                                                " bytes, not a multiple of " +
                                                std::to_string(entry_bytes_));
  }
  const auto entries = static_cast<std::int64_t>(size / entry_bytes_);
  {
    const MutexLock lock(mutex_);
    tail_.clear();
    tail_first_ = entries;
    saved_ = entries;
    count_.store(entries, std::memory_order_release);
  }
  if (max_entries_ == 0) {
    max_entries_ = entries;
  }
  loaded_.store(true, std::memory_order_release);
  return {};
}

Status IndexFile::make_active(std::int32_t max_bytes) {
  TRY_STATUS(load());
  const MutexLock io(io_mutex_);
  max_entries_ = max_bytes / static_cast<std::int32_t>(entry_bytes_);
  grown_bytes_ = static_cast<std::uint64_t>(max_entries_) * entry_bytes_;
  grown_ = false;
  {
    const MutexLock lock(mutex_);
    if (!tail_.empty()) {
      return {};  // it has been active all the while
    }
  }
  return load_tail(count());
}

// Brings the last entries below `count` into memory.
Status IndexFile::load_tail(std::int64_t count) {
  const std::int64_t first = std::max<std::int64_t>(0, count - std::int64_t{kHotEntries});
  std::vector<std::byte> bytes(static_cast<std::size_t>(count - first) * entry_bytes_);
  if (!bytes.empty()) {
    TRY(auto opened, file());
    TRY(const std::size_t read,
        opened->read_at(static_cast<std::uint64_t>(first) * entry_bytes_, bytes));
    if (read != bytes.size()) {
      return fail(ErrorCode::kCorruptMessage, path_() + " is shorter than its entries");
    }
  }
  const MutexLock lock(mutex_);
  tail_ = std::move(bytes);
  tail_first_ = first;
  return {};
}

bool IndexFile::append(const std::byte* entry) {
  const MutexLock lock(mutex_);
  tail_.insert(tail_.end(), entry, entry + entry_bytes_);
  const std::int64_t count = count_.load(std::memory_order_relaxed) + 1;
  count_.store(count, std::memory_order_release);
  return count - saved_ >= std::int64_t{kSaveEntries};
}

Status IndexFile::save() {
  const MutexLock io(io_mutex_);
  return save_locked();
}

Status IndexFile::save_locked() {
  std::vector<std::byte> unsaved;
  std::int64_t from = 0;
  std::int64_t until = 0;
  {
    const MutexLock lock(mutex_);
    from = saved_;
    until = count_.load(std::memory_order_relaxed);
    if (from == until) {
      return {};
    }
    BARNABAS_CHECK(tail_first_ <= from);
    const auto begin = static_cast<std::size_t>(from - tail_first_) * entry_bytes_;
    unsaved.assign(tail_.begin() + static_cast<std::ptrdiff_t>(begin), tail_.end());
  }
  TRY(auto opened, file());
  if (!grown_) {
    TRY(const std::uint64_t size, opened->size());
    if (size < grown_bytes_) {
      TRY_STATUS(opened->truncate(grown_bytes_));
    }
    grown_ = true;
  }
  to_sync_ = true;
  TRY_STATUS(opened->write_at(static_cast<std::uint64_t>(from) * entry_bytes_, unsaved));
  const MutexLock lock(mutex_);
  saved_ = until;
  const std::int64_t keep_from =
      std::min(saved_, count_.load(std::memory_order_relaxed) - std::int64_t{kHotEntries});
  if (keep_from > tail_first_) {
    const auto drop = static_cast<std::size_t>(keep_from - tail_first_) * entry_bytes_;
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(drop));
    tail_first_ = keep_from;
  }
  return {};
}

Status IndexFile::sync() {
  const MutexLock io(io_mutex_);
  if (!to_sync_) {
    return {};
  }
  to_sync_ = false;
  TRY(auto opened, file());
  return opened->sync();
}

Status IndexFile::trim() {
  if (!loaded()) {
    return {};  // nobody has touched it
  }
  const MutexLock io(io_mutex_);
  TRY_STATUS(save_locked());
  TRY(auto opened, file());
  TRY_STATUS(opened->truncate(static_cast<std::uint64_t>(count()) * entry_bytes_));
  grown_ = false;
  return {};
}

Status IndexFile::truncate(std::int64_t count) {
  TRY_STATUS(load());
  const MutexLock io(io_mutex_);
  {
    const MutexLock lock(mutex_);
    to_sync_ = to_sync_ || count < saved_;
    BARNABAS_CHECK(count <= count_.load(std::memory_order_relaxed));
    count_.store(count, std::memory_order_release);
    saved_ = std::min(saved_, count);
    if (count >= tail_first_) {
      tail_.resize(static_cast<std::size_t>(count - tail_first_) * entry_bytes_);
      return {};
    }
  }
  return load_tail(count);
}

void IndexFile::close_file() {
  const MutexLock io(io_mutex_);
  file_.reset();
}

Result<IndexFile::Slot> IndexFile::entry(std::int64_t number) const {
  Slot slot{number, {}};
  {
    const MutexLock lock(mutex_);
    if (number >= tail_first_) {
      const auto at = static_cast<std::size_t>(number - tail_first_) * entry_bytes_;
      if (at + entry_bytes_ > tail_.size()) {
        return fail(ErrorCode::kCorruptMessage, path_() + " has no such entry");
      }
      std::memcpy(slot.bytes.data(), tail_.data() + at, entry_bytes_);
      return slot;
    }
  }
  TRY(auto opened, reader());
  TRY(const std::size_t read, opened->read_at(static_cast<std::uint64_t>(number) * entry_bytes_,
                                              {slot.bytes.data(), entry_bytes_}));
  if (read != entry_bytes_) {
    return fail(ErrorCode::kCorruptMessage, path_() + " is shorter than its entries");
  }
  return slot;
}

IndexFile::Slot IndexFile::tail_floor(std::int64_t target, Key key) const {
  Slot slot;
  std::int64_t low = 0;
  auto high = static_cast<std::int64_t>(tail_.size() / entry_bytes_);
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (key(tail_.data() + static_cast<std::size_t>(middle) * entry_bytes_) <= target) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low > 0) {
    slot.number = tail_first_ + low - 1;
    std::memcpy(slot.bytes.data(), tail_.data() + static_cast<std::size_t>(low - 1) * entry_bytes_,
                entry_bytes_);
  }
  return slot;
}

Result<IndexFile::Slot> IndexFile::file_floor(const File& file, std::int64_t end,
                                              std::int64_t target, Key key) const {
  std::int64_t low = 0;  // entries below it are not above the target
  std::int64_t high = end;
  Entry probe{};
  while (high - low > kBlockEntries) {
    const std::int64_t middle = (low + high) / 2;
    TRY(const std::size_t read, file.read_at(static_cast<std::uint64_t>(middle) * entry_bytes_,
                                             {probe.data(), entry_bytes_}));
    if (read != entry_bytes_) {
      return fail(ErrorCode::kCorruptMessage, path_() + " is shorter than its entries");
    }
    if (key(probe.data()) <= target) {
      low = middle;
    } else {
      high = middle;
    }
  }
  std::array<std::byte, static_cast<std::size_t>(kBlockEntries) * kMaxEntryBytes> block;
  const auto bytes = static_cast<std::size_t>(high - low) * entry_bytes_;
  TRY(const std::size_t read,
      file.read_at(static_cast<std::uint64_t>(low) * entry_bytes_, {block.data(), bytes}));
  if (read != bytes) {
    return fail(ErrorCode::kCorruptMessage, path_() + " is shorter than its entries");
  }
  Slot slot;
  for (std::int64_t i = 0; i < high - low; ++i) {
    const std::byte* at = block.data() + static_cast<std::size_t>(i) * entry_bytes_;
    if (key(at) > target) {
      break;
    }
    slot.number = low + i;
    std::memcpy(slot.bytes.data(), at, entry_bytes_);
  }
  return slot;
}

Result<IndexFile::Slot> IndexFile::floor(std::int64_t target, Key key) const {
  std::int64_t in_file = 0;
  {
    const MutexLock lock(mutex_);
    const Slot slot = tail_floor(target, key);
    if (slot.number >= 0 || tail_first_ == 0) {
      return slot;
    }
    in_file = tail_first_;
  }
  TRY(auto opened, reader());
  return file_floor(*opened, in_file, target, key);
}

}  // namespace barnabas::storage
