#include "topic_deletion.h"

#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::controller {
namespace {

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

// Done, or gone already; the error otherwise.
Step gone(const WriteAnswer& answer) {
  if (answer || answer.error().code == zk::StoreErrorCode::kNoNode) {
    return answer || !is_moved(answer.error()) ? Step{} : std::unexpected(answer.error());
  }
  return std::unexpected(answer.error());
}

std::vector<zk::WriteOp> last_nodes(const std::string& topic) {
  std::vector<zk::WriteOp> ops;
  ops.emplace_back(zk::DeleteOp{zk::topic_path(topic)});
  ops.emplace_back(zk::DeleteOp{zk::config_path(zk::ConfigType::kTopic, topic)});
  ops.emplace_back(zk::DeleteOp{zk::delete_topic_path(topic)});
  return ops;
}

}  // namespace

void TopicDeletion::halt(const std::string& topic) {
  if (TopicInfo* const info = context_.topic(topic); info != nullptr && info->to_be_deleted) {
    info->deletion_halted = true;
    log().warn("{}: deletion waits for a broker that has a replica", topic);
    settled_(topic);
  }
}

Async<Step> TopicDeletion::begin(std::vector<std::string> topics) {
  for (const std::string& topic : topics) {
    context_.topic(topic)->to_be_deleted = true;
  }
  return resume();
}

Async<Step> TopicDeletion::resume() {
  std::vector<std::string> to_remove;
  std::vector<std::string> to_delete;
  std::vector<ReplicaOf> to_retry;
  for (const auto& [name, topic] : context_.topics) {
    if (!topic.to_be_deleted) {
      continue;
    }
    if (topic.all_replicas_in(ReplicaState::kDeletionSuccessful)) {
      to_remove.push_back(name);
      continue;
    }
    if (topic.any_replica_in(ReplicaState::kDeletionStarted)) {
      continue;
    }
    if (topic.any_replica_in(ReplicaState::kDeletionIneligible)) {
      auto failed = context_.replicas_in(name, ReplicaState::kDeletionIneligible);
      std::ranges::move(failed, std::back_inserter(to_retry));
    }
    if (!topic.deletion_halted) {
      to_delete.push_back(name);
    }
  }
  Step step = co_await remove_from_tree(std::move(to_remove));
  if (step && !to_retry.empty()) {
    step = co_await machines_.take_offline(std::move(to_retry));
  }
  if (step && !to_delete.empty()) {
    step = co_await tell_brokers(std::move(to_delete));
  }
  co_return step;
}

Async<Step> TopicDeletion::tell_brokers(std::vector<std::string> topics) {
  std::vector<TopicPartition> all;
  for (const std::string& name : topics) {
    TopicInfo& topic = *context_.topic(name);
    const auto tps = context_.partitions_of(name);
    if (!std::exchange(topic.deletion_started, true)) {
      log().info("{}: deletion begins", name);
      machines_.mark(tps, PartitionState::kOffline);
      machines_.mark(tps, PartitionState::kNonExistent);
    }
    all.insert(all.end(), tps.begin(), tps.end());
  }
  batch_.add_update_metadata(context_.live_ids(), all);
  batch_.send();
  return delete_replicas(std::move(topics));
}

Async<Step> TopicDeletion::delete_replicas(std::vector<std::string> topics) {
  std::vector<ReplicaOf> dead;
  std::vector<ReplicaOf> alive;
  std::set<std::string> halted;
  for (const std::string& name : topics) {
    for (ReplicaOf& replica : context_.replicas_of(context_.partitions_of(name))) {
      if (!context_.is_alive(replica.broker)) {
        halted.insert(name);
        dead.push_back(std::move(replica));
      } else if (context_.partition(replica.partition)->replica_state(replica.broker) !=
                 ReplicaState::kDeletionSuccessful) {
        alive.push_back(std::move(replica));
      }
    }
  }
  // A replica that is ineligible already stays so.
  std::erase_if(dead, [this](const ReplicaOf& replica) {
    return context_.partition(replica.partition)->replica_state(replica.broker) ==
           ReplicaState::kDeletionIneligible;
  });
  machines_.mark_replicas(dead, ReplicaState::kDeletionIneligible);
  Step step = co_await machines_.take_offline(alive);
  if (!step) {
    co_return step;
  }
  machines_.mark_replicas(alive, ReplicaState::kDeletionStarted);
  for (const std::string& name : halted) {
    halt(name);
  }
  co_return Step{};
}

Async<Step> TopicDeletion::on_stopped(BrokerId broker, std::vector<TopicPartition> deleted,
                                      std::vector<TopicPartition> failed) {
  const auto still_started = [&](const std::vector<TopicPartition>& tps) {
    std::vector<ReplicaOf> replicas;
    for (const TopicPartition& tp : tps) {
      const PartitionInfo* const info = context_.partition(tp);
      if (info != nullptr && info->replica_state(broker) == ReplicaState::kDeletionStarted) {
        replicas.push_back({tp, broker});
      }
    }
    return replicas;
  };
  machines_.mark_replicas(still_started(deleted), ReplicaState::kDeletionSuccessful);
  const auto not_deleted = still_started(failed);
  machines_.mark_replicas(not_deleted, ReplicaState::kDeletionIneligible);
  std::set<std::string> halted;
  for (const ReplicaOf& replica : not_deleted) {
    halted.insert(replica.partition.topic);
  }
  for (const std::string& topic : halted) {
    halt(topic);
  }
  return resume();
}

Async<Step> TopicDeletion::on_replicas_dead(std::vector<ReplicaOf> replicas) {
  std::set<std::string> halted;
  std::erase_if(replicas, [&](const ReplicaOf& replica) {
    halted.insert(replica.partition.topic);
    const ReplicaState state = context_.partition(replica.partition)->replica_state(replica.broker);
    return !may_change(state, ReplicaState::kDeletionIneligible);
  });
  machines_.mark_replicas(replicas, ReplicaState::kDeletionIneligible);
  for (const std::string& topic : halted) {
    halt(topic);
  }
  return resume();
}

Async<Step> TopicDeletion::on_brokers_back(std::vector<ReplicaOf> replicas) {
  for (const ReplicaOf& replica : replicas) {
    context_.topic(replica.partition.topic)->deletion_halted = false;
  }
  return resume();
}

Async<Step> TopicDeletion::remove_from_tree(std::vector<std::string> topics) {
  std::vector<std::vector<zk::WriteOp>> writes;
  std::map<std::size_t, std::string> last;  // the place of a topic's last write
  for (const std::string& name : topics) {
    for (const TopicPartition& tp : context_.partitions_of(name)) {
      writes.push_back({});
      writes.back().emplace_back(zk::DeleteOp{zk::partition_state_path(name, tp.partition)});
      writes.push_back({});
      writes.back().emplace_back(zk::DeleteOp{zk::partition_path(name, tp.partition)});
    }
    writes.push_back({});
    writes.back().emplace_back(zk::DeleteOp{zk::partitions_path(name)});
    writes.push_back(last_nodes(name));
    last.emplace(writes.size() - 1, name);
  }
  const auto answers = co_await store_.write_all(std::move(writes));
  std::vector<std::string> odd;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i]) {
      continue;
    }
    if (!is_about_node(answers[i].error())) {
      co_return std::unexpected(answers[i].error());
    }
    if (const auto found = last.find(i); found != last.end()) {
      odd.push_back(found->second);
    }
  }
  for (const std::string& name : odd) {
    Step step = co_await remove_node_by_node(name);
    if (!step) {
      co_return step;
    }
  }
  for (const std::string& name : topics) {
    log().info("{}: deleted", name);
    context_.remove_topic(name);
    settled_(name);
  }
  co_return Step{};
}

// The topic's nodes are not those that we would have made: one is missing, or there are more.
Async<Step> TopicDeletion::remove_node_by_node(std::string topic) {
  Step step = co_await delete_tree(zk::topic_path(topic));
  std::vector<std::string> rest;
  rest.push_back(zk::config_path(zk::ConfigType::kTopic, topic));
  rest.push_back(zk::delete_topic_path(topic));
  for (const std::string& path : rest) {
    if (!step) {
      co_return step;
    }
    std::vector<zk::WriteOp> ops;
    ops.emplace_back(zk::DeleteOp{path});
    const WriteAnswer answer = co_await store_.write(std::move(ops));
    step = gone(answer);
  }
  co_return step;
}

Async<Step> TopicDeletion::delete_tree(std::string path) {
  const auto children = co_await store_.children(path);
  if (!children) {
    if (children.error().code == zk::StoreErrorCode::kNoNode) {
      co_return Step{};
    }
    co_return std::unexpected(children.error());
  }
  for (const std::string& name : children->names) {
    std::string child = path;
    child += '/';
    child += name;
    Step step = co_await delete_tree(std::move(child));
    if (!step) {
      co_return step;
    }
  }
  std::vector<zk::WriteOp> ops;
  ops.emplace_back(zk::DeleteOp{path});
  const WriteAnswer answer = co_await store_.write(std::move(ops));
  co_return gone(answer);
}

}  // namespace barnabas::controller
