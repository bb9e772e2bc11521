#include "barnabas/config/dynamic_config.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/config/keys.h"

namespace barnabas::config {
namespace {

constexpr std::string_view kListenerPrefix = "listener.name.";
// Beyond the defaults of topics.
constexpr std::array<std::string_view, 8> kLive = {"log.cleaner.backoff.ms",
                                                   "log.cleaner.dedupe.buffer.size",
                                                   "log.cleaner.io.buffer.load.factor",
                                                   "log.cleaner.io.buffer.size",
                                                   "log.cleaner.io.max.bytes.per.second",
                                                   "log.cleaner.threads",
                                                   "num.recovery.threads.per.data.dir",
                                                   "unclean.leader.election.enable"};
// Kafka takes these for one listener only.
constexpr std::array<std::string_view, 2> kPerListener = {"ssl.", "sasl."};

bool is_topic_default(std::string_view key) {
  return std::ranges::any_of(topic_keys(),
                             [&](const TopicKeySpec& spec) { return spec.broker_key == key; });
}

// Where the name stands in Java's Properties of a few entries.
std::uint32_t java_bucket(std::string_view name) {
  constexpr std::uint32_t kBuckets = 16;
  std::uint32_t hash = 0;
  for (const char c : name) {
    hash = hash * 31U + static_cast<unsigned char>(c);
  }
  return (hash ^ (hash >> 16U)) & (kBuckets - 1);
}

// Scala's text of a set, which keeps the order up to four members.
std::string scala_set(std::vector<std::string> names) {
  constexpr std::size_t kSmall = 4;
  std::ranges::sort(names, {}, [](const std::string& name) {
    return std::pair<std::uint32_t, std::string_view>(java_bucket(name), name);
  });
  return fmt::format("{}({})", names.size() > kSmall ? "HashSet" : "Set", fmt::join(names, ", "));
}

Status refuse_those(const BrokerConfig::Given& overrides, std::string_view why,
                    const std::function<bool(const std::string& key, const KeySpec* spec)>& wrong) {
  std::vector<std::string> names;
  for (const auto& [key, value] : overrides) {
    if (wrong(key, find_broker_key(key))) {
      names.push_back(key);
    }
  }
  if (names.empty()) {
    return {};
  }
  return fail(ErrorCode::kInvalidRequest, fmt::format("{}{}", why, scala_set(std::move(names))));
}

}  // namespace

bool changes_at_run_time(std::string_view key) {
  const KeySpec* spec = find_broker_key(key);
  return spec != nullptr && spec->mode != DynamicMode::kReadOnly &&
         spec->handling == Handling::kActedOn &&
         (is_topic_default(key) || std::ranges::find(kLive, key) != kLive.end());
}

Status check_dynamic(const BrokerConfig::Given& overrides, bool per_broker) {
  TRY_STATUS(refuse_those(overrides, "Cannot update these configs dynamically: ",
                          [](const std::string&, const KeySpec* spec) {
                            return spec != nullptr && spec->mode == DynamicMode::kReadOnly;
                          }));
  TRY_STATUS(refuse_those(
      overrides,
      "These security configs can be dynamically updated only per-listener using the listener "
      "prefix: Hash",
      [](const std::string& key, const KeySpec* spec) {
        return spec != nullptr && std::ranges::any_of(kPerListener, [&](std::string_view prefix) {
                 return key.starts_with(prefix);
               });
      }));
  for (const auto& [key, value] : overrides) {
    if (const KeySpec* spec = find_broker_key(key)) {
      if (const auto checked = check_value(*spec, value); !checked) {
        return fail(ErrorCode::kInvalidRequest, checked.error().message);
      }
    }
  }
  if (!per_broker) {
    TRY_STATUS(refuse_those(
        overrides,
        "Cannot update these configs at default cluster level, broker id must be specified: ",
        [](const std::string& key, const KeySpec* spec) {
          return key.starts_with(kListenerPrefix) ||
                 (spec != nullptr && spec->mode == DynamicMode::kPerBroker);
        }));
  }
  // What this server would only know after its next start.
  return refuse_those(
      overrides,
      "Cannot update these configs dynamically: ", [](const std::string& key, const KeySpec* spec) {
        return key.starts_with(kListenerPrefix) || (spec != nullptr && !changes_at_run_time(key));
      });
}

BrokerConfig with_dynamic(const BrokerConfig& broker, const DynamicBrokerOverrides& dynamic) {
  BrokerConfig result = broker;
  for (const auto* layer : {&dynamic.cluster_wide, &dynamic.per_broker}) {
    for (const auto& [key, value] : *layer) {
      if (!changes_at_run_time(key)) {
        continue;
      }
      if (auto checked = check_value(*find_broker_key(key), value)) {
        result.checked_.insert_or_assign(key, std::move(*checked));
      }
    }
  }
  return result;
}

}  // namespace barnabas::config
