#include "barnabas/metadata/cluster_snapshot.h"

#include <algorithm>

namespace barnabas::metadata {
namespace {

const ConfigMap& no_config() {
  static const ConfigMap empty;
  return empty;
}

}  // namespace

const EndPoint* BrokerMetadata::endpoint(std::string_view listener) const {
  const auto found = std::ranges::find(endpoints, listener, &EndPoint::listener);
  return found == endpoints.end() ? nullptr : &*found;
}

const BrokerMetadata* ClusterSnapshot::broker(BrokerId id) const {
  const auto found = std::ranges::lower_bound(brokers_, id, {}, &BrokerMetadata::id);
  return found == brokers_.end() || found->id != id ? nullptr : &*found;
}

const TopicMetadata* ClusterSnapshot::topic(std::string_view name) const {
  const auto* const found = topics_.find(name);
  return found == nullptr ? nullptr : found->get();
}

const TopicMetadata* ClusterSnapshot::topic(const Uuid& id) const {
  const auto* const found = topics_by_id_.find(id);
  return found == nullptr ? nullptr : found->get();
}

const PartitionMetadata* ClusterSnapshot::partition(std::string_view name, PartitionId id) const {
  const TopicMetadata* const found = topic(name);
  return found == nullptr ? nullptr : found->partition(id);
}

std::vector<const TopicMetadata*> ClusterSnapshot::topics_by_name() const {
  std::vector<const TopicMetadata*> topics;
  topics.reserve(topics_.size());
  topics_.for_each([&](const std::string&, const auto& topic) { topics.push_back(topic.get()); });
  std::ranges::sort(topics, {}, &TopicMetadata::name);
  return topics;
}

const ConfigMap& ClusterSnapshot::topic_config(std::string_view topic) const {
  const auto* const found = topic_configs_.find(topic);
  return found == nullptr ? no_config() : **found;
}

const ConfigMap& ClusterSnapshot::broker_config(BrokerId id) const {
  const auto found = broker_configs_.find(id);
  return found == broker_configs_.end() ? no_config() : found->second;
}

}  // namespace barnabas::metadata
