// A group of the consumer protocol (KIP-848) as a pure state machine. Every event comes in, and out
// come the records that it changes and what to answer; nothing changes until apply() is given those
// records, which its owner does once they are written. Loading applies the same records. Deadlines
// of members are the exception: they are noted at once and cost nothing if the write fails.
//
//   group epoch     counts changes: members, subscriptions, topics
//   target epoch    the group epoch that the target assignment was made for
//   member epoch    how far a member has followed; consumer_reconcile.h says how it does
//
//   Empty ── a member joins ─▶ Assigning ── target made ─▶ Reconciling ── all have it ─▶ Stable
//
// Members may speak the classic protocol, too (consumer_group_classic.cc): JoinGroup reconciles as
// a heartbeat does, SyncGroup hands the assignment out, Heartbeat says when to join anew. So a
// group is upgraded and downgraded while it works.
//
// One event at a time: the next one only when the records of the one before were applied or
// dropped. Rules and errors: GroupMetadataManager and ConsumerGroup of Kafka 3.9.1. What differs on
// purpose:
//   - a classic group is upgraded, too, while members have no assignment yet; Kafka refuses that
// THREAD: home (the shard's)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "assignor.h"
#include "barnabas/base/result.h"
#include "barnabas/coordinator/group_coordinator.h"
#include "barnabas/protocol/gen/consumer_group_describe.h"
#include "barnabas/protocol/gen/consumer_group_heartbeat.h"
#include "barnabas/protocol/gen/leave_group.h"
#include "consumer_group_types.h"

namespace barnabas::coordinator {

class Group;

struct ConsumerHeartbeatEvent {
  protocol::ConsumerGroupHeartbeatRequest request{};
  std::string new_member_id{};  // for one that has none yet
  std::string client_id{};
  std::string client_host{};
};

class ConsumerGroup {
 public:
  using Members = std::map<std::string, ConsumerMember, std::less<>>;

  // What an event looks at.
  struct Context {
    const ConsumerGroupOptions& options;
    std::int32_t classic_max_size = INT32_MAX;
    const GroupTopics& topics;
    Moment now{};
  };

  explicit ConsumerGroup(std::string id) : id_(std::move(id)) {}
  // With the members, the generation and the assignment of a classic group; CORRUPT_MESSAGE where
  // what its members said of themselves cannot be read.
  [[nodiscard]] static Result<ConsumerGroup> from_classic(const Group& group,
                                                          const GroupTopics& topics, Moment now);

  // What it is.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  [[nodiscard]] std::int32_t target_epoch() const { return target_epoch_; }
  [[nodiscard]] const Members& members() const { return members_; }
  [[nodiscard]] const Targets& targets() const { return targets_; }
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] std::string_view state_name() const;
  [[nodiscard]] bool is_subscribed_to(std::string_view topic) const {
    return topic_counts_.contains(topic);
  }
  void describe(const Context& context,
                protocol::ConsumerGroupDescribeResponse::DescribedGroup& out) const;

  // What happens to it.
  struct HeartbeatStep {
    ConsumerRecords records{};
    protocol::ConsumerGroupHeartbeatResponse response{};
  };
  // Whether a request makes sense at all; INVALID_REQUEST or UNSUPPORTED_ASSIGNOR.
  [[nodiscard]] static Status validate(const protocol::ConsumerGroupHeartbeatRequest& request,
                                       const ConsumerGroupOptions& options);
  // With the epoch of a member that stays; 0 joins.
  [[nodiscard]] Result<HeartbeatStep> heartbeat(const ConsumerHeartbeatEvent& event,
                                                const Context& context);
  // With an epoch of one that leaves.
  [[nodiscard]] Result<HeartbeatStep> leave(const protocol::ConsumerGroupHeartbeatRequest& request,
                                            const Context& context);
  // Takes a member out. With a ClassicGroupRecord where only classic ones are left.
  [[nodiscard]] ConsumerRecords fence(std::string_view member_id, const Context& context);

  // Members that speak the classic protocol: consumer_group_classic.cc.
  struct JoinStep {
    ConsumerRecords records{};
    JoinAnswer answer{};
  };
  [[nodiscard]] Result<JoinStep> join(const JoinEvent& event, const Context& context);
  // The records of a join are applied and its answer is sent.
  void joined(const JoinEvent& event, const std::string& member_id, Moment now);
  [[nodiscard]] Result<SyncAnswer> sync(const SyncEvent& event, const Context& context);
  [[nodiscard]] ErrorCode classic_heartbeat(const MemberClaim& claim, Moment now);
  struct LeaveStep {
    ConsumerRecords records{};
    protocol::LeaveGroupResponse response{};
  };
  [[nodiscard]] LeaveStep classic_leave(const protocol::LeaveGroupRequest& request,
                                        const Context& context);

  // Whether offsets may be committed or fetched by who says this.
  [[nodiscard]] ErrorCode check_commit(const MemberClaim& claim, bool transactional,
                                       std::int16_t version) const;
  [[nodiscard]] ErrorCode check_fetch(const std::optional<std::string>& member_id,
                                      std::int32_t member_epoch) const;

  // A record holds; ClassicGroupRecord concerns whoever owns the group.
  void apply(const ConsumerRecord& record);
  // Everything of it, as records; as tombstones.
  [[nodiscard]] ConsumerRecords creation() const;
  [[nodiscard]] ConsumerRecords tombstones() const;
  // The records that were asked for could not be written: topics are looked at anew.
  void dropped() { topics_version_.reset(); }
  // The same of a member that overdue() named: it is named again in a moment.
  void fence_later(const std::string& member_id, Moment now);
  // It was read from the log: what stands there half is taken out, members may report again.
  void loaded(const ConsumerGroupOptions& options, Moment now);

  // The earliest moment at which overdue() may name a member, or earlier.
  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const { return wake_; }
  // A member that is to be fenced because it has not done in time what it had to.
  [[nodiscard]] std::optional<std::string> overdue(Moment now);

 private:
  // Until when a member has to do what; none where nothing is awaited.
  struct Deadlines {
    std::optional<MonotonicTime> session;    // to be heard of
    std::optional<MonotonicTime> rebalance;  // to give up partitions, while it is in this epoch
    std::int32_t rebalance_epoch = 0;
    std::optional<MonotonicTime> join;  // of classic members
    std::optional<MonotonicTime> sync;
  };
  using TopicCounts = std::map<std::string, std::size_t, std::less<>>;

  // consumer_group_heartbeat.cc
  // Whether nothing can come of it: the member says nothing new and has followed the group.
  [[nodiscard]] bool is_quiet(const ConsumerHeartbeatEvent& event, const Context& context) const;
  [[nodiscard]] Result<ConsumerMember> member_for(const ConsumerHeartbeatEvent& event,
                                                  const std::string& member_id,
                                                  const std::optional<Assignment>& owned,
                                                  ConsumerRecords& records) const;
  [[nodiscard]] Result<ConsumerMember> static_member_for(const std::string& instance_id,
                                                         const std::string& member_id,
                                                         bool may_create, bool must_be_released,
                                                         ConsumerRecords& records) const;
  // Takes over what has changed of a member: its records, and where that matters the group's epoch,
  // a new target, and the member's own next step. Returns what the member is then.
  [[nodiscard]] Result<ConsumerMember> advance(const ConsumerMember& before, ConsumerMember after,
                                               const std::optional<Assignment>& owned,
                                               const Context& context, ConsumerRecords& records);
  [[nodiscard]] Assignment retarget(const ConsumerMember& before, const ConsumerMember& after,
                                    const SubscriptionMetadata& subscription, std::int32_t epoch,
                                    const Context& context, ConsumerRecords& records) const;
  [[nodiscard]] Assignor preferred_assignor(const ConsumerMember& before,
                                            const ConsumerMember& after,
                                            const Context& context) const;
  [[nodiscard]] Assignment inherited_target(const ConsumerMember& member) const;
  [[nodiscard]] SubscriptionMetadata look_up(const TopicCounts& counts,
                                             const GroupTopics& topics) const;
  void replace_static(const ConsumerMember& old_member, const ConsumerMember& new_member,
                      ConsumerRecords& records) const;
  void note_departure(const TopicCounts& remaining, const Context& context,
                      ConsumerRecords& records) const;

  // consumer_group_classic.cc
  [[nodiscard]] bool supports_classic(const JoinEvent& event) const;
  [[nodiscard]] Result<const ConsumerMember*> classic_member(
      std::string_view member_id, const std::optional<std::string>& instance_id) const;
  [[nodiscard]] bool waits_for_partitions(const ConsumerMember& member) const;

  // consumer_group_convert.cc
  [[nodiscard]] bool may_downgrade(std::string_view leaving, const Context& context) const;
  [[nodiscard]] Result<protocol::GroupMetadataValue> to_classic(std::string_view leaving,
                                                                const Context& context) const;

  // consumer_group.cc
  [[nodiscard]] const ConsumerMember* find(std::string_view member_id) const;
  [[nodiscard]] const ConsumerMember* find_static(std::string_view instance_id) const;
  [[nodiscard]] bool is_taken(const Uuid& topic, PartitionId partition) const;
  void put(ConsumerMember member);
  void erase(std::string_view member_id);
  void count(const ConsumerMember& member, bool add);
  void claim(const Assignment& partitions, bool add);
  static void count_topics(TopicCounts& counts, const ConsumerMember& member, bool add);
  void expect_session(const std::string& member_id, std::int32_t timeout_ms, Moment now);
  void await(std::optional<MonotonicTime>& deadline, std::int32_t timeout_ms, Moment now);
  void find_next_deadline();

  std::string id_;
  std::int32_t epoch_ = 0;
  std::int32_t target_epoch_ = 0;
  Members members_;
  Targets targets_;
  SubscriptionMetadata subscription_;
  std::map<std::string, std::string, std::less<>> static_ids_;  // instance id to member id
  TopicCounts topic_counts_;                                    // members that subscribe to it
  std::map<std::string, std::size_t, std::less<>> classic_protocols_;  // members that follow it
  std::size_t classic_members_ = 0;
  // Members that have a partition or are to give it up: none or one.
  std::map<Uuid, std::map<PartitionId, std::int32_t>> owners_;
  std::optional<std::uint64_t> topics_version_;   // that subscription_ was compared with
  std::set<std::string, std::less<>> described_;  // members of which a MemberRecord is known
  std::map<std::string, Deadlines, std::less<>> deadlines_;
  std::optional<MonotonicTime> wake_;
};

}  // namespace barnabas::coordinator
