// The coordinator of the groups whose partition of __consumer_offsets this broker leads:
// membership, rebalances, committed offsets, in the classic and in the consumer protocol (KIP-848).
// Wire and records are Kafka 3.9.1's.
//
// Shape: a shard for each partition it leads. A shard loads its partition, keeps every group as a
// pure state machine with its offsets, writes what changes to the partition's log and answers when
// that is replicated. A partition that leaves takes its groups with it.
//
// Life cycle: make(), start(), elected() and resigned() as leadership comes and goes, requests,
// stop(). What is asked is posted to the coordinator's home, where every callback runs, too; never
// inside the call. stop() answers whoever waits; requests that come later hear
// COORDINATOR_NOT_AVAILABLE.
// Failure: a write that fails is answered with Kafka's error for it; a partition that cannot be
// read is tried again and answers COORDINATOR_LOAD_IN_PROGRESS meanwhile, so that no member takes
// missing offsets for a fresh start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/clock.h"
#include "barnabas/base/error_code.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/random.h"
#include "barnabas/base/result.h"
#include "barnabas/coordinator/coordinator_log.h"
#include "barnabas/coordinator/group_topics.h"
#include "barnabas/protocol/gen/consumer_group_describe.h"
#include "barnabas/protocol/gen/consumer_group_heartbeat.h"
#include "barnabas/protocol/gen/delete_groups.h"
#include "barnabas/protocol/gen/describe_groups.h"
#include "barnabas/protocol/gen/heartbeat.h"
#include "barnabas/protocol/gen/join_group.h"
#include "barnabas/protocol/gen/leave_group.h"
#include "barnabas/protocol/gen/list_groups.h"
#include "barnabas/protocol/gen/offset_commit.h"
#include "barnabas/protocol/gen/offset_delete.h"
#include "barnabas/protocol/gen/offset_fetch.h"
#include "barnabas/protocol/gen/sync_group.h"

namespace barnabas::coordinator {

// The names of the keys stand behind each; units are in the names.
struct ConsumerGroupOptions {
  bool enabled = true;                                     // group.coordinator.rebalance.protocols
  std::int32_t max_size = INT32_MAX;                       // group.consumer.max.size
  std::int32_t session_timeout_ms = 45000;                 // group.consumer.session.timeout.ms
  std::int32_t heartbeat_interval_ms = 5000;               // group.consumer.heartbeat.interval.ms
  std::vector<std::string> assignors{"uniform", "range"};  // group.consumer.assignors, not empty
  // group.consumer.migration.policy, of groups with members.
  bool allow_upgrade = true;
  bool allow_downgrade = true;
};

struct GroupOptions {
  std::int32_t min_session_timeout_ms = 6000;             // group.min.session.timeout.ms
  std::int32_t max_session_timeout_ms = 1800000;          // group.max.session.timeout.ms
  std::int32_t initial_rebalance_delay_ms = 3000;         // group.initial.rebalance.delay.ms
  std::int32_t max_size = INT32_MAX;                      // group.max.size
  std::int32_t offset_metadata_max_bytes = 4096;          // offset.metadata.max.bytes
  std::int32_t load_buffer_bytes = 5242880;               // offsets.load.buffer.size
  std::int32_t commit_timeout_ms = 5000;                  // offsets.commit.timeout.ms
  std::int16_t required_acks = -1;                        // offsets.commit.required.acks
  std::int8_t compression_codec = 0;                      // offsets.topic.compression.codec
  std::int64_t offsets_retention_ms = 604800000;          // offsets.retention.minutes
  std::int64_t retention_check_interval_ms = 600000;      // offsets.retention.check.interval.ms
  std::size_t max_member_bytes = std::size_t{32} << 20U;  // metadata of a group's members together
  ConsumerGroupOptions consumer;
};

// A word of group.consumer.assignors, which may be the name of a class of Kafka's, as members name
// that assignor; null: there is none of that name.
[[nodiscard]] std::optional<std::string> assignor_by_config(std::string_view word);

// The partitions of __consumer_offsets, as far as this broker leads them.
using GroupLog = CoordinatorLog;

// Who sent a request.
struct ClientIdentity {
  std::string client_id;
  std::string client_host;  // "/127.0.0.1"
};

// Of a transaction, for commits within it.
struct TransactionalProducer {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  std::uint64_t guard = 0;  // see CoordinatorLog::append_verified
};

// THREAD: any, callbacks on the home; a heartbeat's may come at once, on the caller's thread.
class GroupCoordinator {
 public:
  struct Ports {
    Executor& home;
    Executor& disk;
    const Clock& clock;
    Random& random;  // used at home
    GroupLog& log;
    const GroupTopics& topics;
  };
  using OffsetFetchGroup = protocol::OffsetFetchRequest::OffsetFetchRequestGroup;
  using FetchedGroup = protocol::OffsetFetchResponse::OffsetFetchResponseGroup;

  [[nodiscard]] static std::unique_ptr<GroupCoordinator> make(GroupOptions options, Ports ports);
  virtual ~GroupCoordinator() = default;

  virtual void start() = 0;  // begins to look for offsets that are too old
  virtual void stop() = 0;   // at home

  // Leadership of a partition of __consumer_offsets. An older epoch than the one known is ignored.
  virtual void elected(PartitionId partition, LeaderEpoch epoch) = 0;
  virtual void resigned(PartitionId partition, LeaderEpoch epoch) = 0;

  // Which partition of __consumer_offsets keeps the group.
  [[nodiscard]] virtual PartitionId partition_for(std::string_view group) const = 0;

  virtual void join_group(ClientIdentity client, protocol::JoinGroupRequest request,
                          std::int16_t version, Done<protocol::JoinGroupResponse> done) = 0;
  virtual void sync_group(protocol::SyncGroupRequest request,
                          Done<protocol::SyncGroupResponse> done) = 0;
  virtual void heartbeat(protocol::HeartbeatRequest request,
                         Done<protocol::HeartbeatResponse> done) = 0;
  // Members in the form of version 3 and later.
  virtual void leave_group(protocol::LeaveGroupRequest request,
                           Done<protocol::LeaveGroupResponse> done) = 0;

  // A member of a group of the consumer protocol joins, reports or leaves. UNSUPPORTED_VERSION
  // unless that protocol is offered, as for the description.
  virtual void consumer_heartbeat(ClientIdentity client,
                                  protocol::ConsumerGroupHeartbeatRequest request,
                                  Done<protocol::ConsumerGroupHeartbeatResponse> done) = 0;
  virtual void describe_consumer_groups(std::vector<std::string> groups,
                                        Done<protocol::ConsumerGroupDescribeResponse> done) = 0;

  // Topics and partitions exist. With `producer` the offsets hold when its transaction commits.
  // Members of the consumer protocol have to use OffsetCommit 9 or later.
  virtual void commit_offsets(protocol::OffsetCommitRequest request,
                              std::optional<TransactionalProducer> producer,
                              Done<protocol::OffsetCommitResponse> done, std::int16_t version) = 0;
  void commit_offsets(protocol::OffsetCommitRequest request,
                      std::optional<TransactionalProducer> producer,
                      Done<protocol::OffsetCommitResponse> done) {
    commit_offsets(std::move(request), producer, std::move(done),
                   protocol::OffsetCommitRequest::kMaxVersion);
  }
  // Groups in the form of version 8 and later; the answers come in their order.
  virtual void fetch_offsets(std::vector<OffsetFetchGroup> groups, bool require_stable,
                             Done<std::vector<FetchedGroup>> done) = 0;
  // Topics and partitions exist.
  virtual void delete_offsets(protocol::OffsetDeleteRequest request,
                              Done<protocol::OffsetDeleteResponse> done) = 0;
  // A transaction's marker was written to the partition.
  virtual void complete_transaction(PartitionId partition, ProducerId producer, bool commit) = 0;

  virtual void list_groups(protocol::ListGroupsRequest request,
                           Done<protocol::ListGroupsResponse> done) = 0;
  virtual void describe_groups(std::vector<std::string> groups,
                               Done<protocol::DescribeGroupsResponse> done) = 0;
  virtual void delete_groups(std::vector<std::string> groups,
                             Done<protocol::DeleteGroupsResponse> done) = 0;

  // These partitions are gone with their topics: so are the offsets committed of them, and every
  // group of which nothing is left then.
  virtual void partitions_deleted(std::vector<TopicPartition> partitions) = 0;
};

}  // namespace barnabas::coordinator
