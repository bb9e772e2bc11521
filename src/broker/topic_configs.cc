#include "topic_configs.h"

#include <memory>
#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::broker {
namespace {

struct Reading {
  TopicConfigs configs;
  std::size_t outstanding = 0;
  bool failed = false;
  std::move_only_function<void(Result<TopicConfigs>)> done;

  void one_done() {
    if (--outstanding == 0 && !failed) {
      done(std::move(configs));
    }
  }
};

void take(Reading& reading, const std::string& topic, zk::StoreResult<zk::Node> node) {
  if (reading.failed) {
    return;
  }
  if (!node && node.error().code != zk::StoreErrorCode::kNoNode) {
    reading.failed = true;
    reading.done(std::unexpected(zk::to_error(node.error())));
    return;
  }
  if (node) {
    auto config = zk::decode_config(zk::config_path(zk::ConfigType::kTopic, topic), node->data);
    if (config) {
      reading.configs.emplace(topic, std::move(*config));
    } else {
      logging::logger("broker").warn("{}", config.error().message);
    }
  }
  reading.one_done();
}

// compression.type and its level, as the codecs take them.
void take_compression(const config::TopicConfig& from, storage::LogConfig& to) {
  switch (from.compression) {
    case config::TopicCompression::kProducer:
      to.compression.reset();
      break;
    case config::TopicCompression::kUncompressed:
      to.compression = record::CompressionType::kNone;
      break;
    case config::TopicCompression::kGzip:
      to.compression = record::CompressionType::kGzip;
      to.compression_level = from.gzip_level;
      break;
    case config::TopicCompression::kSnappy:
      to.compression = record::CompressionType::kSnappy;
      break;
    case config::TopicCompression::kLz4:
      to.compression = record::CompressionType::kLz4;
      to.compression_level = from.lz4_level;
      break;
    case config::TopicCompression::kZstd:
      to.compression = record::CompressionType::kZstd;
      to.compression_level = from.zstd_level;
      break;
  }
}

}  // namespace

void read_topic_configs(zk::MetadataStore& store,
                        std::move_only_function<void(Result<TopicConfigs>)> done) {
  auto reading = std::make_shared<Reading>();
  reading->done = std::move(done);
  store.children(zk::config_type_path(zk::ConfigType::kTopic), nullptr,
                 [&store, reading](zk::StoreResult<zk::Children> children) {
                   if (!children) {
                     reading->done(std::unexpected(zk::to_error(children.error())));
                     return;
                   }
                   reading->outstanding = children->names.size() + 1;
                   for (const auto& topic : children->names) {
                     store.get(zk::config_path(zk::ConfigType::kTopic, topic), nullptr,
                               [reading, topic](zk::StoreResult<zk::Node> node) {
                                 take(*reading, topic, std::move(node));
                               });
                   }
                   reading->one_done();
                 });
}

storage::LogConfig log_config(const config::BrokerConfig& broker, const std::string& topic,
                              const config::TopicOverrides& overrides) {
  auto resolved = config::resolve_topic_config(broker, overrides);
  if (!resolved) {
    logging::logger("broker").warn("topic {}: {}; the broker's defaults stand instead", topic,
                                   resolved.error().message);
    resolved = config::resolve_topic_config(broker, {});
  }
  const config::TopicConfig& from = resolved.value();
  storage::LogConfig to;
  to.segment_bytes = from.segment_bytes;
  to.segment_ms = from.segment_ms;
  to.segment_jitter_ms = from.segment_jitter_ms;
  to.segment_index_bytes = from.segment_index_bytes;
  to.index_interval_bytes = from.index_interval_bytes;
  to.cleanup_delete = from.cleanup_delete;
  to.cleanup_compact = from.cleanup_compact;
  to.retention_ms = from.retention_ms;
  to.retention_bytes = from.retention_bytes;
  to.file_delete_delay_ms = from.file_delete_delay_ms;
  to.flush_messages = from.flush_messages;
  to.flush_ms = from.flush_ms;
  to.max_message_bytes = from.max_message_bytes;
  to.min_insync_replicas = from.min_insync_replicas;
  to.min_cleanable_dirty_ratio = from.min_cleanable_dirty_ratio;
  to.min_compaction_lag_ms = from.min_compaction_lag_ms;
  to.max_compaction_lag_ms = from.max_compaction_lag_ms;
  to.delete_retention_ms = from.delete_retention_ms;
  to.preallocate = from.preallocate;
  to.message_timestamp_log_append = from.timestamp_type == config::TimestampType::kLogAppendTime;
  to.timestamp_before_max_ms = from.timestamp_before_max_ms;
  to.timestamp_after_max_ms = from.timestamp_after_max_ms;
  to.message_downconversion = from.message_downconversion;
  to.verify_transactions = broker.get_bool("transaction.partition.verification.enable");
  take_compression(from, to);
  return to;
}

}  // namespace barnabas::broker
