#include "topic_requests.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "barnabas/metadata/topic_name.h"

namespace barnabas::controller {
namespace {

constexpr std::int32_t kNotGiven = -1;

Result<zk::ConfigMap> config_of(const NewTopic& topic) {
  zk::ConfigMap config;
  std::vector<std::string> without_value;
  for (const auto& [name, value] : topic.configs) {
    if (value) {
      config.insert_or_assign(name, *value);
    } else {
      without_value.push_back(name);
    }
  }
  if (!without_value.empty()) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("Null value not supported for topic configs: {}",
                            fmt::join(without_value, ",")));
  }
  return config;
}

Result<Assignment> assignment_of(const NewTopic& topic, const CreateTopicsOptions& options,
                                 const TopicRules& rules) {
  if (!topic.assignments.empty()) {
    if (topic.num_partitions != kNotGiven || topic.replication_factor != kNotGiven) {
      return fail(ErrorCode::kInvalidRequest,
                  "Both numPartitions or replicationFactor and replicasAssignments were set. "
                  "Both cannot be used at the same time.");
    }
    Assignment assignment;
    for (const auto& [partition, brokers] : topic.assignments) {
      assignment.insert_or_assign(partition, brokers);
    }
    return assignment;
  }
  const std::int32_t partitions =
      topic.num_partitions == kNotGiven ? options.default_partitions : topic.num_partitions;
  const std::int32_t factor = topic.replication_factor == kNotGiven
                                  ? options.default_replication_factor
                                  : topic.replication_factor;
  std::vector<AssignableBroker> brokers;
  for (const auto& [id, broker] : rules.context.brokers) {
    brokers.push_back({id, broker.node.rack});
  }
  TRY_STATUS(check_counts(partitions, factor, brokers.size()));
  const AssignmentStart start{rules.random.below(brokers.size()),
                              rules.random.below(brokers.size())};
  return assign_replicas(brokers, partitions, factor, start);
}

// Scala's text of the map, which is part of the sentence.
std::string scala_text(const Assignment& assignment) {
  std::vector<std::string> parts;
  for (const auto& [partition, brokers] : assignment) {
    std::vector<std::int32_t> ids;
    for (const BrokerId broker : brokers) {
      ids.push_back(broker.value());
    }
    parts.push_back(fmt::format("{} -> ArrayBuffer({})", partition.value(), fmt::join(ids, ", ")));
  }
  return fmt::format("HashMap({})", fmt::join(parts, ", "));
}

Status check_assignment(const Assignment& assignment) {
  const auto bad = [](std::string why) {
    return fail(ErrorCode::kInvalidReplicaAssignment, std::move(why));
  };
  const std::size_t factor = assignment.begin()->second.size();
  for (const auto& [partition, brokers] : assignment) {
    if (brokers.size() != factor) {
      return bad("All partitions should have the same number of replicas");
    }
  }
  if (factor == 0) {
    // Kafka 3.9.1 makes such a topic, which nothing can ever be written to.
    return bad("The manual partition assignment includes an empty replica list.");
  }
  for (const auto& [partition, brokers] : assignment) {
    if (std::set<BrokerId>(brokers.begin(), brokers.end()).size() != brokers.size()) {
      return bad("Duplicate replica assignment found: " + scala_text(assignment));
    }
  }
  std::int32_t expected = 0;
  for (const auto& [partition, brokers] : assignment) {
    if (partition.value() != expected++) {
      return bad("partitions should be a consecutive 0-based integer sequence");
    }
  }
  return {};
}

Status check_name(const NewTopic& topic, const TopicRules& rules,
                  const std::set<std::string>& just_accepted) {
  TRY_STATUS(metadata::validate_topic_name(topic.name));
  if (const TopicInfo* const known = rules.context.topic(topic.name)) {
    return std::unexpected(known->to_be_deleted ? topic_marked_for_deletion(topic.name)
                                                : topic_exists(topic.name));
  }
  if (!metadata::has_collision_chars(topic.name)) {
    return {};
  }
  std::vector<std::string> colliding = rules.context.colliding_with(topic.name);
  std::ranges::copy_if(just_accepted, std::back_inserter(colliding), [&](const auto& other) {
    return metadata::topic_names_collide(topic.name, other);
  });
  if (!colliding.empty()) {
    return fail(ErrorCode::kInvalidTopicException,
                fmt::format("Topic '{}' collides with existing topics: {}", topic.name,
                            fmt::join(colliding, ", ")));
  }
  return {};
}

std::string joined(const std::vector<BrokerId>& brokers) {
  std::vector<std::int32_t> ids;
  ids.reserve(brokers.size());
  for (const BrokerId broker : brokers) {
    ids.push_back(broker.value());
  }
  return fmt::format("{}", fmt::join(ids, ", "));
}

// The brokers that a request to add partitions names itself.
Result<Assignment> assignment_given(const TopicGrowth& topic, std::int32_t count,
                                    std::size_t factor, const ControllerContext& context) {
  const auto bad = [](std::string why) {
    return fail(ErrorCode::kInvalidReplicaAssignment, std::move(why));
  };
  std::vector<BrokerId> unknown;
  for (const auto& brokers : *topic.assignments) {
    for (const BrokerId broker : brokers) {
      if (!context.is_alive(broker) && std::ranges::find(unknown, broker) == unknown.end()) {
        unknown.push_back(broker);
      }
    }
  }
  if (!unknown.empty()) {
    return bad(fmt::format("Unknown broker(s) in replica assignment: {}.", joined(unknown)));
  }
  const std::int32_t added = topic.num_partitions - count;
  if (topic.assignments->size() != static_cast<std::size_t>(added)) {
    return bad(fmt::format("Increasing the number of partitions by {} but {} assignments provided.",
                           added, topic.assignments->size()));
  }
  Assignment assignment;
  std::vector<std::int32_t> odd;
  std::vector<std::size_t> odd_factors;
  for (std::int32_t id = count; const auto& brokers : *topic.assignments) {
    if (brokers.empty()) {
      return bad(fmt::format("Cannot have replication factor of 0 for partition id {}.", id));
    }
    if (std::set<BrokerId>(brokers.begin(), brokers.end()).size() != brokers.size()) {
      return bad(
          fmt::format("Duplicate brokers not allowed in replica assignment: {} for "
                      "partition id {}.",
                      joined(brokers), id));
    }
    if (brokers.size() != factor) {
      odd.push_back(id);
      odd_factors.push_back(brokers.size());
    }
    assignment[PartitionId{id++}] = brokers;
  }
  if (!odd.empty()) {
    return bad(
        fmt::format("Inconsistent replication factor between partitions, partition 0 has {} "
                    "while partitions [{}] have replication factors [{}], respectively.",
                    factor, fmt::join(odd, ", "), fmt::join(odd_factors, ", ")));
  }
  return assignment;
}

}  // namespace

Error topic_exists(std::string_view name) {
  return {ErrorCode::kTopicAlreadyExists, fmt::format("Topic '{}' already exists.", name)};
}

Error topic_marked_for_deletion(std::string_view name) {
  return {ErrorCode::kTopicAlreadyExists, fmt::format("Topic '{}' is marked for deletion.", name)};
}

Result<AcceptedTopic> judge_topic(const NewTopic& topic, const CreateTopicsOptions& options,
                                  const TopicRules& rules,
                                  const std::set<std::string>& just_accepted) {
  // A topic that every broker sees is refused before anything else of the request is looked at.
  const TopicInfo* const known = rules.context.topic(topic.name);
  if (known != nullptr && !known->to_be_deleted) {
    return std::unexpected(topic_exists(topic.name));
  }
  AcceptedTopic accepted;
  TRY(accepted.config, config_of(topic));
  TRY(accepted.assignment, assignment_of(topic, options, rules));
  TRY_STATUS(check_name(topic, rules, just_accepted));
  TRY_STATUS(check_assignment(accepted.assignment));
  if (rules.validate_config) {
    TRY_STATUS(rules.validate_config(topic.name, accepted.config));
  }
  return accepted;
}

Result<Assignment> judge_growth(const TopicGrowth& topic,
                                const std::map<PartitionId, zk::ReplicaAssignment>& existing,
                                const ControllerContext& context) {
  if (existing.empty()) {
    return fail(ErrorCode::kUnknownTopicOrPartition,
                fmt::format("The topic '{}' does not exist.", topic.name));
  }
  for (const auto& [partition, assignment] : existing) {
    if (!assignment.adding.empty() || !assignment.removing.empty()) {
      return fail(
          ErrorCode::kReassignmentInProgress,
          fmt::format("A partition reassignment is in progress for the topic '{}'.", topic.name));
    }
  }
  const auto count = static_cast<std::int32_t>(existing.size());
  if (topic.num_partitions < count) {
    return fail(ErrorCode::kInvalidPartitions,
                fmt::format("Topic currently has {} partitions, which is higher than the requested "
                            "{}.",
                            count, topic.num_partitions));
  }
  if (topic.num_partitions == count) {
    return fail(ErrorCode::kInvalidPartitions,
                fmt::format("Topic already has {} partitions.", count));
  }
  const auto first = existing.find(PartitionId{0});
  if (first == existing.end() || first->second.replicas.empty()) {
    return fail(ErrorCode::kUnknownServerError,
                fmt::format("Unexpected existing replica assignment for topic '{}', partition id 0 "
                            "is missing.",
                            topic.name));
  }
  const std::vector<BrokerId>& pattern = first->second.replicas;
  const auto factor = static_cast<std::int32_t>(pattern.size());
  const std::int32_t added = topic.num_partitions - count;
  if (topic.assignments) {
    return assignment_given(topic, count, pattern.size(), context);
  }
  std::vector<AssignableBroker> brokers;
  std::size_t start = 0;
  for (const auto& [id, broker] : context.brokers) {
    if (id < pattern.front()) {
      ++start;
    }
    brokers.push_back({id, broker.node.rack});
  }
  if (start == brokers.size()) {
    start = 0;
  }
  TRY_STATUS(check_counts(added, factor, brokers.size()));
  TRY_STATUS(check_counts(topic.num_partitions, factor, brokers.size()));
  return assign_replicas(brokers, added, factor, {start, start, count});
}

}  // namespace barnabas::controller
