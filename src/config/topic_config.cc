#include "barnabas/config/topic_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/config/keys.h"
#include "java_text.h"

namespace barnabas::config {
namespace {

constexpr std::int64_t kMillisPerMinute = 60 * 1000;
constexpr std::int64_t kMillisPerHour = 60 * kMillisPerMinute;
constexpr std::int64_t kLongMax = std::numeric_limits<std::int64_t>::max();

std::string hours_to_ms(const BrokerConfig& broker, std::string_view key) {
  return fmt::format("{}", kMillisPerHour * broker.get_int(key));
}

// log.retention.ms before minutes before hours; anything negative is "for ever".
std::string retention_ms(const BrokerConfig& broker) {
  std::int64_t ms = kMillisPerHour * broker.get_int("log.retention.hours");
  if (broker.effective("log.retention.ms")) {
    ms = broker.get_long("log.retention.ms");
  } else if (broker.effective("log.retention.minutes")) {
    ms = kMillisPerMinute * broker.get_int("log.retention.minutes");
  }
  return fmt::format("{}", ms < 0 ? -1 : ms);
}

// The two timestamp bounds give way to the older key as long as they are at their default.
std::string timestamp_bound(const BrokerConfig& broker, std::string_view key) {
  const std::int64_t bound = broker.get_long(key);
  return fmt::format(
      "{}", bound != kLongMax ? bound : broker.get_long("log.message.timestamp.difference.max.ms"));
}

// Every topic key with its checked value.
class Values {
 public:
  void set(std::string_view key, std::string value) {
    values_.insert_or_assign(std::string(key), std::move(value));
  }
  [[nodiscard]] const std::string& text(std::string_view key) const {
    const auto found = values_.find(key);
    BARNABAS_CHECK(found != values_.end());
    return found->second;
  }
  [[nodiscard]] std::int64_t integer(std::string_view key) const {
    const auto value = parse_java_integer(text(key), std::numeric_limits<std::int64_t>::min(),
                                          std::numeric_limits<std::int64_t>::max());
    BARNABAS_CHECK(value.has_value());
    return *value;
  }
  [[nodiscard]] std::int32_t int32(std::string_view key) const {
    return static_cast<std::int32_t>(integer(key));
  }
  [[nodiscard]] bool flag(std::string_view key) const { return text(key) == "true"; }
  [[nodiscard]] double number(std::string_view key) const {
    const auto value = parse_java_double(text(key));
    BARNABAS_CHECK(value.has_value());
    return *value;
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

Status check_together(const Values& values) {
  const auto least = values.integer("min.compaction.lag.ms");
  const auto most = values.integer("max.compaction.lag.ms");
  if (least > most) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("conflict topic config setting min.compaction.lag.ms ({}) > "
                            "max.compaction.lag.ms ({})",
                            least, most));
  }
  if (values.flag("remote.log.delete.on.disable") || values.flag("remote.log.copy.disable")) {
    return fail(ErrorCode::kInvalidConfig,
                "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` "
                "under Zookeeper's mode.");
  }
  if (values.flag("remote.storage.enable")) {
    return fail(ErrorCode::kInvalidConfig,
                "Tiered Storage functionality is disabled in the broker. Topic cannot be "
                "configured with remote log storage.");
  }
  return {};
}

TopicCompression compression_of(std::string_view name) {
  constexpr std::pair<std::string_view, TopicCompression> kNames[] = {
      {"uncompressed", TopicCompression::kUncompressed},
      {"gzip", TopicCompression::kGzip},
      {"snappy", TopicCompression::kSnappy},
      {"lz4", TopicCompression::kLz4},
      {"zstd", TopicCompression::kZstd}};
  for (const auto& [text, compression] : kNames) {
    if (text == name) {
      return compression;
    }
  }
  return TopicCompression::kProducer;
}

TopicConfig typed(const Values& v) {
  const auto policies = split_java_list(v.text("cleanup.policy"));
  const auto has_policy = [&](std::string_view policy) {
    return std::ranges::find(policies, policy) != policies.end();
  };
  const auto bound = [&](std::string_view key) {
    const std::int64_t given = v.integer(key);
    return given != kLongMax ? given : v.integer("message.timestamp.difference.max.ms");
  };
  return {.cleanup_delete = has_policy("delete"),
          .cleanup_compact = has_policy("compact"),
          .retention_ms = v.integer("retention.ms"),
          .retention_bytes = v.integer("retention.bytes"),
          .segment_bytes = v.int32("segment.bytes"),
          .segment_ms = v.integer("segment.ms"),
          .segment_jitter_ms = v.integer("segment.jitter.ms"),
          .segment_index_bytes = v.int32("segment.index.bytes"),
          .index_interval_bytes = v.int32("index.interval.bytes"),
          .file_delete_delay_ms = v.integer("file.delete.delay.ms"),
          .max_message_bytes = v.int32("max.message.bytes"),
          .min_insync_replicas = v.int32("min.insync.replicas"),
          .unclean_leader_election = v.flag("unclean.leader.election.enable"),
          .flush_messages = v.integer("flush.messages"),
          .flush_ms = v.integer("flush.ms"),
          .preallocate = v.flag("preallocate"),
          .timestamp_type = v.text("message.timestamp.type") == "LogAppendTime"
                                ? TimestampType::kLogAppendTime
                                : TimestampType::kCreateTime,
          .timestamp_before_max_ms = bound("message.timestamp.before.max.ms"),
          .timestamp_after_max_ms = bound("message.timestamp.after.max.ms"),
          .message_downconversion = v.flag("message.downconversion.enable"),
          .compression = compression_of(v.text("compression.type")),
          .gzip_level = v.int32("compression.gzip.level"),
          .lz4_level = v.int32("compression.lz4.level"),
          .zstd_level = v.int32("compression.zstd.level"),
          .min_cleanable_dirty_ratio = v.number("min.cleanable.dirty.ratio"),
          .delete_retention_ms = v.integer("delete.retention.ms"),
          .min_compaction_lag_ms = v.integer("min.compaction.lag.ms"),
          .max_compaction_lag_ms = v.integer("max.compaction.lag.ms")};
}

}  // namespace

std::string topic_default(const BrokerConfig& broker, std::string_view topic_key) {
  const TopicKeySpec* spec = find_topic_key(topic_key);
  BARNABAS_CHECK(spec != nullptr);
  if (topic_key == "retention.ms") {
    return retention_ms(broker);
  }
  if (topic_key == "segment.ms" && !broker.effective("log.roll.ms")) {
    return hours_to_ms(broker, "log.roll.hours");
  }
  if (topic_key == "segment.jitter.ms" && !broker.effective("log.roll.jitter.ms")) {
    return hours_to_ms(broker, "log.roll.jitter.hours");
  }
  if (topic_key == "flush.ms" && !broker.effective("log.flush.interval.ms")) {
    return fmt::format("{}", broker.get_long("log.flush.scheduler.interval.ms"));
  }
  if (topic_key == "message.timestamp.before.max.ms" ||
      topic_key == "message.timestamp.after.max.ms") {
    return timestamp_bound(broker, spec->broker_key);
  }
  if (spec->broker_key.empty()) {
    return std::string(spec->default_value.value_or(""));
  }
  return broker.effective(spec->broker_key).value_or("");
}

Result<TopicConfig> resolve_topic_config(const BrokerConfig& broker,
                                         const TopicOverrides& overrides) {
  for (const auto& [key, value] : overrides) {
    if (find_topic_key(key) == nullptr) {
      return fail(ErrorCode::kInvalidConfig, "Unknown topic config name: " + key);
    }
  }
  Values values;
  for (const TopicKeySpec& spec : topic_keys()) {
    const auto given = overrides.find(spec.name);
    if (given == overrides.end()) {
      values.set(spec.name, topic_default(broker, spec.name));
    } else {
      TRY(auto checked, check_value(spec, given->second));
      values.set(spec.name, std::move(checked));
    }
  }
  TRY_STATUS(check_together(values));
  return typed(values);
}

}  // namespace barnabas::config
