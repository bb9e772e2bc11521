#include "configs_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace barnabas::apps {
namespace {

constexpr std::array kOptions = {
    OptionSpec{"add-config", Argument::kRequired},
    OptionSpec{"add-config-file", Argument::kRequired},
    OptionSpec{"all"},
    OptionSpec{"alter"},
    OptionSpec{"bootstrap-controller", Argument::kRequired},
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"broker", Argument::kRequired},
    OptionSpec{"broker-defaults"},
    OptionSpec{"broker-logger", Argument::kRequired},
    OptionSpec{"client", Argument::kRequired},
    OptionSpec{"client-defaults"},
    OptionSpec{"client-metrics", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"delete-config", Argument::kRequired},
    OptionSpec{"describe"},
    OptionSpec{"entity-default"},
    OptionSpec{"entity-name", Argument::kRequired},
    OptionSpec{"entity-type", Argument::kRequired},
    OptionSpec{"force"},
    OptionSpec{"help"},
    OptionSpec{"ip", Argument::kRequired},
    OptionSpec{"ip-defaults"},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"user", Argument::kRequired},
    OptionSpec{"user-defaults"},
    OptionSpec{"version"},
    OptionSpec{"zookeeper", Argument::kRequired},
    OptionSpec{"zk-tls-config-file", Argument::kRequired},
};

// A flag that is type and name in one, and the one that stands for the type's default.
struct Flag {
  std::string_view name;
  std::string_view defaults;
  std::string_view type;
};
constexpr std::array kFlags = {
    Flag{"topic", "", "topics"},
    Flag{"client", "client-defaults", "clients"},
    Flag{"user", "user-defaults", "users"},
    Flag{"broker", "broker-defaults", "brokers"},
    Flag{"ip", "ip-defaults", "ips"},
    Flag{"broker-logger", "", "broker-loggers"},
    Flag{"client-metrics", "", "client-metrics"},
};
constexpr std::array<std::string_view, 7> kTypes = {
    "topics", "clients", "users", "brokers", "ips", "broker-loggers", "client-metrics"};

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

struct Entities {
  std::vector<std::string> types;
  std::vector<std::string> names;
};

Result<Entities> entities_of(const ParsedOptions& options) {
  Entities entities;
  entities.types = options.values("entity-type");
  entities.names = options.values("entity-name");
  if (options.has("entity-default")) {
    entities.names.emplace_back();
  }
  const bool general =
      options.has("entity-type") || options.has("entity-name") || options.has("entity-default");
  bool special = false;
  for (const Flag& flag : kFlags) {
    for (const std::string& name : options.values(flag.name)) {
      special = true;
      entities.types.emplace_back(flag.type);
      entities.names.push_back(name);
    }
    if (!flag.defaults.empty() && options.has(flag.defaults)) {
      special = true;
      entities.types.emplace_back(flag.type);
      entities.names.emplace_back();
    }
  }
  std::set<std::string> seen;
  for (const std::string& type : entities.types) {
    if (!seen.insert(type).second) {
      return refuse(fmt::format("Duplicate entity type(s) specified: {}", type));
    }
  }
  if (general && special) {
    return refuse(
        "--entity-{type,name,default} should not be used in conjunction with specific entity "
        "flags");
  }
  return entities;
}

Status check_types(const std::vector<std::string>& types) {
  for (const std::string& type : types) {
    if (std::ranges::find(kTypes, type) == kTypes.end()) {
      return refuse(fmt::format(
          "Invalid entity type {}, the entity type must be one of topics, clients, users, brokers, "
          "ips, broker-loggers, client-metrics with a --bootstrap-server or --bootstrap-controller "
          "argument",
          type));
    }
  }
  if (types.empty()) {
    return refuse("At least one entity type must be specified");
  }
  for (const std::string& type : types) {
    if (type != "topics" && type != "brokers") {
      return refuse(fmt::format("entity type {} is not supported by this tool yet", type));
    }
  }
  if (types.size() > 1) {
    return refuse("Only one of the entity types topics and brokers may be specified");
  }
  return {};
}

Status check_brokers(const Entities& entities) {
  for (const std::string& name : entities.names) {
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (!name.empty() && (error != std::errc{} || stop != name.data() + name.size())) {
      return refuse(fmt::format(
          "The entity name for brokers must be a valid integer broker id, but it is: {}", name));
    }
  }
  return {};
}

Status check_alter(const ParsedOptions& options, const Entities& entities) {
  const bool named =
      std::ranges::any_of(entities.names, [](const std::string& name) { return !name.empty(); });
  if (entities.types.front() == "topics" && !named) {
    return refuse("an entity name must be specified with --alter of topics");
  }
  if (entities.types.front() == "brokers" && entities.names.empty()) {
    return refuse(
        "an entity-name or default entity must be specified with --alter of users, clients, "
        "brokers or ips");
  }
  if (options.has("add-config") && options.has("add-config-file")) {
    return refuse("Only one of --add-config or --add-config-file must be specified");
  }
  if (!options.has("add-config") && !options.has("add-config-file") &&
      !options.has("delete-config")) {
    return refuse(
        "At least one of --add-config, --add-config-file, or --delete-config must be specified "
        "with --alter");
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

// Splits at a character that no bracket opened before encloses.
std::vector<std::string_view> split_outside_brackets(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.find(separator); at != std::string_view::npos;
       at = text.find(separator, at + 1)) {
    const std::size_t close = text.find(']', at + 1);
    if (close != std::string_view::npos && text.find('[', at + 1) > close) {
      continue;
    }
    parts.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace

std::string_view configs_help() {
  return R"(Shows or changes settings of topics and brokers. Exactly one of:
  --describe                    what is set; --all: what holds, defaults too
  --alter                       any of
      --add-config k1=v1,k2=[a,b]   to be set
      --add-config-file FILE        the same, from a properties file
      --delete-config k1,k2         to be removed
of one of
  --topic T                     or --entity-type topics --entity-name T
  --broker ID                   or --entity-type brokers --entity-name ID
  --broker-defaults             or --entity-type brokers --entity-default
(with --describe a name may be left out: all of them) and with each of them:
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --command-config FILE         properties of the Java AdminClient
  --help, --version
Exit code: 0 done, 1 an error.
)";
}

Result<ConfigsCommandLine> parse_configs_command(std::span<char*> arguments) {
  ConfigsCommandLine line;
  TRY(line.options, parse_options(kOptions, arguments));
  const ParsedOptions& options = line.options;
  if (options.has("help") || options.has("version")) {
    line.action = options.has("help") ? ConfigsAction::kHelp : ConfigsAction::kVersion;
    return line;
  }
  if (options.has("describe") == options.has("alter")) {
    return refuse("Command must include exactly one action: --describe, --alter");
  }
  line.action = options.has("alter") ? ConfigsAction::kAlter : ConfigsAction::kDescribe;
  const std::string_view action = options.has("alter") ? "alter" : "describe";
  const std::vector<std::string_view> excluded =
      options.has("alter") ? std::vector<std::string_view>{"all"}
                           : std::vector<std::string_view>{"add-config", "delete-config"};
  for (const std::string_view other : excluded) {
    if (options.has(other)) {
      return refuse(
          fmt::format("Option \"[{}]\" can't be used with option \"[{}]\"", action, other));
    }
  }
  if (options.has("zookeeper") || options.has("bootstrap-controller")) {
    return refuse("this tool speaks to brokers: use --bootstrap-server host:9092");
  }
  TRY(Entities entities, entities_of(options));
  TRY_STATUS(check_types(entities.types));
  if (entities.types.front() == "brokers") {
    TRY_STATUS(check_brokers(entities));
  }
  if (line.action == ConfigsAction::kAlter) {
    TRY_STATUS(check_alter(options, entities));
  }
  line.all = options.has("all");
  line.entity_type = entities.types.front();
  line.entity_names = std::move(entities.names);
  return line;
}

Result<std::map<std::string, std::string>> parse_added_configs(std::string_view text) {
  std::map<std::string, std::string> configs;
  for (const std::string_view part : split_outside_brackets(text, ',')) {
    const auto pair = split_outside_brackets(part, '=');
    if (pair.size() != 2) {
      return refuse(
          "requirement failed: Invalid entity config: all configs to be added must be in the "
          "format \"key=val\".");
    }
    std::string value(pair[1]);
    std::erase_if(value, [](char c) { return c == '[' || c == ']'; });
    configs[std::string(trim(pair[0]))] = trim(value);
  }
  return configs;
}

}  // namespace barnabas::apps
