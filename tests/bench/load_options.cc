#include "bench/load_options.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <stdexcept>

namespace barnabas::bench {
namespace {

struct Flag {
  std::string help;
  std::function<void(LoadOptions&, const std::string&)> set;
};

template <typename T>
std::function<void(LoadOptions&, const std::string&)> number(T LoadOptions::* field) {
  return [field](LoadOptions& options, const std::string& text) {
    std::size_t used = 0;
    const double value = std::stod(text, &used);
    if (used != text.size()) {
      throw std::invalid_argument(fmt::format("{} is not a number", text));
    }
    options.*field = static_cast<T>(value);
  };
}

void set_broker(LoadOptions& options, const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) {
    throw std::invalid_argument("--broker wants address:port");
  }
  options.broker.host = text.substr(0, colon);
  options.broker.port = static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)));
}

const std::map<std::string, Flag>& flags() {
  static const std::map<std::string, Flag> all{
      {"--broker", {"address:port (127.0.0.1:9092)", set_broker}},
      {"--pid", {"process whose CPU is measured", number(&LoadOptions::pid)}},
      {"--topic", {"made when missing", [](auto& o, const auto& text) { o.topic = text; }}},
      {"--connections", {"", number(&LoadOptions::connections)}},
      {"--partitions", {"of the topic", number(&LoadOptions::partitions)}},
      {"--partitions-per-request", {"", number(&LoadOptions::partitions_per_request)}},
      {"--window", {"requests in flight on a connection", number(&LoadOptions::window)}},
      {"--acks", {"1 or -1", number(&LoadOptions::acks)}},
      {"--record-bytes", {"value of a record", number(&LoadOptions::record_bytes)}},
      {"--batch-bytes", {"0: one record a batch", number(&LoadOptions::batch_bytes)}},
      {"--fill-bytes", {"written before fetching", number(&LoadOptions::fill_bytes)}},
      {"--fetch-bytes", {"asked for at once", number(&LoadOptions::fetch_bytes)}},
      {"--rate", {"requests a second of mode rate", number(&LoadOptions::rate)}},
      {"--consume", {"1: mode rate measures end to end, too", number(&LoadOptions::consume)}},
      {"--waiters", {"waiting fetches, idle connections", number(&LoadOptions::waiters)}},
      {"--wakes", {"how many times some are woken", number(&LoadOptions::wakes)}},
      {"--warm-up", {"seconds that do not count", number(&LoadOptions::warm_up_s)}},
      {"--seconds", {"that count", number(&LoadOptions::seconds)}},
      {"--max-bytes", {"of records, ends a load early", number(&LoadOptions::max_bytes)}}};
  return all;
}

}  // namespace

std::string load_usage() {
  std::string text =
      "bench_load produce|fetch|ping|rate|waiters|idle [--flag value]...\n"
      "Loads a broker, checks every answer, prints one line of JSON.\n";
  for (const auto& [name, flag] : flags()) {
    text += fmt::format("  {:<26}{}\n", name, flag.help);
  }
  return text;
}

LoadOptions parse_load_options(int argc, char** argv) {
  LoadOptions options;
  if (argc < 2) {
    throw std::invalid_argument("no mode given");
  }
  options.mode = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const auto flag = flags().find(argv[i]);
    if (flag == flags().end()) {
      throw std::invalid_argument(fmt::format("unknown flag {}", argv[i]));
    }
    if (i + 1 == argc) {
      throw std::invalid_argument(fmt::format("{} wants a value", argv[i]));
    }
    flag->second.set(options, argv[i + 1]);
  }
  if (options.connections < 1 || options.partitions < 1 || options.window < 1 ||
      options.partitions_per_request < 1 || options.partitions_per_request > options.partitions) {
    throw std::invalid_argument("connections, partitions and window must be at least 1");
  }
  return options;
}

}  // namespace barnabas::bench
