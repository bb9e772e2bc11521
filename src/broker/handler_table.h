// The APIs this broker answers, each with the versions that its handler implements. ApiVersions
// advertises exactly this table; a key that is not in it closes the connection.
#pragma once

#include <cstdint>
#include <span>

#include "barnabas/protocol/api_keys.h"
#include "request_context.h"

namespace barnabas::broker {

using HandlerFunction = void (*)(RequestContext& context, protocol::Reader& body);

struct HandlerEntry {
  protocol::ApiKey key;
  std::int16_t min_version;
  std::int16_t max_version;
  HandlerFunction handle;
  bool needs_metadata;  // waits at start-up until the first metadata has arrived
};

// By rising key.
[[nodiscard]] std::span<const HandlerEntry> handler_table();
// Null: not implemented.
[[nodiscard]] const HandlerEntry* find_handler(protocol::ApiKey key);

// handlers/<NN>_<api>.cc
void handle_produce(RequestContext& context, protocol::Reader& body);
void handle_fetch(RequestContext& context, protocol::Reader& body);
void handle_list_offsets(RequestContext& context, protocol::Reader& body);
void handle_metadata(RequestContext& context, protocol::Reader& body);
void handle_offset_commit(RequestContext& context, protocol::Reader& body);
void handle_offset_fetch(RequestContext& context, protocol::Reader& body);
void handle_find_coordinator(RequestContext& context, protocol::Reader& body);
void handle_join_group(RequestContext& context, protocol::Reader& body);
void handle_heartbeat(RequestContext& context, protocol::Reader& body);
void handle_leave_group(RequestContext& context, protocol::Reader& body);
void handle_sync_group(RequestContext& context, protocol::Reader& body);
void handle_describe_groups(RequestContext& context, protocol::Reader& body);
void handle_list_groups(RequestContext& context, protocol::Reader& body);
void handle_api_versions(RequestContext& context, protocol::Reader& body);
void handle_create_topics(RequestContext& context, protocol::Reader& body);
void handle_delete_topics(RequestContext& context, protocol::Reader& body);
void handle_delete_records(RequestContext& context, protocol::Reader& body);
void handle_init_producer_id(RequestContext& context, protocol::Reader& body);
void handle_offset_for_leader_epoch(RequestContext& context, protocol::Reader& body);
void handle_add_partitions_to_txn(RequestContext& context, protocol::Reader& body);
void handle_add_offsets_to_txn(RequestContext& context, protocol::Reader& body);
void handle_end_txn(RequestContext& context, protocol::Reader& body);
void handle_write_txn_markers(RequestContext& context, protocol::Reader& body);
void handle_txn_offset_commit(RequestContext& context, protocol::Reader& body);
void handle_describe_configs(RequestContext& context, protocol::Reader& body);
void handle_alter_configs(RequestContext& context, protocol::Reader& body);
void handle_describe_log_dirs(RequestContext& context, protocol::Reader& body);
void handle_create_partitions(RequestContext& context, protocol::Reader& body);
void handle_elect_leaders(RequestContext& context, protocol::Reader& body);
void handle_incremental_alter_configs(RequestContext& context, protocol::Reader& body);
void handle_alter_partition_reassignments(RequestContext& context, protocol::Reader& body);
void handle_list_partition_reassignments(RequestContext& context, protocol::Reader& body);
void handle_delete_groups(RequestContext& context, protocol::Reader& body);
void handle_offset_delete(RequestContext& context, protocol::Reader& body);
void handle_describe_cluster(RequestContext& context, protocol::Reader& body);
void handle_describe_producers(RequestContext& context, protocol::Reader& body);
void handle_describe_transactions(RequestContext& context, protocol::Reader& body);
void handle_list_transactions(RequestContext& context, protocol::Reader& body);
void handle_consumer_group_heartbeat(RequestContext& context, protocol::Reader& body);
void handle_consumer_group_describe(RequestContext& context, protocol::Reader& body);
// A version of ApiVersions that this broker does not know, answered in version 0 so that any
// client can read it.
void answer_unsupported_api_versions(RequestContext& context);

}  // namespace barnabas::broker
