// The range assignor: of every topic, each subscriber gets a run of neighbouring partitions.
#include <algorithm>

#include "assignor.h"

namespace barnabas::coordinator {
namespace {

// A topic while its partitions are handed out.
struct Share {
  std::int32_t partitions = 0;
  std::int32_t subscribers = 0;
  std::int32_t given = 0;   // partitions
  std::int32_t served = 0;  // subscribers
};

// Static members first: they come back under the same name, and get the same partitions then.
bool comes_before(const AssignorMember* a, const AssignorMember* b) {
  if (a->instance_id && b->instance_id) {
    return *a->instance_id < *b->instance_id;
  }
  if (a->instance_id || b->instance_id) {
    return a->instance_id.has_value();
  }
  return a->id < b->id;
}

}  // namespace

Targets assign_range(const AssignorInput& input) {
  std::vector<const AssignorMember*> members;
  std::map<Uuid, Share> shares;
  for (const auto& member : input.members) {
    members.push_back(&member);
    for (const auto& topic : member.topics) {
      Share& share = shares[topic];
      share.partitions = input.partitions.at(topic);
      ++share.subscribers;
    }
  }
  std::ranges::sort(members, comes_before);
  Targets targets;
  for (const auto* const member : members) {
    Assignment& target = targets[member->id];
    for (const auto& topic : member->topics) {
      Share& share = shares[topic];
      const bool one_more = share.served < share.partitions % share.subscribers;
      const std::int32_t end =
          share.given + share.partitions / share.subscribers + (one_more ? 1 : 0);
      ++share.served;
      for (; share.given < end; ++share.given) {
        target[topic].insert(PartitionId(share.given));
      }
    }
  }
  return targets;
}

}  // namespace barnabas::coordinator
