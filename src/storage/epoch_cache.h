// Leader epochs and the offset each began at; kept in leader-epoch-checkpoint. Kafka's
// LeaderEpochFileCache.
//
// The file is written on the disk executor, not by the append that begins an epoch: what lies past
// the recovery point is found again in the batches themselves, and flush() is called before the
// recovery point moves, so that no entry is lost that cannot be rebuilt.
// Threads: safe from any. Lock order: io_mutex_ before mutex_.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/vfs.h"
#include "barnabas/storage/log.h"
#include "file_names.h"

namespace barnabas::storage {

class EpochCache {
 public:
  EpochCache(Vfs& vfs, std::shared_ptr<const DirectoryPath> directory)
      : vfs_(vfs), directory_(std::move(directory)) {}

  // Reads the checkpoint. A damaged one is an error; the caller says so and goes on without.
  Status load();
  // Each returns whether something changed and a flush is due.
  bool assign(LeaderEpoch epoch, Offset start) {
    if (epoch.value() == latest_epoch_.load(std::memory_order_relaxed) &&
        start.value() >= latest_start_.load(std::memory_order_relaxed)) {
      return false;
    }
    return assign_slowly(epoch, start);
  }
  bool truncate_from_end(Offset end) EXCLUDES(mutex_);
  bool truncate_from_start(Offset start) EXCLUDES(mutex_);
  bool clear() EXCLUDES(mutex_);
  // Writes the checkpoint if it is older than the entries. THREAD: disk
  Status flush() EXCLUDES(io_mutex_, mutex_);

  [[nodiscard]] std::optional<EpochEntry> latest() const EXCLUDES(mutex_);
  [[nodiscard]] std::optional<EpochEntry> earliest() const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<EpochEntry> entries() const EXCLUDES(mutex_);
  [[nodiscard]] EpochEndOffset end_offset_for(LeaderEpoch epoch, Offset log_end) const
      EXCLUDES(mutex_);

 private:
  bool assign_slowly(LeaderEpoch epoch, Offset start) EXCLUDES(mutex_);
  void changed() REQUIRES(mutex_);

  Vfs& vfs_;
  std::shared_ptr<const DirectoryPath> directory_;
  Mutex io_mutex_;
  mutable Mutex mutex_;
  std::vector<EpochEntry> entries_ GUARDED_BY(mutex_);  // epochs and start offsets rise
  std::uint64_t version_ GUARDED_BY(mutex_) = 0;
  std::uint64_t written_version_ GUARDED_BY(mutex_) = 0;
  // Copies for the append, which asks for every batch.
  std::atomic<std::int32_t> latest_epoch_{kNoLeaderEpoch.value()};
  std::atomic<std::int64_t> latest_start_{0};
};

}  // namespace barnabas::storage
