// The operations that an answer lists as allowed when no authorizer is configured: all that the
// kind of resource knows, one bit for each code of org.apache.kafka.common.acl.AclOperation.
#pragma once

#include <cstdint>

namespace barnabas::broker {

enum class AclOperation : std::uint8_t {
  kRead = 3,
  kWrite = 4,
  kCreate = 5,
  kDelete = 6,
  kAlter = 7,
  kDescribe = 8,
  kClusterAction = 9,
  kDescribeConfigs = 10,
  kAlterConfigs = 11,
  kIdempotentWrite = 12,
};

template <typename... Operations>
[[nodiscard]] constexpr std::int32_t operation_bits(Operations... operations) {
  return ((1 << static_cast<int>(operations)) | ...);
}

inline constexpr std::int32_t kAllTopicOperations =
    operation_bits(AclOperation::kRead, AclOperation::kWrite, AclOperation::kCreate,
                   AclOperation::kDelete, AclOperation::kAlter, AclOperation::kDescribe,
                   AclOperation::kDescribeConfigs, AclOperation::kAlterConfigs);
inline constexpr std::int32_t kAllGroupOperations =
    operation_bits(AclOperation::kRead, AclOperation::kDelete, AclOperation::kDescribe);
inline constexpr std::int32_t kAllClusterOperations =
    operation_bits(AclOperation::kCreate, AclOperation::kAlter, AclOperation::kDescribe,
                   AclOperation::kClusterAction, AclOperation::kDescribeConfigs,
                   AclOperation::kAlterConfigs, AclOperation::kIdempotentWrite);

}  // namespace barnabas::broker
