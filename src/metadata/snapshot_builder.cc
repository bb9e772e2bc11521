#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/protocol/gen/update_metadata.h"

namespace barnabas::metadata {
namespace {

using protocol::UpdateMetadataRequest;
using PartitionState = UpdateMetadataRequest::UpdateMetadataPartitionState;

// A leader of -2 says that the topic is being deleted.
constexpr std::int32_t kLeaderDuringDelete = -2;
constexpr std::int16_t kPlaintext = 0;

std::vector<BrokerId> ids(const std::vector<std::int32_t>& raw) {
  std::vector<BrokerId> all;
  all.reserve(raw.size());
  for (const std::int32_t id : raw) {
    all.emplace_back(id);
  }
  return all;
}

std::shared_ptr<const PartitionMetadata> make_partition(const PartitionState& state) {
  auto partition = std::make_shared<PartitionMetadata>();
  partition->id = PartitionId{state.partition_index};
  partition->leader = BrokerId{state.leader};
  partition->leader_epoch = LeaderEpoch{state.leader_epoch};
  partition->controller_epoch = ControllerEpoch{state.controller_epoch};
  partition->partition_epoch = PartitionEpoch{state.zk_version};
  partition->isr = ids(state.isr);
  partition->replicas = ids(state.replicas);
  partition->offline_replicas = ids(state.offline_replicas);
  return partition;
}

std::vector<BrokerMetadata> make_brokers(
    const std::vector<UpdateMetadataRequest::UpdateMetadataBroker>& live) {
  std::vector<BrokerMetadata> brokers;
  brokers.reserve(live.size());
  for (const auto& one : live) {
    BrokerMetadata broker;
    broker.id = BrokerId{one.id};
    broker.rack = one.rack && one.rack->empty() ? std::nullopt : one.rack;
    if (one.endpoints.empty() && !one.v0_host.empty()) {  // version 0 knows one plain listener
      broker.endpoints.push_back({"PLAINTEXT", kPlaintext, one.v0_host, one.v0_port});
    }
    for (const auto& endpoint : one.endpoints) {
      // Before version 3 a listener is named like its protocol.
      static constexpr std::array<std::string_view, 4> kProtocols{"PLAINTEXT", "SSL",
                                                                  "SASL_PLAINTEXT", "SASL_SSL"};
      std::string listener = endpoint.listener;
      const auto protocol = static_cast<std::size_t>(endpoint.security_protocol);
      if (listener.empty() && protocol < kProtocols.size()) {
        listener = kProtocols.at(protocol);
      }
      broker.endpoints.push_back(
          {std::move(listener), endpoint.security_protocol, endpoint.host, endpoint.port});
    }
    brokers.push_back(std::move(broker));
  }
  std::ranges::sort(brokers, {}, &BrokerMetadata::id);
  return brokers;
}

// The states of one topic, whichever way the version wrote them.
struct TopicUpdate {
  Uuid id;
  std::vector<const PartitionState*> states;
};

std::map<std::string_view, TopicUpdate> by_topic(const UpdateMetadataRequest& request) {
  std::map<std::string_view, TopicUpdate> updates;
  for (const auto& topic : request.topic_states) {
    TopicUpdate& update = updates[topic.topic_name];
    update.id = topic.topic_id;
    for (const PartitionState& state : topic.partition_states) {
      update.states.push_back(&state);
    }
  }
  for (const PartitionState& state : request.ungrouped_partition_states) {
    updates[state.topic_name].states.push_back(&state);
  }
  return updates;
}

// Puts one state into `topic`. Returns whether it took the partition away.
bool merge(TopicMetadata& topic, const PartitionState& state) {
  if (state.partition_index < 0) {
    return false;
  }
  const auto index = static_cast<std::size_t>(state.partition_index);
  if (state.leader == kLeaderDuringDelete) {
    if (index >= topic.partitions.size() || topic.partitions[index] == nullptr) {
      return false;
    }
    topic.partitions[index].reset();
    --topic.known_partitions;
    return true;
  }
  if (index >= topic.partitions.size()) {
    topic.partitions.resize(index + 1);
  }
  if (topic.partitions[index] == nullptr) {
    ++topic.known_partitions;
  }
  topic.partitions[index] = make_partition(state);
  return false;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(std::string cluster_id) {
  next_.cluster_id_ = std::move(cluster_id);
}

SnapshotBuilder::SnapshotBuilder(const ClusterSnapshot& previous) : next_(previous) {}

void SnapshotBuilder::place(std::shared_ptr<const TopicMetadata> topic) {
  next_.partition_count_ += topic->known_partitions;
  if (!topic->id.is_zero()) {
    next_.topics_by_id_.assign(topic->id, topic);
  }
  const std::string& name = topic->name;
  next_.topics_.assign(name, topic);
}

void SnapshotBuilder::take_out(const TopicMetadata& topic) {
  next_.partition_count_ -= topic.known_partitions;
  next_.topics_by_id_.erase(topic.id);
  next_.topics_.erase(std::string(topic.name));
}

Result<SnapshotBuilder::Changes> SnapshotBuilder::apply(const UpdateMetadataRequest& request) {
  const ControllerEpoch epoch{request.controller_epoch};
  if (epoch < next_.controller_epoch_) {
    return fail(ErrorCode::kStaleControllerEpoch,
                fmt::format("UpdateMetadata of controller {} with epoch {}, the known one is {}",
                            request.controller_id, epoch.value(), next_.controller_epoch_.value()));
  }
  next_.controller_epoch_ = epoch;
  next_.controller_ = BrokerId{std::max(request.controller_id, -1)};
  next_.brokers_ = make_brokers(request.live_brokers);
  next_.has_metadata_ = true;
  Changes changes;
  for (const auto& [name, update] : by_topic(request)) {
    const std::shared_ptr<const TopicMetadata>* const known = next_.topics_.find(name);
    auto topic = known == nullptr ? std::make_shared<TopicMetadata>()
                                  : std::make_shared<TopicMetadata>(**known);
    if (known != nullptr) {
      const std::shared_ptr<const TopicMetadata> old = *known;
      if (!update.id.is_zero() && !old->id.is_zero() && old->id != update.id) {
        topic = std::make_shared<TopicMetadata>();  // deleted and made anew
      }
      take_out(*old);
    }
    topic->name = std::string(name);
    topic->id = update.id;
    for (const PartitionState* state : update.states) {
      if (merge(*topic, *state)) {
        changes.deleted.push_back({topic->name, PartitionId{state->partition_index}});
      }
    }
    if (topic->known_partitions == 0) {
      if (known != nullptr) {
        changes.deleted_topics.push_back(topic->name);
      }
      continue;
    }
    while (topic->partitions.back() == nullptr) {
      topic->partitions.pop_back();
    }
    place(std::move(topic));
  }
  return changes;
}

void SnapshotBuilder::set_topic_config(std::string_view topic, ConfigMap config) {
  if (config.empty()) {
    return remove_topic_config(topic);
  }
  next_.topic_configs_.assign(topic, std::make_shared<const ConfigMap>(std::move(config)));
}

void SnapshotBuilder::remove_topic_config(std::string_view topic) {
  next_.topic_configs_.erase(topic);
}

void SnapshotBuilder::set_broker_config(BrokerId id, ConfigMap config) {
  if (config.empty()) {
    next_.broker_configs_.erase(id);
  } else {
    next_.broker_configs_[id] = std::move(config);
  }
}

void SnapshotBuilder::set_default_broker_config(ConfigMap config) {
  next_.default_broker_config_ = std::move(config);
}

std::shared_ptr<const ClusterSnapshot> SnapshotBuilder::build() {
  ++next_.version_;
  return std::make_shared<const ClusterSnapshot>(std::move(next_));
}

}  // namespace barnabas::metadata
