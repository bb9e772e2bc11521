// Keeps compacted logs compact: picks the log whose dirty part is the largest share of it, runs one
// pass of compaction over it in steps on the disk executor, remembers how far it is clean, and goes
// on until no log is dirty enough; then looks again after log.cleaner.backoff.ms. Kafka's
// LogCleaner and LogCleanerManager. Compacted logs are left alone by retention, so that what is to
// be deleted of them is deleted here.
//
// Life cycle: load_checkpoint() for every log dir, start(), any number of reconfigure(), stop().
// One worker each for log.cleaner.threads, with its own part of the memory and of the bytes a
// second. How it fails: a log whose bytes do not hold is said and left alone until the next start.
// Threads: safe from any; steps run on the disk executor, one at a time for each worker.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
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
  // Begins to work soon. THREAD: any
  void start() EXCLUDES(mutex_);
  // New workers take over; passes that are under way are given up. THREAD: any
  void reconfigure(const CleanerOptions& options) EXCLUDES(mutex_);
  // Waits for the steps that are running; none runs afterwards. THREAD: any
  void stop() EXCLUDES(mutex_);
  // Cleans until nothing is dirty enough, at once. THREAD: disk
  void run_until_clean() EXCLUDES(mutex_);

  // The log was cut to `offset`: what is written there from now on is dirty. THREAD: any
  void on_truncation(const LogImpl& log, Offset offset) EXCLUDES(mutex_);
  // The logs are gone; others of their names begin anew. THREAD: disk
  void forget(std::span<const TopicPartition> partitions) EXCLUDES(mutex_);

  [[nodiscard]] std::optional<Offset> cleaned_up_to(const TopicPartition& partition) const
      EXCLUDES(mutex_);

 private:
  enum class State : std::uint8_t { kWorking, kRetiring, kStopped };
  struct Worker {
    explicit Worker(const CleanerOptions& given) : options(given) {}
    const CleanerOptions options;
    Mutex mutex;
    State state GUARDED_BY(mutex) = State::kWorking;
    std::shared_ptr<LogImpl> log GUARDED_BY(mutex);
    std::unique_ptr<Compaction> pass GUARDED_BY(mutex);
    std::int64_t pass_began_ms GUARDED_BY(mutex) = 0;  // monotonic
    std::unique_ptr<Timer> timer GUARDED_BY(mutex);
  };

  using Workers = std::vector<std::shared_ptr<Worker>>;
  [[nodiscard]] static Workers make_workers(const CleanerOptions& options);
  [[nodiscard]] static int worker_count(const CleanerOptions& options);
  void set_going(const Workers& workers);
  void schedule(const std::shared_ptr<Worker>& worker, std::int64_t delay_ms)
      REQUIRES(worker->mutex);
  void give_up(Worker& worker) REQUIRES(worker.mutex) EXCLUDES(mutex_);
  // Does a step; returns when the next one is due.
  [[nodiscard]] std::int64_t work(Worker& worker) REQUIRES(worker.mutex) EXCLUDES(mutex_);
  [[nodiscard]] bool begin_pass(Worker& worker) REQUIRES(worker.mutex) EXCLUDES(mutex_);
  void end_pass(Worker& worker, const Status& result) REQUIRES(worker.mutex) EXCLUDES(mutex_);
  [[nodiscard]] bool may_clean(const TopicPartition& partition) const REQUIRES(mutex_);
  // `truncations`: how often the log had been cut when it was looked at.
  void remember(const std::shared_ptr<LogImpl>& log, Offset clean_up_to, std::uint64_t truncations)
      EXCLUDES(mutex_);
  void write_checkpoint(const std::string& log_dir) REQUIRES(mutex_);
  void delete_old_segments() EXCLUDES(mutex_);
  void delete_old_segments(LogImpl& log) EXCLUDES(mutex_);

  const StorageEnvironment env_;
  const std::shared_ptr<SteadyWall> wall_;
  const Logs logs_;

  mutable Mutex mutex_;  // after a worker's, before a log's
  Workers workers_ GUARDED_BY(mutex_);
  Workers retired_ GUARDED_BY(mutex_);  // until stop(), which waits for them, too
  enum class Life : std::uint8_t { kIdle, kStarted, kStopped };
  Life life_ GUARDED_BY(mutex_) = Life::kIdle;
  std::map<std::string, OffsetMap> clean_ GUARDED_BY(mutex_);  // by log dir
  std::set<TopicPartition> in_progress_ GUARDED_BY(mutex_);
  std::set<TopicPartition> uncleanable_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::storage
