// A topic's configuration: overrides of its own over the broker's defaults.
// Names, rules and error texts are Kafka's (LogConfig, 3.9.1). Pure functions. THREAD: any
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "barnabas/base/result.h"
#include "barnabas/config/broker_config.h"

namespace barnabas::config {

// What CreateTopics or the topic's znode holds: key -> text.
using TopicOverrides = std::map<std::string, std::string, std::less<>>;

enum class TimestampType : std::int8_t { kCreateTime = 0, kLogAppendTime = 1 };

// What the topic asks of compression on the broker.
enum class TopicCompression : std::uint8_t {
  kProducer,
  kUncompressed,
  kGzip,
  kSnappy,
  kLz4,
  kZstd
};

struct TopicConfig {
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  std::int64_t retention_ms = 604800000;  // -1: for ever
  std::int64_t retention_bytes = -1;      // -1: no bound
  std::int32_t segment_bytes = 1073741824;
  std::int64_t segment_ms = 604800000;
  std::int64_t segment_jitter_ms = 0;
  std::int32_t segment_index_bytes = 10485760;
  std::int32_t index_interval_bytes = 4096;
  std::int64_t file_delete_delay_ms = 60000;
  std::int32_t max_message_bytes = 1048588;
  std::int32_t min_insync_replicas = 1;
  bool unclean_leader_election = false;
  std::int64_t flush_messages = 0;
  std::int64_t flush_ms = 0;
  bool preallocate = false;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  std::int64_t timestamp_before_max_ms = 0;
  std::int64_t timestamp_after_max_ms = 0;
  bool message_downconversion = true;
  TopicCompression compression = TopicCompression::kProducer;
  std::int32_t gzip_level = -1;
  std::int32_t lz4_level = 9;
  std::int32_t zstd_level = 3;
  double min_cleanable_dirty_ratio = 0.5;
  std::int64_t delete_retention_ms = 86400000;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = 0;
};

// Error: INVALID_CONFIG with Kafka's text ("Unknown topic config name: x", "Invalid value ...").
[[nodiscard]] Result<TopicConfig> resolve_topic_config(const BrokerConfig& broker,
                                                       const TopicOverrides& overrides);

// The value of one topic key that holds without overrides, as Kafka prints it.
[[nodiscard]] std::string topic_default(const BrokerConfig& broker, std::string_view topic_key);

}  // namespace barnabas::config
