// Removes renamed files and directories file.delete.delay.ms after they were renamed, so that
// readers that have them open are done. What a crash leaves behind, the next load removes.
// The disk executor may have several threads; all is guarded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/executor.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/vfs.h"
#include "io_errors.h"

namespace barnabas::storage {

class FileReaper : public std::enable_shared_from_this<FileReaper> {
 public:
  FileReaper(Vfs& vfs, Executor& disk) : vfs_(vfs), disk_(disk) {}

  // Files, or directories with what is in them. THREAD: any
  void remove_later(std::vector<std::string> paths, std::int64_t delay_ms,
                    std::shared_ptr<LogDirState> log_dir);
  // Nothing is removed after this returned. Not from one of its own tasks. THREAD: any
  void stop() EXCLUDES(mutex_, work_mutex_);

 private:
  void set_timer(std::vector<std::string> paths, std::int64_t delay_ms,
                 std::shared_ptr<LogDirState> log_dir) EXCLUDES(mutex_);
  void remove(const std::vector<std::string>& paths, LogDirState& log_dir)
      EXCLUDES(mutex_, work_mutex_);

  Vfs& vfs_;
  Executor& disk_;
  Mutex work_mutex_;  // held while files are removed
  bool done_ GUARDED_BY(work_mutex_) = false;
  Mutex mutex_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::uint64_t next_ GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, std::unique_ptr<Timer>> timers_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::storage
