// CreateTopics (key 19), versions 0 to 7. The controller decides; this handler answers doubles,
// shows the configuration in effect and waits until the topics are in this broker's metadata.
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "barnabas/config/describe.h"
#include "barnabas/protocol/gen/create_topics.h"
#include "dynamic_broker_config.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using controller::CreatedTopic;
using controller::NewTopic;
using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;

constexpr std::int16_t kFirstWithDetails = 5;  // partitions, replication factor, configs

NewTopic new_topic(const CreateTopicsRequest::CreatableTopic& topic) {
  NewTopic result;
  result.name = topic.name;
  result.num_partitions = topic.num_partitions;
  result.replication_factor = topic.replication_factor;
  for (const auto& assignment : topic.assignments) {
    auto& entry = result.assignments.emplace_back();
    entry.first = PartitionId(assignment.partition_index);
    for (const std::int32_t id : assignment.broker_ids) {
      entry.second.emplace_back(id);
    }
  }
  for (const auto& config : topic.configs) {
    result.configs.emplace_back(config.name, config.value);
  }
  return result;
}

void add_details(const Services& services, const CreatedTopic& created,
                 CreateTopicsResponse::CreatableTopicResult& entry) {
  entry.num_partitions = created.num_partitions;
  entry.replication_factor = created.replication_factor;
  auto& configs = entry.configs.emplace();
  for (auto& config :
       config::describe_topic(services.config, created.configs,
                              dynamic_overrides(*services.metadata.load(), services.broker_id))) {
    auto& item = configs.emplace_back();
    item.name = std::move(config.name);
    item.value = std::move(config.value);
    item.read_only = config.read_only;
    item.config_source = static_cast<std::int8_t>(config.source);
    item.is_sensitive = config.sensitive;
  }
}

void add_result(const Services& services, const CreatedTopic& created, std::int16_t version,
                CreateTopicsResponse& response) {
  auto& entry = response.topics.emplace_back();
  entry.name = created.name;
  entry.topic_id = created.topic_id;
  entry.error_code = static_cast<std::int16_t>(created.error);
  entry.error_message.reset();
  if (!created.message.empty()) {
    entry.error_message = created.message;
  }
  if (created.error == ErrorCode::kNone && version >= kFirstWithDetails) {
    add_details(services, created, entry);
  }
}

}  // namespace

void handle_create_topics(RequestContext& context, protocol::Reader& body) {
  CreateTopicsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  std::map<std::string, int> asked;
  for (const auto& topic : request.topics) {
    ++asked[topic.name];
  }
  CreateTopicsResponse response;
  std::vector<NewTopic> topics;
  for (const auto& topic : request.topics) {
    if (asked[topic.name] == 1) {
      topics.push_back(new_topic(topic));
    } else {
      auto& entry = response.topics.emplace_back();
      entry.name = topic.name;
      entry.error_code = static_cast<std::int16_t>(ErrorCode::kInvalidRequest);
      entry.error_message = "Found multiple entries for this topic.";
    }
  }
  controller::CreateTopicsOptions options;
  options.default_partitions = context.services.config.topics.num_partitions;
  options.default_replication_factor =
      static_cast<std::int16_t>(context.services.config.topics.replication_factor);
  options.validate_only = request.validate_only;
  options.timeout_ms = request.timeout_ms;
  context.services.topics.create_topics(
      std::move(topics), options,
      [pending = context.pending(), response = std::move(response),
       &services = context.services](std::vector<CreatedTopic> created) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), response = std::move(response), &services,
                   created = std::move(created)]() mutable {
          for (const auto& topic : created) {
            add_result(services, topic, pending.version(), response);
          }
          pending.send(response);
        });
      });
}

}  // namespace barnabas::broker
