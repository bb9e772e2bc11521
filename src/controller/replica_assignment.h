// Which brokers hold a new topic's replicas: leaders spread round robin from a random broker,
// followers with a shift that grows every round, racks mixed if the brokers name any. The same
// placement as org.apache.kafka.admin.AdminUtils of 3.9.1 for the same two random numbers.
// THREAD: any
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"

namespace barnabas::controller {

struct AssignableBroker {
  BrokerId id;
  std::optional<std::string> rack;
};

using Assignment = std::map<PartitionId, std::vector<BrokerId>>;

// The first two below the number of brokers.
struct AssignmentStart {
  std::size_t first_broker = 0;
  std::size_t replica_shift = 0;
  std::int32_t first_partition = 0;  // how many there are already
};

// How many partitions fit into a topic's node.
[[nodiscard]] std::int32_t max_partitions(std::int32_t replication_factor);

// Kafka's sentence and code when that many replicas cannot be placed.
[[nodiscard]] Status check_counts(std::int32_t partitions, std::int32_t replication_factor,
                                  std::size_t brokers);

// `partitions` of them, from `start.first_partition` on. The counts have been checked.
// UNKNOWN_SERVER_ERROR when only some brokers name a rack.
[[nodiscard]] Result<Assignment> assign_replicas(const std::vector<AssignableBroker>& brokers,
                                                 std::int32_t partitions,
                                                 std::int32_t replication_factor,
                                                 AssignmentStart start);

}  // namespace barnabas::controller
