// Takes topics down that stand under /admin/delete_topics: brokers forget them, stop and delete
// their replicas, then the topic's nodes go, its mark last. Kafka's order throughout; a crash
// between any two steps leaves the mark, and the next controller begins the topic's deletion anew.
// A topic with a replica on a dead broker halts until that broker is back.
// THREAD: home
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "async.h"
#include "controller_context.h"
#include "request_batch.h"
#include "state_machines.h"
#include "store_calls.h"

namespace barnabas::controller {

class TopicDeletion {
 public:
  // `settled` hears of each topic that is gone, or that can get no further for now.
  TopicDeletion(ControllerContext& context, StoreCalls& store, StateMachines& machines,
                RequestBatch& batch, std::function<void(const std::string&)> settled)
      : context_(context),
        store_(store),
        machines_(machines),
        batch_(batch),
        settled_(std::move(settled)) {}

  // The topics are in the context.
  Async<Step> begin(std::vector<std::string> topics);
  // Goes on with every topic that can get further.
  Async<Step> resume();
  // The answer to a StopReplica with deletion.
  Async<Step> on_stopped(BrokerId broker, std::vector<TopicPartition> deleted,
                         std::vector<TopicPartition> failed);
  // Their broker has gone.
  Async<Step> on_replicas_dead(std::vector<ReplicaOf> replicas);
  // Topics with replicas on brokers that are back.
  Async<Step> on_brokers_back(std::vector<ReplicaOf> replicas);

 private:
  Async<Step> tell_brokers(std::vector<std::string> topics);
  Async<Step> delete_replicas(std::vector<std::string> topics);
  Async<Step> remove_from_tree(std::vector<std::string> topics);
  Async<Step> remove_node_by_node(std::string topic);
  Async<Step> delete_tree(std::string path);
  void halt(const std::string& topic);

  ControllerContext& context_;
  StoreCalls& store_;
  StateMachines& machines_;
  RequestBatch& batch_;
  const std::function<void(const std::string&)> settled_;
};

}  // namespace barnabas::controller
