// The words of a group of the consumer protocol (KIP-848): members, assignments, what is known of
// the topics, and the records that every change consists of. Plain values without time, threads or
// I/O of their own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/uuid.h"
#include "barnabas/coordinator/group_topics.h"
#include "barnabas/protocol/gen/group_metadata_value.h"
#include "group_types.h"

namespace barnabas::coordinator {

using Partitions = std::set<PartitionId>;
using Assignment = std::map<Uuid, Partitions>;  // a topic without partitions is left out
using Targets = std::map<std::string, Assignment, std::less<>>;  // by member id

// What the members subscribe to, by topic name. Topics that do not exist are left out.
using SubscriptionMetadata = std::map<std::string, TopicFacts, std::less<>>;

// Epochs that a member sends instead of its own.
inline constexpr std::int32_t kJoinEpoch = 0;
inline constexpr std::int32_t kLeaveEpoch = -1;
inline constexpr std::int32_t kLeaveStaticEpoch = -2;  // for a while; its instance comes back

// Numbers as in the records.
enum class MemberState : std::int8_t {
  kStable = 0,                // has what the target gives it, as far as its epoch goes
  kUnrevokedPartitions = 1,   // is to give up partitions before it moves on
  kUnreleasedPartitions = 2,  // waits for partitions that others have not given up yet
  kUnknown = 127,             // of a broker that knows more states
};

// Of a member that speaks the classic protocol to a group of this one.
struct ClassicMember {
  std::int32_t session_timeout_ms = 0;
  std::vector<GroupProtocol> protocols{};  // in order of preference
  bool operator==(const ClassicMember&) const = default;
};

struct ConsumerMember {
  std::string id{};
  std::int32_t epoch = 0;
  std::int32_t previous_epoch = -1;
  MemberState state = MemberState::kStable;
  std::optional<std::string> instance_id{};
  std::optional<std::string> rack_id{};
  std::int32_t rebalance_timeout_ms = -1;
  std::string client_id{};
  std::string client_host{};
  std::set<std::string, std::less<>> topics{};
  std::optional<std::string> topic_regex = std::string();  // kept; no request of 3.9 sets it
  std::optional<std::string> assignor{};
  std::optional<ClassicMember> classic{};
  Assignment assigned{};
  Assignment pending_revocation{};
  bool operator==(const ConsumerMember&) const = default;

  [[nodiscard]] bool is_reconciled_to(std::int32_t target_epoch) const {
    return state == MemberState::kStable && epoch == target_epoch;
  }
};

// Records of a group, null for a tombstone. Kinds in the order of their key versions.
struct GroupEpochRecord {  // 3
  std::optional<std::int32_t> epoch{};
};
struct SubscriptionRecord {  // 4
  std::optional<SubscriptionMetadata> topics{};
};
struct MemberRecord {  // 5: what a member says of itself, without epochs and partitions
  std::string member_id{};
  std::optional<ConsumerMember> member{};
};
struct TargetEpochRecord {  // 6
  std::optional<std::int32_t> epoch{};
};
struct TargetRecord {  // 7
  std::string member_id{};
  std::optional<Assignment> target{};
};
struct CurrentRecord {  // 8: a member's epochs, state and partitions alone
  std::string member_id{};
  std::optional<ConsumerMember> member{};
};
struct ClassicGroupRecord {  // 2: the group goes from one protocol to the other
  std::optional<protocol::GroupMetadataValue> group{};
};
using ConsumerRecord =
    std::variant<GroupEpochRecord, SubscriptionRecord, MemberRecord, TargetEpochRecord,
                 TargetRecord, CurrentRecord, ClassicGroupRecord>;
// What one event changes; written as one batch, so that all of it holds or nothing.
using ConsumerRecords = std::vector<ConsumerRecord>;

}  // namespace barnabas::coordinator
