// Moves partitions and replicas from state to state: what it takes in the tree (elections, ISRs)
// and what the brokers are told of it. Which moves are allowed stands in states.h; one that is not
// is logged and left out, as in Kafka. Every method ends by sending what has gathered.
// THREAD: home
#pragma once

#include <vector>

#include "async.h"
#include "controller_context.h"
#include "request_batch.h"
#include "store_calls.h"

namespace barnabas::controller {

class StateMachines {
 public:
  StateMachines(ControllerContext& context, StoreCalls& store, RequestBatch& batch,
                bool unclean_by_default)
      : context_(context), store_(store), batch_(batch), unclean_(unclean_by_default) {}

  void set_unclean_by_default(bool unclean) { unclean_ = unclean; }

  // At the beginning of a term: every replica and partition gets the state that the tree and the
  // live brokers show, then what can be online is brought online.
  Async<Step> start_up();

  // To New, Offline or NonExistent: nothing is written.
  void mark(const std::vector<TopicPartition>& tps, PartitionState to);
  // To Online: new ones get their first leader, others an election.
  Async<Step> bring_online(std::vector<TopicPartition> tps, ElectionReason reason);
  // Everything that is New or Offline and not to be deleted.
  Async<Step> bring_all_online();

  // To any state but Offline: nothing is written.
  void mark_replicas(const std::vector<ReplicaOf>& replicas, ReplicaState to);
  // To Offline: they are stopped and leave their ISRs.
  Async<Step> take_offline(std::vector<ReplicaOf> replicas);

  // Reads the state nodes of these partitions into the context; missing ones have no leadership.
  Async<Step> load_leadership(std::vector<TopicPartition> tps);

 private:
  struct Pending {
    TopicPartition tp;
    zk::PartitionStateZNode next;
    zk::NodeVersion version;  // that `next` replaces
  };
  Async<Step> make_first_states(std::vector<TopicPartition> tps);
  Async<Step> elect(std::vector<TopicPartition> tps, ElectionReason reason);
  Async<Step> remove_from_isr(BrokerId broker, std::vector<TopicPartition> tps);
  struct Written {
    std::vector<TopicPartition> done;   // now in the context
    std::vector<TopicPartition> again;  // somebody else had changed them meanwhile
  };
  Async<zk::StoreResult<Written>> write_states(std::vector<Pending> pending);
  [[nodiscard]] std::vector<BrokerId> live_assigned(const PartitionInfo& info) const;
  [[nodiscard]] bool unclean_for(const TopicPartition& tp) const;

  ControllerContext& context_;
  StoreCalls& store_;
  RequestBatch& batch_;
  bool unclean_;
};

}  // namespace barnabas::controller
