#include "transactions_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace barnabas::apps {
namespace {

constexpr std::array kOptions = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"broker-id", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"coordinator-epoch", Argument::kRequired},
    OptionSpec{"duration-filter", Argument::kRequired},
    OptionSpec{"h"},
    OptionSpec{"help"},
    OptionSpec{"max-transaction-timeout", Argument::kRequired},
    OptionSpec{"partition", Argument::kRequired},
    OptionSpec{"producer-epoch", Argument::kRequired},
    OptionSpec{"producer-id", Argument::kRequired},
    OptionSpec{"start-offset", Argument::kRequired},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"transactional-id", Argument::kRequired},
    OptionSpec{"v"},
    OptionSpec{"version"},
};

// What a command takes; those with a ! it must have, looked for in this order.
struct Command {
  std::string_view name;
  std::array<std::string_view, 6> options;
};
constexpr std::array kCommands = {
    Command{"list", {"duration-filter"}},
    Command{"describe", {"!transactional-id"}},
    Command{"describe-producers", {"broker-id", "!topic", "!partition"}},
    Command{"abort",
            {"!topic", "!partition", "start-offset", "producer-id", "producer-epoch",
             "coordinator-epoch"}},
    Command{"find-hanging", {"broker-id", "max-transaction-timeout", "topic", "partition"}},
};
constexpr std::array<std::string_view, 6> kEverywhere = {
    "bootstrap-server", "command-config", "h", "help", "v", "version"};

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

std::string_view bare(std::string_view option) {
  return option.starts_with('!') ? option.substr(1) : option;
}

Status check_options(const Command& command, const ParsedOptions& options) {
  for (const OptionSpec& spec : kOptions) {
    const bool known = std::ranges::find(kEverywhere, spec.name) != kEverywhere.end() ||
                       std::ranges::find(command.options, spec.name, bare) != command.options.end();
    if (!known && options.has(spec.name)) {
      return refuse(fmt::format("unrecognized arguments: '--{}'", spec.name));
    }
  }
  const std::string_view* missing = nullptr;
  for (const std::string_view& option : command.options) {
    if (option.starts_with('!') && !options.has(bare(option))) {
      missing = &option;  // Kafka's parser tells the last one
    }
  }
  if (missing != nullptr) {
    return refuse(fmt::format("argument --{} is required", bare(*missing)));
  }
  return {};
}

template <typename T>
Result<std::optional<T>> number(const ParsedOptions& options, std::string_view name,
                                std::string_view type) {
  const std::vector<std::string> values = options.values(name);
  if (values.empty()) {
    return std::optional<T>{};
  }
  const std::string& text = values.back();
  const char* const end = text.data() + text.size();
  T value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) {
    return refuse(
        fmt::format("argument --{}: could not convert '{}' to {} (For input string: "
                    "\"{}\")",
                    name, text, type, text));
  }
  return std::optional(value);
}

std::optional<std::string> text(const ParsedOptions& options, std::string_view name) {
  const std::vector<std::string> values = options.values(name);
  return values.empty() ? std::nullopt : std::optional(values.back());
}

Status read_values(const ParsedOptions& options, TransactionsLine& line) {
  line.transactional_id = text(options, "transactional-id");
  line.topic = text(options, "topic");
  TRY(line.partition, number<std::int32_t>(options, "partition", "Integer"));
  TRY(line.broker_id, number<std::int32_t>(options, "broker-id", "Integer"));
  TRY(line.start_offset, number<std::int64_t>(options, "start-offset", "Long"));
  TRY(line.producer_id, number<std::int64_t>(options, "producer-id", "Long"));
  TRY(line.producer_epoch, number<std::int16_t>(options, "producer-epoch", "Short"));
  TRY(line.coordinator_epoch, number<std::int32_t>(options, "coordinator-epoch", "Integer"));
  TRY(const auto duration, number<std::int64_t>(options, "duration-filter", "Long"));
  TRY(const auto timeout, number<std::int32_t>(options, "max-transaction-timeout", "Integer"));
  line.duration_filter_ms = duration.value_or(line.duration_filter_ms);
  line.max_transaction_timeout_min = timeout.value_or(line.max_transaction_timeout_min);
  return {};
}

}  // namespace

std::string_view transactions_help() {
  return R"(Shows transactions and producers, finds transactions that hang, and aborts them.
  list                          all transactional ids
      --duration-filter MS      only transactions that run for longer
  describe                      one of them: --transactional-id ID
  describe-producers            the producers of --topic T --partition N
      --broker-id N             as a replica knows them (the leader)
  find-hanging                  open transactions that no coordinator will end
      --topic T [--partition N], --broker-id N   where to look
      --max-transaction-timeout MIN   younger ones do not count (15)
  abort                         a hanging transaction of --topic T --partition N
      --start-offset N          where it begins; or, for brokers before 3.0:
      --producer-id N --producer-epoch N --coordinator-epoch N
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done, 1 an error.
)";
}

Result<TransactionsLine> parse_transactions(std::span<char*> arguments) {
  TransactionsLine line;
  TRY(const ParsedOptions all, parse_options(kOptions, arguments));
  line.help = all.has("help") || all.has("h");
  line.version = all.has("version") || all.has("v");
  if (line.help || line.version) {
    return line;
  }
  // The first bare word is the command; further ones may be servers.
  if (all.words().empty()) {
    return refuse("too few arguments");
  }
  line.command = all.words().front();
  const auto command = std::ranges::find(kCommands, line.command, &Command::name);
  if (command == kCommands.end()) {
    return refuse(
        fmt::format("invalid choice: '{}' (choose from 'list', 'describe', "
                    "'describe-producers', 'abort', 'find-hanging')",
                    line.command));
  }
  std::vector<char*> rest(arguments.begin(), arguments.end());
  for (auto at = rest.begin(); at != rest.end(); ++at) {
    std::vector<char*> without(rest.begin(), at);
    without.insert(without.end(), at + 1, rest.end());
    if (*at == line.command) {
      TRY(line.options, parse_options(kOptions, without));
      if (line.options.words().size() + 1 == all.words().size()) {
        break;  // it was the word, not an option's value of the same name
      }
    }
  }
  TRY_STATUS(check_options(*command, line.options));
  TRY_STATUS(read_values(line.options, line));
  return line;
}

}  // namespace barnabas::apps
