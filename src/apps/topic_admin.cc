#include "topic_admin.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "barnabas/protocol/gen/create_partitions.h"
#include "barnabas/protocol/gen/create_topics.h"
#include "barnabas/protocol/gen/delete_topics.h"
#include "barnabas/protocol/gen/list_partition_reassignments.h"
#include "error_text.h"

namespace barnabas::apps {

namespace {

using protocol::ApiKey;
using Clock = std::chrono::steady_clock;

constexpr std::int8_t kTopicResource = 2;
constexpr std::int32_t kBrokerTimeoutMs = 30000;  // AdminClient's request.timeout.ms
constexpr std::chrono::milliseconds kControllerPatience{10000};
constexpr int kControllerPauseMs = 100;  // retry.backoff.ms of AdminClient

}  // namespace

Result<TopicAdmin> TopicAdmin::connect(std::span<const HostPort> servers, std::string client_id,
                                       std::chrono::milliseconds request_timeout) {
  TRY(FoundBroker broker, find_broker(servers));
  TRY(WireClient client, WireClient::start(std::move(broker), client_id, request_timeout));
  return TopicAdmin(std::move(client), std::move(client_id), request_timeout);
}

Result<protocol::MetadataResponse> TopicAdmin::metadata(const protocol::MetadataRequest& request) {
  protocol::MetadataResponse response;
  TRY_STATUS(client_.call(ApiKey::kMetadata, request, response));
  return response;
}

Result<std::vector<TopicListing>> TopicAdmin::list() {
  protocol::MetadataRequest request;
  request.topics = std::nullopt;
  TRY(const protocol::MetadataResponse response, metadata(request));
  std::vector<TopicListing> topics;
  topics.reserve(response.topics.size());
  for (const TopicMetadata& topic : response.topics) {
    topics.push_back({topic.name.value_or(""), topic.topic_id, topic.is_internal});
  }
  std::ranges::sort(topics, {}, &TopicListing::name);
  return topics;
}

Result<std::vector<TopicMetadata>> TopicAdmin::describe(std::span<const std::string> names) {
  protocol::MetadataRequest request;
  request.topics.emplace();
  for (const std::string& name : names) {
    request.topics->emplace_back().name = name;
  }
  request.allow_auto_topic_creation = false;
  TRY(protocol::MetadataResponse response, metadata(request));
  std::vector<TopicMetadata> topics;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(response.topics, name, &TopicMetadata::name);
    if (found == response.topics.end()) {
      return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("Topic {} not found.", name));
    }
    TRY_STATUS(check_answer(found->error_code));
    topics.push_back(std::move(*found));
  }
  return topics;
}

Result<TopicMetadata> TopicAdmin::describe(const Uuid& id) {
  protocol::MetadataRequest request;
  auto& wanted = request.topics.emplace().emplace_back();
  wanted.topic_id = id;
  wanted.name = std::nullopt;
  request.allow_auto_topic_creation = false;
  TRY(protocol::MetadataResponse response, metadata(request));
  if (response.topics.empty() || !response.topics.front().name) {
    return fail(ErrorCode::kUnknownTopicId, fmt::format("TopicId {} not found.", id.to_string()));
  }
  TRY_STATUS(check_answer(response.topics.front().error_code));
  return std::move(response.topics.front());
}

Result<std::vector<std::int32_t>> TopicAdmin::live_brokers() {
  protocol::MetadataRequest request;  // no topics
  TRY(const protocol::MetadataResponse response, metadata(request));
  std::vector<std::int32_t> ids;
  for (const auto& broker : response.brokers) {
    ids.push_back(broker.node_id);
  }
  return ids;
}

Result<std::map<std::string, TopicConfigs>> TopicAdmin::configs(
    std::span<const std::string> names) {
  protocol::DescribeConfigsRequest request;
  for (const std::string& name : names) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = kTopicResource;
    resource.resource_name = name;
    resource.configuration_keys = std::nullopt;
  }
  protocol::DescribeConfigsResponse response;
  TRY_STATUS(client_.call(ApiKey::kDescribeConfigs, request, response));
  std::map<std::string, TopicConfigs> configs;
  for (auto& result : response.results) {
    TRY_STATUS(check_answer(result.error_code, result.error_message));
    configs[result.resource_name] = std::move(result.configs);
  }
  return configs;
}

Result<Reassignments> TopicAdmin::reassignments(std::span<const TopicMetadata> topics) {
  Reassignments found;
  if (topics.empty() || !client_.supports(ApiKey::kListPartitionReassignments)) {
    return found;
  }
  protocol::ListPartitionReassignmentsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  request.topics.emplace();
  for (const TopicMetadata& topic : topics) {
    auto& wanted = request.topics->emplace_back();
    wanted.name = topic.name.value_or("");
    for (const auto& partition : topic.partitions) {
      wanted.partition_indexes.push_back(partition.partition_index);
    }
  }
  protocol::ListPartitionReassignmentsResponse response;
  const Status listed = on_controller([&] -> Status {
    TRY_STATUS(controller().call(ApiKey::kListPartitionReassignments, request, response));
    return check_answer(response.error_code, response.error_message);
  });
  if (!listed) {
    const ErrorCode code = listed.error().code;
    if (code == ErrorCode::kClusterAuthorizationFailed || code == ErrorCode::kUnsupportedVersion) {
      return found;  // as Kafka's tool does: described without them
    }
    return std::unexpected(listed.error());
  }
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      found[{topic.name, partition.partition_index}] = {std::move(partition.replicas),
                                                        std::move(partition.adding_replicas),
                                                        std::move(partition.removing_replicas)};
    }
  }
  return found;
}

Status TopicAdmin::find_controller() {
  protocol::MetadataRequest request;  // no topics
  TRY(const protocol::MetadataResponse response, metadata(request));
  controller_.reset();
  const auto found = std::ranges::find(response.brokers, response.controller_id,
                                       [](const auto& broker) { return broker.node_id; });
  if (found == response.brokers.end()) {
    return fail(ErrorCode::kNotController, "the cluster has no controller at the moment");
  }
  if (response.brokers.size() > 1) {
    const HostPort address{found->host, static_cast<std::uint16_t>(found->port)};
    TRY(FoundBroker broker, find_broker(std::span(&address, 1)));
    TRY(controller_, WireClient::start(std::move(broker), client_id_, request_timeout_));
  }
  return {};
}

template <typename Attempt>
Status TopicAdmin::on_controller(const Attempt& attempt) {
  const auto give_up = Clock::now() + kControllerPatience;
  for (;;) {
    Status result = find_controller();
    if (result) {
      result = attempt();
    }
    if (result || result.error().code != ErrorCode::kNotController || Clock::now() >= give_up) {
      return result;
    }
    ::poll(nullptr, 0, kControllerPauseMs);  // a move of the controller gives no sign
  }
}

Status TopicAdmin::create(const TopicSpec& spec) {
  if (spec.name.empty()) {
    return fail(ErrorCode::kInvalidTopicException,
                "The given topic name '' cannot be represented in a request.");
  }
  protocol::CreateTopicsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  auto& topic = request.topics.emplace_back();
  topic.name = spec.name;
  topic.num_partitions = spec.partitions.value_or(-1);
  topic.replication_factor = static_cast<std::int16_t>(spec.replication_factor.value_or(-1));
  for (std::size_t i = 0; i < spec.assignment.size(); ++i) {
    topic.assignments.push_back({static_cast<std::int32_t>(i), spec.assignment[i]});
  }
  for (const auto& [name, value] : spec.configs) {
    topic.configs.push_back({name, value});
  }
  return on_controller([&] -> Status {
    protocol::CreateTopicsResponse response;
    TRY_STATUS(controller().call(ApiKey::kCreateTopics, request, response));
    for (const auto& result : response.topics) {
      TRY_STATUS(check_answer(result.error_code, result.error_message));
    }
    return {};
  });
}

Status TopicAdmin::remove(std::span<const std::string> names) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  return on_controller([&] -> Status {
    request.topics.clear();
    request.topic_names.clear();
    if (controller().version_of(ApiKey::kDeleteTopics) >= 6) {
      for (const std::string& name : names) {
        request.topics.emplace_back().name = name;
      }
    } else {
      request.topic_names.assign(names.begin(), names.end());
    }
    protocol::DeleteTopicsResponse response;
    TRY_STATUS(controller().call(ApiKey::kDeleteTopics, request, response));
    for (const auto& result : response.responses) {
      TRY_STATUS(check_answer(result.error_code, result.error_message));
    }
    return {};
  });
}

Status TopicAdmin::add_partitions(std::span<const TopicMetadata> topics, const TopicSpec& spec) {
  protocol::CreatePartitionsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  for (const TopicMetadata& topic : topics) {
    auto& wanted = request.topics.emplace_back();
    wanted.name = topic.name.value_or("");
    wanted.count = spec.partitions.value_or(0);
    wanted.assignments = std::nullopt;
    if (!spec.assignment.empty()) {
      wanted.assignments.emplace();
      for (std::size_t i = topic.partitions.size(); i < spec.assignment.size(); ++i) {
        wanted.assignments->push_back({spec.assignment[i]});
      }
    }
  }
  return on_controller([&] -> Status {
    protocol::CreatePartitionsResponse response;
    TRY_STATUS(controller().call(ApiKey::kCreatePartitions, request, response));
    for (const auto& result : response.results) {
      TRY_STATUS(check_answer(result.error_code, result.error_message));
    }
    return {};
  });
}

}  // namespace barnabas::apps
