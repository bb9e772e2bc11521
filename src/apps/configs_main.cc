// kafka-configs.sh: settings of topics and brokers. Answers go to standard output, what is wrong to
// standard error, in Kafka's words (3.9.1).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <vector>

#include "barnabas/protocol/gen/describe_configs.h"
#include "barnabas/protocol/gen/incremental_alter_configs.h"
#include "client_properties.h"
#include "cluster_client.h"
#include "configs_options.h"
#include "error_text.h"
#include "java_hash_order.h"
#include "rdkafka_client.h"
#include "subcommands.h"
#include "tool_version.h"

namespace barnabas::apps {
namespace {

using Config = protocol::DescribeConfigsResponse::DescribeConfigsResourceResult;

constexpr std::int8_t kTopicResource = 2;
constexpr std::int8_t kBrokerResource = 4;
constexpr std::int8_t kSet = 0;
constexpr std::int8_t kDelete = 1;
// ConfigEntry.ConfigSource by the numbers of the wire.
constexpr std::array<std::string_view, 9> kSources = {
    "UNKNOWN",
    "DYNAMIC_TOPIC_CONFIG",
    "DYNAMIC_BROKER_CONFIG",
    "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "STATIC_BROKER_CONFIG",
    "DEFAULT_CONFIG",
    "DYNAMIC_BROKER_LOGGER_CONFIG",
    "DYNAMIC_CLIENT_METRICS_CONFIG",
    "DYNAMIC_GROUP_CONFIG",
};
constexpr std::int8_t kDynamicTopic = 1;
constexpr std::int8_t kDynamicBroker = 2;
constexpr std::int8_t kDynamicDefaultBroker = 3;

std::string_view source_name(std::int8_t source) {
  const auto index = static_cast<std::size_t>(source);
  return source >= 0 && index < kSources.size() ? kSources[index] : kSources[0];
}

class ConfigsCommand {
 public:
  ConfigsCommand(const ConfigsCommandLine& line, ClusterClient cluster)
      : line_(line),
        cluster_(std::move(cluster)),
        resource_(line.entity_type == "topics" ? kTopicResource : kBrokerResource) {}

  [[nodiscard]] Status describe();
  [[nodiscard]] Status alter();
  // A sentence of the tool itself, rather than an error that it met: it is printed alone.
  [[nodiscard]] bool refused() const { return refused_; }

 private:
  [[nodiscard]] Result<std::vector<std::string>> all_entities();
  [[nodiscard]] Result<WireClient*> client_for(const std::string& entity);
  // Those that are set, or all; by name.
  [[nodiscard]] Result<std::vector<Config>> configs_of(const std::string& entity, bool all);
  [[nodiscard]] Result<std::map<std::string, std::string>> added() const;

  const ConfigsCommandLine& line_;
  ClusterClient cluster_;
  std::int8_t resource_;
  bool refused_ = false;
};

Result<std::vector<std::string>> ConfigsCommand::all_entities() {
  TRY(const protocol::MetadataResponse metadata, cluster_.metadata(resource_ == kTopicResource));
  std::vector<std::string> names;
  if (resource_ == kTopicResource) {
    std::vector<std::string> topics;
    for (const auto& topic : metadata.topics) {
      topics.push_back(topic.name.value_or(""));
    }
    std::ranges::sort(topics);
    for (const std::size_t i : java_hash_order(topics)) {
      names.push_back(topics[i]);
    }
    return names;
  }
  for (const auto& broker : metadata.brokers) {
    names.push_back(std::to_string(broker.node_id));
  }
  names.emplace_back();  // and what is set for all
  return names;
}

Result<WireClient*> ConfigsCommand::client_for(const std::string& entity) {
  if (resource_ == kTopicResource || entity.empty()) {
    return &cluster_.any();
  }
  std::int32_t id = 0;
  std::from_chars(entity.data(), entity.data() + entity.size(), id);
  return cluster_.broker(id);
}

Result<std::vector<Config>> ConfigsCommand::configs_of(const std::string& entity, bool all) {
  TRY(WireClient* const client, client_for(entity));
  protocol::DescribeConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = resource_;
  resource.resource_name = entity;
  resource.configuration_keys = std::nullopt;
  request.include_synonyms = true;
  protocol::DescribeConfigsResponse response;
  TRY_STATUS(client->call(protocol::ApiKey::kDescribeConfigs, request, response));
  std::vector<Config> configs;
  const std::int8_t own = resource_ == kTopicResource ? kDynamicTopic
                          : entity.empty()            ? kDynamicDefaultBroker
                                                      : kDynamicBroker;
  for (auto& result : response.results) {
    TRY_STATUS(check_answer(result.error_code, result.error_message));
    for (auto& config : result.configs) {
      if (all || config.config_source == own) {
        configs.push_back(std::move(config));
      }
    }
  }
  std::ranges::sort(configs, {}, &Config::name);
  return configs;
}

Status ConfigsCommand::describe() {
  std::vector<std::string> entities = line_.entity_names;
  if (entities.empty()) {
    TRY(entities, all_entities());
  } else {
    entities.resize(1);  // Kafka's tool shows the first of several
  }
  const std::string kind = line_.entity_type.substr(0, line_.entity_type.size() - 1);
  for (const std::string& entity : entities) {
    if (entity.empty()) {
      fmt::print("Default configs for {} in the cluster are:\n", line_.entity_type);
    } else {
      fmt::print("{} configs for {} {} are:\n", line_.all ? "All" : "Dynamic", kind, entity);
    }
    TRY(const std::vector<Config> configs, configs_of(entity, line_.all));
    for (const Config& config : configs) {
      std::string synonyms;
      for (const auto& synonym : config.synonyms) {
        synonyms +=
            fmt::format("{}{}:{}={}", synonyms.empty() ? "" : ", ", source_name(synonym.source),
                        synonym.name, synonym.value.value_or("null"));
      }
      fmt::print("  {}={} sensitive={} synonyms={{{}}}\n", config.name,
                 config.value.value_or("null"), config.is_sensitive, synonyms);
    }
  }
  return {};
}

Result<std::map<std::string, std::string>> ConfigsCommand::added() const {
  std::map<std::string, std::string> configs;
  TRY(const auto file, line_.options.value("add-config-file"));
  TRY(const auto given, line_.options.value("add-config"));
  if (file) {
    TRY(const PropertyMap properties, load_properties_file(*file));
    configs.insert(properties.begin(), properties.end());
  } else if (given && !given->empty()) {
    TRY(configs, parse_added_configs(*given));
  }
  return configs;
}

Status ConfigsCommand::alter() {
  const std::string& entity = line_.entity_names.front();
  refused_ = !line_.options.has("add-config-file");  // a file that is not there is met, not refused
  TRY(const auto to_set, added());
  TRY(const auto words, line_.options.value("delete-config"));
  refused_ = false;
  std::vector<std::string> to_delete;
  for (std::size_t at = 0; words && at < words->size();) {
    const std::size_t end = std::min(words->find(',', at), words->size());
    to_delete.push_back(words->substr(at, end - at));
    at = end + 1;
  }
  TRY(const std::vector<Config> present, configs_of(entity, false));
  std::vector<std::string> missing;
  std::ranges::copy_if(to_delete, std::back_inserter(missing), [&](const std::string& name) {
    return std::ranges::find(present, name, &Config::name) == present.end();
  });
  if (!missing.empty()) {
    refused_ = true;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("Invalid config(s): {}", fmt::join(missing, ",")));
  }
  protocol::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = resource_;
  resource.resource_name = entity;
  for (const auto& [name, value] : to_set) {
    resource.configs.push_back({name, kSet, value});
  }
  for (const std::string& name : to_delete) {
    resource.configs.push_back({name, kDelete, ""});
  }
  TRY(WireClient* const client, client_for(entity));
  protocol::IncrementalAlterConfigsResponse response;
  TRY_STATUS(client->call(protocol::ApiKey::kIncrementalAlterConfigs, request, response));
  for (const auto& result : response.responses) {
    TRY_STATUS(check_answer(result.error_code, result.error_message));
  }
  if (entity.empty()) {
    fmt::print("Completed updating default config for {} in the cluster.\n", line_.entity_type);
  } else {
    fmt::print("Completed updating config for {} {}.\n",
               line_.entity_type.substr(0, line_.entity_type.size() - 1), entity);
  }
  return {};
}

}  // namespace

int configs_main(std::span<char*> arguments) {
  if (arguments.empty()) {
    fmt::print(stderr, "{}", configs_help());
    return 1;
  }
  const auto line = parse_configs_command(arguments);
  if (!line) {
    say(line.error().message);
    return 1;
  }
  if (line->action == ConfigsAction::kHelp) {
    fmt::print("{}", configs_help());
    return 0;
  }
  if (line->action == ConfigsAction::kVersion) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  auto cluster = ClusterClient::connect(line->options);
  if (!cluster) {
    say(cluster.error().message);
    return 1;
  }
  ConfigsCommand command(*line, std::move(*cluster));
  const Status done = line->action == ConfigsAction::kAlter ? command.alter() : command.describe();
  if (done) {
    return 0;
  }
  std::fflush(stdout);
  if (!command.refused()) {
    say(fmt::format("Error while executing config command with args '{}'",
                    fmt::join(std::vector<std::string>(arguments.begin(), arguments.end()), " ")));
  }
  say(done.error().message);
  return 1;
}

}  // namespace barnabas::apps
