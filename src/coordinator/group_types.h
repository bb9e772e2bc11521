// The words of the group state machine: members, what happens to a group, what it answers.
// Plain values without time, threads or I/O of their own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/clock.h"
#include "barnabas/base/error_code.h"
#include "barnabas/base/strong.h"

namespace barnabas::coordinator {

// A request that waits for its answer; whoever drives the machine knows whose it is.
using Ticket = Strong<struct TicketTag, std::uint64_t>;
// A record of the group that is being written.
using StoreId = Strong<struct StoreIdTag, std::uint64_t>;

// When something happens. Deadlines are monotonic, what is written into records is wall time.
struct Moment {
  MonotonicTime monotonic;
  std::int64_t wall_ms = 0;
};

// The names are Kafka's, as ListGroups and DescribeGroups show them.
enum class GroupState : std::uint8_t {
  kEmpty,                // no members; may hold offsets
  kPreparingRebalance,   // members are asked to join anew
  kCompletingRebalance,  // all have joined, the leader's assignment is awaited
  kStable,               // every member has its assignment
  kDead,                 // removed, or moved to another coordinator
};
[[nodiscard]] std::string_view state_name(GroupState state);

inline constexpr std::string_view kConsumerProtocolType = "consumer";
inline constexpr std::int32_t kNoGeneration = -1;

// One way of sharing work that a member can follow: an assignor's name and what it has to know.
struct GroupProtocol {
  std::string name{};
  ByteVector metadata{};
  bool operator==(const GroupProtocol&) const = default;
};

struct Member {
  std::string id{};
  std::optional<std::string> instance_id{};  // a static member's own name
  std::string client_id{};
  std::string client_host{};  // "/127.0.0.1", as Java prints an address
  std::int32_t rebalance_timeout_ms = 0;
  std::int32_t session_timeout_ms = 0;
  std::vector<GroupProtocol> protocols{};  // in order of preference
  ByteVector assignment{};

  std::optional<Ticket> join{};  // its JoinGroup, while it waits
  std::optional<Ticket> sync{};  // its SyncGroup, while it waits
  bool is_new = false;           // its first JoinGroup is not answered yet
  bool owes_sync = false;        // the generation's SyncGroup has not come yet
  // Removed at this moment unless it is heard of before; none while a request of it waits.
  std::optional<MonotonicTime> expires{};

  // Null where it does not follow the protocol.
  [[nodiscard]] const ByteVector* metadata(std::string_view protocol) const;
  [[nodiscard]] std::size_t size_bytes() const;  // of protocols and assignment
};

struct JoinEvent {
  Ticket ticket{};
  std::string member_id{};                   // empty: not known yet
  std::string new_member_id{};               // the id it gets if it needs one
  std::string new_consumer_member_id{};      // the same in a group of the consumer protocol
  std::optional<std::string> instance_id{};  // null: a dynamic member
  bool require_known_member_id = false;      // answers MEMBER_ID_REQUIRED to the unknown
  bool can_skip_assignment = false;          // JoinGroup 9 and later
  std::string client_id{};
  std::string client_host{};
  std::int32_t rebalance_timeout_ms = 0;
  std::int32_t session_timeout_ms = 0;
  std::string protocol_type{};
  std::vector<GroupProtocol> protocols{};
};

using Assignments = std::map<std::string, ByteVector, std::less<>>;  // by member id

struct SyncEvent {
  Ticket ticket{};
  std::int32_t generation = kNoGeneration;
  std::string member_id{};
  std::optional<std::string> instance_id{};
  std::optional<std::string> protocol_type{};  // not sent before SyncGroup 5
  std::optional<std::string> protocol_name{};
  Assignments assignments{};  // of the leader
};

struct LeaveEvent {
  std::string member_id{};
  std::optional<std::string> instance_id{};
};

// Who wants to do something as a member: heartbeat, commit.
struct MemberClaim {
  std::string member_id{};
  std::optional<std::string> instance_id{};
  std::int32_t generation = kNoGeneration;
};

struct JoinedMember {
  std::string id{};
  std::optional<std::string> instance_id{};
  ByteVector metadata{};
  bool operator==(const JoinedMember&) const = default;
};

struct JoinAnswer {
  Ticket ticket{};
  ErrorCode error = ErrorCode::kNone;
  std::string member_id{};
  std::int32_t generation = kNoGeneration;
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol_name{};
  std::string leader{};
  bool skip_assignment = false;
  std::vector<JoinedMember> members{};  // for the leader alone
};

struct SyncAnswer {
  Ticket ticket{};
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol_name{};
  ByteVector assignment{};
};

// Write the group's record with these assignments, then call Group::stored().
struct StoreGroup {
  StoreId id{};
  Assignments assignments{};
};

using Effect = std::variant<JoinAnswer, SyncAnswer, StoreGroup>;
using Effects = std::vector<Effect>;

struct GroupLimits {
  std::int32_t max_size = INT32_MAX;                      // group.max.size
  std::int32_t initial_rebalance_delay_ms = 3000;         // group.initial.rebalance.delay.ms
  std::size_t max_member_bytes = std::size_t{32} << 20U;  // of all members of one group
  std::size_t max_pending_members = 10000;  // ids that were given out and not used yet
};

}  // namespace barnabas::coordinator
