// The ids that travel through public headers. Kafka's own words and widths.
#pragma once

#include <cstdint>
#include <string>

#include "barnabas/base/strong.h"

namespace barnabas {

using Offset = Strong<struct OffsetTag, std::int64_t>;  // position of a record in a partition
using LeaderEpoch = Strong<struct LeaderEpochTag, std::int32_t>;  // -1: none
using BrokerId = Strong<struct BrokerIdTag, std::int32_t>;        // -1: none
using BrokerEpoch =
    Strong<struct BrokerEpochTag, std::int64_t>;  // zxid of the registration; -1: none
using ControllerEpoch = Strong<struct ControllerEpochTag, std::int32_t>;
using PartitionEpoch =
    Strong<struct PartitionEpochTag, std::int32_t>;  // zkVersion of the state node
using PartitionId = Strong<struct PartitionIdTag, std::int32_t>;
using ProducerId = Strong<struct ProducerIdTag, std::int64_t>;  // -1: none
using ProducerEpoch = Strong<struct ProducerEpochTag, std::int16_t>;
using SequenceNumber = Strong<struct SequenceNumberTag, std::int32_t>;  // wraps at 2^31-1 to 0

inline constexpr Offset kNoOffset{-1};
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};
inline constexpr BrokerId kNoBroker{-1};
inline constexpr ProducerId kNoProducerId{-1};
inline constexpr ProducerEpoch kNoProducerEpoch{-1};
inline constexpr SequenceNumber kNoSequence{-1};
inline constexpr std::int64_t kNoTimestamp = -1;  // milliseconds since 1970 everywhere; -1: none

struct TopicPartition {
  std::string topic;
  PartitionId partition{0};
  auto operator<=>(const TopicPartition&) const = default;
};

[[nodiscard]] inline std::string to_string(const TopicPartition& tp) {
  return tp.topic + "-" + std::to_string(tp.partition.value());
}

}  // namespace barnabas

template <>
struct std::hash<barnabas::TopicPartition> {
  std::size_t operator()(const barnabas::TopicPartition& tp) const noexcept {
    return std::hash<std::string>{}(tp.topic) * 31U +
           static_cast<std::size_t>(tp.partition.value());
  }
};
