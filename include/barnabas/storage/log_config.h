// What one topic's log is told: the topic keys that storage acts on, with Kafka 3.9.1's defaults
// (org.apache.kafka.storage.internals.log.LogConfig). A plain value; whoever resolves the
// configuration fills it in. Validation of records has options of its own (record/validate.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "barnabas/record/compression.h"

namespace barnabas::storage {

struct LogConfig {
  std::int32_t segment_bytes = 1073741824;                 // segment.bytes
  std::int64_t segment_ms = 604800000;                     // segment.ms
  std::int64_t segment_jitter_ms = 0;                      // segment.jitter.ms
  std::int32_t segment_index_bytes = 10485760;             // segment.index.bytes
  std::int32_t index_interval_bytes = 4096;                // index.interval.bytes
  bool cleanup_delete = true;                              // cleanup.policy holds "delete"
  bool cleanup_compact = false;                            // cleanup.policy holds "compact"
  std::int64_t retention_ms = 604800000;                   // retention.ms; -1: for ever
  std::int64_t retention_bytes = -1;                       // retention.bytes; -1: no bound
  std::int64_t file_delete_delay_ms = 60000;               // file.delete.delay.ms
  std::int64_t flush_messages = INT64_MAX;                 // flush.messages
  std::int64_t flush_ms = INT64_MAX;                       // flush.ms
  std::int32_t max_message_bytes = 1048588;                // max.message.bytes
  std::int32_t min_insync_replicas = 1;                    // min.insync.replicas
  double min_cleanable_dirty_ratio = 0.5;                  // min.cleanable.dirty.ratio
  std::int64_t min_compaction_lag_ms = 0;                  // min.compaction.lag.ms
  std::int64_t max_compaction_lag_ms = INT64_MAX;          // max.compaction.lag.ms
  std::int64_t delete_retention_ms = 86400000;             // delete.retention.ms
  bool preallocate = false;                                // preallocate
  bool message_timestamp_log_append = false;               // message.timestamp.type=LogAppendTime
  std::int64_t timestamp_before_max_ms = INT64_MAX;        // message.timestamp.before.max.ms
  std::int64_t timestamp_after_max_ms = INT64_MAX;         // message.timestamp.after.max.ms
  std::optional<record::CompressionType> compression;      // compression.type; none: "producer"
  std::int32_t compression_level = record::kDefaultLevel;  // compression.<codec>.level
  bool message_downconversion = true;                      // message.downconversion.enable
  bool verify_transactions = false;  // transaction.partition.verification.enable

  bool operator==(const LogConfig&) const = default;

  // A compacted log rolls at max.compaction.lag.ms if that is sooner, so that nothing stays out of
  // the cleaner's reach for longer.
  [[nodiscard]] std::int64_t max_segment_ms() const {
    return cleanup_compact && max_compaction_lag_ms > 0
               ? std::min(max_compaction_lag_ms, segment_ms)
               : segment_ms;
  }
};

}  // namespace barnabas::storage
