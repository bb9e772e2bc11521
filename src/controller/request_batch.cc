#include "request_batch.h"

#include <algorithm>
#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::controller {
namespace {

using protocol::LeaderAndIsrRequest;
using protocol::LeaderAndIsrResponse;
using protocol::StopReplicaRequest;
using protocol::StopReplicaResponse;
using protocol::UpdateMetadataRequest;
using protocol::UpdateMetadataResponse;

// The leader epoch of a StopReplica for a topic that is being deleted: above every other.
constexpr std::int32_t kEpochDuringDelete = -2;
constexpr std::int32_t kNoEpoch = -1;

std::vector<std::int32_t> raw(const std::vector<BrokerId>& ids) {
  std::vector<std::int32_t> all;
  all.reserve(ids.size());
  for (const BrokerId id : ids) {
    all.push_back(id.value());
  }
  return all;
}

std::int16_t protocol_id(const std::string& name) {
  static const std::map<std::string, std::int16_t> kIds{
      {"PLAINTEXT", 0}, {"SSL", 1}, {"SASL_PLAINTEXT", 2}, {"SASL_SSL", 3}};
  const auto found = kIds.find(name);
  return found == kIds.end() ? std::int16_t{0} : found->second;
}

void warn_of(const char* what, BrokerId broker, const Error& error) {
  logging::logger("controller")
      .warn("{} to broker {} was not answered: {}", what, broker.value(), error.message);
}

void warn_of(const char* what, BrokerId broker, std::int16_t code) {
  logging::logger("controller")
      .warn("{} was refused by broker {}: {}", what, broker.value(),
            error_name(static_cast<ErrorCode>(code)));
}

void warn_of_partitions(BrokerId broker, const LeaderAndIsrResponse& answer) {
  for (const auto& topic : answer.topics) {
    for (const auto& error : topic.partition_errors) {
      if (error.error_code != 0) {
        logging::logger("controller")
            .warn("partition {} of topic {} was not taken by broker {}: {}", error.partition_index,
                  topic.topic_id.to_string(), broker.value(),
                  error_name(static_cast<ErrorCode>(error.error_code)));
      }
    }
  }
}

// Appends to the state of the topic, which stands last if it is there at all: partitions come
// sorted by topic.
template <typename Topics>
auto& topic_state(Topics& topics, const std::string& name) {
  if (topics.empty() || topics.back().topic_name != name) {
    topics.emplace_back().topic_name = name;
  }
  return topics.back();
}

}  // namespace

void RequestBatch::add_leader_and_isr(const std::vector<BrokerId>& to, const TopicPartition& tp,
                                      bool is_new) {
  for (const BrokerId broker : to) {
    bool& known_new = leader_and_isr_[broker][tp];
    known_new = known_new || is_new;
  }
  add_update_metadata(context_.live_ids(), {tp});
}

void RequestBatch::add_stop_replica(BrokerId to, const TopicPartition& tp, bool delete_partition) {
  Stop& stop = stop_[to][tp];
  stop.delete_partition = stop.delete_partition || delete_partition;
}

void RequestBatch::add_update_metadata(const std::vector<BrokerId>& to,
                                       const std::vector<TopicPartition>& tps) {
  update_brokers_.insert(to.begin(), to.end());
  update_partitions_.insert(tps.begin(), tps.end());
}

void RequestBatch::clear() {
  leader_and_isr_.clear();
  stop_.clear();
  update_brokers_.clear();
  update_partitions_.clear();
}

void RequestBatch::send() {
  send_leader_and_isr();
  send_update_metadata();
  send_stop_replica();
  clear();
}

LeaderAndIsrRequest RequestBatch::leader_and_isr_for(
    const LiveBroker& broker, const std::map<TopicPartition, bool>& partitions) const {
  LeaderAndIsrRequest request;
  request.controller_id = self_.value();
  request.controller_epoch = context_.epoch.value();
  request.broker_epoch = broker.epoch.value();
  std::set<BrokerId> leaders;
  for (const auto& [tp, is_new] : partitions) {
    const PartitionInfo* const info = context_.partition(tp);
    if (info == nullptr || !info->leadership) {
      continue;
    }
    auto& topic = topic_state(request.topic_states, tp.topic);
    topic.topic_id = context_.topic(tp.topic)->id.value_or(Uuid{});
    auto& state = topic.partition_states.emplace_back();
    const zk::PartitionStateZNode& now = info->leadership->state;
    state.partition_index = tp.partition.value();
    state.controller_epoch = now.controller_epoch.value();
    state.leader = now.leader.value();
    state.leader_epoch = now.leader_epoch.value();
    state.isr = raw(now.isr);
    state.partition_epoch = info->leadership->partition_epoch.value();
    state.replicas = raw(info->assignment.replicas);
    state.adding_replicas = raw(info->assignment.adding);
    state.removing_replicas = raw(info->assignment.removing);
    state.is_new = is_new;
    state.leader_recovery_state = now.recovering ? 1 : 0;
    leaders.insert(now.leader);
  }
  for (const BrokerId leader : leaders) {
    const auto live = context_.brokers.find(leader);
    if (live == context_.brokers.end()) {
      continue;
    }
    const auto& endpoints = live->second.node.endpoints;
    const auto endpoint =
        std::ranges::find(endpoints, inter_broker_listener_, &zk::BrokerEndPoint::listener);
    if (endpoint != endpoints.end()) {
      request.live_leaders.push_back({leader.value(), endpoint->host, endpoint->port});
    }
  }
  return request;
}

void RequestBatch::send_leader_and_isr() {
  for (const auto& [id, partitions] : leader_and_isr_) {
    const auto broker = context_.brokers.find(id);
    if (broker == context_.brokers.end()) {
      continue;
    }
    auto request =
        std::make_shared<LeaderAndIsrRequest>(leader_and_isr_for(broker->second, partitions));
    if (request->topic_states.empty()) {
      continue;
    }
    channel_.send(id, std::shared_ptr<const LeaderAndIsrRequest>(std::move(request)),
                  [id](Result<LeaderAndIsrResponse> answer) {
                    if (!answer) {
                      return warn_of("LeaderAndIsr", id, answer.error());
                    }
                    if (answer->error_code != 0) {
                      return warn_of("LeaderAndIsr", id, answer->error_code);
                    }
                    warn_of_partitions(id, *answer);
                  });
  }
}

UpdateMetadataRequest RequestBatch::update_metadata() const {
  UpdateMetadataRequest request;
  request.controller_id = self_.value();
  request.controller_epoch = context_.epoch.value();
  for (const TopicPartition& tp : update_partitions_) {
    const PartitionInfo* const info = context_.partition(tp);
    if (info == nullptr || !info->leadership) {
      continue;
    }
    const TopicInfo& topic = *context_.topic(tp.topic);
    auto& topic_states = topic_state(request.topic_states, tp.topic);
    topic_states.topic_id = topic.id.value_or(Uuid{});
    auto& state = topic_states.partition_states.emplace_back();
    const zk::PartitionStateZNode& now = info->leadership->state;
    state.partition_index = tp.partition.value();
    state.controller_epoch = now.controller_epoch.value();
    state.leader = topic.to_be_deleted ? zk::kLeaderDuringDelete.value() : now.leader.value();
    state.leader_epoch = topic.to_be_deleted ? 0 : now.leader_epoch.value();
    state.isr = raw(now.isr);
    state.zk_version = topic.to_be_deleted ? 0 : info->leadership->partition_epoch.value();
    state.replicas = raw(info->assignment.replicas);
    for (const BrokerId replica : info->assignment.replicas) {
      if (!context_.is_alive(replica)) {
        state.offline_replicas.push_back(replica.value());
      }
    }
  }
  for (const auto& [id, live] : context_.brokers) {
    auto& broker = request.live_brokers.emplace_back();
    broker.id = id.value();
    broker.rack = live.node.rack;
    for (const zk::BrokerEndPoint& endpoint : live.node.endpoints) {
      broker.endpoints.push_back({endpoint.port, endpoint.host, endpoint.listener,
                                  protocol_id(endpoint.security_protocol)});
    }
  }
  return request;
}

void RequestBatch::send_update_metadata() {
  if (update_brokers_.empty()) {
    return;
  }
  const UpdateMetadataRequest common = update_metadata();
  std::vector<std::string> topics;
  for (const auto& topic : common.topic_states) {
    topics.push_back(topic.topic_name);
  }
  for (const BrokerId id : update_brokers_) {
    const auto broker = context_.brokers.find(id);
    if (broker == context_.brokers.end()) {
      continue;
    }
    auto request = std::make_shared<UpdateMetadataRequest>(common);
    request->broker_epoch = broker->second.epoch.value();
    channel_.send(
        id, std::shared_ptr<const UpdateMetadataRequest>(std::move(request)),
        [id, topics, taken = answers_.metadata_taken](Result<UpdateMetadataResponse> answer) {
          if (!answer) {
            return warn_of("UpdateMetadata", id, answer.error());
          }
          if (answer->error_code != 0) {
            return warn_of("UpdateMetadata", id, answer->error_code);
          }
          taken(id, topics);
        });
  }
}

void RequestBatch::send_stop_replica() {
  for (const auto& [id, partitions] : stop_) {
    const auto broker = context_.brokers.find(id);
    if (broker == context_.brokers.end()) {
      continue;
    }
    auto request = std::make_shared<StopReplicaRequest>();
    request->controller_id = self_.value();
    request->controller_epoch = context_.epoch.value();
    request->broker_epoch = broker->second.epoch.value();
    std::vector<TopicPartition> to_delete;
    for (const auto& [tp, stop] : partitions) {
      const PartitionInfo* const info = context_.partition(tp);
      auto& state = topic_state(request->topic_states, tp.topic).partition_states.emplace_back();
      state.partition_index = tp.partition.value();
      state.delete_partition = stop.delete_partition;
      state.leader_epoch = kNoEpoch;
      if (context_.is_to_be_deleted(tp.topic)) {
        state.leader_epoch = kEpochDuringDelete;
      } else if (info != nullptr && info->leadership) {
        state.leader_epoch = info->leadership->state.leader_epoch.value();
      }
      if (stop.delete_partition) {
        to_delete.push_back(tp);
      }
    }
    channel_.send(id, std::shared_ptr<const StopReplicaRequest>(std::move(request)),
                  [id, to_delete = std::move(to_delete),
                   stopped = answers_.replicas_stopped](Result<StopReplicaResponse> answer) {
                    std::set<TopicPartition> failed;
                    if (!answer) {
                      warn_of("StopReplica", id, answer.error());
                      failed.insert(to_delete.begin(), to_delete.end());
                    } else if (answer->error_code != 0) {
                      warn_of("StopReplica", id, answer->error_code);
                      failed.insert(to_delete.begin(), to_delete.end());
                    } else {
                      for (const auto& error : answer->partition_errors) {
                        if (error.error_code != 0) {
                          failed.insert({error.topic_name, PartitionId{error.partition_index}});
                        }
                      }
                    }
                    std::vector<TopicPartition> deleted;
                    std::vector<TopicPartition> not_deleted;
                    for (const TopicPartition& tp : to_delete) {
                      (failed.contains(tp) ? not_deleted : deleted).push_back(tp);
                    }
                    if (!to_delete.empty()) {
                      stopped(id, deleted, not_deleted);
                    }
                  });
  }
}

}  // namespace barnabas::controller
