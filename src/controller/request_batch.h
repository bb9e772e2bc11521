// Gathers what a step of the controller has to tell the brokers and sends it as few requests as
// there are brokers and kinds: LeaderAndIsr first, then UpdateMetadata, then StopReplica.
// THREAD: home
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "barnabas/controller/controller.h"
#include "barnabas/protocol/gen/leader_and_isr.h"
#include "barnabas/protocol/gen/stop_replica.h"
#include "barnabas/protocol/gen/update_metadata.h"
#include "controller_context.h"

namespace barnabas::controller {

// Who hears the answers. Called at home, for as long as the controller that asked is in office.
struct BatchAnswers {
  // The update that names `topics` has been taken by `broker`.
  std::function<void(BrokerId broker, const std::vector<std::string>& topics)> metadata_taken;
  // Outcome of a StopReplica that asked for deletion; an error counts for every partition asked.
  std::function<void(BrokerId broker, const std::vector<TopicPartition>& deleted,
                     const std::vector<TopicPartition>& failed)>
      replicas_stopped;
};

class RequestBatch {
 public:
  RequestBatch(BrokerId self, std::string inter_broker_listener, const ControllerContext& context,
               BrokerChannel& channel, BatchAnswers answers)
      : self_(self),
        inter_broker_listener_(std::move(inter_broker_listener)),
        context_(context),
        channel_(channel),
        answers_(std::move(answers)) {}

  // Also notes the partition for an update of every live broker's metadata.
  void add_leader_and_isr(const std::vector<BrokerId>& to, const TopicPartition& tp, bool is_new);
  void add_stop_replica(BrokerId to, const TopicPartition& tp, bool delete_partition);
  void add_update_metadata(const std::vector<BrokerId>& to, const std::vector<TopicPartition>& tps);
  // Sends what has been gathered to the brokers that are alive, and forgets it.
  void send();
  void clear();

 private:
  struct Stop {
    bool delete_partition = false;
  };
  void send_leader_and_isr();
  void send_update_metadata();
  void send_stop_replica();
  [[nodiscard]] protocol::LeaderAndIsrRequest leader_and_isr_for(
      const LiveBroker& broker, const std::map<TopicPartition, bool>& partitions) const;
  [[nodiscard]] protocol::UpdateMetadataRequest update_metadata() const;

  const BrokerId self_;
  const std::string inter_broker_listener_;
  const ControllerContext& context_;
  BrokerChannel& channel_;
  const BatchAnswers answers_;

  std::map<BrokerId, std::map<TopicPartition, bool>> leader_and_isr_;  // value: is new
  std::map<BrokerId, std::map<TopicPartition, Stop>> stop_;
  std::set<BrokerId> update_brokers_;
  std::set<TopicPartition> update_partitions_;
};

}  // namespace barnabas::controller
