#include "barnabas/config/describe.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "barnabas/config/dynamic_config.h"

namespace barnabas::config {
namespace {

// Keys that stand for one setting in several units; the first that is set counts.
constexpr std::array<std::string_view, 3> kRetention = {"log.retention.ms", "log.retention.minutes",
                                                        "log.retention.hours"};
constexpr std::array<std::string_view, 2> kRoll = {"log.roll.ms", "log.roll.hours"};
constexpr std::array<std::string_view, 2> kJitter = {"log.roll.jitter.ms", "log.roll.jitter.hours"};
constexpr std::array<std::string_view, 2> kFlush = {"log.flush.interval.ms",
                                                    "log.flush.scheduler.interval.ms"};
constexpr std::string_view kListenerPrefix = "listener.name.";
// These carry a mechanism between the listener's name and their own.
constexpr std::array<std::string_view, 5> kPerMechanism = {
    "sasl.jaas.config", "sasl.login.callback.handler.class", "sasl.login.class",
    "sasl.server.callback.handler.class", "connections.max.reauth.ms"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// The names under which a broker key may have been set, the strongest first.
std::vector<std::string> names_of(std::string_view key) {
  if (contains(kRetention, key)) {
    return {kRetention.begin(), kRetention.end()};
  }
  if (contains(kRoll, key)) {
    return {kRoll.begin(), kRoll.end()};
  }
  if (contains(kJitter, key)) {
    return {kJitter.begin(), kJitter.end()};
  }
  if (key == kFlush.front()) {
    return {kFlush.begin(), kFlush.end()};
  }
  if (key.starts_with(kListenerPrefix)) {
    const auto dot = key.find('.', kListenerPrefix.size());
    if (dot != std::string_view::npos) {
      std::string_view base = key.substr(dot + 1);
      for (const auto name : kPerMechanism) {
        if (base.ends_with(name)) {
          base = name;
        }
      }
      return {std::string(key), std::string(base)};
    }
  }
  return {std::string(key)};
}

// The table's entry of a key, also of one with a listener's prefix; null when it is unknown.
const KeySpec* spec_of(std::string_view key) {
  if (const KeySpec* spec = find_broker_key(key)) {
    return spec;
  }
  for (const auto& name : names_of(key)) {
    if (const KeySpec* spec = find_broker_key(name)) {
      return spec;
    }
  }
  return nullptr;
}

std::vector<ConfigSynonym> synonyms_of(const BrokerConfig& broker,
                                       const DynamicBrokerOverrides& dynamic, std::string_view key,
                                       bool sensitive) {
  std::vector<ConfigSynonym> all;
  const auto names = names_of(key);
  const auto add = [&](const std::string& name, std::string_view value, ConfigSourceKind source) {
    all.push_back({name, sensitive ? std::nullopt : std::optional<std::string>(value), source});
  };
  const auto add_layer = [&](const BrokerConfig::Given& layer, ConfigSourceKind source) {
    for (const auto& name : names) {
      if (const auto found = layer.find(name); found != layer.end()) {
        add(name, found->second, source);
      }
    }
  };
  add_layer(dynamic.per_broker, ConfigSourceKind::kDynamicBroker);
  add_layer(dynamic.cluster_wide, ConfigSourceKind::kDynamicDefaultBroker);
  add_layer(broker.given(), ConfigSourceKind::kStaticBroker);
  for (const auto& name : names) {
    const KeySpec* spec = find_broker_key(name);
    if (spec != nullptr && spec->default_value) {
      add(name, *spec->default_value, ConfigSourceKind::kDefault);
    }
  }
  // Kafka drops what stands before the first entry under the key's own name.
  const auto first = std::ranges::find(all, key, &ConfigSynonym::name);
  all.erase(all.begin(), first);
  return all;
}

void set_source(DescribedConfig& entry) {
  entry.source =
      entry.synonyms.empty() ? ConfigSourceKind::kDefault : entry.synonyms.front().source;
  entry.is_default = entry.source == ConfigSourceKind::kDefault;
}

// The value of a broker key as it holds now, printed as Kafka prints the parsed value.
std::optional<std::string> broker_value(const BrokerConfig& broker,
                                        const DynamicBrokerOverrides& dynamic, std::string_view key,
                                        const KeySpec& spec) {
  for (const auto* layer : {&dynamic.per_broker, &dynamic.cluster_wide, &broker.given()}) {
    if (const auto found = layer->find(key); found != layer->end()) {
      const auto checked = check_value(spec, found->second);
      return checked ? *checked : found->second;
    }
  }
  return broker.effective(spec.name);
}

DescribedConfig broker_entry(const BrokerConfig& broker, const DynamicBrokerOverrides& dynamic,
                             std::string_view key) {
  DescribedConfig entry{.name = std::string(key)};
  const KeySpec* spec = spec_of(key);
  // What is not known may be a password: hidden, as in Kafka.
  entry.sensitive = spec == nullptr || is_sensitive(*spec);
  entry.synonyms = synonyms_of(broker, dynamic, key, entry.sensitive);
  set_source(entry);
  const bool in_table = find_broker_key(key) != nullptr;
  entry.read_only = !in_table || spec->mode == DynamicMode::kReadOnly;
  if (spec != nullptr) {
    entry.type = spec->type;
    entry.documentation = in_table ? std::string(spec->doc) : "";
    if (!entry.sensitive) {
      entry.value = broker_value(broker, dynamic, key, *spec);
    }
  }
  return entry;
}

}  // namespace

std::vector<DescribedConfig> describe_topic(const BrokerConfig& broker,
                                            const TopicOverrides& overrides,
                                            const DynamicBrokerOverrides& dynamic) {
  const bool changed = !dynamic.per_broker.empty() || !dynamic.cluster_wide.empty();
  const BrokerConfig current = changed ? with_dynamic(broker, dynamic) : BrokerConfig{};
  const BrokerConfig& defaults = changed ? current : broker;
  std::vector<DescribedConfig> all;
  for (const TopicKeySpec& spec : topic_keys()) {
    DescribedConfig entry{.name = std::string(spec.name)};
    entry.type = spec.type;
    entry.documentation = std::string(spec.doc);
    entry.sensitive = is_sensitive(spec);
    if (!spec.broker_key.empty()) {
      entry.synonyms = synonyms_of(broker, dynamic, spec.broker_key, entry.sensitive);
    }
    const auto given = overrides.find(spec.name);
    if (given != overrides.end()) {
      const auto checked = check_value(spec, given->second);
      entry.value = checked ? *checked : given->second;
      entry.synonyms.insert(entry.synonyms.begin(),
                            {entry.name, entry.value, ConfigSourceKind::kDynamicTopic});
    } else {
      entry.value = topic_default(defaults, spec.name);
    }
    set_source(entry);
    all.push_back(std::move(entry));
  }
  std::ranges::sort(all, {}, &DescribedConfig::name);
  return all;
}

std::vector<DescribedConfig> describe_broker(const BrokerConfig& broker,
                                             const DynamicBrokerOverrides& dynamic) {
  std::set<std::string, std::less<>> names;
  for (const auto table : {broker_keys(), own_keys()}) {
    for (const KeySpec& spec : table) {
      if (!spec.internal) {
        names.emplace(spec.name);
      }
    }
  }
  for (const auto* layer : {&dynamic.per_broker, &dynamic.cluster_wide, &broker.given()}) {
    for (const auto& [key, value] : *layer) {
      names.insert(key);
    }
  }
  std::vector<DescribedConfig> all;
  all.reserve(names.size());
  for (const auto& name : names) {
    all.push_back(broker_entry(broker, dynamic, name));
  }
  return all;
}

std::vector<DescribedConfig> describe_cluster_defaults(const BrokerConfig& broker,
                                                       const DynamicBrokerOverrides& dynamic) {
  std::vector<DescribedConfig> all;
  for (const auto& [key, value] : dynamic.cluster_wide) {
    DescribedConfig entry = broker_entry(broker, dynamic, key);
    std::erase_if(entry.synonyms, [](const ConfigSynonym& synonym) {
      return synonym.source != ConfigSourceKind::kDynamicDefaultBroker;
    });
    if (!entry.sensitive) {
      entry.value = value;
    }
    set_source(entry);
    all.push_back(std::move(entry));
  }
  return all;
}

}  // namespace barnabas::config
