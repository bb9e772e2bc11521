// All file access goes through a Vfs, so that tests can stop, fail and forget any single write.
// Errors: code KAFKA_STORAGE_ERROR with the path and errno; which errno takes a log dir offline is
// decided above (docs/design of storage), never here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"

namespace barnabas {

// An open file. THREAD: any for reads and transfer; writes by one thread at a time.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual const std::string& path() const = 0;
  // Reads until `out` is full or the file ends; returns the bytes read.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t position,
                                                    MutableBytes out) const = 0;
  // Writes all of it or fails; a failed write may have written a part.
  [[nodiscard]] virtual Status write_at(std::uint64_t position, ByteView bytes) = 0;
  // The same for several pieces in one gather write.
  [[nodiscard]] virtual Status write_gather_at(std::uint64_t position,
                                               std::span<const ByteView> pieces) = 0;
  [[nodiscard]] virtual Status truncate(std::uint64_t size) = 0;
  // Reserves disk blocks for [0, size) and grows the file to `size`.
  [[nodiscard]] virtual Status allocate(std::uint64_t size) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  // Content and size are on stable storage when this returns (fdatasync).
  [[nodiscard]] virtual Status sync() = 0;
  // Sends [position, position+length) to a non-blocking socket without copying where the platform
  // can. Returns bytes sent (> 0), 0 at the end of the file, or -errno (-EAGAIN: socket full).
  [[nodiscard]] virtual std::int64_t transfer(int socket, std::uint64_t position,
                                              std::size_t length) const = 0;
  // Whether reading the range would not wait for the disk; false negatives are allowed.
  [[nodiscard]] virtual bool resident(std::uint64_t position, std::size_t length) const = 0;
  // Starts writing dirty pages of the range to the disk, without waiting.
  virtual void start_writeback(std::uint64_t position, std::uint64_t length) = 0;
};

// An exclusive whole-file lock (fcntl, as Java's FileChannel.lock) held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode {
  kRead,             // must exist
  kReadWrite,        // must exist
  kCreate,           // created when missing
  kCreateTruncated,  // created, or emptied when it exists
  kCreatePrivate,    // the same, and nobody but its owner may read it (mode 0600)
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

struct FileInfo {
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;  // milliseconds since 1970
  bool is_directory = false;
};

// THREAD: any
class Vfs {
 public:
  virtual ~Vfs() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path,
                                                           OpenMode mode) = 0;
  [[nodiscard]] virtual Result<FileInfo> stat(const std::string& path) const = 0;
  [[nodiscard]] virtual bool exists(const std::string& path) const = 0;
  // Sorted by name, so that nothing depends on the order of the file system.
  [[nodiscard]] virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) const = 0;
  [[nodiscard]] virtual Status create_directories(const std::string& path) = 0;
  [[nodiscard]] virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Removing what is not there is no error.
  [[nodiscard]] virtual Status remove(const std::string& path) = 0;
  [[nodiscard]] virtual Status remove_tree(const std::string& path) = 0;
  // Makes creations, renames and removals in `path` durable.
  [[nodiscard]] virtual Status sync_directory(const std::string& path) = 0;
  // Fails with the holder's pid in the message when another process holds it.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes(const std::string& path) const = 0;
  // Of the whole file system that holds `path`.
  [[nodiscard]] virtual Result<std::uint64_t> total_bytes(const std::string& path) const = 0;
  // Names the kernel's life: as long as it is the same, what was written can be read back, synced
  // or not. Empty where that cannot be told.
  [[nodiscard]] virtual std::string boot_id() const = 0;
  // Sets the modification time (Kafka ages a segment without timestamps by it).
  [[nodiscard]] virtual Status set_modified_ms(const std::string& path, std::int64_t ms) = 0;
};

[[nodiscard]] std::unique_ptr<Vfs> make_posix_vfs();

// Reads a whole file; fails when it is larger than `max_bytes`.
[[nodiscard]] Result<std::string> read_file(const Vfs& vfs, const std::string& path,
                                            std::uint64_t max_bytes);
// Replaces `path` so that a crash leaves the old or the new content, never a mixture: written to
// `path`.tmp, synced, renamed, directory synced.
[[nodiscard]] Status write_file_atomically(Vfs& vfs, const std::string& path,
                                           std::string_view content);
// The same for what nobody but the owner may read.
[[nodiscard]] Status write_private_file_atomically(Vfs& vfs, const std::string& path,
                                                   std::string_view content);

}  // namespace barnabas
