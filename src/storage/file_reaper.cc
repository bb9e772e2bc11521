#include "file_reaper.h"

#include <algorithm>

#include "barnabas/base/logging.h"

namespace barnabas::storage {
namespace {

// Past this nobody waits; it also keeps the conversion to nanoseconds in range.
constexpr std::int64_t kLongestDelayMs = std::int64_t{365} * 24 * 3600 * 1000;

}  // namespace

void FileReaper::remove_later(std::vector<std::string> paths, std::int64_t delay_ms,
                              std::shared_ptr<LogDirState> log_dir) {
  if (paths.empty()) {
    return;
  }
  disk_.post([self = shared_from_this(), paths = std::move(paths), delay_ms,
              log_dir = std::move(log_dir)]() mutable {
    self->set_timer(std::move(paths), delay_ms, std::move(log_dir));
  });
}

void FileReaper::set_timer(std::vector<std::string> paths, std::int64_t delay_ms,
                           std::shared_ptr<LogDirState> log_dir) {
  const MutexLock lock(mutex_);
  if (stopped_) {
    return;
  }
  const std::uint64_t id = next_++;
  const auto delay =
      std::chrono::milliseconds(std::clamp<std::int64_t>(delay_ms, 0, kLongestDelayMs));
  timers_[id] = disk_.run_after(delay, [self = shared_from_this(), id, paths = std::move(paths),
                                        log_dir = std::move(log_dir)] {
    self->remove(paths, *log_dir);
    // Not here: the timer may own this very task.
    self->disk_.post([self, id] {
      const MutexLock forget(self->mutex_);
      self->timers_.erase(id);
    });
  });
}

void FileReaper::remove(const std::vector<std::string>& paths, LogDirState& log_dir) {
  const MutexLock work(work_mutex_);
  for (const auto& path : paths) {
    if (done_ || log_dir.offline()) {
      return;
    }
    const Status removed = vfs_.remove_tree(path);
    if (removed) {
      logging::logger("storage").info("deleted {}", path);
    } else {
      logging::logger("storage").warn("{}", removed.error().message);
      log_dir.note(removed);
    }
  }
}

void FileReaper::stop() {
  std::map<std::uint64_t, std::unique_ptr<Timer>> timers;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    timers.swap(timers_);
  }
  timers.clear();
  const MutexLock work(work_mutex_);
  done_ = true;
}

}  // namespace barnabas::storage
