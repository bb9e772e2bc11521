// ListOffsets for the administrators' tools: each leader is asked for its partitions.
// THREAD: any, one owner (blocking)
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "cluster_client.h"

namespace barnabas::apps {

inline constexpr std::int64_t kLatestOffset = -1;
inline constexpr std::int64_t kEarliestOffset = -2;

// The offset of each partition, -1 where there is none at that time, or why it is not known.
using ListedOffsets = std::map<TopicPartition, Result<std::int64_t>>;

// `time` is milliseconds since 1970 or one of Kafka's special values. A partition that does not
// exist or has no leader has its error. Fails: when the cluster or a leader cannot be asked.
[[nodiscard]] Result<ListedOffsets> list_offsets(ClusterClient& cluster,
                                                 std::span<const TopicPartition> partitions,
                                                 std::int64_t time);

}  // namespace barnabas::apps
