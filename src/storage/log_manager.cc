#include "barnabas/storage/log_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"
#include "log_loader.h"
#include "log_manager_impl.h"

namespace barnabas::storage {
namespace {

constexpr const char* kClusterId = "cluster.id";
constexpr const char* kBrokerId = "broker.id";
constexpr const char* kVersionKey = "version";

}  // namespace

Result<std::unique_ptr<LogManager>> LogManager::open(const LogManagerOptions& options,
                                                     const StorageEnvironment& env) {
  auto manager = std::make_unique<LogManagerImpl>(options, env);
  TRY_STATUS(manager->open_directories());
  return manager;
}

LogManagerImpl::LogManagerImpl(const LogManagerOptions& options, const StorageEnvironment& env)
    : options_(options),
      env_(env),
      reaper_(std::make_shared<FileReaper>(*env.vfs, *env.disk)),
      wall_(std::make_shared<SteadyWall>(*env.clock)),
      gate_(std::make_shared<TaskGate>()),
      cleaner_(options.cleaner, env, wall_, [this] { return all_logs(); }) {}

LogManagerImpl::~LogManagerImpl() {
  stop_tasks();
  for (const auto& log : all_logs()) {
    log->abandon();
  }
  reaper_->stop();
}

void LogManagerImpl::on_log_dir_failure(const std::string& log_dir, const Error& error) {
  logging::logger("storage").error("log dir {} is offline: {}", log_dir, error.message);
  const MutexLock lock(listener_mutex_);
  failures_.emplace_back(log_dir, error);
  if (listener_ != nullptr) {
    listener_->on_log_dir_failure(log_dir, error);
  }
}

void LogManagerImpl::set_failure_listener(LogDirFailureListener* listener) {
  const MutexLock lock(listener_mutex_);
  listener_ = listener;
  if (listener_ != nullptr) {
    for (const auto& [log_dir, error] : failures_) {
      listener_->on_log_dir_failure(log_dir, error);
    }
  }
}

// A directory that cannot be used is offline; one that another process uses is an error.
Status LogManagerImpl::open_directory(const std::string& path, Directory& directory) {
  directory.state = std::make_shared<LogDirState>(path, *this);
  const auto prepare = [&]() -> Status {
    if (!env_.vfs->exists(path)) {
      logging::logger("storage").info("log dir {} not found, creating it", path);
      TRY_STATUS(env_.vfs->create_directories(path));
    }
    TRY(const FileInfo info, env_.vfs->stat(path));
    if (!info.is_directory) {
      return fail(ErrorCode::kKafkaStorageError, path + " is not a directory");
    }
    TRY(const auto listed, env_.vfs->list(path));
    return {};
  };
  const Status prepared = prepare();
  if (!prepared) {
    directory.state->take_offline(prepared.error());
    return {};
  }
  auto lock = env_.vfs->lock(path + "/" + kLockFile);
  if (!lock) {
    if (takes_log_dir_offline(lock.error())) {
      // Somebody's lock shows as EACCES or EAGAIN with a message that names the holder.
      if (lock.error().message.find("locked by") == std::string::npos) {
        directory.state->take_offline(lock.error());
        return {};
      }
    }
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("Failed to acquire lock on file .lock in {}. Another instance in "
                            "another process or thread is using this directory ({}).",
                            path, lock.error().message));
  }
  directory.lock = std::move(*lock);
  auto meta = read_meta_properties(*env_.vfs, path + "/" + kMetaPropertiesFile);
  if (!meta) {
    directory.state->take_offline(meta.error());
    return {};
  }
  directory.meta = std::move(*meta);
  read_boot(directory);
  return {};
}

// Where it cannot be told, everything that was not synced counts as lost.
void LogManagerImpl::read_boot(Directory& directory) const {
  const std::string path = directory.state->path() + "/" + kBootFile;
  const std::string now = env_.vfs->boot_id();
  const auto then = read_file(*env_.vfs, path, kMaxBootFileBytes);
  directory.same_boot = then && !now.empty() && *then == now;
  if (!then && then.error().sys_errno != ENOENT) {
    directory.state->note(then.error());
    logging::logger("storage").warn("{}; checking all that was not synced", then.error().message);
  }
}

// Once every log has been loaded, and so checked. It need not be synced: another boot reads another
// id, or a part of one. Without it the next start checks more.
void LogManagerImpl::write_boot(Directory& directory) const {
  if (directory.same_boot) {
    return;
  }
  const auto write = [&]() -> Status {
    TRY(auto file,
        env_.vfs->open(directory.state->path() + "/" + kBootFile, OpenMode::kCreateTruncated));
    const std::string id = env_.vfs->boot_id();
    return file->write_at(0, as_bytes(id));
  };
  const Status written = write();
  if (!written) {
    directory.state->note(written);
    logging::logger("storage").warn("{}; the next start may check more", written.error().message);
  }
}

Status LogManagerImpl::open_directories() {
  std::set<std::string> seen;
  for (const auto& path : options_.log_dirs) {
    if (!seen.insert(path).second) {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("Duplicate log directory found: {}", path));
    }
    TRY_STATUS(open_directory(path, directories_.emplace_back()));
  }
  if (live_log_dirs().empty()) {
    std::string reasons;
    const MutexLock lock(listener_mutex_);
    for (const auto& [log_dir, error] : failures_) {
      reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", error.message);
    }
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("none of the log dirs can be used: {}", reasons));
  }
  return read_identities();
}

Status LogManagerImpl::take_identity(const std::string& dir, const std::string& key,
                                     const std::string& value) {
  if (key == kClusterId) {
    if (meta_.cluster_id && *meta_.cluster_id != value) {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("Invalid cluster.id in: {}/{}. Expected {}, but read {}", dir,
                              kMetaPropertiesFile, *meta_.cluster_id, value));
    }
    meta_.cluster_id = value;
  } else if (key == kBrokerId) {
    std::int32_t id = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), id);
    if (error != std::errc{} || end != value.data() + value.size()) {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("{}/{}: broker.id is '{}', which is no number", dir,
                              kMetaPropertiesFile, value));
    }
    if (meta_.broker_id && *meta_.broker_id != BrokerId(id)) {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("Invalid broker.id in: {}/{}. Expected {}, but read {}. If you moved "
                              "your data, make sure that every log dir belongs to this broker.",
                              dir, kMetaPropertiesFile, meta_.broker_id->value(), id));
    }
    meta_.broker_id = BrokerId(id);
  }
  return {};
}

Status LogManagerImpl::read_identities() {
  for (const auto& directory : directories_) {
    if (!directory.meta) {
      continue;
    }
    const auto version = directory.meta->values.find(kVersionKey);
    if (version != directory.meta->values.end() && version->second != "0") {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("{}/{} has version {}: it belongs to a KRaft broker; this server "
                              "uses ZooKeeper or its embedded store",
                              directory.state->path(), kMetaPropertiesFile, version->second));
    }
    for (const auto& [key, value] : directory.meta->values) {
      TRY_STATUS(take_identity(directory.state->path(), key, value));
    }
  }
  return {};
}

Status LogManagerImpl::write_meta_properties(const std::string& cluster_id, BrokerId broker_id) {
  if (meta_.broker_id && *meta_.broker_id != broker_id) {
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("Configured broker.id {} doesn't match stored broker.id {} in {}. If "
                            "you moved your data, make sure your configured broker.id matches. If "
                            "you intend to create a new broker, you should remove all data in your "
                            "data directories (log.dirs).",
                            broker_id.value(), meta_.broker_id->value(), kMetaPropertiesFile));
  }
  if (meta_.cluster_id && *meta_.cluster_id != cluster_id) {
    return fail(ErrorCode::kInconsistentClusterId,
                fmt::format("The Cluster ID {} doesn't match stored clusterId {} in {}. The broker "
                            "is trying to join the wrong cluster. Configured zookeeper.connect may "
                            "be wrong.",
                            cluster_id, *meta_.cluster_id, kMetaPropertiesFile));
  }
  for (auto& directory : directories_) {
    if (directory.state->offline()) {
      continue;
    }
    MetaPropertiesContent wanted = directory.meta.value_or(MetaPropertiesContent{});
    wanted.values[kClusterId] = cluster_id;
    wanted.values[kBrokerId] = std::to_string(broker_id.value());
    wanted.values[kVersionKey] = "0";
    if (directory.meta && directory.meta->values == wanted.values) {
      continue;
    }
    const Status written =
        write_meta_properties_file(*env_.vfs, directory.state->path() + "/" + kMetaPropertiesFile,
                                   wanted, env_.clock->wall_ms());
    if (!written) {
      directory.state->note(written);
      if (!directory.state->offline()) {
        return written;
      }
      continue;
    }
    directory.meta = std::move(wanted);
  }
  meta_ = {cluster_id, broker_id};
  return {};
}

LogContext LogManagerImpl::context_of(const Directory& directory) {
  LogContext context;
  context.vfs = env_.vfs;
  context.clock = env_.clock;
  context.disk = env_.disk;
  context.reaper = reaper_;
  context.log_dir = directory.state;
  context.wall = wall_;
  context.producer_id_expiration_ms = options_.producer_id_expiration_ms;
  context.flush_behind_bytes = options_.flush_behind_bytes;
  context.snapshot_behind_bytes = options_.snapshot_behind_bytes;
  context.checkpoint_recovery_points = [this, &directory, gate = gate_]() -> Status {
    const MutexLock lock(gate->mutex);
    return gate->stopped ? Status{} : checkpoint_recovery_points_in(directory);
  };
  context.on_truncation = [this](const LogImpl& log, Offset offset) {
    cleaner_.on_truncation(log, offset);
  };
  context.synced_bytes = [state = directory.state, due = options_.flush_behind_bytes,
                          disk = env_.disk,
                          checkpoint = context.checkpoint_recovery_points](std::uint64_t bytes) {
    if (state->add_synced_bytes(bytes, due)) {
      // Posted: whoever flushes may be a periodic task. A failure is said there, and the next one
      // tries again.
      disk->post([checkpoint] { static_cast<void>(checkpoint()); });
    }
  };
  return context;
}

std::shared_ptr<Log> LogManagerImpl::get(const TopicPartition& partition) const {
  const MutexLock lock(mutex_);
  const auto found = logs_.find(partition);
  return found == logs_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<LogImpl>> LogManagerImpl::all_logs() const {
  std::vector<std::shared_ptr<LogImpl>> result;
  const MutexLock lock(mutex_);
  result.reserve(logs_.size());
  for (const auto& [partition, log] : logs_) {
    result.push_back(log);
  }
  return result;
}

std::vector<std::shared_ptr<Log>> LogManagerImpl::logs() const {
  const auto all = all_logs();
  return {all.begin(), all.end()};
}

std::vector<std::shared_ptr<LogImpl>> LogManagerImpl::logs_in(const std::string& log_dir) const {
  auto result = all_logs();
  std::erase_if(result, [&](const auto& log) { return log->log_dir() != log_dir; });
  return result;
}

bool LogManagerImpl::any_offline() const {
  return std::ranges::any_of(directories_,
                             [](const Directory& directory) { return directory.state->offline(); });
}

std::vector<std::string> LogManagerImpl::live_log_dirs() const {
  std::vector<std::string> result;
  for (const auto& directory : directories_) {
    if (!directory.state->offline()) {
      result.push_back(directory.state->path());
    }
  }
  return result;
}

std::vector<std::string> LogManagerImpl::offline_log_dirs() const {
  std::vector<std::string> result;
  for (const auto& directory : directories_) {
    if (directory.state->offline()) {
      result.push_back(directory.state->path());
    }
  }
  return result;
}

bool LogManagerImpl::is_online(const std::string& log_dir) const {
  return std::ranges::any_of(directories_, [&](const Directory& directory) {
    return directory.state->path() == log_dir && !directory.state->offline();
  });
}

std::vector<LogDirUsage> LogManagerImpl::log_dir_usage() const {
  std::vector<LogDirUsage> result;
  for (const auto& directory : directories_) {
    LogDirUsage& usage = result.emplace_back();
    usage.path = directory.state->path();
    if (directory.state->offline()) {
      continue;
    }
    const auto total = env_.vfs->total_bytes(usage.path);
    const auto free = env_.vfs->free_bytes(usage.path);
    if (!total || !free) {
      const Error& error = total ? free.error() : total.error();
      logging::logger("storage").warn("{}: {}", usage.path, error.message);
      continue;
    }
    usage.online = true;
    usage.total_bytes = *total;
    usage.usable_bytes = *free;
  }
  return result;
}

Offset LogManagerImpl::checkpointed_high_watermark(const TopicPartition& partition) const {
  for (const auto& directory : directories_) {
    const auto found = directory.high_watermarks.find(partition);
    if (found != directory.high_watermarks.end() && !directory.state->offline()) {
      return found->second;
    }
  }
  return Offset(0);
}

LogManagerImpl::Directory& LogManagerImpl::directory_of(const LogImpl& log) {
  const auto found = std::ranges::find_if(
      directories_, [&](const Directory& d) { return d.state->path() == log.log_dir(); });
  BARNABAS_CHECK(found != directories_.end());
  return *found;
}

// The live one with the fewest logs; the first of several.
LogManagerImpl::Directory* LogManagerImpl::directory_for_new_log() {
  Directory* best = nullptr;
  for (auto& directory : directories_) {
    if (!directory.state->offline() && (best == nullptr || directory.log_count < best->log_count)) {
      best = &directory;
    }
  }
  return best;
}

Result<std::shared_ptr<LogImpl>> LogManagerImpl::create_log(Directory& directory,
                                                            const TopicPartition& partition,
                                                            const LogConfig& config) {
  LoadRequest request;
  request.partition = partition;
  request.directory = directory.state->path() + "/" + to_string(partition);
  request.config = config;
  request.jitter_seed = env_.random->next();
  const LogContext context = context_of(directory);
  auto loaded = LogLoader(context, std::move(request)).load();
  if (!loaded) {
    directory.state->note(loaded.error());
    return std::unexpected(std::move(loaded).error());
  }
  auto log = std::make_shared<LogImpl>(context, std::move(*loaded));
  logs_[partition] = log;
  ++directory.log_count;
  logging::logger("storage").info("created log for partition {} in {}", to_string(partition),
                                  directory.state->path());
  return log;
}

Result<std::shared_ptr<Log>> LogManagerImpl::get_or_create(const TopicPartition& partition,
                                                           std::optional<Uuid> topic_id,
                                                           const LogConfig& config, bool is_new) {
  const MutexLock lock(mutex_);
  std::shared_ptr<LogImpl> log;
  const auto found = logs_.find(partition);
  if (found != logs_.end()) {
    log = found->second;
  } else {
    if (!is_new && any_offline()) {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("Can not create log for {} because log directories {} are offline",
                              to_string(partition), fmt::join(offline_log_dirs(), ",")));
    }
    Result<std::shared_ptr<LogImpl>> created =
        fail(ErrorCode::kKafkaStorageError, "No log directories available.");
    // A directory that fails on this very creation is offline now; the next is tried.
    for (Directory* directory = directory_for_new_log(); directory != nullptr;
         directory = directory_for_new_log()) {
      created = create_log(*directory, partition, config);
      if (created || !directory->state->offline()) {
        break;
      }
    }
    TRY(log, std::move(created));
  }
  if (topic_id && !topic_id->is_zero()) {
    TRY_STATUS(log->assign_topic_id(*topic_id));
  }
  return log;
}

// Takes the log out and renames its directory; the log dir it lay in, empty if there was none.
Result<std::string> LogManagerImpl::give_up(const TopicPartition& partition) {
  std::shared_ptr<LogImpl> log;
  Directory* directory = nullptr;
  std::string name;
  {
    const MutexLock lock(mutex_);
    const auto found = logs_.find(partition);
    if (found == logs_.end()) {
      if (any_offline()) {
        return fail(ErrorCode::kKafkaStorageError,
                    fmt::format("Failed to delete log for {} because it may be in one of the "
                                "offline directories {}",
                                to_string(partition), fmt::join(offline_log_dirs(), ",")));
      }
      return std::string();
    }
    log = found->second;
    logs_.erase(found);
    directory = &directory_of(*log);
    --directory->log_count;
    name = deleted_directory_name(partition, env_.random->uuid());
  }
  log->abandon();
  TRY_STATUS(log->rename_directory(name));
  logging::logger("storage").info(
      "log for partition {} is renamed to {} and is scheduled for "
      "deletion",
      to_string(partition), log->directory());
  reaper_->remove_later({log->directory()}, options_.default_config.file_delete_delay_ms,
                        directory->state);
  return log->log_dir();
}

Status LogManagerImpl::delete_logs(std::span<const TopicPartition> partitions) {
  Status result;
  std::set<std::string> touched;
  for (const auto& partition : partitions) {
    auto log_dir = give_up(partition);
    if (!log_dir) {
      result = std::unexpected(std::move(log_dir).error());
    } else if (!log_dir->empty()) {
      touched.insert(*log_dir);
    }
  }
  cleaner_.forget(partitions);
  // So that a partition of this name that is made later begins at 0.
  for (const auto& directory : directories_) {
    if (touched.contains(directory.state->path())) {
      static_cast<void>(checkpoint_recovery_points_in(directory));
      checkpoint_log_starts_in(directory);
    }
  }
  return result;
}

}  // namespace barnabas::storage
