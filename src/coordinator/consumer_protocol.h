// What consumers of the classic protocol tell each other inside JoinGroup and SyncGroup: their
// subscription and their assignment, each with its version before it. A version that is not known
// is read as the newest that is.
// THREAD: any
#pragma once

#include <cstdint>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "barnabas/protocol/gen/consumer_protocol_subscription.h"
#include "consumer_group_types.h"

namespace barnabas::coordinator {

// CORRUPT_MESSAGE where the bytes do not hold.
[[nodiscard]] Result<std::int16_t> embedded_version(ByteView bytes);
[[nodiscard]] Result<protocol::ConsumerProtocolSubscription> parse_subscription(ByteView bytes);
// Topics that do not exist are left out. No bytes: nothing was assigned yet.
[[nodiscard]] Result<Assignment> parse_assignment(ByteView bytes, const GroupTopics& topics);
[[nodiscard]] Result<ByteVector> build_assignment(const Assignment& assignment,
                                                  std::int16_t version, const GroupTopics& topics);

// A list of topics by name as an assignment by id.
template <typename Topics>
[[nodiscard]] Assignment by_id(const Topics& list, const GroupTopics& topics, auto name_of) {
  Assignment assignment;
  for (const auto& topic : list) {
    if (const auto id = topics.id_of(name_of(topic))) {
      for (const std::int32_t partition : topic.partitions) {
        assignment[*id].insert(PartitionId(partition));
      }
    }
  }
  return assignment;
}

}  // namespace barnabas::coordinator
