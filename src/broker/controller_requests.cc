#include "controller_requests.h"

#include "barnabas/base/logging.h"
#include "barnabas/protocol/gen/leader_and_isr.h"
#include "barnabas/protocol/gen/stop_replica.h"
#include "barnabas/protocol/gen/update_metadata.h"

namespace barnabas::broker {
namespace {

using protocol::LeaderAndIsrRequest;
using protocol::LeaderAndIsrResponse;
using protocol::StopReplicaRequest;
using protocol::StopReplicaResponse;
using replication::LeadershipOrder;
using replication::ReplicaManager;

std::vector<BrokerId> broker_ids(const std::vector<std::int32_t>& ids) {
  std::vector<BrokerId> result;
  result.reserve(ids.size());
  for (const std::int32_t id : ids) {
    result.emplace_back(id);
  }
  return result;
}

LeadershipOrder order_of(const LeaderAndIsrRequest& request, const std::string& topic,
                         const Uuid& topic_id,
                         const LeaderAndIsrRequest::LeaderAndIsrPartitionState& state) {
  LeadershipOrder order;
  order.topic_partition = {topic, PartitionId(state.partition_index)};
  order.topic_id = topic_id;
  order.is_new = state.is_new;
  order.leadership.controller_epoch = ControllerEpoch(request.controller_epoch);
  order.leadership.leader = BrokerId(state.leader);
  order.leadership.leader_epoch = LeaderEpoch(state.leader_epoch);
  order.leadership.partition_epoch = PartitionEpoch(state.partition_epoch);
  order.leadership.isr = broker_ids(state.isr);
  order.leadership.replicas = broker_ids(state.replicas);
  return order;
}

}  // namespace

bool ControllerRequests::is_stale(std::int64_t asked_epoch) const {
  return asked_epoch != -1 && BrokerEpoch(asked_epoch) < broker_epoch_.load();
}

void ControllerRequests::tell(const std::vector<LeadershipOrder>& orders,
                              const std::vector<replication::OrderOutcome>& outcomes) const {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& leadership = orders[i].leadership;
    if (outcomes[i].error != ErrorCode::kNone) {
      continue;
    }
    for (auto* const listener : listeners_) {
      if (leadership.leader == replicas_.local()) {
        listener->on_leader(orders[i].topic_partition, leadership.leader_epoch);
      } else {
        listener->on_follower(orders[i].topic_partition, leadership.leader_epoch);
      }
    }
  }
}

LeaderAndIsrResponse ControllerRequests::apply(const LeaderAndIsrRequest& request) {
  LeaderAndIsrResponse response;
  if (is_stale(request.broker_epoch)) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::kStaleBrokerEpoch);
    return response;
  }
  std::vector<LeadershipOrder> orders;
  for (const auto& topic : request.topic_states) {
    for (const auto& state : topic.partition_states) {
      orders.push_back(order_of(request, topic.topic_name, topic.topic_id, state));
    }
  }
  for (const auto& state : request.ungrouped_partition_states) {
    orders.push_back(order_of(request, state.topic_name, Uuid{}, state));
  }
  const auto outcomes = replicas_.lead(orders);
  tell(orders, outcomes);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    LeaderAndIsrResponse::LeaderAndIsrPartitionError error;
    error.topic_name = outcomes[i].topic_partition.topic;
    error.partition_index = outcomes[i].topic_partition.partition.value();
    error.error_code = static_cast<std::int16_t>(outcomes[i].error);
    response.partition_errors.push_back(error);  // versions below 5
    // The orders stand by topic, as the request did.
    if (response.topics.empty() || response.topics.back().topic_id != orders[i].topic_id) {
      response.topics.emplace_back().topic_id = orders[i].topic_id;
    }
    auto& topic = response.topics.back();
    topic.partition_errors.push_back(std::move(error));
  }
  return response;
}

StopReplicaResponse ControllerRequests::apply(const StopReplicaRequest& request) {
  StopReplicaResponse response;
  if (is_stale(request.broker_epoch)) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::kStaleBrokerEpoch);
    return response;
  }
  std::vector<ReplicaManager::StopOrder> orders;
  for (const auto& topic : request.topic_states) {
    for (const auto& state : topic.partition_states) {
      orders.push_back(
          {{topic.topic_name, PartitionId(state.partition_index)}, state.delete_partition});
    }
  }
  for (const auto& outcome : replicas_.stop(orders)) {
    for (auto* const listener : listeners_) {  // whatever its epoch: there is no replica any more
      listener->on_follower(outcome.topic_partition, LeaderEpoch(INT32_MAX));
    }
    auto& error = response.partition_errors.emplace_back();
    error.topic_name = outcome.topic_partition.topic;
    error.partition_index = outcome.topic_partition.partition.value();
    error.error_code = static_cast<std::int16_t>(outcome.error);
  }
  return response;
}

protocol::UpdateMetadataResponse ControllerRequests::apply(
    const protocol::UpdateMetadataRequest& request) {
  protocol::UpdateMetadataResponse response;
  if (is_stale(request.broker_epoch)) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::kStaleBrokerEpoch);
    return response;
  }
  metadata::SnapshotBuilder builder(*metadata_.load());
  const auto changes = builder.apply(request);
  if (!changes) {
    logging::logger("broker").warn("metadata update refused: {}", changes.error().message);
    response.error_code = static_cast<std::int16_t>(changes.error().code);
    return response;
  }
  for (const auto& topic : changes->deleted_topics) {
    builder.remove_topic_config(topic);
  }
  metadata_.exchange(builder.build());
  for (auto* const listener : listeners_) {
    if (!changes->deleted.empty()) {
      listener->on_deleted(changes->deleted);
    }
  }
  return response;
}

}  // namespace barnabas::broker
