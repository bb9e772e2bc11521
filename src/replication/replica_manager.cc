#include "barnabas/replication/replica_manager.h"

#include <algorithm>
#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::replication {
namespace {

logging::Logger& log() {
  static logging::Logger& instance = logging::logger("replication");
  return instance;
}

}  // namespace

const std::shared_ptr<Partition>* ReplicaTable::slot(std::string_view topic,
                                                     PartitionId partition) const {
  const auto* const partitions = topics_.find(topic);
  const auto index = static_cast<std::size_t>(partition.value());
  if (partitions == nullptr || partition.value() < 0 || index >= (*partitions)->size()) {
    return nullptr;
  }
  return &(**partitions)[index];
}

Partition* ReplicaTable::find(std::string_view topic, PartitionId partition) const {
  const auto* const found = slot(topic, partition);
  return found == nullptr ? nullptr : found->get();
}

std::shared_ptr<Partition> ReplicaTable::share(std::string_view topic,
                                               PartitionId partition) const {
  const auto* const found = slot(topic, partition);
  return found == nullptr ? nullptr : *found;
}

std::vector<std::shared_ptr<Partition>> ReplicaTable::all() const {
  std::vector<std::shared_ptr<Partition>> result;
  topics_.for_each([&](const std::string&, const std::shared_ptr<const Partitions>& partitions) {
    for (const auto& partition : *partitions) {
      if (partition != nullptr) {
        result.push_back(partition);
      }
    }
  });
  std::ranges::sort(result, {}, [](const auto& one) { return one->topic_partition(); });
  return result;
}

ReplicaManager::ReplicaManager(BrokerId local, storage::LogManager& logs, ConfigLookup config_of)
    : local_(local),
      logs_(logs),
      config_of_(std::move(config_of)),
      table_(std::make_shared<const ReplicaTable>()) {}

void ReplicaManager::put(ReplicaTable& table, std::shared_ptr<Partition> partition) {
  const TopicPartition& name = partition->topic_partition();
  const auto* const present = table.topics_.find(name.topic);
  auto changed = present == nullptr ? std::make_shared<ReplicaTable::Partitions>()
                                    : std::make_shared<ReplicaTable::Partitions>(**present);
  const auto index = static_cast<std::size_t>(name.partition.value());
  if (changed->size() <= index) {
    changed->resize(index + 1);
  }
  const std::string topic = name.topic;
  (*changed)[index] = std::move(partition);
  table.topics_.assign(topic, std::move(changed));
}

void ReplicaManager::take_out(ReplicaTable& table, const TopicPartition& topic_partition) {
  const auto* const present = table.topics_.find(topic_partition.topic);
  const auto index = static_cast<std::size_t>(topic_partition.partition.value());
  if (present == nullptr || index >= (*present)->size()) {
    return;
  }
  auto changed = std::make_shared<ReplicaTable::Partitions>(**present);
  (*changed)[index] = nullptr;
  if (std::ranges::all_of(*changed, [](const auto& one) { return one == nullptr; })) {
    table.topics_.erase(topic_partition.topic);
  } else {
    table.topics_.assign(topic_partition.topic, std::move(changed));
  }
}

OrderOutcome ReplicaManager::lead_one(const LeadershipOrder& order, ReplicaTable& next) {
  OrderOutcome outcome{order.topic_partition, ErrorCode::kNone};
  auto partition = next.share(order.topic_partition.topic, order.topic_partition.partition);
  if (partition != nullptr && !order.topic_id.is_zero() && !partition->topic_id().is_zero() &&
      partition->topic_id() != order.topic_id) {
    outcome.error = ErrorCode::kInconsistentTopicId;
    return outcome;
  }
  auto opened =
      logs_.get_or_create(order.topic_partition,
                          order.topic_id.is_zero() ? std::nullopt : std::optional(order.topic_id),
                          config_of_(order.topic_partition.topic), order.is_new);
  if (!opened) {
    log().error("{}: {}", to_string(order.topic_partition), opened.error().message);
    outcome.error = opened.error().code;
    if (outcome.error == ErrorCode::kKafkaStorageError) {
      const bool known = partition != nullptr;
      if (!known) {
        partition = std::make_shared<Partition>(order.topic_partition, order.topic_id, local_);
      }
      partition->take_offline(order.leadership);
      if (!known) {
        put(next, std::move(partition));
      }
    }
    return outcome;
  }
  const bool created = partition == nullptr;
  if (created) {
    // The log may have been loaded before the configuration was known.
    (*opened)->update_config(config_of_(order.topic_partition.topic));
    partition = std::make_shared<Partition>(order.topic_partition, order.topic_id, local_);
  }
  const auto done = partition->become(order.leadership, std::move(*opened),
                                      logs_.checkpointed_high_watermark(order.topic_partition));
  if (!done) {
    log().warn("{}", done.error().message);
    outcome.error = done.error().code;
    return outcome;
  }
  if (created) {
    put(next, std::move(partition));
  }
  return outcome;
}

std::vector<OrderOutcome> ReplicaManager::lead(const std::vector<LeadershipOrder>& orders) {
  const MutexLock lock(mutex_);
  auto next = std::make_shared<ReplicaTable>(*table_.load());
  std::vector<OrderOutcome> outcomes;
  outcomes.reserve(orders.size());
  for (const auto& order : orders) {
    outcomes.push_back(lead_one(order, *next));
  }
  table_.exchange(std::move(next));
  return outcomes;
}

std::vector<OrderOutcome> ReplicaManager::stop(const std::vector<StopOrder>& orders) {
  const MutexLock lock(mutex_);
  auto next = std::make_shared<ReplicaTable>(*table_.load());
  std::vector<OrderOutcome> outcomes;
  std::vector<TopicPartition> deleted;
  std::vector<std::shared_ptr<Partition>> stopped;
  for (const auto& order : orders) {
    outcomes.push_back({order.topic_partition, ErrorCode::kNone});
    if (auto partition =
            next->share(order.topic_partition.topic, order.topic_partition.partition)) {
      stopped.push_back(std::move(partition));
      take_out(*next, order.topic_partition);
    }
    if (order.delete_log) {
      deleted.push_back(order.topic_partition);
    }
  }
  table_.exchange(std::move(next));
  for (const auto& partition : stopped) {
    partition->stop();
  }
  if (const auto done = logs_.delete_logs(deleted); !done) {
    log().error("deleting logs: {}", done.error().message);
    for (auto& outcome : outcomes) {
      outcome.error = done.error().code;
    }
  }
  return outcomes;
}

void ReplicaManager::update_configs() {
  std::string_view last;
  const auto all = table_.load()->all();
  for (const auto& partition : all) {
    const std::string& topic = partition->topic_partition().topic;
    if (topic != last) {
      update_config(topic);
      last = topic;
    }
  }
}

void ReplicaManager::update_config(std::string_view topic) {
  const auto table = table_.load();
  const auto* const partitions = table->topics_.find(topic);
  if (partitions == nullptr) {
    return;
  }
  const auto config = config_of_(std::string(topic));
  for (const auto& partition : **partitions) {
    if (partition != nullptr) {
      if (const auto view = partition->view(); view.log != nullptr) {
        view.log->update_config(config);
      }
    }
  }
}

}  // namespace barnabas::replication
