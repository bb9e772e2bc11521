// A group of the classic protocol as a pure state machine: something happens at some moment, and
// out come the group's next state and a list of effects (answers to send, a record to write). It
// reads no clock, sets no timer and writes nothing: next_deadline() says when on_time() wants to be
// called, stored() tells it what became of a record.
//
//            join                      all joined, or the time is up            leader's sync
//            stored
//   Empty ─────────▶ PreparingRebalance ────────────────▶ CompletingRebalance ─────────▶ Stable
//     ▲                ▲   │  ▲                                    │                        │
//     └────────────────┼───┘  └── a member joins, leaves, or is not heard of ◀──────────────┘
//      nobody is left  │
//   any ──▶ Dead: deleted, emptied of offsets, or moved to another coordinator
//
// Rules and errors: GroupCoordinator and GroupMetadata of Kafka 3.9.1. What differs on purpose:
//   - a JoinGroup or SyncGroup that its own member overtakes is answered REBALANCE_IN_PROGRESS;
//     Kafka never answers it
//   - the metadata of all members together and the ids given out in advance are bounded: beyond it
//     GROUP_MAX_SIZE_REACHED
// THREAD: home (the shard's)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "group_types.h"

namespace barnabas::protocol {
struct GroupMetadataValue;
}

namespace barnabas::coordinator {

class Group {
 public:
  using Members = std::map<std::string, Member, std::less<>>;

  Group(std::string id, const GroupLimits& limits, Moment now);
  // Out of its record in __consumer_offsets: Stable with members, else Empty. Call loaded() when
  // this broker begins to serve it.
  Group(std::string id, const GroupLimits& limits, const protocol::GroupMetadataValue& record,
        Moment now);

  // What it is.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] GroupState state() const { return state_; }
  [[nodiscard]] bool is(GroupState state) const { return state_ == state; }
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  [[nodiscard]] const std::optional<std::string>& protocol_type() const { return protocol_type_; }
  [[nodiscard]] const std::optional<std::string>& protocol_name() const { return protocol_name_; }
  [[nodiscard]] const std::optional<std::string>& leader() const { return leader_; }
  [[nodiscard]] const Members& members() const { return members_; }
  [[nodiscard]] std::size_t pending_members() const { return pending_.size(); }
  // Since when it is in its state, milliseconds since 1970; none: from a record that is too old.
  [[nodiscard]] std::optional<std::int64_t> state_since_ms() const { return state_since_ms_; }
  // What the members of a consumer group subscribe to; none: not known.
  [[nodiscard]] const std::optional<std::set<std::string, std::less<>>>& subscribed_topics() const {
    return subscribed_topics_;
  }
  [[nodiscard]] bool is_subscribed_to(std::string_view topic) const;

  // What happens to it.
  void join(JoinEvent event, Moment now, Effects& out);
  void sync(SyncEvent event, Moment now, Effects& out);
  [[nodiscard]] ErrorCode heartbeat(const MemberClaim& claim, Moment now);
  // A sign of life at a moment that may be over: the later one counts.
  void heard_of(std::string_view member_id, MonotonicTime at);
  [[nodiscard]] ErrorCode leave(const LeaveEvent& event, Moment now, Effects& out);
  // Whether a commit is allowed; one of a member counts as a sign of life.
  [[nodiscard]] ErrorCode commit(const MemberClaim& claim, bool transactional, Moment now);
  void stored(StoreId id, ErrorCode error, Moment now, Effects& out);
  void on_time(Moment now, Effects& out);
  // It was loaded from the log and its members may report again.
  void loaded(Moment now, Effects& out);
  // All members are to join anew.
  void rejoin(Moment now, Effects& out) { maybe_prepare_rebalance(now, out); }
  // Whoever waits hears this.
  void release_waiting(ErrorCode error, Effects& out);
  // It is served elsewhere now: whoever waits hears NOT_COORDINATOR.
  void unloaded(Moment now, Effects& out);
  // Deleted, or nothing of it is left. Only an empty group may be buried.
  void bury(Moment now);

  // The earliest moment at which on_time() has something to do, or earlier.
  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const { return wake_; }

 private:
  // A static member's change of id that is being written while the group is stable.
  struct StaticChange {
    Ticket ticket;
    std::string instance_id;
    std::string old_id;
    std::string new_id;
    std::vector<GroupProtocol> old_protocols;
    std::int32_t old_rebalance_timeout_ms;
    std::int32_t old_session_timeout_ms;
    std::string leader;  // before
    std::int32_t generation;
    bool can_skip_assignment;
  };
  struct AssignmentChange {
    std::int32_t generation;
    Assignments assignments;
  };
  struct EmptyChange {};
  using Change = std::variant<StaticChange, AssignmentChange, EmptyChange>;

  // group_join.cc
  [[nodiscard]] bool accepts(const JoinEvent& event) const;
  void join_new(JoinEvent event, Moment now, Effects& out);
  void join_known(JoinEvent event, Moment now, Effects& out);
  void join_static_anew(JoinEvent event, Moment now, Effects& out);
  void join_stable_static(StaticChange change, Moment now, Effects& out);
  void add_and_rebalance(JoinEvent event, std::string member_id, Moment now, Effects& out);
  void update_and_rebalance(Member& member, JoinEvent event, Moment now, Effects& out);
  void update(Member& member, JoinEvent event, Effects& out);
  void answer_current(const JoinEvent& event, bool with_members, Effects& out) const;
  [[nodiscard]] JoinAnswer current_generation(Ticket ticket, std::string member_id) const;
  [[nodiscard]] std::vector<JoinedMember> joined_members() const;

  // group_rebalance.cc
  void prepare_rebalance(Moment now, Effects& out);
  void maybe_prepare_rebalance(Moment now, Effects& out);
  void maybe_complete_join(Moment now, Effects& out);
  void on_join_time(Moment now, Effects& out);
  void on_sync_time(Moment now, Effects& out);
  void complete_join(Moment now, Effects& out);
  void begin_next_generation(Moment now);
  [[nodiscard]] bool elect_joined_leader();
  [[nodiscard]] bool all_joined() const;
  void static_change_stored(StaticChange change, ErrorCode error, Moment now, Effects& out);
  void assignment_stored(AssignmentChange change, ErrorCode error, Moment now, Effects& out);
  void propagate(ErrorCode error, Moment now, Effects& out);
  void end_sync(std::string_view member_id);
  void forget_syncs();

  // group.cc
  void move_to(GroupState next, Moment now);
  [[nodiscard]] ErrorCode check_member(std::string_view member_id,
                                       const std::optional<std::string>& instance_id) const;
  [[nodiscard]] bool supports(std::string_view protocol_type,
                              const std::vector<GroupProtocol>& protocols) const;
  [[nodiscard]] std::string select_protocol() const;
  [[nodiscard]] bool is_leader(std::string_view member_id) const { return leader_ == member_id; }
  [[nodiscard]] std::int32_t rebalance_timeout_ms() const;
  [[nodiscard]] std::size_t waiting_for_join() const;
  void remove(std::string_view member_id, Effects& out);
  void remove_and_update(const std::string& member_id, Moment now, Effects& out);
  void remove_pending_and_update(const std::string& member_id, Moment now, Effects& out);
  Member& replace_static(const std::string& instance_id, const std::string& old_id,
                         const std::string& new_id, Effects& out);
  void expect(Member& member, Moment now);
  void wake_at(MonotonicTime when);
  void find_next_deadline();
  void note_subscriptions();
  [[nodiscard]] StoreId begin_store(Change change);

  const std::string id_;
  const GroupLimits& limits_;
  GroupState state_ = GroupState::kEmpty;
  std::optional<std::int64_t> state_since_ms_;
  std::int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_name_;
  std::optional<std::string> leader_;
  Members members_;
  std::map<std::string, std::string, std::less<>> static_ids_;  // instance id to member id
  std::map<std::string, MonotonicTime, std::less<>> pending_;   // id given out, until when it holds
  std::size_t member_bytes_ = 0;
  std::optional<std::set<std::string, std::less<>>> subscribed_topics_;

  // Of PreparingRebalance. The first rebalance of an empty group waits a fixed time for more
  // members, and again while new ones come, up to the rebalance time-out.
  std::optional<MonotonicTime> join_deadline_;
  bool initial_delay_ = false;
  std::int32_t initial_delay_ms_ = 0;
  std::int32_t initial_remaining_ms_ = 0;
  bool new_member_came_ = false;
  std::optional<MonotonicTime> sync_deadline_;  // of those that owe a sync

  std::map<StoreId, Change> changes_;  // being written
  std::uint64_t last_store_ = 0;
  std::optional<MonotonicTime> wake_;
};

}  // namespace barnabas::coordinator
