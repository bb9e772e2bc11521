#include "barnabas/base/logging.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "barnabas/base/snapshot_cell.h"
#include "barnabas/base/thread_annotations.h"

namespace barnabas::logging {
namespace {

struct SharedSink {
  std::shared_ptr<spdlog::logger> logger;
};

struct Registry {
  Mutex mutex;
  std::map<std::string, std::unique_ptr<Logger>, std::less<>> loggers GUARDED_BY(mutex);
  Options options GUARDED_BY(mutex);
  SnapshotCell<SharedSink> sink;
};

// Outlives every static that may still log while the process ends.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

// As Kafka's log4j prints them.
std::string_view level_name(Level level) {
  constexpr std::array<std::string_view, 6> kNames{"TRACE", "DEBUG", "INFO",
                                                   "WARN",  "ERROR", "OFF"};
  return kNames[static_cast<std::size_t>(level)];
}

Level level_for(const Options& options, const std::string& module) {
  const auto found = options.module_levels.find(module);
  return found == options.module_levels.end() ? options.level : found->second;
}

}  // namespace

void Logger::write_if(Level level, fmt::string_view format, fmt::format_args args) {
  if (!enabled(level)) {
    return;
  }
  const std::string line = fmt::vformat(format, args);
  const auto sink = registry().sink.load();
  if (sink) {
    sink->logger->log(static_cast<spdlog::level::level_enum>(static_cast<int>(level)), "{} {} ({})",
                      level_name(level), line, module_);
  } else if (level >= Level::kWarn) {
    std::fprintf(stderr, "%s (%s)\n", line.c_str(), module_.c_str());
  }
}

Logger& logger(std::string_view module) {
  auto& all = registry();
  const MutexLock lock(all.mutex);
  auto found = all.loggers.find(module);
  if (found == all.loggers.end()) {
    auto created = std::make_unique<Logger>(std::string(module));
    created->set_level(level_for(all.options, created->module()));
    found = all.loggers.emplace(created->module(), std::move(created)).first;
  }
  return *found->second;
}

void start(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  if (options.to_stdout) {
    sinks.push_back(std::make_shared<spdlog::sinks::stdout_sink_mt>());
  }
  if (!options.directory.empty()) {
    sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        options.directory + "/server.log", options.max_file_bytes, options.max_files));
  }
  auto sink = std::make_shared<spdlog::logger>("barnabas", sinks.begin(), sinks.end());
  sink->set_pattern("[%Y-%m-%d %H:%M:%S,%e] %v");
  sink->set_level(spdlog::level::trace);
  sink->flush_on(spdlog::level::info);
  auto& all = registry();
  const MutexLock lock(all.mutex);
  all.options = options;
  for (auto& [name, one] : all.loggers) {
    one->set_level(level_for(options, name));
  }
  all.sink.exchange(std::make_shared<SharedSink>(std::move(sink)));
}

void flush() {
  if (const auto sink = registry().sink.load()) {
    sink->logger->flush();
  }
}

void stop() {
  if (const auto sink = registry().sink.exchange(nullptr)) {
    sink->logger->flush();
  }
}

}  // namespace barnabas::logging
