#include "group_service.h"

#include <algorithm>
#include <cctype>
#include <future>
#include <utility>

#include "barnabas/metadata/topic_name.h"

namespace barnabas::broker {

namespace {

// What cannot be offered is left out; known_assignors() says that.
coordinator::ConsumerGroupOptions consumer_options(const config::BrokerConfig& config) {
  coordinator::ConsumerGroupOptions options;
  const auto protocols = config.get_list("group.coordinator.rebalance.protocols");
  options.enabled = std::ranges::find(protocols, "consumer") != protocols.end();
  options.max_size = config.get_int("group.consumer.max.size");
  options.session_timeout_ms = config.get_int("group.consumer.session.timeout.ms");
  options.heartbeat_interval_ms = config.get_int("group.consumer.heartbeat.interval.ms");
  options.assignors.clear();
  for (const auto& word : config.get_list("group.consumer.assignors")) {
    if (auto name = coordinator::assignor_by_config(word)) {
      options.assignors.push_back(std::move(*name));
    }
  }
  std::string policy = config.get_string("group.consumer.migration.policy");
  std::ranges::transform(policy, policy.begin(), [](unsigned char c) { return std::tolower(c); });
  options.allow_upgrade = policy == "upgrade" || policy == "bidirectional";
  options.allow_downgrade = policy == "downgrade" || policy == "bidirectional";
  return options;
}

Status known_assignors(const config::BrokerConfig& config) {
  const auto words = config.get_list("group.consumer.assignors");
  for (const auto& word : words) {
    if (!coordinator::assignor_by_config(word)) {
      return fail(ErrorCode::kInvalidConfig,
                  "group.consumer.assignors names " + word +
                      ", which is not offered here; there are Kafka's UniformAssignor and "
                      "RangeAssignor");
    }
  }
  if (words.empty()) {
    return fail(ErrorCode::kInvalidConfig, "group.consumer.assignors is empty");
  }
  return {};
}

}  // namespace

coordinator::GroupOptions group_options(const config::BrokerConfig& config) {
  coordinator::GroupOptions options;
  options.min_session_timeout_ms = config.get_int("group.min.session.timeout.ms");
  options.max_session_timeout_ms = config.get_int("group.max.session.timeout.ms");
  options.initial_rebalance_delay_ms = config.get_int("group.initial.rebalance.delay.ms");
  options.max_size = config.get_int("group.max.size");
  options.offset_metadata_max_bytes = config.get_int("offset.metadata.max.bytes");
  options.load_buffer_bytes = config.get_int("offsets.load.buffer.size");
  options.commit_timeout_ms = config.get_int("offsets.commit.timeout.ms");
  options.required_acks = static_cast<std::int16_t>(config.get_int("offsets.commit.required.acks"));
  options.compression_codec =
      static_cast<std::int8_t>(config.get_int("offsets.topic.compression.codec"));
  options.offsets_retention_ms =
      std::int64_t{config.get_int("offsets.retention.minutes")} * 60 * 1000;
  options.retention_check_interval_ms = config.get_long("offsets.retention.check.interval.ms");
  options.consumer = consumer_options(config);
  return options;
}

GroupService::GroupService(const config::BrokerConfig& config, BrokerId broker_id,
                           const Clock& clock, const net::IoThreads& connections, Executor& disk,
                           const SnapshotCell<metadata::ClusterSnapshot>& metadata,
                           replication::ReplicaManager& replicas)
    : threads_({1, false, "groups"}, clock),
      home_(connections, threads_, clock),
      random_(make_system_random()),
      log_(std::make_unique<PartitionCoordinatorLog>(std::string(metadata::kGroupMetadataTopic),
                                                     config.get_int("offsets.topic.num.partitions"),
                                                     home_, broker_id, metadata, replicas)),
      topics_(metadata),
      assignors_(known_assignors(config)),
      coordinator_(coordinator::GroupCoordinator::make(
          group_options(config), {home_, disk, clock, *random_, *log_, topics_})) {}

GroupService::~GroupService() {
  stop();
}

Status GroupService::start() {
  TRY_STATUS(assignors_);
  TRY_STATUS(threads_.start());
  coordinator_->start();
  return {};
}

void GroupService::close() {
  if (closed_) {
    return;
  }
  closed_ = true;
  std::promise<void> done;
  home_.post([&] {
    coordinator_->stop();
    done.set_value();
  });
  done.get_future().wait();
}

void GroupService::stop() {
  threads_.stop();
}

void GroupService::on_leader(const TopicPartition& partition, LeaderEpoch epoch) {
  if (partition.topic == metadata::kGroupMetadataTopic) {
    coordinator_->elected(partition.partition, epoch);
  }
}

void GroupService::on_follower(const TopicPartition& partition, LeaderEpoch epoch) {
  if (partition.topic == metadata::kGroupMetadataTopic) {
    coordinator_->resigned(partition.partition, epoch);
  }
}

void GroupService::on_deleted(std::vector<TopicPartition> partitions) {
  coordinator_->partitions_deleted(std::move(partitions));
}

}  // namespace barnabas::broker
