// A file system in memory that can fail, fill up and forget, for tests of everything that writes
// files. What is written is seen at once; what survives a crash is what was synced: the bytes of a
// file by File::sync, its name by Vfs::sync_directory of the directory it lies in.
//
// A test of crashes lets the code run until power_off_after(n) cuts it off in its n-th change
// (every later change fails and does nothing), throws the code's objects away, calls crash() and
// begins again on what is left.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/random.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/vfs.h"

namespace barnabas::testing {

// The changes that can be made to fail.
enum class FileOp : std::uint8_t {
  kOpen,
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kRename,
  kRemove,
  kCreateDirectory,
  kSyncDirectory,
};

struct Fault {
  FileOp op = FileOp::kWrite;
  std::string path_contains;        // empty: any path
  int skip = 0;                     // how many matching ones pass before
  int error = 5;                    // errno; EIO
  std::uint64_t partial_bytes = 0;  // of a write: how much of it is done all the same
  bool for_ever = false;            // or once
};

enum class CrashMode : std::uint8_t {
  kProcess,       // the process dies, the kernel does not: nothing is lost
  kLoseUnsynced,  // power fails: everything that was not synced is gone
  kRandom,        // power fails: any part of it may have reached the disk, writes may be torn
};

class MemoryVfs final : public Vfs {
 public:
  // `clock` gives modification times; without it they stand at 0 until set.
  explicit MemoryVfs(const Clock* clock = nullptr);
  ~MemoryVfs() override;

  // Faults.
  void add_fault(const Fault& fault);
  void clear_faults();
  // How many faults have struck.
  [[nodiscard]] int faults_hit() const;
  // Lets `changes` more changes through; after that each fails (EIO) and does nothing, but for the
  // first, of which, if it is a write, so many bytes are done.
  void power_off_after(std::uint64_t changes, std::uint64_t torn_bytes = 0);
  [[nodiscard]] bool powered_off() const;
  // Changes (writes, truncations, syncs, renames, removals, creations) made so far.
  [[nodiscard]] std::uint64_t changes() const;
  // Bytes of content the disk can hold; writes past it fail with ENOSPC after what fits.
  void set_capacity(std::uint64_t bytes);

  // The machine stops here; power is on again afterwards. Locks are gone, files that were open must
  // not be used any more. `random` is needed for kRandom.
  void crash(CrashMode mode, Random* random = nullptr);

  // For tests that look or tamper. Content of a missing file: nullopt.
  [[nodiscard]] std::optional<std::string> content(const std::string& path) const;
  void set_content(const std::string& path, std::string_view content);
  // Every file below `directory`, with its path from there.
  [[nodiscard]] std::vector<std::string> files(const std::string& directory) const;
  [[nodiscard]] std::uint64_t syncs_of(const std::string& path) const;
  // Bytes read from files whose path ends so, since the beginning.
  [[nodiscard]] std::uint64_t bytes_read(std::string_view path_end) const;

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  [[nodiscard]] Result<FileInfo> stat(const std::string& path) const override;
  [[nodiscard]] bool exists(const std::string& path) const override;
  [[nodiscard]] Result<std::vector<DirectoryEntry>> list(const std::string& path) const override;
  [[nodiscard]] Status create_directories(const std::string& path) override;
  [[nodiscard]] Status rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status remove(const std::string& path) override;
  [[nodiscard]] Status remove_tree(const std::string& path) override;
  [[nodiscard]] Status sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& path) const override;
  [[nodiscard]] Result<std::uint64_t> total_bytes(const std::string& path) const override;
  [[nodiscard]] std::string boot_id() const override;
  [[nodiscard]] Status set_modified_ms(const std::string& path, std::int64_t ms) override;

 private:
  friend class MemoryFile;
  friend class MemoryLock;

  // Content up to the last byte ever written; what lies between that and `size` reads as zeros.
  struct Content {
    std::string bytes;
    std::uint64_t size = 0;
    void write(std::uint64_t position, ByteView data);
    void truncate(std::uint64_t to);
  };
  struct Change {
    std::optional<std::uint64_t> truncate_to;  // else a write
    std::uint64_t position = 0;
    std::string bytes;
  };
  struct Inode {
    Content now;
    Content synced;
    std::vector<Change> unsynced;
    std::int64_t modified_ms = 0;
    std::uint64_t syncs = 0;
  };
  using InodePtr = std::shared_ptr<Inode>;
  struct Node {
    InodePtr file;  // null: a directory
  };
  using Tree = std::map<std::string, Node>;
  // One change of names, kept until the directories it touches are synced.
  struct NameChange {
    std::set<std::string> directories;  // still to be synced
    std::function<void(Tree&)> apply;
  };

  [[nodiscard]] Status check(FileOp op, const std::string& path) const REQUIRES(mutex_);
  [[nodiscard]] Status begin_change(FileOp op, const std::string& path) REQUIRES(mutex_);
  void count_change() REQUIRES(mutex_);
  [[nodiscard]] const Fault* matching_fault(FileOp op, const std::string& path) const
      REQUIRES(mutex_);
  void change_names(std::set<std::string> directories, std::function<void(Tree&)> apply)
      REQUIRES(mutex_);
  [[nodiscard]] Status write(Inode& inode, const std::string& path, std::uint64_t position,
                             std::span<const ByteView> pieces) EXCLUDES(mutex_);
  [[nodiscard]] Status truncate(Inode& inode, const std::string& path, std::uint64_t size)
      EXCLUDES(mutex_);
  [[nodiscard]] Status sync(Inode& inode, const std::string& path) EXCLUDES(mutex_);
  [[nodiscard]] Result<std::size_t> read(const Inode& inode, const std::string& path,
                                         std::uint64_t position, MutableBytes out) const
      EXCLUDES(mutex_);
  void touch(Inode& inode) REQUIRES(mutex_);
  void lose_unsynced() REQUIRES(mutex_);
  void lose_randomly(Random& random) REQUIRES(mutex_);
  [[nodiscard]] std::uint64_t used_bytes() const REQUIRES(mutex_);

  const Clock* clock_;
  mutable Mutex mutex_;
  Tree tree_ GUARDED_BY(mutex_);
  Tree synced_tree_ GUARDED_BY(mutex_);
  std::vector<NameChange> unsynced_names_ GUARDED_BY(mutex_);
  mutable std::vector<Fault> faults_ GUARDED_BY(mutex_);
  mutable int faults_hit_ GUARDED_BY(mutex_) = 0;
  std::uint64_t changes_ GUARDED_BY(mutex_) = 0;
  std::optional<std::uint64_t> power_left_ GUARDED_BY(mutex_);
  int boots_ GUARDED_BY(mutex_) = 0;
  std::uint64_t torn_bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t capacity_ GUARDED_BY(mutex_) = UINT64_MAX;
  std::set<std::string> locks_ GUARDED_BY(mutex_);
  mutable std::map<std::string, std::uint64_t> bytes_read_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::testing
