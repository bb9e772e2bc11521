// The assignors: examples, and what must hold of any group: every partition once, to one who
// subscribes, balanced, and nothing moved without need.
#include "coordinator/assignor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "barnabas/base/random.h"

namespace barnabas::coordinator {
namespace {

constexpr Uuid topic_id(int number) {
  return {1, static_cast<std::uint64_t>(number)};
}

AssignorMember member(std::string id, const std::set<int>& topics) {
  AssignorMember made;
  made.id = std::move(id);
  for (const int topic : topics) {
    made.topics.insert(topic_id(topic));
  }
  return made;
}

AssignorInput input(std::vector<AssignorMember> members, const std::map<int, int>& partitions) {
  AssignorInput made;
  for (const auto& [topic, count] : partitions) {
    made.partitions[topic_id(topic)] = count;
  }
  made.members = std::move(members);
  made.same_subscriptions = std::ranges::all_of(
      made.members, [&](const auto& one) { return one.topics == made.members.front().topics; });
  return made;
}

// "1:0,1 2:0"
std::string text(const Assignment& assignment) {
  std::string result;
  for (const auto& [topic, partitions] : assignment) {
    result += fmt::format("{}{}:", result.empty() ? "" : " ", topic.low);
    bool first = true;
    for (const PartitionId partition : partitions) {
      result += fmt::format("{}{}", first ? "" : ",", partition.value());
      first = false;
    }
  }
  return result;
}

std::size_t size_of(const Assignment& assignment) {
  std::size_t size = 0;
  for (const auto& [topic, partitions] : assignment) {
    size += partitions.size();
  }
  return size;
}

TEST(Assignor, HasNames) {
  EXPECT_EQ(assignor_of("uniform"), Assignor::kUniform);
  EXPECT_EQ(assignor_of("range"), Assignor::kRange);
  EXPECT_EQ(assignor_of("Range"), std::nullopt);
  EXPECT_EQ(configured_assignor("org.apache.kafka.coordinator.group.assignor.RangeAssignor"),
            Assignor::kRange);
  EXPECT_EQ(configured_assignor("org.apache.kafka.coordinator.group.assignor.UniformAssignor"),
            Assignor::kUniform);
  EXPECT_EQ(configured_assignor("uniform"), Assignor::kUniform);
  EXPECT_EQ(configured_assignor("com.example.Mine"), std::nullopt);
  EXPECT_EQ(configured_assignor("org.apache.kafka.coordinator.group.assignor.SimpleAssignor"),
            std::nullopt);
}

TEST(Assignor, MembersComeInTheOrderOfJavasHashMap) {
  // new HashMap<>() with these keys, printed by a JVM: hash 97, 3105, 2112 of "a", "ab", "BB".
  EXPECT_EQ(java_order({"b", "a", "ab"}), (std::vector<std::string>{"a", "ab", "b"}));
  EXPECT_EQ(java_order({"uniform", "range"}), (std::vector<std::string>{"uniform", "range"}));
}

TEST(Range, GivesEachARunOfNeighbours) {
  const auto both = input({member("b", {1, 2}), member("a", {1, 2})}, {{1, 3}, {2, 3}});
  Targets targets = assign(Assignor::kRange, both);
  EXPECT_EQ(text(targets["a"]), "1:0,1 2:0,1");
  EXPECT_EQ(text(targets["b"]), "1:2 2:2");

  const auto mixed =
      input({member("a", {1}), member("b", {1, 2}), member("c", {2})}, {{1, 4}, {2, 3}});
  targets = assign(Assignor::kRange, mixed);
  EXPECT_EQ(text(targets["a"]), "1:0,1");
  EXPECT_EQ(text(targets["b"]), "1:2,3 2:0,1");
  EXPECT_EQ(text(targets["c"]), "2:2");
}

TEST(Range, StaticMembersComeFirstByTheirNames) {
  auto first = member("z", {1});
  first.instance_id = "1";
  auto second = member("y", {1});
  second.instance_id = "2";
  Targets targets = assign(Assignor::kRange, input({member("a", {1}), second, first}, {{1, 4}}));
  EXPECT_EQ(text(targets["z"]), "1:0,1");
  EXPECT_EQ(text(targets["y"]), "1:2");
  EXPECT_EQ(text(targets["a"]), "1:3");
}

TEST(Range, MoreMembersThanPartitions) {
  Targets targets = assign(Assignor::kRange,
                           input({member("a", {1}), member("b", {1}), member("c", {1})}, {{1, 2}}));
  EXPECT_EQ(targets.size(), 3U);
  EXPECT_EQ(text(targets["c"]), "");
}

TEST(Uniform, MovesOnlyWhatHasToMove) {
  auto a = member("a", {1});
  a.target[topic_id(1)] = {PartitionId(0), PartitionId(1), PartitionId(2), PartitionId(3)};
  Targets targets = assign(Assignor::kUniform, input({a, member("b", {1})}, {{1, 5}}));
  EXPECT_EQ(text(targets["a"]), "1:0,1,2");
  EXPECT_EQ(text(targets["b"]), "1:3,4");
}

TEST(Uniform, WithoutTopicsEverybodyHasNothing) {
  for (const auto assignor : {Assignor::kUniform, Assignor::kRange}) {
    const Targets targets = assign(assignor, input({member("a", {}), member("b", {})}, {}));
    EXPECT_EQ(targets.size(), 2U);
    EXPECT_EQ(size_of(targets.at("a")), 0U);
  }
  EXPECT_TRUE(assign(Assignor::kUniform, AssignorInput{}).empty());
}

TEST(UniformMixed, LevelsWhatDifferentSubscriptionsAllow) {
  auto a = member("a", {1, 2});
  a.target[topic_id(1)] = {PartitionId(0), PartitionId(1)};
  a.target[topic_id(2)] = {PartitionId(0), PartitionId(1)};
  Targets targets = assign(Assignor::kUniform, input({a, member("b", {1})}, {{1, 2}, {2, 2}}));
  EXPECT_EQ(text(targets["a"]), "2:0,1");
  EXPECT_EQ(text(targets["b"]), "1:0,1");
}

// Of random groups, each assigned anew after one change.
class AnyGroup : public ::testing::TestWithParam<Assignor> {
 protected:
  void check_whole(const AssignorInput& in, const Targets& targets) {
    ASSERT_EQ(targets.size(), in.members.size());
    std::map<std::pair<Uuid, PartitionId>, std::string> owner;
    std::set<Uuid> subscribed;
    for (const auto& one : in.members) {
      subscribed.insert(one.topics.begin(), one.topics.end());
      for (const auto& [topic, partitions] : targets.at(one.id)) {
        EXPECT_TRUE(one.topics.contains(topic));
        EXPECT_FALSE(partitions.empty());
        for (const PartitionId partition : partitions) {
          EXPECT_LT(partition.value(), in.partitions.at(topic));
          EXPECT_TRUE(owner.emplace(std::pair(topic, partition), one.id).second);
        }
      }
    }
    std::size_t all = 0;
    for (const auto& topic : subscribed) {
      all += static_cast<std::size_t>(in.partitions.at(topic));
    }
    EXPECT_EQ(owner.size(), all);
  }

  // Nobody could take a partition from one that has two more.
  void check_balanced(const AssignorInput& in, const Targets& targets) {
    for (const auto& one : in.members) {
      for (const auto& other : in.members) {
        if (size_of(targets.at(one.id)) + 1 >= size_of(targets.at(other.id))) {
          continue;
        }
        for (const auto& [topic, partitions] : targets.at(other.id)) {
          EXPECT_FALSE(one.topics.contains(topic)) << one.id << " could have of " << other.id;
        }
      }
    }
  }

  std::unique_ptr<Random> random = make_seeded_random(848);
  std::uint64_t below(std::uint64_t bound) { return random->next() % bound; }
};

TEST_P(AnyGroup, IsAssignedWholeAndBalanced) {
  for (int round = 0; round < 400; ++round) {
    const bool same = below(2) == 0;
    const int topics = static_cast<int>(below(4)) + 1;
    std::map<int, int> partitions;
    for (int topic = 0; topic < topics; ++topic) {
      partitions[topic] = static_cast<int>(below(9));
    }
    std::set<int> common;
    const auto choose = [&] {
      std::set<int> chosen;
      for (int topic = 0; topic < topics; ++topic) {
        if (below(2) == 0) {
          chosen.insert(topic);
        }
      }
      return chosen;
    };
    common = choose();
    std::vector<AssignorMember> members;
    for (std::uint64_t i = 0; i <= below(6); ++i) {
      members.push_back(member(fmt::format("m{}", i), same ? common : choose()));
    }
    Targets targets;
    for (int change = 0; change < 6; ++change) {
      for (auto& one : members) {
        one.target = targets[one.id];
      }
      const AssignorInput in = input(members, partitions);
      targets = assign(GetParam(), in);
      check_whole(in, targets);
      if (GetParam() == Assignor::kUniform) {
        check_balanced(in, targets);
        // Assigned anew without a change, nothing moves.
        AssignorInput again = in;
        for (auto& one : again.members) {
          one.target = targets[one.id];
        }
        EXPECT_EQ(assign(GetParam(), again), targets);
      }
      if (below(2) == 0 && members.size() > 1) {
        members.erase(members.begin() + static_cast<std::ptrdiff_t>(below(members.size())));
      } else {
        members.push_back(member(fmt::format("n{}-{}", round, change), same ? common : choose()));
      }
    }
  }
}

TEST_P(AnyGroup, OfTheSameTopicsNobodyHasMoreThanOneMore) {
  if (GetParam() == Assignor::kRange) {
    return;  // one more of every topic
  }
  for (int round = 0; round < 200; ++round) {
    std::vector<AssignorMember> members;
    for (std::uint64_t i = 0; i <= below(12); ++i) {
      members.push_back(member(fmt::format("m{}", i), {1, 2, 3}));
    }
    const auto targets = assign(GetParam(), input(members, {{1, static_cast<int>(below(20))},
                                                            {2, static_cast<int>(below(20))},
                                                            {3, static_cast<int>(below(20))}}));
    std::size_t least = SIZE_MAX;
    std::size_t most = 0;
    for (const auto& [id, target] : targets) {
      least = std::min(least, size_of(target));
      most = std::max(most, size_of(target));
    }
    EXPECT_LE(most - least, 1U);
  }
}

INSTANTIATE_TEST_SUITE_P(Assignors, AnyGroup,
                         ::testing::Values(Assignor::kUniform, Assignor::kRange),
                         [](const auto& one) { return std::string(assignor_name(one.param)); });

}  // namespace
}  // namespace barnabas::coordinator
