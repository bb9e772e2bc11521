// The uniform assignor for members that subscribe to different topics: everybody keeps what it had,
// what is left goes to whoever has least, and then partitions move from one that has more to one
// that has at least two fewer, until no such move is left.
#include <algorithm>
#include <tuple>

#include "assignor.h"

namespace barnabas::coordinator {
namespace {

using TopicIdPartition = std::pair<Uuid, PartitionId>;

class Balance {
 public:
  explicit Balance(const AssignorInput& input) : input_(input) {
    for (const auto& member : input.members) {
      targets_[member.id];
      sizes_[member.id] = 0;
      for (const auto& topic : member.topics) {
        subscribers_[topic].push_back(&member.id);
      }
    }
  }

  Targets run() {
    keep();
    hand_out();
    level();
    return std::move(targets_);
  }

 private:
  void give(const TopicIdPartition& tp, const std::string& to) {
    targets_[to][tp.first].insert(tp.second);
    ++sizes_[to];
    owners_[tp] = &targets_.find(to)->first;
  }

  void take(const TopicIdPartition& tp, const std::string& from) {
    Assignment& target = targets_[from];
    const auto found = target.find(tp.first);
    found->second.erase(tp.second);
    if (found->second.empty()) {
      target.erase(found);
    }
    --sizes_[from];
  }

  void keep() {
    for (const auto& member : input_.members) {
      for (const auto& [topic, partitions] : member.target) {
        if (!member.topics.contains(topic)) {
          continue;
        }
        for (const PartitionId partition : partitions) {
          const TopicIdPartition tp(topic, partition);
          if (partition.value() < input_.partitions.at(topic) && !owners_.contains(tp)) {
            give(tp, member.id);
          }
        }
      }
    }
  }

  // Of those that may have it, the one with the fewest partitions.
  [[nodiscard]] const std::string& least_loaded(const Uuid& topic) const {
    return **std::ranges::min_element(subscribers_.at(topic), {}, [this](const std::string* id) {
      return std::tuple(sizes_.find(*id)->second, std::string_view(*id));
    });
  }

  // Topics with many partitions a subscriber first: they are the hardest to place.
  [[nodiscard]] std::vector<TopicIdPartition> in_order() const {
    std::vector<TopicIdPartition> all;
    for (const auto& [topic, members] : subscribers_) {
      const std::int32_t count = input_.partitions.at(topic);
      for (std::int32_t p = 0; p < count; ++p) {
        all.emplace_back(topic, PartitionId(p));
      }
    }
    std::ranges::sort(all, {}, [this](const TopicIdPartition& tp) {
      const std::size_t members = subscribers_.at(tp.first).size();
      const double load =
          static_cast<double>(input_.partitions.at(tp.first)) / static_cast<double>(members);
      return std::tuple(-load, members, tp.second, tp.first);
    });
    return all;
  }

  void hand_out() {
    for (const auto& tp : in_order()) {
      if (!owners_.contains(tp)) {
        give(tp, least_loaded(tp.first));
      }
    }
  }

  // Ends: every move brings two sizes closer, and so makes the sum of their squares less.
  void level() {
    const auto all = in_order();
    bool moved = true;
    while (moved) {
      moved = false;
      for (const auto& tp : all) {
        const std::string& from = *owners_.at(tp);
        const std::string& to = least_loaded(tp.first);
        if (sizes_[to] + 1 < sizes_[from]) {
          take(tp, from);
          give(tp, to);
          moved = true;
        }
      }
    }
  }

  const AssignorInput& input_;
  Targets targets_;
  std::map<std::string, std::size_t, std::less<>> sizes_;
  std::map<Uuid, std::vector<const std::string*>> subscribers_;
  std::map<TopicIdPartition, const std::string*> owners_;
};

}  // namespace

Targets assign_uniform_mixed(const AssignorInput& input) {
  return Balance(input).run();
}

}  // namespace barnabas::coordinator
