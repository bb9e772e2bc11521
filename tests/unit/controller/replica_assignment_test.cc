#include "controller/replica_assignment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace barnabas::controller {
namespace {

std::vector<AssignableBroker> brokers(std::initializer_list<const char*> racks) {
  std::vector<AssignableBroker> all;
  for (const char* rack : racks) {
    all.push_back({BrokerId{static_cast<std::int32_t>(all.size())},
                   rack == nullptr ? std::nullopt : std::optional<std::string>(rack)});
  }
  return all;
}

std::string place(const std::vector<AssignableBroker>& on, int partitions, int factor,
                  std::size_t start) {
  const auto assignment = assign_replicas(on, partitions, factor, {start, start});
  if (!assignment) {
    return assignment.error().message;
  }
  std::vector<std::string> parts;
  for (const auto& [partition, ids] : *assignment) {
    std::vector<int> raw;
    for (const BrokerId id : ids) {
      raw.push_back(id.value());
    }
    parts.push_back(fmt::format("{}=[{}]", partition.value(), fmt::join(raw, ", ")));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

// Recorded from AdminUtils.assignReplicasToBrokers of 3.9.1 with these start indexes.
TEST(ReplicaAssignment, IsKafkas) {
  const auto five = brokers({nullptr, nullptr, nullptr, nullptr, nullptr});
  EXPECT_EQ(place(five, 12, 3, 0),
            "{0=[0, 1, 2], 1=[1, 2, 3], 2=[2, 3, 4], 3=[3, 4, 0], 4=[4, 0, 1], 5=[0, 2, 3], "
            "6=[1, 3, 4], 7=[2, 4, 0], 8=[3, 0, 1], 9=[4, 1, 2], 10=[0, 3, 4], 11=[1, 4, 0]}");
  EXPECT_EQ(place(five, 12, 3, 3),
            "{0=[3, 2, 4], 1=[4, 3, 0], 2=[0, 4, 1], 3=[1, 0, 2], 4=[2, 1, 3], 5=[3, 4, 0], "
            "6=[4, 0, 1], 7=[0, 1, 2], 8=[1, 2, 3], 9=[2, 3, 4], 10=[3, 0, 1], 11=[4, 1, 2]}");
  EXPECT_EQ(place(brokers({nullptr}), 3, 1, 0), "{0=[0], 1=[0], 2=[0]}");
  EXPECT_EQ(place(brokers({nullptr, nullptr}), 5, 2, 1),
            "{0=[1, 0], 1=[0, 1], 2=[1, 0], 3=[0, 1], 4=[1, 0]}");
  EXPECT_EQ(place(five, 7, 5, 2),
            "{0=[2, 0, 1, 3, 4], 1=[3, 1, 2, 4, 0], 2=[4, 2, 3, 0, 1], 3=[0, 3, 4, 1, 2], "
            "4=[1, 4, 0, 2, 3], 5=[2, 1, 3, 4, 0], 6=[3, 2, 4, 0, 1]}");
}

TEST(ReplicaAssignment, MixesRacksAsKafkaDoes) {
  const auto six = brokers({"a", "b", "c", "a", "b", "a"});
  EXPECT_EQ(place(six, 12, 3, 0),
            "{0=[0, 1, 2], 1=[1, 2, 3], 2=[2, 3, 4], 3=[3, 4, 2], 4=[4, 5, 2], 5=[5, 1, 2], "
            "6=[0, 4, 2], 7=[1, 5, 2], 8=[2, 0, 1], 9=[3, 1, 2], 10=[4, 2, 3], 11=[5, 4, 2]}");
  EXPECT_EQ(place(six, 12, 3, 4),
            "{0=[4, 2, 3], 1=[5, 2, 4], 2=[0, 4, 2], 3=[1, 5, 2], 4=[2, 5, 1], 5=[3, 1, 2], "
            "6=[4, 5, 2], 7=[5, 1, 2], 8=[0, 1, 2], 9=[1, 2, 3], 10=[2, 3, 4], 11=[3, 4, 2]}");
  EXPECT_EQ(place(six, 8, 2, 1),
            "{0=[1, 5], 1=[2, 0], 2=[3, 1], 3=[4, 2], 4=[5, 4], 5=[0, 4], 6=[1, 3], 7=[2, 4]}");
  EXPECT_EQ(place(six, 3, 6, 1),
            "{0=[1, 5, 2, 3, 4, 0], 1=[2, 0, 1, 3, 4, 5], 2=[3, 1, 2, 4, 5, 0]}");
  EXPECT_EQ(place(brokers({"a", nullptr}), 1, 1, 0),
            "Not all brokers have rack information for replica rack aware assignment.");
}

TEST(ReplicaAssignment, CountsAreRefusedWithKafkasSentences) {
  const auto refusal = [](int partitions, int factor, std::size_t live) {
    const Status status = check_counts(partitions, factor, live);
    return status ? std::pair(ErrorCode::kNone, std::string())
                  : std::pair(status.error().code, status.error().message);
  };
  EXPECT_EQ(refusal(0, 1, 1),
            std::pair(ErrorCode::kInvalidPartitions,
                      std::string("Number of partitions must be larger than 0.")));
  EXPECT_EQ(refusal(1, 0, 1), std::pair(ErrorCode::kInvalidReplicationFactor,
                                        std::string("Replication factor must be larger than 0.")));
  EXPECT_EQ(refusal(1, 4, 3),
            std::pair(ErrorCode::kInvalidReplicationFactor,
                      std::string("Replication factor: 4 larger than available brokers: 3.")));
  EXPECT_EQ(refusal(1'000'000, 1, 1).first, ErrorCode::kInvalidPartitions);
  EXPECT_EQ(refusal(10'000, 3, 3).first, ErrorCode::kNone);
}

}  // namespace
}  // namespace barnabas::controller
