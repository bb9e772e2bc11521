// What the active controller knows: brokers, topics, partitions and the states they are in. Only a
// store of facts with questions; who changes it and why is in the state machines.
// THREAD: home
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/uuid.h"
#include "barnabas/zk/metadata_store.h"
#include "barnabas/zk/znodes.h"
#include "states.h"

namespace barnabas::controller {

// A partition's state node as last read or written.
struct Leadership {
  zk::PartitionStateZNode state;
  PartitionEpoch partition_epoch;  // version of the node
};

struct PartitionInfo {
  zk::ReplicaAssignment assignment;
  std::optional<Leadership> leadership;  // none until the state node exists
  PartitionState state = PartitionState::kNonExistent;
  std::map<BrokerId, ReplicaState> replicas;

  [[nodiscard]] ReplicaState replica_state(BrokerId broker) const {
    const auto found = replicas.find(broker);
    return found == replicas.end() ? ReplicaState::kNonExistent : found->second;
  }
};

struct TopicInfo {
  std::optional<Uuid> id;
  std::map<PartitionId, PartitionInfo> partitions;
  zk::ConfigMap config;
  bool to_be_deleted = false;     // stands under /admin/delete_topics
  bool deletion_started = false;  // brokers have been told
  bool deletion_halted = false;   // until a broker comes back
  bool forgotten_here = false;    // this broker's metadata has it no more

  [[nodiscard]] bool any_replica_in(ReplicaState state) const;
  [[nodiscard]] bool all_replicas_in(ReplicaState state) const;
};

struct LiveBroker {
  zk::BrokerZNode node;
  BrokerEpoch epoch;
};

// One replica of one partition.
struct ReplicaOf {
  TopicPartition partition;
  BrokerId broker;
  auto operator<=>(const ReplicaOf&) const = default;
};

class ControllerContext {
 public:
  ControllerEpoch epoch{0};
  std::map<BrokerId, LiveBroker> brokers;  // alive
  std::map<std::string, TopicInfo, std::less<>> topics;

  void clear() { *this = {}; }

  void add_topic(const std::string& name, TopicInfo topic);
  void remove_topic(const std::string& name);
  // Topics whose names differ from `name` in nothing but '.' and '_', sorted.
  [[nodiscard]] std::vector<std::string> colliding_with(std::string_view name) const;

  [[nodiscard]] bool is_alive(BrokerId id) const { return brokers.contains(id); }
  [[nodiscard]] std::vector<BrokerId> live_ids() const;

  [[nodiscard]] TopicInfo* topic(std::string_view name);
  [[nodiscard]] const TopicInfo* topic(std::string_view name) const;
  [[nodiscard]] PartitionInfo* partition(const TopicPartition& tp);
  [[nodiscard]] const PartitionInfo* partition(const TopicPartition& tp) const;
  [[nodiscard]] bool is_to_be_deleted(std::string_view topic) const;

  [[nodiscard]] std::vector<TopicPartition> partitions_of(std::string_view topic) const;
  [[nodiscard]] std::vector<ReplicaOf> replicas_of(const std::vector<TopicPartition>& tps) const;
  [[nodiscard]] std::vector<ReplicaOf> replicas_on(const std::set<BrokerId>& brokers) const;
  [[nodiscard]] std::vector<ReplicaOf> replicas_in(std::string_view topic,
                                                   ReplicaState state) const;
  [[nodiscard]] std::vector<TopicPartition> partitions_in(
      std::initializer_list<PartitionState> states) const;
  [[nodiscard]] std::vector<TopicPartition> partitions_with_leadership() const;
  // Online ones whose leader is not alive and that are not being deleted.
  [[nodiscard]] std::vector<TopicPartition> partitions_with_dead_leader() const;

  template <typename Visitor>
  void for_each_partition(Visitor&& visit) const {
    for (const auto& [name, topic] : topics) {
      for (const auto& [id, partition] : topic.partitions) {
        visit(name, topic, id, partition);
      }
    }
  }

 private:
  std::map<std::string, std::set<std::string>> by_metric_name_;
};

}  // namespace barnabas::controller
