// The one implementation of LogManager. log_manager.cc: directories, creation, deletion;
// log_manager_load.cc: start and stop; log_manager_tasks.cc: the periodic work.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/thread_annotations.h"
#include "barnabas/storage/log_manager.h"
#include "checkpoint_files.h"
#include "log_cleaner.h"
#include "log_impl.h"

namespace barnabas::storage {

class LogManagerImpl final : public LogManager, public LogDirFailureListener {
 public:
  LogManagerImpl(const LogManagerOptions& options, const StorageEnvironment& env);
  ~LogManagerImpl() override;

  [[nodiscard]] Status open_directories();

  void set_failure_listener(LogDirFailureListener* listener) override;
  [[nodiscard]] const MetaProperties& meta_properties() const override { return meta_; }
  [[nodiscard]] Status write_meta_properties(const std::string& cluster_id,
                                             BrokerId broker_id) override;
  [[nodiscard]] Status load(const ConfigLookup& config_of) override;
  [[nodiscard]] bool had_clean_shutdown() const override { return had_clean_shutdown_; }
  void start() override;
  [[nodiscard]] Status stop(BrokerEpoch broker_epoch) override;

  [[nodiscard]] std::shared_ptr<Log> get(const TopicPartition& partition) const override;
  [[nodiscard]] std::vector<std::shared_ptr<Log>> logs() const override;
  [[nodiscard]] Result<std::shared_ptr<Log>> get_or_create(const TopicPartition& partition,
                                                           std::optional<Uuid> topic_id,
                                                           const LogConfig& config,
                                                           bool is_new) override;
  [[nodiscard]] Status delete_logs(std::span<const TopicPartition> partitions) override;
  [[nodiscard]] Offset checkpointed_high_watermark(const TopicPartition& partition) const override;
  [[nodiscard]] std::vector<std::string> live_log_dirs() const override;
  [[nodiscard]] std::vector<std::string> offline_log_dirs() const override;
  [[nodiscard]] bool is_online(const std::string& log_dir) const override;
  [[nodiscard]] std::vector<LogDirUsage> log_dir_usage() const override;

  void run_retention() override;
  void run_compaction() override;
  void update_cleaner(const CleanerOptions& options) override;
  void flush_dirty_logs() override;
  void checkpoint_recovery_points() override;
  void checkpoint_log_starts() override;
  void checkpoint_high_watermarks() override;

 private:
  using Logs = std::map<TopicPartition, std::shared_ptr<LogImpl>>;
  struct Directory {
    std::shared_ptr<LogDirState> state;
    std::unique_ptr<FileLock> lock;
    std::optional<MetaPropertiesContent> meta;
    OffsetMap high_watermarks;  // as they stood at start
    bool clean = false;         // closed cleanly last time
    bool same_boot = false;     // the kernel that took its files over still runs
    bool loaded = false;        // every log in it could be loaded
    std::size_t log_count = 0;  // the manager's lock
  };
  struct Periodic {
    std::int64_t interval_ms;
    void (LogManagerImpl::*run)();
    std::unique_ptr<Timer> timer;
  };
  // Outlives the manager in tasks that are still queued; they find it stopped and do nothing. The
  // disk executor may have several threads, so the mutex is held while a periodic task runs.
  struct TaskGate {
    Mutex mutex;
    bool stopped GUARDED_BY(mutex) = false;
    std::vector<Periodic> tasks GUARDED_BY(mutex);
  };

  void on_log_dir_failure(const std::string& log_dir, const Error& error) override;
  [[nodiscard]] Status open_directory(const std::string& path, Directory& directory);
  void read_boot(Directory& directory) const;
  void write_boot(Directory& directory) const;
  [[nodiscard]] Status read_identities();
  [[nodiscard]] Status take_identity(const std::string& dir, const std::string& key,
                                     const std::string& value);
  // One log to be loaded, and what became of it.
  struct Loading {
    Directory* directory = nullptr;
    std::string entry;  // the directory's name
    LogDirectoryName name;
    Offset recovery_point{0};
    Offset log_start{0};
    Status result;
  };
  [[nodiscard]] Status prepare_loading(Directory& directory, std::vector<Loading>& loadings);
  [[nodiscard]] Status load_log(const Loading& loading, const ConfigLookup& config_of);
  [[nodiscard]] Status finish_loading(Directory& directory, const std::vector<Loading>& loadings);
  [[nodiscard]] OffsetMap read_checkpoint_or_nothing(const Directory& directory, const char* name);
  [[nodiscard]] LogContext context_of(const Directory& directory);
  [[nodiscard]] Directory& directory_of(const LogImpl& log);
  [[nodiscard]] Directory* directory_for_new_log() REQUIRES(mutex_);
  [[nodiscard]] Result<std::shared_ptr<LogImpl>> create_log(Directory& directory,
                                                            const TopicPartition& partition,
                                                            const LogConfig& config)
      REQUIRES(mutex_);
  [[nodiscard]] Result<std::string> give_up(const TopicPartition& partition);
  [[nodiscard]] bool any_offline() const;
  [[nodiscard]] std::vector<std::shared_ptr<LogImpl>> logs_in(const std::string& log_dir) const;
  [[nodiscard]] std::vector<std::shared_ptr<LogImpl>> all_logs() const;
  // First after `delay_ms`, or after log.initial.task.delay.ms.
  void add_task(TaskGate& gate, std::int64_t interval_ms, void (LogManagerImpl::*run)(),
                std::optional<std::int64_t> delay_ms = std::nullopt) REQUIRES(gate.mutex);
  void schedule(TaskGate& gate, std::size_t task, std::int64_t delay_ms) REQUIRES(gate.mutex);
  void stop_tasks();
  void run_all(std::vector<Task> tasks);
  [[nodiscard]] Status close_logs();
  void expire_producers();
  Status write_checkpoint(const Directory& directory, const char* name, const OffsetMap& offsets);
  Status checkpoint_recovery_points_in(const Directory& directory);
  void checkpoint_log_starts_in(const Directory& directory);

  const LogManagerOptions options_;
  const StorageEnvironment env_;
  std::shared_ptr<FileReaper> reaper_;
  const std::shared_ptr<SteadyWall> wall_;
  MetaProperties meta_;
  std::vector<Directory> directories_;  // fixed after open_directories()
  bool had_clean_shutdown_ = false;

  const std::shared_ptr<TaskGate> gate_;
  LogCleaner cleaner_;

  mutable Mutex mutex_;  // before the logs' own
  Logs logs_ GUARDED_BY(mutex_);

  // Held from asking the logs to the rename: two writers would take each other's temporary file,
  // and the later rename could carry the older offsets. Before mutex_.
  Mutex checkpoint_mutex_;

  mutable Mutex listener_mutex_;
  LogDirFailureListener* listener_ GUARDED_BY(listener_mutex_) = nullptr;
  std::vector<std::pair<std::string, Error>> failures_ GUARDED_BY(listener_mutex_);
};

}  // namespace barnabas::storage
