// Keeps compacted logs compact: picks the log whose dirty part is the largest share of it, runs one
// pass of compaction over it in steps on the disk executor, remembers how far it is clean, and goes
// on until no log is dirty enough; then looks again after log.cleaner.backoff.ms. Kafka's
// LogCleaner and LogCleanerManager. Compacted logs are left alone by retention, so that what is to
// be deleted of them is deleted here.
//
// Life cycle: load_checkpoint() for every log dir, start(), stop(). One worker each for
// log.cleaner.threads, with its own part of the memory and of the bytes a second.
// How it fails: a log whose bytes do not hold is said and left alone until the next start.
// Threads: safe from any; steps run on the disk executor, one at a time for each worker.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "barnabas/base/thread_annotations.h"
#include "barnabas/storage/environment.h"
#include "barnabas/storage/log_manager.h"
#include "checkpoint_files.h"
#include "compaction.h"

namespace barnabas::storage {

class LogCleaner {
 public:
  using Logs = std::function<std::vector<std::shared_ptr<LogImpl>>()>;

  LogCleaner(const CleanerOptions& options, const StorageEnvironment& env,
             std::shared_ptr<SteadyWall> wall, Logs logs);

  // What the log dir's cleaner-offset-checkpoint holds. One that cannot be read counts as empty:
  // everything is looked at again.
  void load_checkpoint(const std::string& log_dir) EXCLUDES(mutex_);
  // Begins to work after `delay_ms`. THREAD: any
  void start(std::int64_t delay_ms);
  // Waits for the steps that are running; none runs afterwards. THREAD: any
  void stop();
  // Cleans until nothing is dirty enough, at once. THREAD: disk
  void run_until_clean();

  [[nodiscard]] std::optional<Offset> cleaned_up_to(const TopicPartition& partition) const
      EXCLUDES(mutex_);

 private:
  struct Worker {
    Mutex mutex;
    bool stopped GUARDED_BY(mutex) = false;
    std::shared_ptr<LogImpl> log GUARDED_BY(mutex);
    std::unique_ptr<Compaction> pass GUARDED_BY(mutex);
    std::int64_t pass_began_ms GUARDED_BY(mutex) = 0;  // monotonic
    std::unique_ptr<Timer> timer GUARDED_BY(mutex);
  };

  void schedule(const std::shared_ptr<Worker>& worker, std::int64_t delay_ms);
  // Does a step; returns when the next one is due.
  [[nodiscard]] std::int64_t work(Worker& worker) REQUIRES(worker.mutex) EXCLUDES(mutex_);
  [[nodiscard]] bool begin_pass(Worker& worker) REQUIRES(worker.mutex) EXCLUDES(mutex_);
  void end_pass(Worker& worker, const Status& result) REQUIRES(worker.mutex) EXCLUDES(mutex_);
  [[nodiscard]] bool may_clean(const TopicPartition& partition) const REQUIRES(mutex_);
  void remember(const LogImpl& log, Offset clean_up_to) EXCLUDES(mutex_);
  void delete_old_segments() EXCLUDES(mutex_);

  const CleanerOptions options_;
  const StorageEnvironment env_;
  const std::shared_ptr<SteadyWall> wall_;
  const Logs logs_;
  std::vector<std::shared_ptr<Worker>> workers_;

  mutable Mutex mutex_;                                        // after a worker's
  std::map<std::string, OffsetMap> clean_ GUARDED_BY(mutex_);  // by log dir
  std::set<TopicPartition> in_progress_ GUARDED_BY(mutex_);
  std::set<TopicPartition> uncleanable_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::storage
