// The uniform assignor for members that all subscribe to the same topics: each gets its share of
// all partitions, and keeps as much as fits into it.
#include <algorithm>

#include "assignor.h"

namespace barnabas::coordinator {
namespace {

using TopicIdPartition = std::pair<Uuid, PartitionId>;

struct Unfilled {
  Assignment* target;
  std::size_t room;
};

// What a member keeps of what it had, at most `room`; the rest is left over.
void keep(const AssignorMember& member, const AssignorInput& input, Assignment& target,
          std::size_t& room, std::set<TopicIdPartition>& kept) {
  for (const auto& [topic, partitions] : member.target) {
    if (!member.topics.contains(topic)) {
      continue;
    }
    for (const PartitionId partition : partitions) {
      if (room == 0) {
        return;
      }
      if (partition.value() < input.partitions.at(topic) && kept.emplace(topic, partition).second) {
        target[topic].insert(partition);
        --room;
      }
    }
  }
}

}  // namespace

Targets assign_uniform(const AssignorInput& input) {
  Targets targets;
  std::size_t total = 0;
  for (const auto& topic : input.members.front().topics) {
    total += static_cast<std::size_t>(input.partitions.at(topic));
  }
  std::set<TopicIdPartition> had;
  for (const auto& member : input.members) {
    for (const auto& [topic, partitions] : member.target) {
      for (const PartitionId partition : partitions) {
        had.emplace(topic, partition);
      }
    }
  }
  const std::size_t least = total / input.members.size();
  std::size_t with_one_more = total % input.members.size();
  std::set<TopicIdPartition> kept;
  std::vector<Unfilled> unfilled;
  std::vector<TopicIdPartition> revoked;  // in the order of their owners
  for (const auto& member : input.members) {
    std::size_t room = least;
    if (with_one_more > 0) {
      ++room;
      --with_one_more;
    }
    Assignment& target = targets[member.id];
    keep(member, input, target, room, kept);
    for (const auto& [topic, partitions] : member.target) {
      for (const PartitionId partition : partitions) {
        if (member.topics.contains(topic) && partition.value() < input.partitions.at(topic) &&
            !kept.contains({topic, partition})) {
          revoked.emplace_back(topic, partition);
        }
      }
    }
    if (room > 0) {
      unfilled.push_back({&target, room});
    }
  }
  // Those that nobody had, then those that were too many.
  std::vector<TopicIdPartition> open;
  for (const auto& topic : input.members.front().topics) {
    for (PartitionId p(0); p.value() < input.partitions.at(topic); p = PartitionId(p.value() + 1)) {
      if (!had.contains({topic, p})) {
        open.emplace_back(topic, p);
      }
    }
  }
  open.insert(open.end(), revoked.begin(), revoked.end());
  std::size_t next = 0;
  for (const auto& [target, room] : unfilled) {
    for (std::size_t taken = 0; taken < room && next < open.size(); ++next) {
      if (kept.insert(open[next]).second) {
        (*target)[open[next].first].insert(open[next].second);
        ++taken;
      }
    }
  }
  return targets;
}

}  // namespace barnabas::coordinator
