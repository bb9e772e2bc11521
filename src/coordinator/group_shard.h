// One partition of __consumer_offsets as its coordinator serves it: the groups, their timers, what
// waits for an answer, and the writes under way. It drives Group and GroupOffsets with the time and
// carries out what they ask for.
// Life: made when the partition is elected (loading), install() when it was read, close() when it
// leaves. Writes that are under way then are still answered. THREAD: home
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/coordinator/group_coordinator.h"
#include "group.h"
#include "group_loader.h"
#include "group_offsets.h"

namespace barnabas::coordinator {

class GroupShard : public std::enable_shared_from_this<GroupShard> {
 public:
  using OffsetFetchGroup = GroupCoordinator::OffsetFetchGroup;
  using FetchedGroup = GroupCoordinator::FetchedGroup;

  GroupShard(PartitionId partition, LeaderEpoch epoch, const GroupOptions& options,
             const GroupCoordinator::Ports& ports);

  [[nodiscard]] PartitionId partition() const { return partition_; }
  [[nodiscard]] LeaderEpoch epoch() const { return epoch_; }
  [[nodiscard]] bool is_loading() const { return state_ == State::kLoading; }
  // NONE, COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR.
  [[nodiscard]] ErrorCode status() const;

  void install(std::map<std::string, LoadedGroup> loaded);
  void close();

  // Requests of an active shard.
  void join(JoinEvent event, Done<protocol::JoinGroupResponse> done, const std::string& group_id);
  void sync(SyncEvent event, Done<protocol::SyncGroupResponse> done, std::string_view group_id);
  [[nodiscard]] ErrorCode heartbeat(std::string_view group_id, const MemberClaim& claim);
  [[nodiscard]] protocol::LeaveGroupResponse leave(const protocol::LeaveGroupRequest& request);
  void commit(const protocol::OffsetCommitRequest& request,
              std::optional<TransactionalProducer> producer,
              Done<protocol::OffsetCommitResponse> done);
  // Every partition of the request with the same outcome.
  [[nodiscard]] static protocol::OffsetCommitResponse commit_answer(
      const protocol::OffsetCommitRequest& request, ErrorCode error);
  [[nodiscard]] FetchedGroup fetch(const OffsetFetchGroup& request, bool require_stable) const;
  [[nodiscard]] protocol::OffsetDeleteResponse delete_offsets(
      const protocol::OffsetDeleteRequest& request);
  void complete_transaction(ProducerId producer, bool commit);
  void list(const std::set<std::string, std::less<>>& states,
            std::vector<protocol::ListGroupsResponse::ListedGroup>& out) const;
  void describe(std::string_view group_id,
                protocol::DescribeGroupsResponse::DescribedGroup& out) const;
  [[nodiscard]] ErrorCode delete_group(std::string_view group_id);
  // Takes away what offsets.retention.minutes says.
  void expire_offsets();
  // The same with the offsets of these partitions.
  void forget(const std::vector<TopicPartition>& partitions);

  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }

 private:
  enum class State : std::uint8_t { kLoading, kActive, kClosed };

  struct Entry {
    Entry(Group machine, GroupOffsets loaded)
        : group(std::move(machine)), offsets(std::move(loaded)) {}
    Group group;
    GroupOffsets offsets;
    std::unique_ptr<Timer> timer;
    std::optional<MonotonicTime> armed;  // when the timer fires
  };
  using EntryPtr = std::shared_ptr<Entry>;

  [[nodiscard]] Moment now() const;
  [[nodiscard]] EntryPtr find(std::string_view group_id) const;
  [[nodiscard]] std::vector<EntryPtr> all() const;
  EntryPtr find_or_make(const std::string& group_id);

  // After every event: what it asks for is done, and its next deadline is set.
  void carry_out(const EntryPtr& entry, Effects effects);
  void answer(JoinAnswer answer);
  void answer(SyncAnswer answer);
  void store(const EntryPtr& entry, StoreGroup effect);
  void arm(const EntryPtr& entry);

  // group_shard_offsets.cc
  struct Commit;
  [[nodiscard]] Result<ByteVector> build(const protocol::OffsetCommitRequest& request,
                                         Commit& commit) const;
  void settle(Commit& commit, const GroupLog::Appended& appended);
  // Takes the offsets away, buries the group if nothing of it is left, and writes the tombstones.
  void remove_offsets(const EntryPtr& entry, const std::vector<TopicPartition>& offsets);
  void write_tombstones(const std::vector<ByteVector>& keys);
  [[nodiscard]] std::vector<TopicPartition> expired_offsets(const Entry& entry, Moment now) const;

  const PartitionId partition_;
  const LeaderEpoch epoch_;
  const GroupOptions& options_;
  const GroupLimits limits_;
  const GroupCoordinator::Ports& ports_;
  State state_ = State::kLoading;
  std::map<std::string, EntryPtr, std::less<>> groups_;
  std::map<Ticket, Done<protocol::JoinGroupResponse>> joins_;  // that wait
  std::map<Ticket, Done<protocol::SyncGroupResponse>> syncs_;
  std::map<ProducerId, std::set<std::string>> transactions_;  // groups with offsets of theirs
  std::uint64_t last_ticket_ = 0;
};

}  // namespace barnabas::coordinator
