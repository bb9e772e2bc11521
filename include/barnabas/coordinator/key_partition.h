// Which partition of __consumer_offsets or __transaction_state a group id or transactional id
// belongs to: the leader of that partition is its coordinator. Facts: Kafka 3.9.1,
// GroupMetadataManager.partitionFor: |String.hashCode| modulo the number of partitions.
// THREAD: any
#pragma once

#include <cstdint>
#include <string_view>

#include "barnabas/base/ids.h"

namespace barnabas::coordinator {

// java.lang.String.hashCode of a text in UTF-8. What is not UTF-8 counts as U+FFFD.
[[nodiscard]] std::int32_t java_string_hash(std::string_view utf8);

// `partition_count` is positive.
[[nodiscard]] PartitionId partition_of_key(std::string_view key, std::int32_t partition_count);

}  // namespace barnabas::coordinator
