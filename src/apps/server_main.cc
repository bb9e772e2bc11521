// barnabas server FILE [--override key=value]... [--pid-file F] [--log-dir D]
// Runs a broker in the foreground until SIGTERM or SIGINT, then stops it cleanly.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/logging.h"
#include "barnabas/broker/broker.h"
#include "barnabas/config/broker_config.h"
#include "subcommands.h"

namespace barnabas::apps {
namespace {

constexpr std::string_view kUsage =
    "usage: barnabas server server.properties [--override key=value]...\n"
    "         [--pid-file FILE] [--log-dir DIR] [--log-level [MODULE=]LEVEL]...\n"
    "Runs a broker in the foreground; SIGTERM or Ctrl-C stops it cleanly.\n"
    "  --override   a key of the file with another value; may be repeated\n"
    "  --pid-file   written when the broker has started, removed when it has stopped\n"
    "  --log-dir    where server.log is written (rotated); without it only standard output is\n"
    "  --log-level  trace, debug, info, warn, error or off; for all modules or for one\n";

struct Arguments {
  std::string file;
  std::vector<std::string> overrides;
  std::string pid_file;
  logging::Options log;
};

std::optional<logging::Level> parse_level(std::string_view text) {
  constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "off"};
  for (int i = 0; i < 6; ++i) {
    if (text == kNames[i]) {
      return static_cast<logging::Level>(i);
    }
  }
  return std::nullopt;
}

bool take_level(std::string_view text, logging::Options& log) {
  const auto equals = text.find('=');
  const auto level = parse_level(equals == std::string_view::npos ? text : text.substr(equals + 1));
  if (!level) {
    return false;
  }
  if (equals == std::string_view::npos) {
    log.level = *level;
  } else {
    log.module_levels[std::string(text.substr(0, equals))] = *level;
  }
  return true;
}

// None: the usage has been printed.
std::optional<Arguments> parse(std::span<char*> words) {
  Arguments result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const auto value = [&]() -> std::optional<std::string> {
      return i + 1 < words.size() ? std::optional<std::string>(words[++i]) : std::nullopt;
    };
    std::optional<std::string> given;
    if (word == "--override" && (given = value())) {
      result.overrides.push_back(std::move(*given));
    } else if (word == "--pid-file" && (given = value())) {
      result.pid_file = std::move(*given);
    } else if (word == "--log-dir" && (given = value())) {
      result.log.directory = std::move(*given);
    } else if (word == "--log-level" && (given = value()) && take_level(*given, result.log)) {
      continue;
    } else if (!word.starts_with("--") && result.file.empty()) {
      result.file = word;
    } else {
      fmt::print(stderr, "barnabas server: cannot use '{}' here\n{}", word, kUsage);
      return std::nullopt;
    }
  }
  if (result.file.empty()) {
    fmt::print(stderr, "{}", kUsage);
    return std::nullopt;
  }
  return result;
}

std::optional<config::BrokerConfig> load_config(const Arguments& arguments) {
  std::ifstream in(arguments.file, std::ios::binary);
  if (!in) {
    fmt::print(stderr, "cannot open {}\n{}", arguments.file, kUsage);
    return std::nullopt;
  }
  config::ConfigSource source;
  source.file_name = arguments.file;
  source.text.assign(std::istreambuf_iterator<char>(in), {});
  source.overrides = arguments.overrides;
  auto loaded = config::BrokerConfig::load(source);
  if (!loaded) {
    for (const auto& problem : loaded.error()) {
      fmt::print(stderr, "{}\n", problem.to_string());
    }
    return std::nullopt;
  }
  return std::move(*loaded);
}

bool write_pid_file(const std::string& path) {
  if (path.empty()) {
    return true;
  }
  std::ofstream out(path, std::ios::trunc);
  out << ::getpid() << '\n';
  out.flush();
  return out.good();
}

// Blocked before any thread exists, so that only the wait below takes them.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Connections and segments take descriptors: all that the system lets this process have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      logging::logger("kafka.server.KafkaServer")
          .warn("the limit of open files stays at its soft value");
    }
  }
}

int run(const Arguments& arguments, config::BrokerConfig config, const sigset_t& signals) {
  auto& log = logging::logger("kafka.server.KafkaServer");
  for (const auto& warning : config.warnings()) {
    log.warn("{}", warning.to_string());
  }
  if (const auto kept = config.without_effect(); !kept.empty()) {
    log.info("keys that are kept and have no effect here: {}", fmt::join(kept, ", "));
  }
  raise_descriptor_limit();
  broker::Broker broker(std::move(config));
  if (const auto started = broker.start(); !started) {
    log.error("the broker does not start: {}", started.error().message);
    return 1;
  }
  if (!write_pid_file(arguments.pid_file)) {
    log.error("cannot write the pid file {}", arguments.pid_file);
    broker.stop();
    return 1;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  log.info("signal {}: stopping", signal);
  broker.stop();
  if (!arguments.pid_file.empty()) {
    ::unlink(arguments.pid_file.c_str());
  }
  return 0;
}

}  // namespace

int server_main(std::span<char*> words) {
  if (words.size() == 1 && std::string_view(words[0]) == "--help") {
    fmt::print("{}", kUsage);
    return 0;
  }
  const auto arguments = parse(words);
  if (!arguments) {
    return 1;
  }
  auto config = load_config(*arguments);
  if (!config) {
    return 1;
  }
  const sigset_t signals = block_stop_signals();
  try {
    logging::start(arguments->log);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cannot write log files to {}: {}\n", arguments->log.directory,
               error.what());
    return 1;
  }
  const int code = run(*arguments, std::move(*config), signals);
  logging::stop();
  return code;
}

}  // namespace barnabas::apps
