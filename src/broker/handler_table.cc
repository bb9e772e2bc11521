#include "handler_table.h"

#include <algorithm>
#include <array>

namespace barnabas::broker {
namespace {

using protocol::ApiKey;

constexpr std::array kHandlers{
    HandlerEntry{ApiKey::kProduce, 0, 11, handle_produce, true},
    HandlerEntry{ApiKey::kFetch, 0, 17, handle_fetch, true},
    HandlerEntry{ApiKey::kListOffsets, 0, 9, handle_list_offsets, true},
    HandlerEntry{ApiKey::kMetadata, 0, 12, handle_metadata, true},
    HandlerEntry{ApiKey::kOffsetCommit, 0, 9, handle_offset_commit, true},
    HandlerEntry{ApiKey::kOffsetFetch, 0, 9, handle_offset_fetch, true},
    HandlerEntry{ApiKey::kFindCoordinator, 0, 6, handle_find_coordinator, true},
    HandlerEntry{ApiKey::kJoinGroup, 0, 9, handle_join_group, true},
    HandlerEntry{ApiKey::kHeartbeat, 0, 4, handle_heartbeat, true},
    HandlerEntry{ApiKey::kLeaveGroup, 0, 5, handle_leave_group, true},
    HandlerEntry{ApiKey::kSyncGroup, 0, 5, handle_sync_group, true},
    HandlerEntry{ApiKey::kDescribeGroups, 0, 5, handle_describe_groups, true},
    HandlerEntry{ApiKey::kListGroups, 0, 5, handle_list_groups, true},
    HandlerEntry{ApiKey::kApiVersions, 0, 4, handle_api_versions, false},
    HandlerEntry{ApiKey::kCreateTopics, 0, 7, handle_create_topics, true},
    HandlerEntry{ApiKey::kDeleteTopics, 0, 6, handle_delete_topics, true},
    HandlerEntry{ApiKey::kDeleteRecords, 0, 2, handle_delete_records, true},
    HandlerEntry{ApiKey::kInitProducerId, 0, 5, handle_init_producer_id, true},
    HandlerEntry{ApiKey::kOffsetForLeaderEpoch, 0, 4, handle_offset_for_leader_epoch, true},
    HandlerEntry{ApiKey::kAddPartitionsToTxn, 0, 5, handle_add_partitions_to_txn, true},
    HandlerEntry{ApiKey::kAddOffsetsToTxn, 0, 4, handle_add_offsets_to_txn, true},
    HandlerEntry{ApiKey::kEndTxn, 0, 4, handle_end_txn, true},
    HandlerEntry{ApiKey::kWriteTxnMarkers, 0, 1, handle_write_txn_markers, true},
    HandlerEntry{ApiKey::kTxnOffsetCommit, 0, 4, handle_txn_offset_commit, true},
    HandlerEntry{ApiKey::kDescribeConfigs, 0, 4, handle_describe_configs, true},
    HandlerEntry{ApiKey::kAlterConfigs, 0, 2, handle_alter_configs, true},
    HandlerEntry{ApiKey::kDescribeLogDirs, 0, 4, handle_describe_log_dirs, true},
    HandlerEntry{ApiKey::kCreatePartitions, 0, 3, handle_create_partitions, true},
    HandlerEntry{ApiKey::kElectLeaders, 0, 2, handle_elect_leaders, true},
    HandlerEntry{ApiKey::kIncrementalAlterConfigs, 0, 1, handle_incremental_alter_configs, true},
    HandlerEntry{ApiKey::kAlterPartitionReassignments, 0, 0, handle_alter_partition_reassignments,
                 true},
    HandlerEntry{ApiKey::kListPartitionReassignments, 0, 0, handle_list_partition_reassignments,
                 true},
    HandlerEntry{ApiKey::kDeleteGroups, 0, 2, handle_delete_groups, true},
    HandlerEntry{ApiKey::kOffsetDelete, 0, 0, handle_offset_delete, true},
    HandlerEntry{ApiKey::kDescribeCluster, 0, 1, handle_describe_cluster, true},
    HandlerEntry{ApiKey::kDescribeProducers, 0, 0, handle_describe_producers, true},
    HandlerEntry{ApiKey::kDescribeTransactions, 0, 0, handle_describe_transactions, true},
    HandlerEntry{ApiKey::kListTransactions, 0, 1, handle_list_transactions, true},
    HandlerEntry{ApiKey::kConsumerGroupHeartbeat, 0, 0, handle_consumer_group_heartbeat, true},
    HandlerEntry{ApiKey::kConsumerGroupDescribe, 0, 0, handle_consumer_group_describe, true},
};

constexpr std::size_t kKeys = static_cast<std::size_t>(kHandlers.back().key) + 1;

// By key, so that finding a handler is one load.
constexpr auto kIndex = [] {
  std::array<const HandlerEntry*, kKeys> index{};
  for (const auto& entry : kHandlers) {
    index[static_cast<std::size_t>(entry.key)] = &entry;
  }
  return index;
}();

}  // namespace

std::span<const HandlerEntry> handler_table() {
  return kHandlers;
}

const HandlerEntry* find_handler(ApiKey key) {
  const auto index = static_cast<std::size_t>(key);
  return index < kIndex.size() ? kIndex[index] : nullptr;
}

}  // namespace barnabas::broker
