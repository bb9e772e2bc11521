#include "alter_configs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>

#include "barnabas/base/logging.h"
#include "barnabas/config/dynamic_config.h"
#include "barnabas/config/keys.h"
#include "barnabas/config/topic_config.h"
#include "config_resources.h"
#include "dynamic_broker_config.h"

namespace barnabas::broker {
namespace {

using zk::ConfigMap;

Status invalid(std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message));
}

// Java's text.split(","): what is empty at the end is dropped.
std::vector<std::string> java_split(std::string_view text) {
  std::vector<std::string> parts;
  if (text.empty()) {
    return parts;
  }
  for (std::size_t at = 0;;) {
    const std::size_t comma = text.find(',', at);
    parts.emplace_back(text.substr(at, comma - at));
    if (comma == std::string_view::npos) {
      break;
    }
    at = comma + 1;
  }
  while (!parts.empty() && parts.back().empty()) {
    parts.pop_back();
  }
  return parts;
}

const config::KeySpec* spec_of(std::int8_t type, std::string_view key) {
  return type == kTopicResource ? config::find_topic_key(key) : config::find_broker_key(key);
}

// An alteration that can be carried out on any configuration.
Status check_alteration(std::int8_t type, const ConfigAlteration& alteration) {
  switch (static_cast<ConfigOperation>(alteration.operation)) {
    case ConfigOperation::kSet:
    case ConfigOperation::kDelete:
      return {};
    case ConfigOperation::kAppend:
    case ConfigOperation::kSubtract:
      break;
    default:
      return invalid(fmt::format("Unknown operations type {}", alteration.operation));
  }
  const config::KeySpec* const spec = spec_of(type, alteration.key);
  if (spec == nullptr) {
    return fail(ErrorCode::kInvalidConfig, fmt::format("Unknown config name: {}", alteration.key));
  }
  if (spec->type != config::KeyType::kList) {
    const bool append =
        static_cast<ConfigOperation>(alteration.operation) == ConfigOperation::kAppend;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("Config value {} is not allowed for config key: {}",
                            append ? "append" : "subtract", alteration.key));
  }
  return {};
}

// Appends or subtracts; what stands there, or Kafka's own default, is the list to begin with.
std::string altered_list(const config::KeySpec& spec, const ConfigMap& now,
                         const ConfigAlteration& alteration) {
  const auto found = now.find(alteration.key);
  auto items = java_split(found != now.end() ? std::string_view(found->second)
                                             : spec.default_value.value_or(""));
  const auto given = java_split(*alteration.value);
  if (static_cast<ConfigOperation>(alteration.operation) == ConfigOperation::kAppend) {
    items.insert(items.end(), given.begin(), given.end());
    std::vector<std::string> distinct;
    for (auto& item : items) {
      if (std::ranges::find(distinct, item) == distinct.end()) {
        distinct.push_back(std::move(item));
      }
    }
    items = std::move(distinct);
  } else {
    for (const auto& item : given) {
      if (const auto place = std::ranges::find(items, item); place != items.end()) {
        items.erase(place);
      }
    }
  }
  return fmt::format("{}", fmt::join(items, ","));
}

ConfigMap altered(const AlteredResource& resource, bool incremental, const ConfigMap& now) {
  ConfigMap next = incremental ? now : ConfigMap{};
  for (const auto& alteration : resource.alterations) {
    switch (static_cast<ConfigOperation>(incremental ? alteration.operation : 0)) {
      case ConfigOperation::kDelete:
        next.erase(alteration.key);
        break;
      case ConfigOperation::kAppend:
      case ConfigOperation::kSubtract:
        next[alteration.key] =
            altered_list(*spec_of(resource.type, alteration.key), next, alteration);
        break;
      case ConfigOperation::kSet:
        next[alteration.key] = *alteration.value;
        break;
    }
  }
  return next;
}

Status check_topic(const Services& services, const std::string& topic, const ConfigMap& next) {
  const auto current = config::with_dynamic(
      services.config, dynamic_overrides(*services.metadata.load(), services.broker_id));
  const auto resolved = config::resolve_topic_config(current, next);
  if (resolved) {
    return {};
  }
  const bool about_value = resolved.error().message.starts_with("Invalid value");
  return fail(ErrorCode::kInvalidConfig,
              (about_value ? fmt::format("Invalid config value for resource "
                                         "ConfigResource(type=TOPIC, name='{}'): ",
                                         topic)
                           : std::string()) +
                  resolved.error().message);
}

Status check_keys(const AlteredResource& resource, bool incremental) {
  std::set<std::string_view> seen;
  std::vector<std::string_view> null_keys;
  for (const auto& alteration : resource.alterations) {
    if (!seen.insert(alteration.key).second) {
      return invalid("Error due to duplicate config keys");
    }
    const bool removes = incremental && static_cast<ConfigOperation>(alteration.operation) ==
                                            ConfigOperation::kDelete;
    if (!alteration.value && !removes) {
      null_keys.push_back(alteration.key);
    }
  }
  if (!null_keys.empty()) {
    return invalid(fmt::format("Null value not supported for : {}", fmt::join(null_keys, ", ")));
  }
  return {};
}

Status check_node_id(const Services& services, const std::string& name) {
  const auto id = parse_broker_id(name);
  if (!id) {
    return invalid(fmt::format("Node id must be an integer, but it is: {}", name));
  }
  if (BrokerId(*id) != services.broker_id) {
    return invalid(fmt::format("Unexpected broker id, expected {}, but received {}",
                               services.broker_id.value(), name));
  }
  return {};
}

Status check_alterations(const AlteredResource& resource, bool incremental) {
  if (incremental) {
    for (const auto& alteration : resource.alterations) {
      TRY_STATUS(check_alteration(resource.type, alteration));
    }
  }
  return {};
}

// What can be said of a resource without knowing its configuration.
Status check_resource(const Services& services, const AlteredResource& resource, bool incremental) {
  TRY_STATUS(check_keys(resource, incremental));
  switch (resource.type) {
    case kTopicResource:
      TRY_STATUS(check_alterations(resource, incremental));
      if (resource.name.empty()) {
        return invalid("Default topic resources are not allowed.");
      }
      if (services.metadata.load()->topic(resource.name) == nullptr) {
        return fail(ErrorCode::kUnknownTopicOrPartition,
                    fmt::format("The topic '{}' does not exist.", resource.name));
      }
      return {};
    case kBrokerResource:
      if (!resource.name.empty()) {
        TRY_STATUS(check_node_id(services, resource.name));
      }
      return check_alterations(resource, incremental);
    case kClientMetricsResource:
      return invalid(
          "AlterConfigs is only supported for topics and brokers, but resource type is "
          "CLIENT_METRICS");
    case kLoggerResource:
      if (incremental) {
        const auto id = parse_broker_id(resource.name);
        if (id && BrokerId(*id) != services.broker_id) {
          return invalid(fmt::format("Unexpected node id. Expected {}, but received {}",
                                     services.broker_id.value(), *id));
        }
        TRY_STATUS(check_node_id(services, resource.name));
        return invalid(std::string(kLoggersNotConfigurable));
      }
      [[fallthrough]];
    default:
      return invalid(fmt::format("Unknown resource type {}", resource.type));
  }
}

void warn_of_unknown(const AlteredResource& resource) {
  for (const auto& alteration : resource.alterations) {
    if (config::find_broker_key(alteration.key) == nullptr) {
      const auto near = config::nearest_broker_key(alteration.key);
      logging::logger("broker").warn("/config/brokers: unknown key {}{}", alteration.key,
                                     near ? fmt::format(" - did you mean {}?", *near) : "");
    }
  }
}

// Kafka's LogCleaner.validateReconfiguration.
Status check_cleaner(const Services& services, const ConfigMap& next) {
  constexpr std::string_view kThreads = "log.cleaner.threads";
  const auto found = next.find(std::string(kThreads));
  if (found == next.end()) {
    return {};
  }
  const int current =
      config::with_dynamic(services.config,
                           dynamic_overrides(*services.metadata.load(), services.broker_id))
          .get_int(kThreads);
  const int wanted = config::with_dynamic(services.config, {{{found->first, found->second}}, {}})
                         .get_int(kThreads);
  // In the frame that Kafka puts around what a part of it refuses.
  const auto refuse = [](std::string_view why) {
    return invalid(fmt::format(
        "Invalid value org.apache.kafka.common.config.ConfigException: Log cleaner threads {} for "
        "configuration Invalid dynamic configuration",
        why));
  };
  if (wanted < 1) {
    return refuse("should be at least 1");
  }
  if (wanted < current / 2) {
    return refuse(fmt::format("cannot be reduced to less than half the current value {}", current));
  }
  if (wanted > current * 2) {
    return refuse(
        fmt::format("cannot be increased to more than double the current value {}", current));
  }
  return {};
}

// Runs on the controller's home.
Result<ConfigMap> edit(const Services& services, const AlteredResource& resource, bool incremental,
                       const ConfigMap& now) {
  ConfigMap next = altered(resource, incremental, now);
  if (resource.type == kTopicResource) {
    TRY_STATUS(check_topic(services, resource.name, next));
  } else {
    TRY_STATUS(config::check_dynamic(next, !resource.name.empty()));
    TRY_STATUS(check_cleaner(services, next));
    warn_of_unknown(resource);
  }
  return next;
}

// The outcomes of a request; its callbacks all run on the controller's home.
struct Gathered {
  std::vector<Status> outcomes;
  std::move_only_function<void(std::vector<Status>)> done;

  ~Gathered() { done(std::move(outcomes)); }
};

}  // namespace

void alter_configs(Services& services, std::vector<AlteredResource> resources,
                   AlterConfigsOptions options,
                   std::move_only_function<void(std::vector<Status>)> done) {
  std::map<std::pair<std::int8_t, std::string>, int> asked;
  for (const auto& resource : resources) {
    ++asked[{resource.type, resource.name}];
  }
  // First what is refused: from the first edit on, the outcomes belong to the controller's home.
  std::vector<Status> outcomes;
  for (const auto& resource : resources) {
    outcomes.push_back(asked[{resource.type, resource.name}] > 1
                           ? invalid("Each resource must appear at most once.")
                           : check_resource(services, resource, options.incremental));
  }
  std::vector<bool> accepted;
  for (const auto& outcome : outcomes) {
    accepted.push_back(outcome.has_value());
  }
  const std::shared_ptr<Gathered> gathered(new Gathered{std::move(outcomes), std::move(done)});
  for (std::size_t i = 0; i < resources.size(); ++i) {
    if (!accepted[i]) {
      continue;
    }
    const bool topic = resources[i].type == kTopicResource;
    std::string entity =
        topic || !resources[i].name.empty() ? resources[i].name : std::string(zk::kDefaultEntity);
    services.configs.edit_config(
        topic ? zk::ConfigType::kTopic : zk::ConfigType::kBroker, std::move(entity),
        [&services, resource = std::move(resources[i]), incremental = options.incremental](
            const ConfigMap& now) { return edit(services, resource, incremental, now); },
        options.validate_only,
        [gathered, i](Status outcome) { gathered->outcomes[i] = std::move(outcome); });
  }
}

}  // namespace barnabas::broker
