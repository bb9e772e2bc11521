#include "topics_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <set>

namespace barnabas::apps {

namespace {

constexpr std::array kOptions = {
    OptionSpec{"alter"},
    OptionSpec{"at-min-isr-partitions"},
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"config", Argument::kRequired},
    OptionSpec{"create"},
    OptionSpec{"delete"},
    OptionSpec{"delete-config", Argument::kRequired},
    OptionSpec{"describe"},
    OptionSpec{"exclude-internal"},
    OptionSpec{"help"},
    OptionSpec{"if-exists"},
    OptionSpec{"if-not-exists"},
    OptionSpec{"list"},
    OptionSpec{"partition-size-limit-per-response", Argument::kRequired},
    OptionSpec{"partitions", Argument::kRequired},
    OptionSpec{"replica-assignment", Argument::kRequired},
    OptionSpec{"replication-factor", Argument::kRequired},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"topic-id", Argument::kRequired},
    OptionSpec{"topics-with-overrides"},
    OptionSpec{"unavailable-partitions"},
    OptionSpec{"under-min-isr-partitions"},
    OptionSpec{"under-replicated-partitions"},
    OptionSpec{"version"},
    OptionSpec{"zookeeper", Argument::kRequired},
};

struct Action {
  std::string_view option;
  TopicsAction action;
};

constexpr std::array kActions = {
    Action{"create", TopicsAction::kCreate}, Action{"list", TopicsAction::kList},
    Action{"alter", TopicsAction::kAlter},   Action{"describe", TopicsAction::kDescribe},
    Action{"delete", TopicsAction::kDelete},
};

// An option, the actions it may go with, and the other options it may not.
struct Combination {
  std::string_view option;
  std::string_view actions;
  std::vector<std::string_view> excluded;
};

const std::array<Combination, 11>& combinations() {
  static const std::array<Combination, 11> kCombinations = {
      Combination{"config", "alter create", {}},
      Combination{"delete-config", "alter", {"bootstrap-server"}},
      Combination{"partitions", "alter create", {}},
      Combination{"replication-factor", "create", {}},
      Combination{"replica-assignment", "alter create", {}},
      Combination{"under-replicated-partitions", "describe", {"topics-with-overrides"}},
      Combination{"under-min-isr-partitions", "describe", {"topics-with-overrides"}},
      Combination{"at-min-isr-partitions", "describe", {"topics-with-overrides"}},
      Combination{"unavailable-partitions", "describe", {"topics-with-overrides"}},
      Combination{"if-exists", "alter delete describe", {}},
      Combination{"exclude-internal", "list describe", {}},
  };
  return kCombinations;
}

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

std::unexpected<Error> not_together(std::string_view option, std::string_view other) {
  return refuse(fmt::format("Option \"[{}]\" can't be used with option \"[{}]\"", option, other));
}

Status missing(std::string_view option) {
  return refuse(fmt::format("Missing required argument \"[{}]\"", option));
}

Status check_required(const ParsedOptions& options) {
  if (options.has("describe") && options.has("if-exists") && !options.has("topic") &&
      !options.has("topic-id")) {
    return refuse("--topic or --topic-id is required to describe a topic");
  }
  if (!options.has("list") && !options.has("describe") && !options.has("topic")) {
    return missing("topic");
  }
  if (options.has("alter")) {
    if (options.has("config")) {
      return refuse(
          "Option combination \"[[bootstrap-server], [config]]\" can't be used with option "
          "\"[alter]\" (the kafka-configs CLI supports altering topic configs with a "
          "--bootstrap-server option)");
    }
    if (!options.has("partitions")) {
      return missing("partitions");
    }
  }
  return {};
}

Status check_combination(const ParsedOptions& options, const Combination& combination) {
  if (!options.has(combination.option)) {
    return {};
  }
  for (const Action& action : kActions) {
    if (options.has(action.option) && !combination.actions.contains(action.option)) {
      return not_together(combination.option, action.option);
    }
  }
  for (const std::string_view other : combination.excluded) {
    if (options.has(other) || other == "bootstrap-server") {  // which has a default here
      return not_together(combination.option, other);
    }
  }
  return {};
}

Status check_combinations(const ParsedOptions& options) {
  for (const Combination& combination : combinations()) {
    TRY_STATUS(check_combination(options, combination));
  }
  TRY_STATUS(check_combination(options, {"topics-with-overrides", "describe", {}}));
  TRY_STATUS(check_combination(options, {"if-not-exists", "create", {}}));
  if (options.has("create") && options.has("replica-assignment")) {
    for (const std::string_view other : {"partitions", "replication-factor"}) {
      if (options.has(other)) {
        return not_together("replica-assignment", other);
      }
    }
  }
  return {};
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// As Java's String.split: empty parts at the end are dropped.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t end = text.find(separator, at);
    parts.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    at = end == std::string_view::npos ? end : end + 1;
  }
  while (parts.size() > 1 && parts.back().empty()) {
    parts.pop_back();
  }
  return parts;
}

Result<std::vector<std::int32_t>> parse_replicas(std::string_view text) {
  std::vector<std::int32_t> replicas;
  std::set<std::int32_t> twice;
  for (const std::string_view part : split(text, ':')) {
    const std::string_view digits = trim(part);
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (digits.empty() || error != std::errc{} || stop != digits.data() + digits.size()) {
      return refuse(fmt::format("For input string: \"{}\"", digits));
    }
    if (std::ranges::count(replicas, id) > 0) {
      twice.insert(id);
    }
    replicas.push_back(id);
  }
  if (!twice.empty()) {
    return refuse(fmt::format("Partition replica lists may not contain duplicate entries: {}",
                              fmt::join(twice, ",")));
  }
  return replicas;
}

Result<std::vector<std::vector<std::int32_t>>> parse_assignment(std::string_view text) {
  std::vector<std::vector<std::int32_t>> assignment;
  for (const std::string_view part : split(text, ',')) {
    TRY(std::vector<std::int32_t> replicas, parse_replicas(part));
    if (!assignment.empty() && replicas.size() != assignment.front().size()) {
      return refuse(fmt::format("Partition {} has different replication factor: [{}]",
                                assignment.size(), fmt::join(replicas, ", ")));
    }
    assignment.push_back(std::move(replicas));
  }
  return assignment;
}

Result<std::map<std::string, std::string>> parse_configs(const std::vector<std::string>& words) {
  std::map<std::string, std::string> configs;
  for (const std::string& word : words) {
    const std::vector<std::string_view> parts = split(word, '=');
    if (parts.size() != 2) {
      return refuse(
          "requirement failed: Invalid topic config: all configs to be added must be in the format "
          "\"key=val\".");
    }
    configs[std::string(trim(parts[0]))] = trim(parts[1]);
  }
  return configs;
}

}  // namespace

std::string_view topics_help() {
  return R"(Creates, deletes, describes, lists or changes topics. Exactly one of:
  --create --topic T            [--partitions N] [--replication-factor N]
      [--config KEY=VALUE]...   settings of the topic's own
      [--replica-assignment 1:2,2:3]   the brokers of each partition, instead of the two numbers
      [--if-not-exists]         no error when there is such a topic
  --list                        names, one a line
  --describe                    partitions, leaders, replicas and settings
      [--topic-id ID] [--topics-with-overrides] [--if-exists]
      [--under-replicated-partitions] [--unavailable-partitions]
      [--under-min-isr-partitions] [--at-min-isr-partitions]
      [--partition-size-limit-per-response N]
  --alter --topic T --partitions N   more partitions [--replica-assignment ...] [--if-exists]
  --delete --topic T            [--if-exists]
and with each of them:
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --topic T                     a name or, except for --create, a regular expression
  --exclude-internal            leave Kafka's own topics out of --list and --describe
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done, 1 an error.
)";
}

Result<TopicsCommandLine> parse_topics(std::span<char*> arguments) {
  TRY(ParsedOptions options, parse_options(kOptions, arguments));
  if (options.has("help") || options.has("version")) {
    const bool help = options.has("help");
    return TopicsCommandLine{help ? TopicsAction::kHelp : TopicsAction::kVersion,
                             std::move(options)};
  }
  if (options.has("zookeeper")) {
    return refuse("zookeeper is not a recognized option. Use --bootstrap-server host:9092");
  }
  const Action* chosen = nullptr;
  for (const Action& action : kActions) {
    if (!options.has(action.option)) {
      continue;
    }
    if (chosen != nullptr) {
      chosen = nullptr;
      break;
    }
    chosen = &action;
  }
  if (chosen == nullptr) {
    return refuse(
        "Command must include exactly one action: --list, --describe, --create, --alter or "
        "--delete");
  }
  TRY_STATUS(check_required(options));
  TRY_STATUS(check_combinations(options));
  return TopicsCommandLine{chosen->action, std::move(options)};
}

Result<TopicSpec> topic_spec(const ParsedOptions& options) {
  TopicSpec spec;
  TRY(const std::optional<std::string> name, options.value("topic"));
  spec.name = name.value_or("");
  if (options.has("partitions")) {
    TRY(spec.partitions, options.int32_value("partitions", 0));
  }
  if (options.has("replication-factor")) {
    TRY(spec.replication_factor, options.int32_value("replication-factor", 0));
  }
  TRY(const std::optional<std::string> assignment, options.value("replica-assignment"));
  if (assignment && !assignment->empty()) {
    TRY(spec.assignment, parse_assignment(*assignment));
  }
  TRY(spec.configs, parse_configs(options.values("config")));
  return spec;
}

Status check_bounds(const TopicSpec& spec) {
  constexpr std::int32_t kMost = std::numeric_limits<std::int16_t>::max();
  if (spec.replication_factor &&
      (*spec.replication_factor < 1 || *spec.replication_factor > kMost)) {
    return refuse(fmt::format("The replication factor must be between 1 and {} inclusive", kMost));
  }
  if (spec.partitions && *spec.partitions < 1) {
    return refuse("The partitions must be greater than 0");
  }
  return {};
}

}  // namespace barnabas::apps
