// Metadata (key 3), versions 0 to 12: brokers, controller, topics with their partitions, and the
// creation of missing topics where client and broker allow it. Rules:
// KafkaApis.handleTopicMetadata- Request and ZkMetadataCache of Kafka 3.9.1.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "authorized_operations.h"
#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/metadata.h"
#include "handler_table.h"
#include "thread_state.h"
#include "topic_auto_creation.h"

namespace barnabas::broker {
namespace {

using metadata::ClusterSnapshot;
using metadata::PartitionMetadata;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

constexpr std::int16_t kFirstWithTopicIds = 12;      // asked for by id
constexpr std::int16_t kFirstWithListenerError = 6;  // LISTENER_NOT_FOUND instead of error 5
constexpr std::int16_t kLastWithClusterOperations = 10;

bool has_endpoint(const ClusterSnapshot& cluster, BrokerId id, std::string_view listener) {
  const auto* const broker = cluster.broker(id);
  return broker != nullptr && broker->endpoint(listener) != nullptr;
}

class Answerer {
 public:
  Answerer(RequestContext& context, const MetadataRequest& request)
      : context_(context),
        request_(request),
        cluster_(context.thread.metadata()),
        version_(context.version()) {}

  void fill(MetadataResponse& response) {
    add_brokers(response);
    if (asks_for_all()) {
      for (const auto* topic : cluster_.topics_by_name()) {
        add_topic(response, *topic);
      }
    } else {
      std::set<std::string_view> seen;
      for (const auto& topic : *request_.topics) {
        if (!topic.topic_id.is_zero()) {
          add_by_id(response, topic.topic_id);
        } else if (!asks_by_id() && topic.name && seen.insert(*topic.name).second) {
          add_by_name(response, *topic.name);
        }
      }
    }
    if (version_ >= 8 && version_ <= kLastWithClusterOperations &&
        request_.include_cluster_authorized_operations) {
      response.cluster_authorized_operations = kAllClusterOperations;
    }
  }

  [[nodiscard]] const std::vector<std::string>& to_create() const { return to_create_; }

 private:
  [[nodiscard]] bool asks_for_all() const {
    return !request_.topics || (version_ == 0 && request_.topics->empty());
  }

  [[nodiscard]] bool asks_by_id() const {
    return request_.topics && std::ranges::any_of(*request_.topics, [](const auto& topic) {
             return !topic.topic_id.is_zero();
           });
  }

  void add_brokers(MetadataResponse& response) const {
    response.cluster_id = cluster_.cluster_id();
    response.controller_id = cluster_.controller().value();
    for (const auto& broker : cluster_.brokers()) {
      if (const auto* endpoint = broker.endpoint(context_.connection.listener_name())) {
        auto& entry = response.brokers.emplace_back();
        entry.node_id = broker.id.value();
        entry.host = endpoint->host;
        entry.port = endpoint->port;
        entry.rack = broker.rack;
      }
    }
  }

  void add_by_id(MetadataResponse& response, const Uuid& id) const {
    if (const auto* topic = cluster_.topic(id)) {
      add_topic(response, *topic);
      return;
    }
    auto& entry = response.topics.emplace_back();
    entry.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicId);
    entry.name.reset();
    entry.topic_id = id;
  }

  void add_by_name(MetadataResponse& response, const std::string& name) {
    if (const auto* topic = cluster_.topic(name)) {
      add_topic(response, *topic);
      return;
    }
    ErrorCode error = ErrorCode::kUnknownTopicOrPartition;
    if (!metadata::validate_topic_name(name)) {
      error = ErrorCode::kInvalidTopicException;
    } else if (request_.allow_auto_topic_creation && !asks_by_id() &&
               context_.services.config.topics.auto_create_topics) {
      // Being made while this is answered; clients ask again.
      error = ErrorCode::kLeaderNotAvailable;
      to_create_.push_back(name);
    }
    auto& entry = response.topics.emplace_back();
    entry.error_code = static_cast<std::int16_t>(error);
    entry.name = name;
    entry.is_internal = metadata::is_internal_topic(name);
  }

  void add_topic(MetadataResponse& response, const metadata::TopicMetadata& topic) const {
    auto& entry = response.topics.emplace_back();
    entry.name = topic.name;
    entry.topic_id = topic.id;
    entry.is_internal = metadata::is_internal_topic(topic.name);
    if (version_ >= 8 && request_.include_topic_authorized_operations) {
      entry.topic_authorized_operations = kAllTopicOperations;
    }
    for (const auto& partition : topic.partitions) {
      if (partition != nullptr) {
        add_partition(entry.partitions.emplace_back(), *partition);
      }
    }
  }

  void add_partition(MetadataResponse::MetadataResponsePartition& entry,
                     const PartitionMetadata& partition) const {
    const auto& listener = context_.connection.listener_name();
    entry.partition_index = partition.id.value();
    entry.leader_epoch = partition.leader_epoch.value();
    copy_brokers(entry.replica_nodes, partition.replicas, listener);
    copy_brokers(entry.isr_nodes, partition.isr, listener);
    for (const BrokerId id : partition.replicas) {
      if (std::ranges::count(partition.offline_replicas, id) > 0 ||
          !has_endpoint(cluster_, id, listener)) {
        entry.offline_replicas.push_back(id.value());
      }
    }
    if (!has_endpoint(cluster_, partition.leader, listener)) {
      const bool alive = cluster_.broker(partition.leader) != nullptr;
      entry.error_code = static_cast<std::int16_t>(alive && version_ >= kFirstWithListenerError
                                                       ? ErrorCode::kListenerNotFound
                                                       : ErrorCode::kLeaderNotAvailable);
      entry.leader_id = -1;
      return;
    }
    entry.leader_id = partition.leader.value();
    // Version 0 wants every replica named to be reachable.
    if (version_ == 0 && (entry.replica_nodes.size() < partition.replicas.size() ||
                          entry.isr_nodes.size() < partition.isr.size())) {
      entry.error_code = static_cast<std::int16_t>(ErrorCode::kReplicaNotAvailable);
    }
  }

  void copy_brokers(std::vector<std::int32_t>& out, const std::vector<BrokerId>& ids,
                    std::string_view listener) const {
    for (const BrokerId id : ids) {
      if (version_ > 0 || has_endpoint(cluster_, id, listener)) {
        out.push_back(id.value());
      }
    }
  }

  RequestContext& context_;
  const MetadataRequest& request_;
  const ClusterSnapshot& cluster_;
  const std::int16_t version_;
  std::vector<std::string> to_create_;
};

// Versions 10 and 11 carry ids and null names that only version 12 gave a meaning; a topic with
// neither has none in any version.
bool is_malformed(const MetadataRequest& request, std::int16_t version) {
  return request.topics && std::ranges::any_of(*request.topics, [&](const auto& topic) {
           const bool by_id = !topic.topic_id.is_zero();
           return version < kFirstWithTopicIds ? !topic.name || by_id : !topic.name && !by_id;
         });
}

// From version 12 on Kafka's handler takes the request and then fails at the missing name.
void answer_malformed(RequestContext& context, const MetadataRequest& request) {
  const ErrorCode error = context.version() < kFirstWithTopicIds ? ErrorCode::kInvalidRequest
                                                                 : ErrorCode::kUnknownServerError;
  MetadataResponse response;
  for (const auto& topic : *request.topics) {
    auto& entry = response.topics.emplace_back();
    entry.name = topic.name.value_or("");
    entry.topic_id = topic.topic_id;
    entry.error_code = static_cast<std::int16_t>(error);
  }
  context.answer(response);
}

}  // namespace

void handle_metadata(RequestContext& context, protocol::Reader& body) {
  MetadataRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  if (is_malformed(request, context.version())) {
    answer_malformed(context, request);
    return;
  }
  Answerer answerer(context, request);
  MetadataResponse response;
  answerer.fill(response);
  if (!answerer.to_create().empty()) {
    context.services.auto_creation.create(answerer.to_create());
  }
  context.answer(response);
}

}  // namespace barnabas::broker
