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
    : options_(options), env_(env), wall_(std::move(wall)), logs_(std::move(logs)) {
  for (int i = 0; i < std::max(options_.threads, 1); ++i) {
    workers_.push_back(std::make_shared<Worker>());
  }
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

void LogCleaner::start(std::int64_t delay_ms) {
  for (const auto& worker : workers_) {
    env_.disk->post([this, worker, delay_ms] {
      const MutexLock lock(worker->mutex);
      if (!worker->stopped) {
        schedule(worker, delay_ms);
      }
    });
  }
}

void LogCleaner::stop() {
  for (const auto& worker : workers_) {
    const MutexLock lock(worker->mutex);
    worker->stopped = true;
    worker->timer.reset();
    worker->pass.reset();
    worker->log.reset();
  }
}

void LogCleaner::schedule(const std::shared_ptr<Worker>& worker, std::int64_t delay_ms) {
  const auto delay =
      std::chrono::milliseconds(std::clamp<std::int64_t>(delay_ms, 0, kLongestPauseMs));
  worker->timer = env_.disk->run_after(delay, [this, worker] {
    std::int64_t pause_ms = 0;
    {
      const MutexLock lock(worker->mutex);
      if (worker->stopped) {
        return;
      }
      pause_ms = work(*worker);
    }
    // Posted, because the timer that runs now must not be replaced under its own feet.
    env_.disk->post([this, worker, pause_ms] {
      const MutexLock lock(worker->mutex);
      if (!worker->stopped) {
        schedule(worker, pause_ms);
      }
    });
  });
}

void LogCleaner::run_until_clean() {
  Worker& worker = *workers_.front();
  const MutexLock lock(worker.mutex);
  while (!worker.stopped && (worker.pass || begin_pass(worker))) {
    static_cast<void>(work(worker));
  }
  delete_old_segments();
}

std::int64_t LogCleaner::work(Worker& worker) {
  if (!worker.pass && !begin_pass(worker)) {
    delete_old_segments();
    return options_.backoff_ms;
  }
  const Status result = worker.pass->step();
  if (!result || worker.pass->done()) {
    end_pass(worker, result);
    return 0;
  }
  const double rate = options_.max_bytes_per_second / static_cast<double>(workers_.size());
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
      remember(*log, range->first_dirty);
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
  CompactionOptions options;
  options.map_bytes = options_.dedupe_buffer_bytes / workers_.size();
  options.map_load_factor = options_.load_factor;
  options.step_bytes = std::max<std::size_t>(options_.io_buffer_bytes / workers_.size(), 4096);
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
    remember(*worker.log, worker.pass->clean_up_to());
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

// Logs that are gone are forgotten with the next write of their directory.
void LogCleaner::remember(const LogImpl& log, Offset clean_up_to) {
  std::set<TopicPartition> there;
  for (const auto& each : logs_()) {
    if (each->log_dir() == log.log_dir()) {
      there.insert(each->topic_partition());
    }
  }
  const MutexLock lock(mutex_);
  OffsetMap& offsets = clean_[log.log_dir()];
  std::erase_if(offsets, [&there](const auto& entry) { return !there.contains(entry.first); });
  offsets[log.topic_partition()] = clean_up_to;
  const Status written =
      write_offset_checkpoint(*env_.vfs, log.log_dir() + "/" + kCleanerFile, offsets);
  if (!written) {
    logging::logger("storage").error("{}", written.error().message);
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
    const auto deleted = log->delete_old_segments();
    if (!deleted) {
      logging::logger("storage").warn("retention of {}: {}", to_string(log->topic_partition()),
                                      deleted.error().message);
    }
  }
}

}  // namespace barnabas::storage
