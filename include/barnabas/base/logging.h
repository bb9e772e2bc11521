// The logging facade. spdlog stays behind it; a disabled line costs one load and one branch.
// Lines carry ids (topic-partition, broker, epoch, correlation id), not prose.
#pragma once

#include <fmt/core.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace barnabas::logging {

enum class Level : int { kTrace = 0, kDebug, kInfo, kWarn, kError, kOff };

// One per module; lives for ever. THREAD: any
class Logger {
 public:
  explicit Logger(std::string module) : module_(std::move(module)) {}
  [[nodiscard]] bool enabled(Level level) const {
    return static_cast<int>(level) >= level_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const std::string& module() const { return module_; }
  void set_level(Level level) { level_.store(static_cast<int>(level), std::memory_order_relaxed); }

  template <typename... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    write_if(Level::kDebug, format, fmt::make_format_args(args...));
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write_if(Level::kInfo, format, fmt::make_format_args(args...));
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    write_if(Level::kWarn, format, fmt::make_format_args(args...));
  }
  template <typename... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    write_if(Level::kError, format, fmt::make_format_args(args...));
  }

 private:
  void write_if(Level level, fmt::string_view format, fmt::format_args args);

  std::string module_;
  std::atomic<int> level_{static_cast<int>(Level::kInfo)};
};

struct Options {
  std::string directory;  // where server.log lies; empty: no file
  bool to_stdout = true;
  Level level = Level::kInfo;
  std::map<std::string, Level> module_levels;
  std::size_t max_file_bytes = std::size_t{100} << 20U;
  std::size_t max_files = 10;
};

// The logger of a module, such as "storage"; the same object at each call. THREAD: any
[[nodiscard]] Logger& logger(std::string_view module);
// Opens the sinks. Until then, and in tests, lines of WARN and above go to stderr.
void start(const Options& options);
void flush();
void stop();

}  // namespace barnabas::logging
