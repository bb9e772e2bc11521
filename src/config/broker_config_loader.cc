#include "broker_config_loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "java_text.h"

namespace barnabas::config {
namespace {

// Gone from Kafka since 3.0, still in many tutorials.
constexpr std::array<std::string_view, 4> kOldNames = {"advertised.host.name", "advertised.port",
                                                       "host.name", "port"};
// Known to Kafka's parts though not in its table: no warning for these.
constexpr std::array<std::string_view, 6> kKnownElsewhere = {
    "allow.everyone.if.no.acl.found",
    "follower.replication.throttled.rate",
    "kafka.csv.metrics.dir",
    "leader.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
    "super.users"};
constexpr std::string_view kListenerPrefix = "listener.name.";

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string old_name_text(const Property& property) {
  const bool advertised = property.key.starts_with("advertised.");
  const bool port = property.key.ends_with("port");
  return fmt::format(
      "{} was removed in Kafka 3.0; use {}listeners={}", property.key,
      advertised ? "advertised." : "",
      port ? fmt::format("PLAINTEXT://{}:{}", advertised ? "<host>" : "", java_trim(property.value))
           : fmt::format("PLAINTEXT://{}:9092", java_trim(property.value)));
}

}  // namespace

std::expected<BrokerConfig, BrokerConfig::Problems> BrokerConfig::load(const ConfigSource& source) {
  return BrokerConfigLoader(source).run();
}

std::expected<BrokerConfig, BrokerConfig::Problems> BrokerConfigLoader::run() {
  if (!read()) {
    return std::unexpected(std::move(errors_));
  }
  apply_overrides();
  check_keys();
  join_ids();
  build_identity();
  build_metadata();
  build_listeners();
  build_log_dirs();
  build_simple_parts();
  check_rules();
  if (!errors_.empty()) {
    return std::unexpected(std::move(errors_));
  }
  return std::move(config_);
}

bool BrokerConfigLoader::read() {
  auto parsed = Properties::parse(source_.text);
  if (!parsed) {
    errors_.push_back({source_.file_name, "", parsed.error().message});
    return false;
  }
  properties_ = std::move(*parsed);
  for (const auto& property : properties_.shadowed()) {
    const Property* counts = properties_.find(property.key);
    config_.warnings_.push_back(
        {fmt::format("{}:{}", source_.file_name, property.line), property.key,
         fmt::format("{} is given again in line {}; this line does not count", property.key,
                     counts->line)});
  }
  return true;
}

void BrokerConfigLoader::apply_overrides() {
  for (const auto& text : source_.overrides) {
    const auto equals = text.find('=');
    const std::string_view key = java_trim(std::string_view(text).substr(0, equals));
    if (equals == std::string::npos || key.empty()) {
      errors_.push_back(
          {"--override", text, fmt::format("'{}' is not of the form key=value", text)});
      continue;
    }
    properties_.set(Property{std::string(key), text.substr(equals + 1), 0});
  }
}

void BrokerConfigLoader::check_keys() {
  for (const auto& property : properties_.entries()) {
    check_key(property);
  }
}

void BrokerConfigLoader::check_key(const Property& property) {
  config_.given_.insert_or_assign(property.key, property.value);
  if (contains(kOldNames, property.key)) {
    error(property.key, old_name_text(property));
  } else if (const KeySpec* spec = find_broker_key(property.key)) {
    check_known(property, *spec, property.key);
  } else if (!check_prefixed(property)) {
    check_unknown(property);
  }
}

void BrokerConfigLoader::check_known(const Property& property, const KeySpec& spec,
                                     std::string_view shown_as) {
  if (spec.handling == Handling::kKraft) {
    error(property.key,
          fmt::format("KRaft key {}: this server uses ZooKeeper or its embedded store; remove the "
                      "line",
                      property.key));
    return;
  }
  auto checked = check_value(spec, property.value);
  if (!checked) {
    std::string text = checked.error().message;
    if (const auto at = text.find(spec.name); shown_as != spec.name && at != std::string::npos) {
      text.replace(at, spec.name.size(), shown_as);
    }
    error(property.key, fmt::format("{} (allowed: {})", text, describe_allowed(spec)));
    refused_.insert(property.key);
    return;
  }
  const bool asks_for_it = !checked->empty() && *checked != "false";
  if (spec.handling == Handling::kRefused && asks_for_it) {
    error(property.key, fmt::format("{}={}: {}", property.key, *checked, spec.refusal));
    return;
  }
  if (shown_as == spec.name) {
    config_.checked_.insert_or_assign(property.key, *checked);
  }
}

// listener.name.<listener>.<key> and listener.name.<listener>.<mechanism>.<key>.
bool BrokerConfigLoader::check_prefixed(const Property& property) {
  std::string_view rest = property.key;
  if (!rest.starts_with(kListenerPrefix)) {
    return false;
  }
  rest.remove_prefix(kListenerPrefix.size());
  for (int level = 0; level < 2; ++level) {
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) {
      return false;
    }
    rest.remove_prefix(dot + 1);
    if (const KeySpec* spec = find_broker_key(rest)) {
      check_known(property, *spec, property.key);
      return true;
    }
  }
  return false;
}

void BrokerConfigLoader::check_unknown(const Property& property) {
  if (contains(kKnownElsewhere, property.key) || property.key.starts_with("rsm.config.") ||
      property.key.starts_with("rlmm.config.")) {
    return;
  }
  if (property.key.starts_with("config.providers")) {
    error(
        property.key,
        fmt::format("{}: config providers are Java classes and are not run here; write the values "
                    "themselves",
                    property.key));
    return;
  }
  std::string text = fmt::format("unknown key {}", property.key);
  if (const auto near = nearest_broker_key(property.key)) {
    text += fmt::format(" - did you mean {}?", *near);
  }
  const Property* strict = properties_.find("x.config.strict");
  if (strict != nullptr && equal_ignoring_case(java_trim(strict->value), "true")) {
    error(property.key, text + " (x.config.strict=true)");
  } else {
    warn(property.key, text);
  }
}

// node.id is another name of broker.id: what is given for one holds for the other.
void BrokerConfigLoader::join_ids() {
  for (const auto& [from, to] :
       {std::pair{"broker.id", "node.id"}, std::pair{"node.id", "broker.id"}}) {
    if (properties_.find(from) != nullptr && properties_.find(to) == nullptr) {
      config_.given_.insert_or_assign(to, config_.given_.at(from));
      if (const auto checked = config_.checked_.find(from); checked != config_.checked_.end()) {
        config_.checked_.insert_or_assign(to, checked->second);
      }
      return;
    }
  }
}

std::string BrokerConfigLoader::where(std::string_view key) const {
  const Property* property = properties_.find(key);
  if (property == nullptr) {
    return source_.file_name;
  }
  return property->line == 0 ? "--override"
                             : fmt::format("{}:{}", source_.file_name, property->line);
}

void BrokerConfigLoader::error(std::string_view key, std::string text) {
  errors_.push_back({where(key), std::string(key), std::move(text)});
}

void BrokerConfigLoader::warn(std::string_view key, std::string text) {
  config_.warnings_.push_back({where(key), std::string(key), std::move(text)});
}

void BrokerConfigLoader::require(bool holds, std::string_view key, std::string text) {
  if (!holds && !refused_.contains(key)) {
    error(key, std::move(text));
  }
}

}  // namespace barnabas::config
