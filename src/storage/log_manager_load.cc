// Start and stop of all logs.
#include <fmt/format.h>

#include <algorithm>

#include "barnabas/base/logging.h"
#include "log_loader.h"
#include "log_manager_impl.h"

namespace barnabas::storage {
namespace {

// Directories that Kafka passes over.
constexpr std::string_view kRemoteIndexCache = "remote-log-index-cache";
constexpr std::string_view kClusterMetadataTopic = "__cluster_metadata";

}  // namespace

OffsetMap LogManagerImpl::read_checkpoint_or_nothing(const Directory& directory, const char* name) {
  auto read = read_offset_checkpoint(*env_.vfs, directory.state->path() + "/" + name);
  if (!read) {
    directory.state->note(read.error());
    logging::logger("storage").error("{}; going on without it", read.error().message);
    return {};
  }
  return std::move(*read);
}

Status LogManagerImpl::load_log(const Loading& loading, const ConfigLookup& config_of) {
  Directory& directory = *loading.directory;
  LoadRequest request;
  request.partition = loading.name.partition;
  request.directory = directory.state->path() + "/" + loading.entry;
  request.config = config_of(loading.name.partition.topic);
  request.clean = directory.clean;
  request.same_boot = directory.same_boot;
  request.recovery_point_checkpoint = loading.recovery_point;
  request.log_start_checkpoint = loading.log_start;
  {
    const MutexLock lock(mutex_);
    request.jitter_seed = env_.random->next();
  }
  const std::string path = request.directory;
  const LogContext context = context_of(directory);
  TRY(auto loaded, LogLoader(context, std::move(request)).load());
  auto log = std::make_shared<LogImpl>(context, std::move(loaded));
  const MutexLock lock(mutex_);
  const auto [existing, is_new] = logs_.try_emplace(loading.name.partition, log);
  if (!is_new) {
    return fail(
        ErrorCode::kUnknownServerError,
        fmt::format("Duplicate log directories for {} are found in both {} and {}. Delete "
                    "one of the two directories by hand; it is recommended to delete the "
                    "one in the log directory that is known to have failed recently.",
                    to_string(loading.name.partition), existing->second->directory(), path));
  }
  ++directory.log_count;
  return {};
}

// Takes the marker away, reads the checkpoints and finds the logs of a directory.
Status LogManagerImpl::prepare_loading(Directory& directory, std::vector<Loading>& loadings) {
  const std::string& path = directory.state->path();
  const std::string marker = path + "/" + kCleanShutdownFile;
  directory.clean = env_.vfs->exists(marker);
  if (directory.clean) {
    // A crash from here on is a crash, whatever was before (KAFKA-10471).
    TRY_STATUS(env_.vfs->remove(marker));
    TRY_STATUS(env_.vfs->sync_directory(path));
  }
  const OffsetMap recovery_points = read_checkpoint_or_nothing(directory, kRecoveryPointFile);
  const OffsetMap log_starts = read_checkpoint_or_nothing(directory, kLogStartFile);
  directory.high_watermarks = read_checkpoint_or_nothing(directory, kHighWatermarkFile);
  cleaner_.load_checkpoint(path);
  for (const char* name : {kRecoveryPointFile, kLogStartFile, kHighWatermarkFile, kCleanerFile}) {
    TRY(const auto created, env_.vfs->open(path + "/" + name, OpenMode::kCreate));
  }
  const auto offset_or_zero = [](const OffsetMap& offsets, const TopicPartition& partition) {
    const auto found = offsets.find(partition);
    return found == offsets.end() ? Offset(0) : found->second;
  };
  TRY(const auto entries, env_.vfs->list(path));
  for (const auto& entry : entries) {
    if (!entry.is_directory || entry.name == kRemoteIndexCache) {
      continue;
    }
    TRY(auto name, parse_log_directory(path, entry.name));
    if (name.partition.topic == kClusterMetadataTopic) {
      continue;
    }
    if (name.kind == LogDirectoryKind::kDeleted) {
      reaper_->remove_later({path + "/" + entry.name}, options_.default_config.file_delete_delay_ms,
                            directory.state);
    } else if (name.kind != LogDirectoryKind::kCurrent) {
      logging::logger("storage").warn(
          "leaving {}/{} alone: moving replicas between log dirs is "
          "not supported",
          path, entry.name);
    } else {
      Loading loading;
      loading.directory = &directory;
      loading.entry = entry.name;
      loading.recovery_point = offset_or_zero(recovery_points, name.partition);
      loading.log_start = offset_or_zero(log_starts, name.partition);
      loading.name = std::move(name);
      loadings.push_back(std::move(loading));
    }
  }
  return {};
}

// An error that is not the disk's ends the start; a disk's takes the directory offline.
Status LogManagerImpl::finish_loading(Directory& directory, const std::vector<Loading>& loadings) {
  std::size_t count = 0;
  for (const auto& loading : loadings) {
    if (loading.directory != &directory) {
      continue;
    }
    ++count;
    if (!loading.result) {
      directory.state->note(loading.result);
      if (!directory.state->offline()) {
        return loading.result;
      }
    }
  }
  if (directory.state->offline()) {
    for (const auto& log : logs_in(directory.state->path())) {
      log->abandon();
      const MutexLock lock(mutex_);
      logs_.erase(log->topic_partition());
    }
    return {};
  }
  directory.loaded = true;
  write_boot(directory);
  logging::logger("storage").info("{} {} logs from {}",
                                  directory.clean ? "loaded" : "loaded and recovered", count,
                                  directory.state->path());
  return {};
}

Status LogManagerImpl::load(const ConfigLookup& config_of) {
  had_clean_shutdown_ = true;
  std::vector<Loading> loadings;
  for (auto& directory : directories_) {
    if (directory.state->offline()) {
      continue;
    }
    const Status prepared = prepare_loading(directory, loadings);
    had_clean_shutdown_ = had_clean_shutdown_ && directory.clean;
    if (!prepared) {
      directory.state->note(prepared);
      if (!directory.state->offline()) {
        return prepared;
      }
    }
  }
  std::vector<Task> tasks;
  tasks.reserve(loadings.size());
  for (auto& loading : loadings) {
    tasks.emplace_back([this, &loading, &config_of] {
      if (!loading.directory->state->offline()) {
        loading.result = load_log(loading, config_of);
      }
    });
  }
  run_all(std::move(tasks));
  for (auto& directory : directories_) {
    TRY_STATUS(finish_loading(directory, loadings));
  }
  if (live_log_dirs().empty()) {
    return fail(ErrorCode::kKafkaStorageError, "all log dirs have failed");
  }
  return {};
}

void LogManagerImpl::run_all(std::vector<Task> tasks) {
  if (env_.run_all) {
    env_.run_all(std::move(tasks));
    return;
  }
  for (auto& task : tasks) {
    task();
  }
}

// Closes every log that can be closed; the last error.
Status LogManagerImpl::close_logs() {
  const auto logs = all_logs();
  std::vector<Status> results(logs.size());
  std::vector<Task> tasks;
  tasks.reserve(logs.size());
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (!logs[i]->offline()) {
      tasks.emplace_back([&results, &logs, i] { results[i] = logs[i]->close(); });
    }
  }
  run_all(std::move(tasks));
  Status last;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (!results[i]) {
      logging::logger("storage").error("{}: {}", to_string(logs[i]->topic_partition()),
                                       results[i].error().message);
      last = results[i];
    }
  }
  return last;
}

Status LogManagerImpl::stop(BrokerEpoch broker_epoch) {
  stop_tasks();
  Status result = close_logs();
  for (const auto& directory : directories_) {
    static_cast<void>(checkpoint_recovery_points_in(directory));
    checkpoint_log_starts_in(directory);
  }
  checkpoint_high_watermarks();
  for (auto& directory : directories_) {
    const bool closed = std::ranges::all_of(logs_in(directory.state->path()),
                                            [](const auto& log) { return log->is_closed(); });
    if (!directory.state->offline() && directory.loaded && closed) {
      const Status marked = write_clean_shutdown(
          *env_.vfs, directory.state->path() + "/" + kCleanShutdownFile, broker_epoch);
      if (!marked) {
        directory.state->note(marked);
        result = marked;
      }
    }
  }
  reaper_->stop();
  for (const auto& log : all_logs()) {
    log->abandon();
  }
  for (auto& directory : directories_) {
    directory.lock.reset();
  }
  return result;
}

}  // namespace barnabas::storage
