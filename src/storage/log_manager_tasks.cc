// The periodic work of the log manager, on the disk executor.
#include <algorithm>

#include "barnabas/base/logging.h"
#include "log_manager_impl.h"

namespace barnabas::storage {
namespace {

// An interval that never comes: Kafka's default for flushes by time.
constexpr std::int64_t kNeverMs = std::int64_t{365} * 24 * 3600 * 1000;

}  // namespace

void LogManagerImpl::start() {
  if (options_.cleaner.enabled) {
    cleaner_.start();
  }
  env_.disk->post([this, gate = gate_] {
    const MutexLock lock(gate->mutex);
    if (gate->stopped) {
      return;
    }
    add_task(*gate, options_.retention_check_interval_ms, &LogManagerImpl::run_retention);
    add_task(*gate, options_.recovery_point_checkpoint_interval_ms,
             &LogManagerImpl::checkpoint_recovery_points);
    add_task(*gate, options_.log_start_checkpoint_interval_ms,
             &LogManagerImpl::checkpoint_log_starts);
    add_task(*gate, options_.high_watermark_checkpoint_interval_ms,
             &LogManagerImpl::checkpoint_high_watermarks);
    add_task(*gate, options_.producer_id_expiration_check_interval_ms,
             &LogManagerImpl::expire_producers, options_.producer_id_expiration_check_interval_ms);
    if (options_.flush_scheduler_interval_ms < kNeverMs) {
      add_task(*gate, options_.flush_scheduler_interval_ms, &LogManagerImpl::flush_dirty_logs);
    }
  });
}

void LogManagerImpl::update_cleaner(const CleanerOptions& options) {
  cleaner_.reconfigure(options);
}

void LogManagerImpl::run_compaction() {
  cleaner_.run_until_clean();
}

void LogManagerImpl::add_task(TaskGate& gate, std::int64_t interval_ms,
                              void (LogManagerImpl::*run)(), std::optional<std::int64_t> delay_ms) {
  gate.tasks.push_back({interval_ms, run, nullptr});
  schedule(gate, gate.tasks.size() - 1, delay_ms.value_or(options_.initial_task_delay_ms));
}

void LogManagerImpl::schedule(TaskGate& gate, std::size_t task, std::int64_t delay_ms) {
  const auto delay = std::chrono::milliseconds(std::clamp<std::int64_t>(delay_ms, 1, kNeverMs));
  gate.tasks[task].timer = env_.disk->run_after(delay, [this, task, shared = gate_] {
    const MutexLock lock(shared->mutex);
    if (shared->stopped) {
      return;
    }
    (this->*shared->tasks[task].run)();
    // Posted, because the timer that runs now must not be replaced under its own feet.
    env_.disk->post([this, task, shared] {
      const MutexLock again(shared->mutex);
      if (!shared->stopped) {
        schedule(*shared, task, shared->tasks[task].interval_ms);
      }
    });
  });
}

// Waits for the task that is running, if any; none runs afterwards.
void LogManagerImpl::stop_tasks() {
  cleaner_.stop();
  std::vector<Periodic> tasks;
  {
    const MutexLock lock(gate_->mutex);
    gate_->stopped = true;
    tasks.swap(gate_->tasks);
  }
}

void LogManagerImpl::run_retention() {
  int deleted = 0;
  for (const auto& log : all_logs()) {
    // A compacted log is the cleaner's, as in Kafka, which deletes there by itself.
    if (log->offline() || log->config().cleanup_compact) {
      continue;
    }
    const auto result = log->delete_old_segments();
    if (result) {
      deleted += *result;
    } else {
      logging::logger("storage").warn("retention of {}: {}", to_string(log->topic_partition()),
                                      result.error().message);
    }
  }
  if (deleted > 0) {
    logging::logger("storage").info("retention deleted {} segments", deleted);
  }
}

void LogManagerImpl::flush_dirty_logs() {
  const std::int64_t now = monotonic_ms(*env_.clock);
  for (const auto& log : all_logs()) {
    const std::int64_t flush_ms = log->config().flush_ms;
    if (log->offline() || now - log->last_flush_ms() < flush_ms) {
      continue;
    }
    const Status flushed = log->flush();
    if (!flushed) {
      logging::logger("storage").error("flush of {}: {}", to_string(log->topic_partition()),
                                       flushed.error().message);
    }
  }
}

void LogManagerImpl::expire_producers() {
  const std::int64_t now = wall_->now_ms();
  for (const auto& log : all_logs()) {
    log->remove_expired_producers(now);
  }
}

Status LogManagerImpl::write_checkpoint(const Directory& directory, const char* name,
                                        const OffsetMap& offsets) {
  if (directory.state->offline()) {
    return {};
  }
  const Status written =
      write_offset_checkpoint(*env_.vfs, directory.state->path() + "/" + name, offsets);
  if (!written) {
    directory.state->note(written);
    logging::logger("storage").error("{}", written.error().message);
  }
  return written;
}

Status LogManagerImpl::checkpoint_recovery_points_in(const Directory& directory) {
  const MutexLock lock(checkpoint_mutex_);
  OffsetMap offsets;
  for (const auto& log : logs_in(directory.state->path())) {
    offsets[log->topic_partition()] = log->recovery_point();
  }
  return write_checkpoint(directory, kRecoveryPointFile, offsets);
}

void LogManagerImpl::checkpoint_log_starts_in(const Directory& directory) {
  const MutexLock lock(checkpoint_mutex_);
  OffsetMap offsets;
  for (const auto& log : logs_in(directory.state->path())) {
    // Where the first segment says it already, nothing has to be remembered.
    const Offset start = log->start_offset();
    if (start > log->first_segment_base()) {
      offsets[log->topic_partition()] = start;
    }
  }
  static_cast<void>(write_checkpoint(directory, kLogStartFile, offsets));  // said there
}

void LogManagerImpl::checkpoint_recovery_points() {
  for (const auto& directory : directories_) {
    static_cast<void>(checkpoint_recovery_points_in(directory));
  }
}

void LogManagerImpl::checkpoint_log_starts() {
  for (const auto& directory : directories_) {
    checkpoint_log_starts_in(directory);
  }
}

void LogManagerImpl::checkpoint_high_watermarks() {
  const MutexLock lock(checkpoint_mutex_);
  for (const auto& directory : directories_) {
    OffsetMap offsets;
    for (const auto& log : logs_in(directory.state->path())) {
      offsets[log->topic_partition()] = log->high_watermark();
    }
    static_cast<void>(write_checkpoint(directory, kHighWatermarkFile, offsets));
  }
}

}  // namespace barnabas::storage
