#include "controller_context.h"

#include <algorithm>

namespace barnabas::controller {

namespace {

std::string metric_name(std::string_view topic) {
  std::string name(topic);
  std::ranges::replace(name, '.', '_');
  return name;
}

}  // namespace

void ControllerContext::add_topic(const std::string& name, TopicInfo topic) {
  topics.insert_or_assign(name, std::move(topic));
  by_metric_name_[metric_name(name)].insert(name);
}

void ControllerContext::remove_topic(const std::string& name) {
  topics.erase(name);
  const auto found = by_metric_name_.find(metric_name(name));
  if (found != by_metric_name_.end()) {
    found->second.erase(name);
    if (found->second.empty()) {
      by_metric_name_.erase(found);
    }
  }
}

std::vector<std::string> ControllerContext::colliding_with(std::string_view name) const {
  const auto found = by_metric_name_.find(metric_name(name));
  if (found == by_metric_name_.end()) {
    return {};
  }
  std::vector<std::string> names(found->second.begin(), found->second.end());
  std::erase(names, name);
  return names;
}

bool TopicInfo::any_replica_in(ReplicaState state) const {
  return std::ranges::any_of(partitions, [state](const auto& partition) {
    return std::ranges::any_of(partition.second.replicas,
                               [state](const auto& replica) { return replica.second == state; });
  });
}

bool TopicInfo::all_replicas_in(ReplicaState state) const {
  return std::ranges::all_of(partitions, [state](const auto& partition) {
    const PartitionInfo& info = partition.second;
    return std::ranges::all_of(info.assignment.replicas, [&](BrokerId broker) {
      return info.replica_state(broker) == state;
    });
  });
}

std::vector<BrokerId> ControllerContext::live_ids() const {
  std::vector<BrokerId> ids;
  ids.reserve(brokers.size());
  for (const auto& [id, broker] : brokers) {
    ids.push_back(id);
  }
  return ids;
}

TopicInfo* ControllerContext::topic(std::string_view name) {
  const auto found = topics.find(name);
  return found == topics.end() ? nullptr : &found->second;
}

const TopicInfo* ControllerContext::topic(std::string_view name) const {
  const auto found = topics.find(name);
  return found == topics.end() ? nullptr : &found->second;
}

PartitionInfo* ControllerContext::partition(const TopicPartition& tp) {
  TopicInfo* const info = topic(tp.topic);
  if (info == nullptr) {
    return nullptr;
  }
  const auto found = info->partitions.find(tp.partition);
  return found == info->partitions.end() ? nullptr : &found->second;
}

const PartitionInfo* ControllerContext::partition(const TopicPartition& tp) const {
  const TopicInfo* const info = topic(tp.topic);
  if (info == nullptr) {
    return nullptr;
  }
  const auto found = info->partitions.find(tp.partition);
  return found == info->partitions.end() ? nullptr : &found->second;
}

bool ControllerContext::is_to_be_deleted(std::string_view name) const {
  const TopicInfo* const info = topic(name);
  return info != nullptr && info->to_be_deleted;
}

std::vector<TopicPartition> ControllerContext::partitions_of(std::string_view name) const {
  std::vector<TopicPartition> tps;
  if (const TopicInfo* const info = topic(name)) {
    for (const auto& [id, partition] : info->partitions) {
      tps.push_back({std::string(name), id});
    }
  }
  return tps;
}

std::vector<ReplicaOf> ControllerContext::replicas_of(
    const std::vector<TopicPartition>& tps) const {
  std::vector<ReplicaOf> replicas;
  for (const TopicPartition& tp : tps) {
    if (const PartitionInfo* const info = partition(tp)) {
      for (const BrokerId broker : info->assignment.replicas) {
        replicas.push_back({tp, broker});
      }
    }
  }
  return replicas;
}

std::vector<ReplicaOf> ControllerContext::replicas_on(const std::set<BrokerId>& wanted) const {
  std::vector<ReplicaOf> replicas;
  for_each_partition([&](const std::string& name, const TopicInfo&, PartitionId id,
                         const PartitionInfo& partition) {
    for (const BrokerId broker : partition.assignment.replicas) {
      if (wanted.contains(broker)) {
        replicas.push_back({{name, id}, broker});
      }
    }
  });
  return replicas;
}

std::vector<ReplicaOf> ControllerContext::replicas_in(std::string_view name,
                                                      ReplicaState state) const {
  std::vector<ReplicaOf> replicas;
  if (const TopicInfo* const info = topic(name)) {
    for (const auto& [id, partition] : info->partitions) {
      for (const auto& [broker, replica_state] : partition.replicas) {
        if (replica_state == state) {
          replicas.push_back({{std::string(name), id}, broker});
        }
      }
    }
  }
  return replicas;
}

std::vector<TopicPartition> ControllerContext::partitions_in(
    std::initializer_list<PartitionState> states) const {
  std::vector<TopicPartition> tps;
  for_each_partition([&](const std::string& name, const TopicInfo&, PartitionId id,
                         const PartitionInfo& partition) {
    if (std::ranges::find(states, partition.state) != states.end()) {
      tps.push_back({name, id});
    }
  });
  return tps;
}

std::vector<TopicPartition> ControllerContext::partitions_with_leadership() const {
  std::vector<TopicPartition> tps;
  for_each_partition([&](const std::string& name, const TopicInfo&, PartitionId id,
                         const PartitionInfo& partition) {
    if (partition.leadership) {
      tps.push_back({name, id});
    }
  });
  return tps;
}

std::vector<TopicPartition> ControllerContext::partitions_with_dead_leader() const {
  std::vector<TopicPartition> tps;
  for_each_partition([&](const std::string& name, const TopicInfo& topic, PartitionId id,
                         const PartitionInfo& partition) {
    if (!topic.to_be_deleted && partition.leadership &&
        !is_alive(partition.leadership->state.leader)) {
      tps.push_back({name, id});
    }
  });
  return tps;
}

}  // namespace barnabas::controller
