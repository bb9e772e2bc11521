// What storage is given from outside: files, time, chance and the thread for slow work.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/random.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"

namespace barnabas::storage {

// Told of an I/O error after which the whole log dir must not be used any more (design: EIO, EROFS,
// any failed fsync, a directory that has vanished; never a full disk or a lack of descriptors).
class LogDirFailureListener {
 public:
  virtual ~LogDirFailureListener() = default;
  // Called at most once for a directory. Must not call back into storage. THREAD: any
  virtual void on_log_dir_failure(const std::string& log_dir, const Error& error) = 0;
};

struct StorageEnvironment {
  Vfs* vfs = nullptr;
  const Clock* clock = nullptr;
  Executor* disk = nullptr;  // flushes, deletions and checkpoints run here
  Random* random = nullptr;  // used under the log manager's lock
  // Runs all of them, several at a time if it likes, and returns when all are done; logs are loaded
  // and closed so. None: one after the other.
  std::function<void(std::vector<Task>)> run_all = nullptr;
};

}  // namespace barnabas::storage
