// Removes renamed files and directories file.delete.delay.ms after they were renamed, so that
// readers that have them open are done. What a crash leaves behind, the next load removes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/executor.h"
#include "barnabas/base/vfs.h"
#include "io_errors.h"

namespace barnabas::storage {

class FileReaper : public std::enable_shared_from_this<FileReaper> {
 public:
  FileReaper(Vfs& vfs, Executor& disk) : vfs_(vfs), disk_(disk) {}

  // Files, or directories with what is in them. THREAD: any
  void remove_later(std::vector<std::string> paths, std::int64_t delay_ms,
                    std::shared_ptr<LogDirState> log_dir);
  // Nothing is removed after this. THREAD: disk
  void stop();

 private:
  void set_timer(std::vector<std::string> paths, std::int64_t delay_ms,
                 std::shared_ptr<LogDirState> log_dir);
  void remove(const std::vector<std::string>& paths, LogDirState& log_dir);

  Vfs& vfs_;
  Executor& disk_;
  // The disk executor's.
  bool stopped_ = false;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Timer>> timers_;
};

}  // namespace barnabas::storage
