#include "topic_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "java_hash_order.h"

namespace barnabas::apps {

namespace {

using Partition = protocol::MetadataResponse::MetadataResponsePartition;
using Config = TopicConfigs::value_type;

constexpr std::int8_t kUnknownSource = -1;  // DescribeConfigs 0 has is_default instead
constexpr std::int8_t kDefaultSource = 5;   // ConfigSource.DEFAULT_CONFIG

bool is_default(const Config& config) {
  return config.config_source == kUnknownSource ? config.is_default
                                                : config.config_source == kDefaultSource;
}

// In the order of the HashMap that Kafka's tool keeps them in.
std::string overrides(const TopicConfigs& configs) {
  std::vector<std::string> names;
  names.reserve(configs.size());
  for (const Config& config : configs) {
    names.push_back(config.name);
  }
  std::string text;
  for (const std::size_t i : java_hash_order(names)) {
    if (!is_default(configs[i])) {
      fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : ",", names[i],
                     configs[i].value.value_or("null"));
    }
  }
  return text;
}

std::int32_t min_insync_replicas(const TopicConfigs& configs) {
  const auto found = std::ranges::find(configs, "min.insync.replicas", &Config::name);
  std::int32_t count = 1;
  if (found != configs.end() && found->value) {
    std::from_chars(found->value->data(), found->value->data() + found->value->size(), count);
  }
  return count;
}

const Reassignment* reassignment_of(const Reassignments& all, const TopicMetadata& topic,
                                    const Partition& partition) {
  const auto found = all.find({topic.name.value_or(""), partition.partition_index});
  return found == all.end() ? nullptr : &found->second;
}

// A reassignment counts as long as its replicas are still among the partition's.
std::size_t replication_factor(const Partition& partition, const Reassignment* reassignment) {
  const auto present = [&](std::int32_t id) {
    return std::ranges::count(partition.replica_nodes, id) > 0;
  };
  if (reassignment != nullptr && (std::ranges::any_of(reassignment->adding, present) ||
                                  std::ranges::any_of(reassignment->removing, present))) {
    return reassignment->replicas.size() - reassignment->adding.size();
  }
  return partition.replica_nodes.size();
}

struct PartitionView {
  const Partition& partition;
  const Reassignment* reassignment;
  bool has_leader;
};

bool shown(const PartitionView& view, const DescribeFilter& filter, std::size_t min_isr,
           const std::set<std::int32_t>& live) {
  if (!filter.reports_partitions()) {
    return true;
  }
  const std::size_t isr = view.partition.isr_nodes.size();
  return (filter.under_replicated && replication_factor(view.partition, view.reassignment) > isr) ||
         (filter.unavailable && (!view.has_leader || !live.contains(view.partition.leader_id))) ||
         (filter.under_min_isr && (!view.has_leader || isr < min_isr)) ||
         (filter.at_min_isr && isr == min_isr);
}

void append_partition(const std::string& topic, const PartitionView& view, std::string& out) {
  const Partition& partition = view.partition;
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}", topic,
                 partition.partition_index,
                 view.has_leader ? std::to_string(partition.leader_id) : "none",
                 fmt::join(partition.replica_nodes, ","), fmt::join(partition.isr_nodes, ","));
  if (view.reassignment != nullptr) {
    fmt::format_to(to, "\tAdding Replicas: {}\tRemoving Replicas: {}",
                   fmt::join(view.reassignment->adding, ","),
                   fmt::join(view.reassignment->removing, ","));
  }
  // Eligible leader replicas are KRaft's: a cluster on ZooKeeper has none to tell of.
  out += "\tElr: N/A\tLastKnownElr: N/A\n";
}

}  // namespace

void append_description(const TopicMetadata& topic, const TopicConfigs& configs,
                        const Reassignments& reassignments, const std::set<std::int32_t>& live,
                        const DescribeFilter& filter, std::string& out) {
  const std::string name = topic.name.value_or("");
  std::vector<Partition> partitions = topic.partitions;
  std::ranges::sort(partitions, {}, &Partition::partition_index);
  const bool overridden = !std::ranges::all_of(configs, is_default);
  if (!filter.reports_partitions() && (!filter.with_overrides || overridden) &&
      !partitions.empty()) {
    const Partition& first = partitions.front();
    out += "Topic: " + name;
    if (!topic.topic_id.is_zero()) {
      out += "\tTopicId: " + topic.topic_id.to_string();
    }
    fmt::format_to(std::back_inserter(out),
                   "\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}\n", partitions.size(),
                   replication_factor(first, reassignment_of(reassignments, topic, first)),
                   overrides(configs));
  }
  if (filter.with_overrides) {
    return;
  }
  const auto min_isr = static_cast<std::size_t>(std::max(min_insync_replicas(configs), 0));
  for (const Partition& partition : partitions) {
    // Kafka's client knows a leader only among the brokers that are alive.
    const PartitionView view{partition, reassignment_of(reassignments, topic, partition),
                             live.contains(partition.leader_id)};
    if (shown(view, filter, min_isr, live)) {
      append_partition(name, view, out);
    }
  }
}

}  // namespace barnabas::apps
