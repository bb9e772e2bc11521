#include "group_service.h"

#include <future>
#include <utility>

#include "barnabas/metadata/topic_name.h"

namespace barnabas::broker {

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
  return options;
}

GroupService::GroupService(const config::BrokerConfig& config, BrokerId broker_id,
                           const Clock& clock, Executor& disk,
                           const SnapshotCell<metadata::ClusterSnapshot>& metadata,
                           replication::ReplicaManager& replicas)
    : threads_({1, false, "groups"}, clock),
      random_(make_system_random()),
      log_(std::make_unique<PartitionCoordinatorLog>(std::string(metadata::kGroupMetadataTopic),
                                                     config.get_int("offsets.topic.num.partitions"),
                                                     threads_.executor(0), broker_id, metadata,
                                                     replicas)),
      coordinator_(coordinator::GroupCoordinator::make(
          group_options(config), {threads_.executor(0), disk, clock, *random_, *log_})) {}

GroupService::~GroupService() {
  stop();
}

Status GroupService::start() {
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
  threads_.executor(0).post([&] {
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
