// What DescribeConfigs tells of a topic or a broker: every key with its value, where the value
// comes from, and the other places that could have given it. Order and rules are those of Kafka's
// ConfigHelper (3.9.1). Pure functions; the handler copies the entries into its answer.
// THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/config/broker_config.h"
#include "barnabas/config/keys.h"
#include "barnabas/config/topic_config.h"

namespace barnabas::config {

// The numbers are those of the answer.
enum class ConfigSourceKind : std::int8_t {
  kUnknown = 0,
  kDynamicTopic = 1,
  kDynamicBroker = 2,
  kDynamicDefaultBroker = 3,
  kStaticBroker = 4,
  kDefault = 5,
};

struct ConfigSynonym {
  std::string name;
  std::optional<std::string> value{};  // none: null or hidden
  ConfigSourceKind source = ConfigSourceKind::kUnknown;

  bool operator==(const ConfigSynonym&) const = default;
};

struct DescribedConfig {
  std::string name;
  std::optional<std::string> value{};  // none: null or hidden
  bool read_only = false;
  bool is_default = false;  // version 0 of the answer has this instead of the source
  bool sensitive = false;
  ConfigSourceKind source = ConfigSourceKind::kDefault;
  std::vector<ConfigSynonym> synonyms{};  // always filled; left out of the answer unless asked for
  KeyType type = KeyType::kUnknown;
  std::string documentation{};
};

// Settings of the running cluster (/config/brokers), over those of the file.
struct DynamicBrokerOverrides {
  BrokerConfig::Given per_broker;
  BrokerConfig::Given cluster_wide;
};

// All keys, sorted by name. `overrides` have been checked.
[[nodiscard]] std::vector<DescribedConfig> describe_topic(
    const BrokerConfig& broker, const TopicOverrides& overrides,
    const DynamicBrokerOverrides& dynamic = {});
[[nodiscard]] std::vector<DescribedConfig> describe_broker(
    const BrokerConfig& broker, const DynamicBrokerOverrides& dynamic = {});
// The cluster-wide defaults (an empty resource name): dynamic settings alone.
[[nodiscard]] std::vector<DescribedConfig> describe_cluster_defaults(
    const BrokerConfig& broker, const DynamicBrokerOverrides& dynamic = {});

}  // namespace barnabas::config
