// The aborted transactions whose markers lie in a segment, in the order of the markers. The file
// exists only once there is one. Kafka's TransactionIndex; format in docs/formats.md.
//
// Threads: safe from any; an append while a reader walks shows the reader the entries before it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/vfs.h"

namespace barnabas::storage {

struct AbortedTxn {
  ProducerId producer_id;
  Offset first_offset;
  Offset last_offset;  // of the marker
  Offset last_stable_offset;
  bool operator==(const AbortedTxn&) const = default;
};

class TransactionIndex {
 public:
  static constexpr std::size_t kEntryBytes = 34;

  TransactionIndex(Vfs& vfs, std::function<std::string()> path)
      : vfs_(vfs), path_(std::move(path)) {}

  Status append(const AbortedTxn& txn) EXCLUDES(mutex_);
  // Those that overlap [from, upper_bound). `complete`: no later segment can hold another.
  Status collect(Offset from, Offset upper_bound, std::vector<AbortedTxn>& out, bool& complete)
      EXCLUDES(mutex_);
  // Drops those whose marker lies at or above `offset`.
  Status truncate_to(Offset offset) EXCLUDES(mutex_);
  Status reset() EXCLUDES(mutex_);
  // Puts these entries in the place of whatever the file holds.
  Status replace(const std::vector<AbortedTxn>& entries) EXCLUDES(mutex_);
  Status sync() EXCLUDES(mutex_);
  // CORRUPT_MESSAGE where the file cannot be that of a segment with offsets in [base, end).
  Status check(Offset base, Offset end) EXCLUDES(mutex_);
  void close_file() EXCLUDES(mutex_);
  [[nodiscard]] bool exists() const;

 private:
  Status load() REQUIRES(mutex_);
  Status reset_locked() REQUIRES(mutex_);

  Vfs& vfs_;
  std::function<std::string()> path_;
  Mutex mutex_;
  bool loaded_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<File> file_ GUARDED_BY(mutex_);  // null: there is none
  std::vector<AbortedTxn> entries_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::storage
