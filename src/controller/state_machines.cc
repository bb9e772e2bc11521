#include "state_machines.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"

namespace barnabas::controller {
namespace {

// Somebody who keeps changing a state node under our hands is not waited for for ever.
constexpr int kMaxRounds = 10;

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

std::vector<std::string> state_paths(const std::vector<TopicPartition>& tps) {
  std::vector<std::string> paths;
  paths.reserve(tps.size());
  for (const TopicPartition& tp : tps) {
    paths.push_back(zk::partition_state_path(tp.topic, tp.partition));
  }
  return paths;
}

Leadership leadership_of(zk::PartitionStateZNode state, zk::NodeVersion version) {
  return {std::move(state), PartitionEpoch{version.value()}};
}

}  // namespace

std::vector<BrokerId> StateMachines::live_assigned(const PartitionInfo& info) const {
  std::vector<BrokerId> live = info.assignment.replicas;
  std::erase_if(live, [this](BrokerId id) { return !context_.is_alive(id); });
  return live;
}

bool StateMachines::unclean_for(const TopicPartition& tp) const {
  const TopicInfo* const topic = context_.topic(tp.topic);
  const auto found = topic->config.find("unclean.leader.election.enable");
  return found == topic->config.end() ? unclean_ : found->second == "true";
}

Async<Step> StateMachines::start_up() {
  std::vector<ReplicaOf> online;
  std::vector<ReplicaOf> offline;
  for (auto& [name, topic] : context_.topics) {
    for (auto& [id, partition] : topic.partitions) {
      for (const BrokerId broker : partition.assignment.replicas) {
        const bool alive = context_.is_alive(broker);
        partition.replicas[broker] =
            alive ? ReplicaState::kOnline : ReplicaState::kDeletionIneligible;
        (alive ? online : offline).push_back({{name, id}, broker});
      }
    }
  }
  mark_replicas(online, ReplicaState::kOnline);
  Step step = co_await take_offline(std::move(offline));
  if (!step) {
    co_return step;
  }
  for (auto& [name, topic] : context_.topics) {
    for (auto& [id, partition] : topic.partitions) {
      partition.state = PartitionState::kNew;
      if (partition.leadership) {
        partition.state = context_.is_alive(partition.leadership->state.leader)
                              ? PartitionState::kOnline
                              : PartitionState::kOffline;
      }
    }
  }
  co_return co_await bring_all_online();
}

void StateMachines::mark(const std::vector<TopicPartition>& tps, PartitionState to) {
  BARNABAS_CHECK(to != PartitionState::kOnline);
  for (const TopicPartition& tp : tps) {
    PartitionInfo* const info = context_.partition(tp);
    if (info == nullptr) {
      continue;
    }
    if (!may_change(info->state, to)) {
      log().error("{}: cannot go from {} to {}", to_string(tp), state_name(info->state),
                  state_name(to));
      continue;
    }
    info->state = to;
  }
}

Async<Step> StateMachines::bring_online(std::vector<TopicPartition> tps, ElectionReason reason) {
  std::vector<TopicPartition> fresh;
  std::vector<TopicPartition> known;
  for (TopicPartition& tp : tps) {
    const PartitionInfo* const info = context_.partition(tp);
    if (info == nullptr) {
      continue;
    }
    if (!may_change(info->state, PartitionState::kOnline)) {
      log().error("{}: cannot go from {} to {}", to_string(tp), state_name(info->state),
                  state_name(PartitionState::kOnline));
      continue;
    }
    (info->state == PartitionState::kNew ? fresh : known).push_back(std::move(tp));
  }
  Step step = co_await make_first_states(std::move(fresh));
  if (step) {
    step = co_await elect(std::move(known), reason);
  }
  batch_.send();
  co_return step;
}

Async<Step> StateMachines::bring_all_online() {
  auto tps = context_.partitions_in({PartitionState::kNew, PartitionState::kOffline});
  std::erase_if(tps,
                [this](const TopicPartition& tp) { return context_.is_to_be_deleted(tp.topic); });
  return bring_online(std::move(tps), ElectionReason::kOffline);
}

Async<Step> StateMachines::make_first_states(std::vector<TopicPartition> tps) {
  std::vector<zk::WriteOp> parents;
  std::vector<zk::WriteOp> states;
  std::vector<Pending> pending;
  std::set<std::string> topics;
  for (TopicPartition& tp : tps) {
    auto state = first_state(live_assigned(*context_.partition(tp)));
    if (!state) {
      log().error("{}: no assigned replica is alive, it has no leader", to_string(tp));
      continue;
    }
    state->controller_epoch = context_.epoch;
    if (topics.insert(tp.topic).second) {
      parents.emplace_back(zk::CreateOp{zk::partitions_path(tp.topic), std::nullopt});
    }
    parents.emplace_back(zk::CreateOp{zk::partition_path(tp.topic, tp.partition), std::nullopt});
    states.emplace_back(
        zk::CreateOp{zk::partition_state_path(tp.topic, tp.partition), encode(*state)});
    pending.push_back({std::move(tp), std::move(*state), zk::NodeVersion{0}});
  }
  // Asked in one go and answered in order: all of it shares the store's next sync.
  const std::size_t before = parents.size();
  std::ranges::move(states, std::back_inserter(parents));
  const auto answers = co_await store_.write_each(std::move(parents));
  std::vector<TopicPartition> there_already;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const WriteAnswer& answer = answers[i];
    if (!answer && !is_about_node(answer.error())) {
      co_return std::unexpected(answer.error());
    }
    if (i < before) {
      continue;  // a parent that was there is as good
    }
    Pending& made = pending[i - before];
    PartitionInfo* const info = context_.partition(made.tp);
    if (answer) {
      info->leadership = leadership_of(std::move(made.next), made.version);
      info->state = PartitionState::kOnline;
      batch_.add_leader_and_isr(info->leadership->state.isr, made.tp, true);
    } else if (answer.error().code == zk::StoreErrorCode::kNodeExists) {
      there_already.push_back(std::move(made.tp));
    } else {
      log().error("{}: cannot write its first state: {}", to_string(made.tp),
                  zk::to_string(answer.error()));
    }
  }
  // Made by a controller before us, after we had looked.
  Step step = co_await load_leadership(there_already);
  for (const TopicPartition& tp : there_already) {
    PartitionInfo* const info = context_.partition(tp);
    if (step && info->leadership) {
      const bool alive = context_.is_alive(info->leadership->state.leader);
      info->state = alive ? PartitionState::kOnline : PartitionState::kOffline;
      batch_.add_leader_and_isr(live_assigned(*info), tp, true);
    }
  }
  co_return step;
}

Async<Step> StateMachines::load_leadership(std::vector<TopicPartition> tps) {
  const auto nodes = co_await store_.get_all(state_paths(tps));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    PartitionInfo* const info = context_.partition(tps[i]);
    if (!nodes[i]) {
      if (!is_about_node(nodes[i].error())) {
        co_return std::unexpected(nodes[i].error());
      }
      info->leadership.reset();
      continue;
    }
    auto state = zk::decode_partition_state(tps[i], nodes[i]->data);
    if (!state) {
      log().error("{}", state.error().message);
      continue;
    }
    info->leadership = leadership_of(std::move(*state), nodes[i]->stat.version);
  }
  co_return Step{};
}

Async<zk::StoreResult<StateMachines::Written>> StateMachines::write_states(
    std::vector<Pending> pending) {
  std::vector<zk::WriteOp> ops;
  ops.reserve(pending.size());
  for (const Pending& one : pending) {
    ops.emplace_back(zk::SetOp{zk::partition_state_path(one.tp.topic, one.tp.partition),
                               encode(one.next), one.version});
  }
  const auto answers = co_await store_.write_each(std::move(ops));
  Written written;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Pending& one = pending[i];
    if (answers[i]) {
      context_.partition(one.tp)->leadership =
          leadership_of(std::move(one.next), answers[i]->front().stat.version);
      written.done.push_back(std::move(one.tp));
    } else if (!is_about_node(answers[i].error())) {
      co_return std::unexpected(answers[i].error());
    } else if (answers[i].error().code == zk::StoreErrorCode::kBadVersion) {
      written.again.push_back(std::move(one.tp));
    } else {
      log().error("{}: cannot write its state: {}", to_string(one.tp),
                  zk::to_string(answers[i].error()));
    }
  }
  co_return written;
}

Async<Step> StateMachines::elect(std::vector<TopicPartition> tps, ElectionReason reason) {
  for (int round = 0; round < kMaxRounds && !tps.empty(); ++round) {
    Step step = co_await load_leadership(tps);
    if (!step) {
      co_return step;
    }
    std::vector<Pending> pending;
    for (const TopicPartition& tp : tps) {
      const PartitionInfo& info = *context_.partition(tp);
      if (!info.leadership) {
        log().error("{}: has no state node, no leader can be elected", to_string(tp));
        continue;
      }
      auto next = elect_leader(reason, {info.assignment.replicas,
                                        info.leadership->state,
                                        live_assigned(info),
                                        {},
                                        reason == ElectionReason::kUnclean || unclean_for(tp)});
      if (!next) {
        log().error("{}: no replica that is alive may lead it", to_string(tp));
        continue;
      }
      next->controller_epoch = context_.epoch;
      pending.push_back(
          {tp, std::move(*next), zk::NodeVersion{info.leadership->partition_epoch.value()}});
    }
    auto written = co_await write_states(std::move(pending));
    if (!written) {
      co_return std::unexpected(written.error());
    }
    for (const TopicPartition& tp : written->done) {
      PartitionInfo* const info = context_.partition(tp);
      info->state = PartitionState::kOnline;
      batch_.add_leader_and_isr(live_assigned(*info), tp, false);
    }
    tps = std::move(written->again);
  }
  for (const TopicPartition& tp : tps) {
    log().error("{}: its state keeps changing, no leader elected", to_string(tp));
  }
  co_return Step{};
}

void StateMachines::mark_replicas(const std::vector<ReplicaOf>& replicas, ReplicaState to) {
  BARNABAS_CHECK(to != ReplicaState::kOffline);
  for (const ReplicaOf& replica : replicas) {
    PartitionInfo* const info = context_.partition(replica.partition);
    if (info == nullptr) {
      continue;
    }
    const ReplicaState from = info->replica_state(replica.broker);
    if (!may_change(from, to)) {
      log().error("{} on broker {}: cannot go from {} to {}", to_string(replica.partition),
                  replica.broker.value(), state_name(from), state_name(to));
      continue;
    }
    if (to == ReplicaState::kNonExistent) {
      info->replicas.erase(replica.broker);
      continue;
    }
    info->replicas[replica.broker] = to;
    if (to == ReplicaState::kDeletionStarted) {
      batch_.add_stop_replica(replica.broker, replica.partition, true);
    } else if (info->leadership && to == ReplicaState::kNew) {
      batch_.add_leader_and_isr({replica.broker}, replica.partition, true);
    } else if (info->leadership && to == ReplicaState::kOnline && from != ReplicaState::kNew) {
      batch_.add_leader_and_isr({replica.broker}, replica.partition, false);
    }
  }
  batch_.send();
}

Async<Step> StateMachines::take_offline(std::vector<ReplicaOf> replicas) {
  std::map<BrokerId, std::vector<TopicPartition>> in_isr;
  for (const ReplicaOf& replica : replicas) {
    PartitionInfo* const info = context_.partition(replica.partition);
    if (info == nullptr) {
      continue;
    }
    const ReplicaState from = info->replica_state(replica.broker);
    if (!may_change(from, ReplicaState::kOffline)) {
      log().error("{} on broker {}: cannot go from {} to {}", to_string(replica.partition),
                  replica.broker.value(), state_name(from), state_name(ReplicaState::kOffline));
      continue;
    }
    batch_.add_stop_replica(replica.broker, replica.partition, false);
    info->replicas[replica.broker] = ReplicaState::kOffline;
    if (info->leadership) {
      in_isr[replica.broker].push_back(replica.partition);
    } else {
      batch_.add_update_metadata(context_.live_ids(), {replica.partition});
    }
  }
  for (auto& [broker, tps] : in_isr) {
    Step step = co_await remove_from_isr(broker, tps);
    if (!step) {
      batch_.clear();
      co_return step;
    }
    for (const TopicPartition& tp : tps) {
      if (context_.is_to_be_deleted(tp.topic)) {
        continue;
      }
      std::vector<BrokerId> others = context_.partition(tp)->assignment.replicas;
      std::erase(others, broker);
      batch_.add_leader_and_isr(others, tp, false);
    }
  }
  batch_.send();
  co_return Step{};
}

Async<Step> StateMachines::remove_from_isr(BrokerId broker, std::vector<TopicPartition> tps) {
  for (int round = 0; round < kMaxRounds && !tps.empty(); ++round) {
    Step step = co_await load_leadership(tps);
    if (!step) {
      co_return step;
    }
    std::vector<Pending> pending;
    for (const TopicPartition& tp : tps) {
      const PartitionInfo& info = *context_.partition(tp);
      if (!info.leadership) {
        continue;  // never made, or being deleted
      }
      if (auto next = without_replica(info.leadership->state, broker)) {
        next->controller_epoch = context_.epoch;
        pending.push_back(
            {tp, std::move(*next), zk::NodeVersion{info.leadership->partition_epoch.value()}});
      }
    }
    auto written = co_await write_states(std::move(pending));
    if (!written) {
      co_return std::unexpected(written.error());
    }
    tps = std::move(written->again);
  }
  for (const TopicPartition& tp : tps) {
    log().error("{}: its state keeps changing, broker {} stays in the ISR", to_string(tp),
                broker.value());
  }
  co_return Step{};
}

}  // namespace barnabas::controller
