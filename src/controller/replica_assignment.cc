#include "replica_assignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace barnabas::controller {
namespace {

// A topic's node holds less than 1 MiB, and so much of it is not the lists of replicas.
constexpr std::int32_t kTopicNodeBytes = 1'000'000;
constexpr std::int32_t kBytesPerPartition = 10;
constexpr std::int32_t kBytesPerReplica = 5;

// Brokers in the order in which they are gone through: by id, or one of each rack in turn.
struct Ring {
  std::vector<BrokerId> brokers;
  std::map<BrokerId, std::string> rack_of;  // empty: racks do not matter
  std::size_t racks = 1;
};

Result<Ring> make_ring(const std::vector<AssignableBroker>& brokers) {
  Ring ring;
  std::map<std::string, std::vector<BrokerId>> by_rack;
  for (const AssignableBroker& broker : brokers) {
    ring.brokers.push_back(broker.id);
    if (broker.rack) {
      ring.rack_of[broker.id] = *broker.rack;
      by_rack[*broker.rack].push_back(broker.id);
    }
  }
  if (ring.rack_of.empty()) {
    return ring;
  }
  if (ring.rack_of.size() != brokers.size()) {
    return fail(ErrorCode::kUnknownServerError,
                "Not all brokers have rack information for replica rack aware assignment.");
  }
  ring.racks = by_rack.size();
  ring.brokers.clear();
  for (std::size_t round = 0; ring.brokers.size() < brokers.size(); ++round) {
    for (auto& [rack, ids] : by_rack) {
      std::ranges::sort(ids);
      if (round < ids.size()) {
        ring.brokers.push_back(ids[round]);
      }
    }
  }
  return ring;
}

std::size_t follower_index(std::size_t leader, std::size_t shift, std::size_t step,
                           std::size_t brokers) {
  return (leader + 1 + (shift + step) % (brokers - 1)) % brokers;
}

std::vector<BrokerId> place(const Ring& ring, std::size_t leader, std::size_t shift,
                            std::size_t count) {
  std::vector<BrokerId> replicas{ring.brokers[leader]};
  if (ring.rack_of.empty()) {
    for (std::size_t j = 0; j + 1 < count; ++j) {
      replicas.push_back(ring.brokers[follower_index(leader, shift, j, ring.brokers.size())]);
    }
    return replicas;
  }
  // The next broker in a rack that has none yet, until every rack has one.
  std::set<std::string> used_racks{ring.rack_of.at(replicas.front())};
  for (std::size_t step = 0; replicas.size() < count; ++step) {
    const BrokerId broker =
        ring.brokers[follower_index(leader, shift * ring.racks, step, ring.brokers.size())];
    const std::string& rack = ring.rack_of.at(broker);
    const bool new_rack = !used_racks.contains(rack) || used_racks.size() == ring.racks;
    if (new_rack && std::ranges::find(replicas, broker) == replicas.end()) {
      replicas.push_back(broker);
      used_racks.insert(rack);
    }
  }
  return replicas;
}

}  // namespace

std::int32_t max_partitions(std::int32_t replication_factor) {
  return kTopicNodeBytes / (kBytesPerPartition + kBytesPerReplica * replication_factor);
}

Status check_counts(std::int32_t partitions, std::int32_t replication_factor, std::size_t brokers) {
  if (partitions <= 0) {
    return fail(ErrorCode::kInvalidPartitions, "Number of partitions must be larger than 0.");
  }
  if (replication_factor <= 0) {
    return fail(ErrorCode::kInvalidReplicationFactor, "Replication factor must be larger than 0.");
  }
  if (static_cast<std::size_t>(replication_factor) > brokers) {
    return fail(ErrorCode::kInvalidReplicationFactor,
                fmt::format("Replication factor: {} larger than available brokers: {}.",
                            replication_factor, brokers));
  }
  if (partitions > max_partitions(replication_factor)) {
    return fail(ErrorCode::kInvalidPartitions,
                fmt::format("Number of partitions must not be larger than {} with replication "
                            "factor {}: a topic's assignment has to fit into one node of the "
                            "metadata tree.",
                            max_partitions(replication_factor), replication_factor));
  }
  return {};
}

Result<Assignment> assign_replicas(const std::vector<AssignableBroker>& brokers,
                                   std::int32_t partitions, std::int32_t replication_factor,
                                   AssignmentStart start) {
  TRY(const Ring ring, make_ring(brokers));
  const std::size_t count = ring.brokers.size();
  std::size_t shift = start.replica_shift;
  Assignment assignment;
  for (std::int32_t id = start.first_partition; id < start.first_partition + partitions; ++id) {
    const auto partition = static_cast<std::size_t>(id);
    if (partition > 0 && partition % count == 0) {
      ++shift;
    }
    assignment[PartitionId{id}] = place(ring, (partition + start.first_broker) % count, shift,
                                        static_cast<std::size_t>(replication_factor));
  }
  return assignment;
}

}  // namespace barnabas::controller
