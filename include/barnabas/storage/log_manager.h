// All logs of a broker: the log dirs with their locks, identities and checkpoints, loading at
// start, creation and deletion of logs, and the periodic work (retention, flush, checkpoints). As
// Kafka 3.9.1's LogManager; docs/formats.md draws the files.
//
// Life cycle: open() takes the locks, then meta_properties() and write_meta_properties(), then
// load(), then start(); stop() flushes, closes, writes checkpoints and the marker of a clean stop,
// and gives the locks back. A manager that is destroyed without stop() leaves what a crash leaves.
//
// How it fails: a directory that is in use by another process, or holds what is not a topic's, is
// refused (open() and load() fail, and the broker does not start). A directory whose disk fails is
// taken offline, and its logs with it; when none is left, every creation fails.
//
// Threads: safe to call from any thread; load(), stop() and deletions wait for the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/storage/environment.h"
#include "barnabas/storage/log.h"
#include "barnabas/storage/log_config.h"

namespace barnabas::storage {

// Compaction, with Kafka 3.9.1's defaults.
struct CleanerOptions {
  bool operator==(const CleanerOptions&) const = default;
  bool enabled = true;                          // log.cleaner.enable
  int threads = 1;                              // log.cleaner.threads
  std::size_t dedupe_buffer_bytes = 134217728;  // log.cleaner.dedupe.buffer.size, of all threads
  std::size_t io_buffer_bytes = 524288;         // log.cleaner.io.buffer.size, of all threads
  double load_factor = 0.9;                     // log.cleaner.io.buffer.load.factor
  double max_bytes_per_second = 1.7976931348623157E308;  // log.cleaner.io.max.bytes.per.second
  std::int64_t backoff_ms = 15000;                       // log.cleaner.backoff.ms
};

struct LogManagerOptions {
  std::vector<std::string> log_dirs;                           // log.dirs, in the order given
  LogConfig default_config;                                    // of topics without overrides
  std::int64_t retention_check_interval_ms = 300000;           // log.retention.check.interval.ms
  std::int64_t flush_scheduler_interval_ms = INT64_MAX;        // log.flush.scheduler.interval.ms
  std::int64_t recovery_point_checkpoint_interval_ms = 60000;  // log.flush.offset.checkpoint...
  std::int64_t log_start_checkpoint_interval_ms = 60000;       // log.flush.start.offset...
  std::int64_t high_watermark_checkpoint_interval_ms =
      5000;                                           // replica.high.watermark.checkpoint...
  std::int64_t producer_id_expiration_ms = 86400000;  // producer.id.expiration.ms
  std::int64_t producer_id_expiration_check_interval_ms = 600000;
  std::int64_t initial_task_delay_ms = 30000;  // log.initial.task.delay.ms
  // Behind so many bytes of appends a flush follows, so that a crash leaves little to be read
  // again.
  std::uint64_t flush_behind_bytes = std::uint64_t{64} << 20U;
  // Behind so many bytes of appends to a log dir its logs have snapshots of their producers, from
  // which a start goes on where the process has died and the machine has not. A log that wrote less
  // than a sixteenth of it has to wait.
  std::uint64_t snapshot_behind_bytes = std::uint64_t{16} << 20U;
  CleanerOptions cleaner;
};

// What meta.properties holds, the same in every log dir.
struct MetaProperties {
  std::optional<std::string> cluster_id;
  std::optional<BrokerId> broker_id;
};

// One log dir and the file system that holds it. Online only with what could be found out.
struct LogDirUsage {
  std::string path;
  bool online = false;
  std::uint64_t total_bytes = 0;
  std::uint64_t usable_bytes = 0;
};

class LogManager {
 public:
  // The configuration a topic's logs are loaded with. Called by several threads where
  // StorageEnvironment::run_all loads so.
  using ConfigLookup = std::function<LogConfig(const std::string& topic)>;

  // Creates missing directories, locks each, reads meta.properties. THREAD: any
  [[nodiscard]] static Result<std::unique_ptr<LogManager>> open(const LogManagerOptions& options,
                                                                const StorageEnvironment& env);
  virtual ~LogManager() = default;

  // Whom to tell that a directory has failed; those that failed before are told at once.
  virtual void set_failure_listener(LogDirFailureListener* listener) = 0;

  [[nodiscard]] virtual const MetaProperties& meta_properties() const = 0;
  // Writes meta.properties where it is missing or lacks a field; a different id that stands there
  // is an error, in Kafka's words.
  [[nodiscard]] virtual Status write_meta_properties(const std::string& cluster_id,
                                                     BrokerId broker_id) = 0;

  // Loads every log: after a clean stop nothing is read again, after a crash the segments past the
  // recovery point are checked. THREAD: disk
  [[nodiscard]] virtual Status load(const ConfigLookup& config_of) = 0;
  // Whether every log dir had been closed cleanly; holds after load().
  [[nodiscard]] virtual bool had_clean_shutdown() const = 0;
  // Begins the periodic tasks on the disk executor.
  virtual void start() = 0;
  // What log.cleaner.* says from now on; nothing where the cleaner does not run. THREAD: any
  virtual void update_cleaner(const CleanerOptions& options) = 0;
  // Ends them, closes all logs, writes checkpoints and markers. THREAD: disk
  [[nodiscard]] virtual Status stop(BrokerEpoch broker_epoch) = 0;

  [[nodiscard]] virtual std::shared_ptr<Log> get(const TopicPartition& partition) const = 0;
  [[nodiscard]] virtual std::vector<std::shared_ptr<Log>> logs() const = 0;
  // Creates the log in the live directory with the fewest logs, unless it is there already. A topic
  // id that differs from the one on disk is INCONSISTENT_TOPIC_ID. `is_new`: nobody ever had it, so
  // that an offline directory cannot hold it; otherwise that is KAFKA_STORAGE_ERROR.
  [[nodiscard]] virtual Result<std::shared_ptr<Log>> get_or_create(const TopicPartition& partition,
                                                                   std::optional<Uuid> topic_id,
                                                                   const LogConfig& config,
                                                                   bool is_new) = 0;
  // Renames the directory to topic-N.<uuid>-delete at once and removes it file.delete.delay.ms
  // later. One that does not exist is no error. THREAD: disk
  [[nodiscard]] virtual Status delete_logs(std::span<const TopicPartition> partitions) = 0;

  // The high watermark that replication-offset-checkpoint held at start; 0 where it knew none.
  [[nodiscard]] virtual Offset checkpointed_high_watermark(
      const TopicPartition& partition) const = 0;

  [[nodiscard]] virtual std::vector<std::string> live_log_dirs() const = 0;
  [[nodiscard]] virtual std::vector<std::string> offline_log_dirs() const = 0;
  [[nodiscard]] virtual bool is_online(const std::string& log_dir) const = 0;
  // Every log dir, in the order given, live or not. THREAD: disk
  [[nodiscard]] virtual std::vector<LogDirUsage> log_dir_usage() const = 0;

  // The periodic tasks, for those who cannot wait. THREAD: disk
  virtual void run_retention() = 0;
  virtual void run_compaction() = 0;  // until nothing is dirty enough
  virtual void flush_dirty_logs() = 0;
  virtual void checkpoint_recovery_points() = 0;
  virtual void checkpoint_log_starts() = 0;
  virtual void checkpoint_high_watermarks() = 0;
};

}  // namespace barnabas::storage
