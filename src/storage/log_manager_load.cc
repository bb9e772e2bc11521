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

Status LogManagerImpl::load_log(Directory& directory, const LogDirectoryName& name,
                                const std::string& entry, const ConfigLookup& config_of,
                                const OffsetMap& recovery_points, const OffsetMap& log_starts) {
  const std::string path = directory.state->path() + "/" + entry;
  if (name.kind == LogDirectoryKind::kDeleted) {
    reaper_->remove_later({path}, options_.default_config.file_delete_delay_ms, directory.state);
    return {};
  }
  if (name.kind != LogDirectoryKind::kCurrent) {
    logging::logger("storage").warn(
        "leaving {} alone: moving replicas between log dirs is not "
        "supported",
        path);
    return {};
  }
  LoadRequest request;
  request.partition = name.partition;
  request.directory = path;
  request.config = config_of(name.partition.topic);
  request.clean = directory.clean;
  if (const auto found = recovery_points.find(name.partition); found != recovery_points.end()) {
    request.recovery_point_checkpoint = found->second;
  }
  if (const auto found = log_starts.find(name.partition); found != log_starts.end()) {
    request.log_start_checkpoint = found->second;
  }
  const LogContext context = context_of(directory);
  {
    const MutexLock lock(mutex_);
    request.jitter_seed = env_.random->next();
  }
  TRY(auto loaded, LogLoader(context, std::move(request)).load());
  auto log = std::make_shared<LogImpl>(context, std::move(loaded));
  const MutexLock lock(mutex_);
  const auto [existing, is_new] = logs_.try_emplace(name.partition, log);
  if (!is_new) {
    return fail(ErrorCode::kUnknownServerError,
                fmt::format("Duplicate log directories for {} are found in both {} and {}. Delete "
                            "one of the two directories by hand; it is recommended to delete the "
                            "one in the log directory that is known to have failed recently.",
                            to_string(name.partition), path, existing->second->directory()));
  }
  ++directory.log_count;
  return {};
}

Status LogManagerImpl::load_directory(Directory& directory, const ConfigLookup& config_of) {
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
  for (const char* name : {kRecoveryPointFile, kLogStartFile, kHighWatermarkFile, kCleanerFile}) {
    TRY(const auto created, env_.vfs->open(path + "/" + name, OpenMode::kCreate));
  }
  TRY(const auto entries, env_.vfs->list(path));
  std::size_t count = 0;
  for (const auto& entry : entries) {
    if (!entry.is_directory || entry.name == kRemoteIndexCache) {
      continue;
    }
    TRY(const auto name, parse_log_directory(path, entry.name));
    if (name.partition.topic == kClusterMetadataTopic) {
      continue;
    }
    TRY_STATUS(load_log(directory, name, entry.name, config_of, recovery_points, log_starts));
    ++count;
  }
  directory.loaded = true;
  logging::logger("storage").info("{} {} logs from {}",
                                  directory.clean ? "loaded" : "loaded and recovered", count, path);
  return {};
}

Status LogManagerImpl::load(const ConfigLookup& config_of) {
  had_clean_shutdown_ = true;
  for (auto& directory : directories_) {
    if (directory.state->offline()) {
      continue;
    }
    const Status loaded = load_directory(directory, config_of);
    had_clean_shutdown_ = had_clean_shutdown_ && directory.clean;
    if (!loaded) {
      directory.state->note(loaded);
      if (!directory.state->offline()) {
        return loaded;
      }
      for (const auto& log : logs_in(directory.state->path())) {
        log->abandon();
        const MutexLock lock(mutex_);
        logs_.erase(log->topic_partition());
      }
    }
  }
  if (live_log_dirs().empty()) {
    return fail(ErrorCode::kKafkaStorageError, "all log dirs have failed");
  }
  return {};
}

Status LogManagerImpl::stop(BrokerEpoch broker_epoch) {
  stop_tasks();
  Status result;
  for (auto& directory : directories_) {
    if (directory.state->offline()) {
      directory.lock.reset();
      continue;
    }
    for (const auto& log : logs_in(directory.state->path())) {
      const Status closed = log->close();
      if (!closed) {
        logging::logger("storage").error("{}: {}", to_string(log->topic_partition()),
                                         closed.error().message);
        result = closed;
      }
    }
    if (!directory.state->offline()) {
      checkpoint_recovery_points_in(directory);
      checkpoint_log_starts_in(directory);
    }
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
