#include "consumer_groups_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace barnabas::apps {
namespace {

using Action = ConsumerGroupsLine::Action;

constexpr std::int64_t kDefaultTimeoutMs = 5000;

constexpr std::array kOptions = {
    OptionSpec{"all-groups"},
    OptionSpec{"all-topics"},
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"by-duration", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"delete"},
    OptionSpec{"delete-offsets"},
    OptionSpec{"describe"},
    OptionSpec{"dry-run"},
    OptionSpec{"execute"},
    OptionSpec{"export"},
    OptionSpec{"from-file", Argument::kRequired},
    OptionSpec{"group", Argument::kRequired},
    OptionSpec{"help"},
    OptionSpec{"list"},
    OptionSpec{"members"},
    OptionSpec{"offsets"},
    OptionSpec{"reset-offsets"},
    OptionSpec{"shift-by", Argument::kRequired},
    OptionSpec{"state", Argument::kOptional},
    OptionSpec{"timeout", Argument::kRequired},
    OptionSpec{"to-current"},
    OptionSpec{"to-datetime", Argument::kRequired},
    OptionSpec{"to-earliest"},
    OptionSpec{"to-latest"},
    OptionSpec{"to-offset", Argument::kRequired},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"type", Argument::kOptional},
    OptionSpec{"verbose"},
    OptionSpec{"version"},
};

// The reset specifications, each with all of them in the order in which Kafka looks for a clash.
constexpr std::array<std::string_view, 8> kScenarios = {"to-offset",   "to-datetime", "by-duration",
                                                        "to-earliest", "to-latest",   "to-current",
                                                        "shift-by",    "from-file"};

struct Named {
  std::string_view name;
  Action action;
};
constexpr std::array kActions = {Named{"list", Action::kList}, Named{"describe", Action::kDescribe},
                                 Named{"delete", Action::kDelete},
                                 Named{"reset-offsets", Action::kResetOffsets},
                                 Named{"delete-offsets", Action::kDeleteOffsets}};

constexpr std::array<std::string_view, 7> kStates = {
    "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty",
    "Assigning",          "Reconciling"};
constexpr std::array<std::string_view, 2> kTypes = {"Consumer", "Classic"};

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The names of `list`, as `known` spells them; nothing where one is unknown.
std::optional<std::vector<std::string>> names_of(const std::string& list,
                                                 std::span<const std::string_view> known) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    std::string name = lower(list.substr(at, end - at));
    std::erase_if(name, [](unsigned char c) { return std::isspace(c) != 0; });
    const auto found = std::ranges::find_if(
        known, [&](std::string_view one) { return lower(std::string(one)) == name; });
    if (found == known.end()) {
      return std::nullopt;
    }
    names.emplace_back(*found);
    at = end + 1;
  }
  return names;
}

// jopt-simple's availableIf.
Status check_available(const ParsedOptions& options) {
  std::vector<std::string_view> missing;
  const bool describe = options.has("describe");
  const bool list = options.has("list");
  for (const std::string_view name : {"members", "verbose", "offsets"}) {
    if (options.has(name) && !describe) {
      missing.push_back(name);
    }
  }
  if (options.has("state") && !describe && !list) {
    missing.emplace_back("state");
  }
  if (options.has("type") && !list) {
    missing.emplace_back("type");
  }
  if (!missing.empty()) {
    return refuse(
        fmt::format("Option(s) [{}] are unavailable given other options on the command line",
                    fmt::join(missing, ", ")));
  }
  return {};
}

Status check_describe(const ParsedOptions& options) {
  if (!options.has("group") && !options.has("all-groups")) {
    return refuse(
        "Option [describe] takes one of these options: [reset-offsets], [describe], [delete], "
        "[list]");
  }
  const int parts = static_cast<int>(options.has("members")) +
                    static_cast<int>(options.has("offsets")) +
                    static_cast<int>(options.has("state"));
  if (parts > 1) {
    return refuse(
        "Option [describe] takes at most one of these options: [members], [offsets], "
        "[state]");
  }
  TRY(const auto state, options.value("state"));
  if (state) {
    return refuse("Option [describe] does not take a value for [state]");
  }
  return {};
}

Status check_reset(const ParsedOptions& options) {
  if (options.has("dry-run") && options.has("execute")) {
    return refuse("Option [reset-offsets] only accepts one of [execute] and [dry-run]");
  }
  if (!options.has("group") && !options.has("all-groups")) {
    return refuse("Option [reset-offsets] takes one of these options: [all-groups], [group]");
  }
  for (const std::string_view one : kScenarios) {
    for (const std::string_view other : kScenarios) {
      if (one != other && options.has(one) && options.has(other)) {
        return refuse(
            fmt::format("Option \"[{}]\" can't be used with option \"[{}]\"", one, other));
      }
    }
  }
  return {};
}

Status check_together(const ParsedOptions& options) {
  if (options.has("describe")) {
    TRY_STATUS(check_describe(options));
  }
  if (options.has("delete")) {
    if (!options.has("group") && !options.has("all-groups")) {
      return refuse("Option [delete] takes one of these options: [all-groups], [group]");
    }
    if (options.has("topic")) {
      return refuse(
          "The consumer does not support topic-specific offset deletion from a consumer group.");
    }
  }
  if (options.has("delete-offsets") && (!options.has("group") || !options.has("topic"))) {
    return refuse("Option [delete-offsets] takes the following options: [all-groups], [group]");
  }
  if (options.has("reset-offsets")) {
    TRY_STATUS(check_reset(options));
  }
  struct Clash {
    std::string_view one;
    std::string_view other;
  };
  for (const auto& [one, other] : {Clash{"group", "all-groups"}, Clash{"group", "list"},
                                   Clash{"topic", "list"}, Clash{"topic", "describe"}}) {
    if (options.has(one) && options.has(other)) {
      return refuse(fmt::format("Option \"[{}]\" can't be used with option \"[{}]\"", one, other));
    }
  }
  return {};
}

Status read_filters(const ParsedOptions& options, ConsumerGroupsLine& line) {
  TRY(const auto state, options.value("state"));
  TRY(const auto type, options.value("type"));
  // Kafka reads the types first where both are wrong.
  if (type && !type->empty()) {
    auto types = names_of(*type, kTypes);
    if (!types) {
      return refuse(fmt::format("Invalid types list '{}'. Valid types are: {}", *type,
                                fmt::join(kTypes, ", ")));
    }
    line.types = *std::move(types);
  }
  if (state && !state->empty()) {
    auto states = names_of(*state, kStates);
    if (!states) {
      return refuse(fmt::format("Invalid state list '{}'. Valid states are: {}", *state,
                                fmt::join(kStates, ", ")));
    }
    line.states = *std::move(states);
  }
  return {};
}

}  // namespace

std::string_view consumer_groups_help() {
  return R"(Lists, describes, resets and deletes consumer groups.
  --list                        all groups; --state [S,...], --type [T,...]: with these, or only
                                those that are in a state or of a type
  --describe                    offsets and lag; or, instead of --offsets, --members or --state;
                                --verbose tells the members' partitions
  --reset-offsets               new offsets for a group without members, by one of
      --to-earliest, --to-latest, --to-current, --to-offset N, --shift-by N,
      --to-datetime YYYY-MM-DDTHH:mm:SS.sss, --by-duration PnDTnHnMnS, --from-file CSV
      --all-topics | --topic T[:0,1]   which partitions (T may be repeated)
      --dry-run | --execute     only tell (the default), or do it
      --export                  print it as CSV
  --delete                      groups and their offsets
  --delete-offsets              the offsets of --topic T[:0,1] of a group
  --group G | --all-groups      which groups (G may be repeated)
  --timeout MS                  how long to wait for a coordinator (5000)
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done (Kafka's tool also tells most failures with it), 1 an error.
)";
}

Result<ConsumerGroupsLine> parse_consumer_groups(std::span<char*> arguments) {
  ConsumerGroupsLine line;
  TRY(line.options, parse_options(kOptions, arguments));
  const ParsedOptions& options = line.options;
  TRY_STATUS(check_available(options));
  if (options.has("help") || options.has("version")) {
    line.action = options.has("help") ? Action::kHelp : Action::kVersion;
    return line;
  }
  TRY_STATUS(check_together(options));
  if (std::ranges::count_if(kActions, [&](const Named& one) { return options.has(one.name); }) !=
      1) {
    return refuse(
        "Command must include exactly one action: --list, --describe, --delete, "
        "--reset-offsets, --delete-offsets");
  }
  line.action = std::ranges::find_if(kActions, [&](const Named& one) {
                  return options.has(one.name);
                })->action;
  TRY(line.timeout_ms, options.int64_value("timeout", kDefaultTimeoutMs));
  line.groups = options.values("group");
  line.topics = options.values("topic");
  if (line.action == Action::kList) {
    TRY_STATUS(read_filters(options, line));
  }
  return line;
}

}  // namespace barnabas::apps
