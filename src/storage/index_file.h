// A file of entries of one size, sorted, appended at the end: what the offset and the time index
// have in common. Formats: docs/formats.md.
//
// The file is never mapped: a store into a sparse mapping on a full disk would kill the process.
// The newest entries lie in memory; they are written to the file in blocks (kSaveEntries), at a
// roll, at a flush and at close. While the segment is active the file has the size of
// segment.index.bytes, as Kafka's, and zeros at its end; a clean stop cuts it to its entries.
//
// Threads: append and the other changes by one thread at a time (the log's lock), lookups and save
// from any thread. Lock order: io_mutex_ before mutex_.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/vfs.h"

namespace barnabas::storage {

class IndexFile {
 public:
  static constexpr std::size_t kMaxEntryBytes = 12;
  static constexpr std::size_t kSaveEntries = 512;  // unsaved ones after which save() is due

  using Entry = std::array<std::byte, kMaxEntryBytes>;
  struct Slot {
    std::int64_t number = -1;  // -1: none
    Entry bytes{};
  };
  // The value entries are searched by.
  using Key = std::int64_t (*)(const std::byte* entry);
  using PathOf = std::function<std::string()>;

  IndexFile(Vfs& vfs, PathOf path, std::size_t entry_bytes)
      : vfs_(vfs), path_(std::move(path)), entry_bytes_(entry_bytes) {}

  // A new file, empty, with room for `max_bytes`; `replaces`: one with entries may lie there.
  Status create(std::int32_t max_bytes, bool replaces);
  // Takes what lies in the file as it is. Asked for the number of entries before this, an existing
  // index looks at its file by itself.
  Status load();
  // Room for further entries; the file grows when the first of them is written.
  Status make_active(std::int32_t max_bytes);

  [[nodiscard]] std::int64_t count() const { return count_.load(std::memory_order_acquire); }
  [[nodiscard]] std::int64_t max_entries() const { return max_entries_; }
  [[nodiscard]] bool loaded() const { return loaded_.load(std::memory_order_acquire); }

  // Returns whether save() is due.
  bool append(const std::byte* entry) EXCLUDES(mutex_);
  // Writes what is only in memory.
  Status save() EXCLUDES(io_mutex_, mutex_);
  // What was saved is on stable storage when this returns. An index that never had an entry is
  // left: should it show its full length after a crash, its zeros tell.
  Status sync() EXCLUDES(io_mutex_);
  // Saves and cuts the file to its entries.
  Status trim() EXCLUDES(io_mutex_, mutex_);
  // Keeps the first `count` entries.
  Status truncate(std::int64_t count) EXCLUDES(io_mutex_, mutex_);
  // Gives the descriptor back; it is opened again when needed.
  void close_file() EXCLUDES(io_mutex_);

  [[nodiscard]] Result<Slot> entry(std::int64_t number) const EXCLUDES(io_mutex_, mutex_);
  // The last entry whose key is not above `target`.
  [[nodiscard]] Result<Slot> floor(std::int64_t target, Key key) const EXCLUDES(io_mutex_, mutex_);

 private:
  [[nodiscard]] Result<std::shared_ptr<File>> file() const REQUIRES(io_mutex_);
  [[nodiscard]] Result<std::shared_ptr<File>> reader() const EXCLUDES(io_mutex_);
  Status save_locked() REQUIRES(io_mutex_) EXCLUDES(mutex_);
  Status load_tail(std::int64_t count) REQUIRES(io_mutex_) EXCLUDES(mutex_);
  [[nodiscard]] Slot tail_floor(std::int64_t target, Key key) const REQUIRES(mutex_);
  [[nodiscard]] Result<Slot> file_floor(const File& file, std::int64_t end, std::int64_t target,
                                        Key key) const;

  Vfs& vfs_;
  PathOf path_;
  const std::size_t entry_bytes_;
  std::int64_t max_entries_ = 0;  // the log's lock
  std::atomic<std::int64_t> count_{0};
  std::atomic<bool> loaded_{false};

  mutable Mutex io_mutex_;  // order of writes to the file
  mutable std::shared_ptr<File> file_ GUARDED_BY(io_mutex_);
  bool grown_ GUARDED_BY(io_mutex_) = false;  // the file has room beyond its entries
  std::uint64_t grown_bytes_ GUARDED_BY(io_mutex_) = 0;
  bool to_sync_ GUARDED_BY(io_mutex_) = false;  // entries were written or cut since the last sync

  mutable Mutex mutex_;
  std::vector<std::byte> tail_ GUARDED_BY(mutex_);  // entries from tail_first_ on
  std::int64_t tail_first_ GUARDED_BY(mutex_) = 0;
  std::int64_t saved_ GUARDED_BY(mutex_) = 0;  // entries that are in the file
};

}  // namespace barnabas::storage
