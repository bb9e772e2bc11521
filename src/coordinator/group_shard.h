// One partition of __consumer_offsets as its coordinator serves it: the groups, their timers, what
// waits for an answer, and the writes under way. It drives Group and GroupOffsets with the time and
// carries out what they ask for.
// Life: made when the partition is elected (loading), install() when it was read, close() when it
// leaves. Writes that are under way then are still answered. THREAD: home
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/coordinator/group_coordinator.h"
#include "consumer_group.h"
#include "group.h"
#include "group_loader.h"
#include "group_offsets.h"
#include "heartbeat_board.h"

namespace barnabas::coordinator {

// What members hear when records of their group could not be written.
[[nodiscard]] ErrorCode store_error(ErrorCode written);

class GroupShard : public std::enable_shared_from_this<GroupShard> {
 public:
  using OffsetFetchGroup = GroupCoordinator::OffsetFetchGroup;
  using FetchedGroup = GroupCoordinator::FetchedGroup;

  GroupShard(PartitionId partition, LeaderEpoch epoch, const GroupOptions& options,
             const GroupCoordinator::Ports& ports, HeartbeatBoard& board);

  [[nodiscard]] PartitionId partition() const { return partition_; }
  [[nodiscard]] LeaderEpoch epoch() const { return epoch_; }
  [[nodiscard]] bool is_loading() const { return state_ == State::kLoading; }
  // NONE, COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR.
  [[nodiscard]] ErrorCode status() const;

  void install(std::map<std::string, LoadedGroup> loaded);
  void close();

  // Requests of an active shard.
  void join(JoinEvent event, Done<protocol::JoinGroupResponse> done, const std::string& group_id);
  void sync(SyncEvent event, Done<protocol::SyncGroupResponse> done, const std::string& group_id);
  [[nodiscard]] ErrorCode heartbeat(std::string_view group_id, const MemberClaim& claim);
  void leave(protocol::LeaveGroupRequest request, Done<protocol::LeaveGroupResponse> done);
  // group_shard_consumer.cc
  void consumer_heartbeat(ConsumerHeartbeatEvent event,
                          Done<protocol::ConsumerGroupHeartbeatResponse> done);
  // GROUP_ID_NOT_FOUND where the group is none of the consumer protocol.
  void describe_consumer(std::string_view group_id,
                         protocol::ConsumerGroupDescribeResponse::DescribedGroup& out) const;
  void commit(const protocol::OffsetCommitRequest& request,
              std::optional<TransactionalProducer> producer,
              Done<protocol::OffsetCommitResponse> done, std::int16_t version);
  // Every partition of the request with the same outcome.
  [[nodiscard]] static protocol::OffsetCommitResponse commit_answer(
      const protocol::OffsetCommitRequest& request, ErrorCode error);
  [[nodiscard]] FetchedGroup fetch(const OffsetFetchGroup& request, bool require_stable) const;
  [[nodiscard]] protocol::OffsetDeleteResponse delete_offsets(
      const protocol::OffsetDeleteRequest& request);
  void complete_transaction(ProducerId producer, bool commit);
  // Groups of these kinds, in these states (lower case; none: in any).
  struct ListFilter {
    std::set<std::string, std::less<>> states{};
    bool classic = true;
    bool consumer = true;
  };
  void list(const ListFilter& filter,
            std::vector<protocol::ListGroupsResponse::ListedGroup>& out) const;
  void describe(std::string_view group_id,
                protocol::DescribeGroupsResponse::DescribedGroup& out) const;
  [[nodiscard]] ErrorCode delete_group(std::string_view group_id);
  // Takes away what offsets.retention.minutes says.
  void expire_offsets();
  // The same with the offsets of these partitions.
  void forget(const std::vector<TopicPartition>& partitions);

  [[nodiscard]] std::size_t count() const { return groups_.size(); }

 private:
  enum class State : std::uint8_t { kLoading, kActive, kClosed };

  // A group of the consumer protocol; it is asked one thing at a time.
  struct ConsumerEntry {
    explicit ConsumerEntry(ConsumerGroup group, std::shared_ptr<Group> classic = nullptr)
        : machine(std::move(group)), before(std::move(classic)) {}
    ConsumerGroup machine;
    // What it was until the first records are written; it is that again where they cannot be.
    std::shared_ptr<Group> before;
    bool writing = false;
    // What comes while records are being written. Bounded as connections bound their requests.
    std::deque<Task> waiting;
  };
  struct Entry {
    Entry(std::string group_id, std::shared_ptr<Group> machine, GroupOffsets loaded)
        : id(std::move(group_id)), group(std::move(machine)), offsets(std::move(loaded)) {}
    const std::string id;
    // One of the two.
    std::shared_ptr<Group> group;
    std::unique_ptr<ConsumerEntry> consumer;
    GroupOffsets offsets;
    std::unique_ptr<Timer> timer;
    std::optional<MonotonicTime> armed;  // when the timer fires
    std::shared_ptr<GroupPulse> pulse;   // while heartbeats are taken elsewhere

    [[nodiscard]] bool is_empty() const {
      return consumer ? consumer->machine.empty() && !consumer->writing
                      : group->is(GroupState::kEmpty);
    }
    [[nodiscard]] std::optional<MonotonicTime> next_deadline() const;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  [[nodiscard]] Moment now() const;
  [[nodiscard]] EntryPtr find(std::string_view group_id) const;
  [[nodiscard]] std::vector<EntryPtr> all() const;
  EntryPtr find_or_make(const std::string& group_id);

  // After every event: what it asks for is done, and its next deadline is set.
  void carry_out(const EntryPtr& entry, Effects effects);
  void begin_join(JoinEvent event, const std::string& group_id);
  void begin_sync(SyncEvent event, const std::string& group_id);
  void answer(JoinAnswer answer);
  void answer(SyncAnswer answer);
  void store(const EntryPtr& entry, StoreGroup effect);
  void arm(const EntryPtr& entry);
  void on_time(const EntryPtr& entry);
  // Around every event that may change a group: its heartbeats come home, and leave again.
  void take_heartbeats(Entry& entry);
  void leave_heartbeats(Entry& entry);

  // group_shard_consumer.cc
  [[nodiscard]] ConsumerGroup::Context consumer_context() const;
  // Null with the error that says why there is none.
  [[nodiscard]] EntryPtr consumer_entry(const ConsumerHeartbeatEvent& event, Status& status,
                                        ConsumerRecords& records);
  void install_consumer(const std::string& id, LoadedGroup loaded);
  [[nodiscard]] bool is_busy(const EntryPtr& entry) const;
  // Records of one event: written, applied, then `done`, then what has waited.
  void write(const EntryPtr& entry, ConsumerRecords records,
             std::move_only_function<void(ErrorCode)> done);
  void settle(const EntryPtr& entry, ConsumerRecords records, ErrorCode error,
              std::move_only_function<void(ErrorCode)> done);
  void serve_waiting(const EntryPtr& entry);
  void revert(const EntryPtr& entry);
  void become_classic(const EntryPtr& entry, const protocol::GroupMetadataValue* record);
  void fence_overdue(const EntryPtr& entry);
  void consumer_join(const EntryPtr& entry, JoinEvent event);
  void consumer_sync(const EntryPtr& entry, SyncEvent event);
  void consumer_leave(const EntryPtr& entry, const protocol::LeaveGroupRequest& request,
                      Done<protocol::LeaveGroupResponse> done);
  [[nodiscard]] std::vector<ByteVector> consumer_tombstones(const Entry& entry) const;

  // group_shard_offsets.cc
  struct Commit;
  [[nodiscard]] Result<ByteVector> build(const protocol::OffsetCommitRequest& request,
                                         Commit& commit) const;
  void settle(Commit& commit, const GroupLog::Appended& appended);
  // Takes the offsets away, buries the group if nothing of it is left, and writes the tombstones.
  // An empty group of the consumer protocol stays unless it is asked for or too old.
  enum class EmptyGroup : std::uint8_t { kKept, kRemoved };
  void remove_offsets(const EntryPtr& entry, const std::vector<TopicPartition>& offsets,
                      EmptyGroup empty);
  [[nodiscard]] static bool is_subscribed(const Entry& entry, std::string_view topic);
  void write_tombstones(const std::vector<ByteVector>& keys);
  [[nodiscard]] std::vector<TopicPartition> expired_offsets(const Entry& entry, Moment now) const;

  const PartitionId partition_;
  const LeaderEpoch epoch_;
  const GroupOptions& options_;
  const GroupLimits limits_;
  const GroupCoordinator::Ports& ports_;
  HeartbeatBoard& board_;
  State state_ = State::kLoading;
  std::map<std::string, EntryPtr, std::less<>> groups_;
  std::map<Ticket, Done<protocol::JoinGroupResponse>> joins_;  // that wait
  std::map<Ticket, Done<protocol::SyncGroupResponse>> syncs_;
  std::map<ProducerId, std::set<std::string>> transactions_;  // groups with offsets of theirs
  std::uint64_t last_ticket_ = 0;
};

}  // namespace barnabas::coordinator
