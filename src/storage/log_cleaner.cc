#include "log_cleaner.h"

#include <algorithm>
#include <chrono>

#include "barnabas/base/logging.h"

namespace barnabas::storage {
namespace {

// Even at a rate of a few bytes a second the next step comes some day.
constexpr std::int64_t kLongestPauseMs = 3600000;

}  // namespace

LogCleaner::LogCleaner(const CleanerOptions& options, const StorageEnvironment& env,
                       std::shared_ptr<SteadyWall> wall, Logs logs)
    : env_(env), wall_(std::move(wall)), logs_(std::move(logs)), workers_(make_workers(options)) {}

int LogCleaner::worker_count(const CleanerOptions& options) {
  return std::max(options.threads, 1);
}

LogCleaner::Workers LogCleaner::make_workers(const CleanerOptions& options) {
  Workers workers;
  for (int i = 0; i < worker_count(options); ++i) {
    workers.push_back(std::make_shared<Worker>(options));
  }
  return workers;
}

void LogCleaner::load_checkpoint(const std::string& log_dir) {
  auto read = read_offset_checkpoint(*env_.vfs, log_dir + "/" + kCleanerFile);
  if (!read) {
    logging::logger("storage").error("{}; compacted logs are looked at from their start",
                                     read.error().message);
  }
  const MutexLock lock(mutex_);
  clean_[log_dir] = read ? std::move(*read) : OffsetMap{};
}

void LogCleaner::start() {
  Workers workers;
  {
    const MutexLock lock(mutex_);
    life_ = Life::kStarted;
    workers = workers_;
  }
  set_going(workers);
}

void LogCleaner::set_going(const Workers& workers) {
  for (const auto& worker : workers) {
    env_.disk->post([this, worker] {
      const MutexLock lock(worker->mutex);
      if (worker->state == State::kWorking) {
        schedule(worker, 0);
      }
    });
  }
}

// Nobody waits for a step here: the old workers let go on the disk executor.
void LogCleaner::reconfigure(const CleanerOptions& options) {
  Workers fresh = make_workers(options);
  Workers old;
  {
    const MutexLock lock(mutex_);
    if (life_ == Life::kStopped) {
      return;
    }
    old = std::exchange(workers_, fresh);
    if (life_ == Life::kIdle) {
      return;  // none of them has begun
    }
    retired_.insert(retired_.end(), old.begin(), old.end());
  }
  for (const auto& worker : old) {
    env_.disk->post([this, worker] {
      const MutexLock lock(worker->mutex);
      if (worker->state == State::kWorking) {
        worker->state = State::kRetiring;
        worker->timer.reset();
        give_up(*worker);
        const MutexLock mine(mutex_);
        std::erase(retired_, worker);
      }
    });
  }
  set_going(fresh);
}

void LogCleaner::give_up(Worker& worker) {
  if (worker.log) {
    const MutexLock lock(mutex_);
    in_progress_.erase(worker.log->topic_partition());
  }
  worker.pass.reset();
  worker.log.reset();
}

void LogCleaner::stop() {
  Workers all;
  {
    const MutexLock lock(mutex_);
    life_ = Life::kStopped;
    all = workers_;
    all.insert(all.end(), retired_.begin(), retired_.end());
  }
  for (const auto& worker : all) {
    const MutexLock lock(worker->mutex);
    worker->state = State::kStopped;
    worker->timer.reset();
    give_up(*worker);
  }
}

void LogCleaner::schedule(const std::shared_ptr<Worker>& worker, std::int64_t delay_ms) {
  const auto delay =
      std::chrono::milliseconds(std::clamp<std::int64_t>(delay_ms, 0, kLongestPauseMs));
  worker->timer = env_.disk->run_after(delay, [this, worker] {
    std::int64_t pause_ms = 0;
    {
      const MutexLock lock(worker->mutex);
      if (worker->state != State::kWorking) {
        return;
      }
      pause_ms = work(*worker);
    }
    // Posted, because the timer that runs now must not be replaced under its own feet.
    env_.disk->post([this, worker, pause_ms] {
      const MutexLock lock(worker->mutex);
      if (worker->state == State::kWorking) {
        schedule(worker, pause_ms);
      }
    });
  });
}

void LogCleaner::run_until_clean() {
  const auto first = [this] {
    const MutexLock lock(mutex_);
    return workers_.front();
  }();
  Worker& worker = *first;
  const MutexLock lock(worker.mutex);
  while (worker.state == State::kWorking && (worker.pass || begin_pass(worker))) {
    static_cast<void>(work(worker));
  }
  delete_old_segments();
}

std::int64_t LogCleaner::work(Worker& worker) {
  if (!worker.pass && !begin_pass(worker)) {
    delete_old_segments();
    return worker.options.backoff_ms;
  }
  const Status result = worker.pass->step();
  if (!result || worker.pass->done()) {
    end_pass(worker, result);
    return 0;
  }
  const double rate =
      worker.options.max_bytes_per_second / static_cast<double>(worker_count(worker.options));
  const double due_ms = static_cast<double>(worker.pass->bytes()) / rate * 1000.0;
  const auto spent_ms = static_cast<double>(monotonic_ms(*env_.clock) - worker.pass_began_ms);
  return static_cast<std::int64_t>(
      std::clamp(due_ms - spent_ms, 0.0, static_cast<double>(kLongestPauseMs)));
}

bool LogCleaner::may_clean(const TopicPartition& partition) const {
  return !in_progress_.contains(partition) && !uncleanable_.contains(partition);
}

// Kafka's grabFilthiestCompactedLog.
bool LogCleaner::begin_pass(Worker& worker) {
  struct Candidate {
    std::shared_ptr<LogImpl> log;
    CompactionView view;
    DirtyRange range;
  };
  std::optional<Candidate> filthiest;
  const std::int64_t now_ms = wall_->now_ms();
  for (const auto& log : logs_()) {
    const LogConfig config = log->config();
    if (log->offline() || !config.cleanup_compact) {
      continue;
    }
    {
      const MutexLock lock(mutex_);
      if (!may_clean(log->topic_partition())) {
        continue;
      }
    }
    if (config.cleanup_delete) {
      delete_old_segments(*log);  // rather than to compact them first
    }
    Candidate candidate{log, log->compaction_view(), {}};
    const auto range =
        find_dirty_range(candidate.view, cleaned_up_to(log->topic_partition()), now_ms);
    if (!range) {
      logging::logger("storage").warn("compaction of {}: {}", to_string(log->topic_partition()),
                                      range.error().message);
      continue;
    }
    candidate.range = *range;
    if (range->checkpoint_is_off) {
      remember(log, range->first_dirty, candidate.view.truncations);
    }
    const bool dirty_enough = range->dirty_ratio() > config.min_cleanable_dirty_ratio ||
                              (range->is_overdue && range->dirty_bytes > 0);
    if (dirty_enough && (!filthiest || range->dirty_ratio() > filthiest->range.dirty_ratio())) {
      filthiest = std::move(candidate);
    }
  }
  if (!filthiest) {
    return false;
  }
  {
    const MutexLock lock(mutex_);
    if (!may_clean(filthiest->log->topic_partition())) {
      return false;  // another worker was quicker
    }
    in_progress_.insert(filthiest->log->topic_partition());
  }
  const auto workers = static_cast<std::size_t>(worker_count(worker.options));
  CompactionOptions options;
  options.map_bytes = worker.options.dedupe_buffer_bytes / workers;
  options.map_load_factor = worker.options.load_factor;
  options.step_bytes = std::max<std::size_t>(worker.options.io_buffer_bytes / workers, 4096);
  worker.log = filthiest->log;
  worker.pass = std::make_unique<Compaction>(filthiest->log, std::move(filthiest->view),
                                             filthiest->range, options, now_ms);
  worker.pass_began_ms = monotonic_ms(*env_.clock);
  return true;
}

void LogCleaner::end_pass(Worker& worker, const Status& result) {
  const TopicPartition partition = worker.log->topic_partition();
  if (result) {
    logging::logger("storage").info("{}: compacted up to offset {}: {} bytes read, {} written",
                                    to_string(partition), worker.pass->clean_up_to().value(),
                                    worker.pass->read_bytes(), worker.pass->written_bytes());
    remember(worker.log, worker.pass->clean_up_to(), worker.pass->truncations());
  } else {
    const bool for_good = result.error().code != ErrorCode::kKafkaStorageError;
    logging::logger("storage").error("{}: compaction failed: {}{}", to_string(partition),
                                     result.error().message,
                                     for_good ? "; it is left as it is until the next start" : "");
    const MutexLock lock(mutex_);
    if (for_good) {
      uncleanable_.insert(partition);
    }
  }
  worker.pass.reset();
  worker.log.reset();
  const MutexLock lock(mutex_);
  in_progress_.erase(partition);
}

std::optional<Offset> LogCleaner::cleaned_up_to(const TopicPartition& partition) const {
  const MutexLock lock(mutex_);
  for (const auto& [log_dir, offsets] : clean_) {
    if (const auto found = offsets.find(partition); found != offsets.end()) {
      return found->second;
    }
  }
  return std::nullopt;
}

// Nothing is remembered of a log that is gone by now, or that was cut since it was looked at: who
// cut it has told on_truncation() before or will do so after this.
void LogCleaner::remember(const std::shared_ptr<LogImpl>& log, Offset clean_up_to,
                          std::uint64_t truncations) {
  std::set<TopicPartition> there;
  bool is_there = false;
  const auto logs = logs_();
  const MutexLock lock(mutex_);
  for (const auto& each : logs) {
    if (each->log_dir() == log->log_dir()) {
      there.insert(each->topic_partition());
      is_there = is_there || each == log;
    }
  }
  OffsetMap& offsets = clean_[log->log_dir()];
  std::erase_if(offsets, [&there](const auto& entry) { return !there.contains(entry.first); });
  if (is_there && log->truncations() == truncations) {
    offsets[log->topic_partition()] = clean_up_to;
  }
  write_checkpoint(log->log_dir());
}

void LogCleaner::write_checkpoint(const std::string& log_dir) {
  const Status written =
      write_offset_checkpoint(*env_.vfs, log_dir + "/" + kCleanerFile, clean_[log_dir]);
  if (!written) {
    logging::logger("storage").error("{}", written.error().message);
  }
}

void LogCleaner::on_truncation(const LogImpl& log, Offset offset) {
  const MutexLock lock(mutex_);
  const auto dir = clean_.find(log.log_dir());
  if (dir == clean_.end()) {
    return;
  }
  const auto found = dir->second.find(log.topic_partition());
  if (found != dir->second.end() && found->second > offset) {
    found->second = offset;
    write_checkpoint(log.log_dir());
  }
}

void LogCleaner::forget(std::span<const TopicPartition> partitions) {
  const MutexLock lock(mutex_);
  for (const auto& partition : partitions) {
    uncleanable_.erase(partition);
  }
  for (auto& [log_dir, offsets] : clean_) {
    std::size_t erased = 0;
    for (const auto& partition : partitions) {
      erased += offsets.erase(partition);
    }
    if (erased > 0) {
      write_checkpoint(log_dir);
    }
  }
}

void LogCleaner::delete_old_segments() {
  for (const auto& log : logs_()) {
    if (log->offline() || !log->config().cleanup_compact) {
      continue;
    }
    {
      const MutexLock lock(mutex_);
      if (in_progress_.contains(log->topic_partition())) {
        continue;
      }
    }
    delete_old_segments(*log);
  }
}

void LogCleaner::delete_old_segments(LogImpl& log) {
  const auto deleted = log.delete_old_segments();
  if (!deleted) {
    logging::logger("storage").warn("retention of {}: {}", to_string(log.topic_partition()),
                                    deleted.error().message);
  }
}

}  // namespace barnabas::storage
