#include "group_service.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <utility>
#include <vector>

#include "barnabas/metadata/topic_name.h"
#include "barnabas/replication/partition.h"
#include "barnabas/storage/log.h"

namespace barnabas::broker {
namespace {

using coordinator::GroupLog;
using AppendDone = std::move_only_function<void(GroupLog::Appended)>;

// An append that is written and waits for its replicas.
struct Unreplicated {
  Offset base_offset;
  Offset last_offset;
  AppendDone done;
};

// Appends of one write with acks=-1 until the high watermark has passed them. THREAD: home
class ReplicaWait final : public replication::Waiter,
                          public std::enable_shared_from_this<ReplicaWait> {
 public:
  ReplicaWait(std::shared_ptr<replication::Partition> partition, BrokerId local, LeaderEpoch epoch,
              Executor& home, std::vector<Unreplicated> waiting)
      : partition_(std::move(partition)),
        local_(local),
        epoch_(epoch),
        home_(home),
        waiting_(std::move(waiting)) {}

  void start(std::chrono::milliseconds timeout) {
    ticket_ = partition_->add_waiter(weak_from_this());
    timer_ = home_.run_after(
        timeout, [self = shared_from_this()] { self->finish(ErrorCode::kRequestTimedOut); });
    look();
  }

  // THREAD: any
  void on_partition_moved() override {
    if (!look_posted_.exchange(true)) {
      home_.post([self = shared_from_this()] { self->look(); });
    }
  }

 private:
  void look() {
    look_posted_.store(false);
    if (partition_ == nullptr) {
      return;
    }
    const auto view = partition_->view();
    if (view.log == nullptr || view.leader != local_ || view.leader_epoch != epoch_) {
      finish(ErrorCode::kNotLeaderOrFollower);
      return;
    }
    const auto first_left = std::ranges::find_if(
        waiting_, [&](const auto& one) { return one.last_offset >= view.high_watermark; });
    std::vector<Unreplicated> replicated(std::make_move_iterator(waiting_.begin()),
                                         std::make_move_iterator(first_left));
    waiting_.erase(waiting_.begin(), first_left);
    for (auto& one : replicated) {
      one.done({ErrorCode::kNone, one.base_offset});
    }
    if (waiting_.empty()) {
      finish(ErrorCode::kNone);
    }
  }

  void finish(ErrorCode error) {
    if (partition_ == nullptr) {
      return;
    }
    const auto self = shared_from_this();  // the timer may be the last to hold it
    std::exchange(partition_, nullptr)->remove_waiter(ticket_);
    timer_.reset();
    auto left = std::move(waiting_);
    waiting_.clear();
    for (auto& one : left) {
      one.done({error, kNoOffset});
    }
  }

  std::shared_ptr<replication::Partition> partition_;
  const BrokerId local_;
  const LeaderEpoch epoch_;
  Executor& home_;
  std::vector<Unreplicated> waiting_;  // by rising offset
  replication::WaiterTicket ticket_;
  std::unique_ptr<Timer> timer_;
  std::atomic<bool> look_posted_ = false;
};

}  // namespace

// The coordinator's log: partitions of __consumer_offsets that this broker leads. What is appended
// in one turn of the home is written at its end with one write for each partition.
class GroupService::Log final : public GroupLog {
 public:
  Log(Executor& home, BrokerId local, std::int32_t configured_partitions,
      const SnapshotCell<metadata::ClusterSnapshot>& metadata,
      replication::ReplicaManager& replicas)
      : home_(home),
        local_(local),
        configured_partitions_(configured_partitions),
        metadata_(metadata),
        replicas_(replicas) {}

  // As it was when it was first seen: groups must not move while this broker runs.
  [[nodiscard]] std::int32_t partition_count() const override {
    if (const std::int32_t known = known_partitions_.load(); known > 0) {
      return known;
    }
    const auto cluster = metadata_.load();
    const auto* const topic = cluster->topic(metadata::kGroupMetadataTopic);
    if (topic == nullptr || topic->partitions.empty()) {
      return configured_partitions_;
    }
    known_partitions_.store(static_cast<std::int32_t>(topic->partitions.size()));
    return known_partitions_.load();
  }

  void append(PartitionId partition, ByteVector batch, std::int16_t acks, std::int32_t timeout_ms,
              AppendDone done) override {
    if (gathered_.empty()) {
      home_.post([this] { flush(); });
    }
    auto& group = gathered_[partition];
    if (group == nullptr) {
      group = std::make_unique<Group>();
      group->home = &home_;
      group->log = this;
      group->timeout = std::chrono::milliseconds(timeout_ms);
    }
    group->batches.push_back(std::move(batch));
    group->dones.push_back(std::move(done));
    group->acks.push_back(acks);
  }

  [[nodiscard]] Result<Chunk> read(PartitionId partition, Offset from,
                                   std::size_t max_bytes) override {
    const auto replica = replicas_.table()->share(metadata::kGroupMetadataTopic, partition);
    const auto log = replica == nullptr ? nullptr : replica->log();
    if (log == nullptr) {
      return fail(ErrorCode::kNotLeaderOrFollower, "this broker holds no replica");
    }
    const auto view = log->view();
    Chunk chunk;
    chunk.end = view.end_offset();
    const Offset first = std::max(from, view.start_offset());
    if (first >= chunk.end) {
      return chunk;
    }
    TRY(const auto slice, log->read(view, first, max_bytes, chunk.end, true));
    if (slice.length == 0) {
      return chunk;
    }
    chunk.bytes.resize(slice.length);
    TRY(const std::size_t read, slice.file->read_at(slice.position, chunk.bytes));
    chunk.bytes.resize(read);
    return chunk;
  }

 private:
  struct Group final : replication::AppendGroup {
    void on_written(std::unique_ptr<AppendGroup>) override { log->settle(*this); }

    Log* log = nullptr;
    std::shared_ptr<replication::Partition> partition;
    LeaderEpoch epoch = kNoLeaderEpoch;
    std::chrono::milliseconds timeout{0};
    std::vector<ByteVector> batches;
    std::vector<AppendDone> dones;  // one for each append
  };

  void flush() {
    const auto table = replicas_.table();
    auto gathered = std::move(gathered_);
    gathered_.clear();
    for (auto& [id, group] : gathered) {
      write(table->share(metadata::kGroupMetadataTopic, id), std::move(group));
    }
  }

  void write(std::shared_ptr<replication::Partition> partition, std::unique_ptr<Group> group) {
    const auto log = partition == nullptr ? nullptr : partition->log();
    const std::int64_t largest = log == nullptr ? 0 : std::int64_t{log->config().max_message_bytes};
    std::vector<ByteVector> batches;
    std::vector<AppendDone> dones;
    std::vector<std::int16_t> acks;
    for (std::size_t i = 0; i < group->batches.size(); ++i) {
      const auto size = static_cast<std::int64_t>(group->batches[i].size());
      if (log == nullptr || size > largest) {
        group->dones[i](
            {log == nullptr ? ErrorCode::kNotLeaderOrFollower : ErrorCode::kMessageTooLarge,
             kNoOffset});
        continue;
      }
      batches.push_back(std::move(group->batches[i]));
      dones.push_back(std::move(group->dones[i]));
      acks.push_back(group->acks[i]);
    }
    if (batches.empty()) {
      return;
    }
    group->batches = std::move(batches);
    group->dones = std::move(dones);
    group->acks = std::move(acks);
    for (auto& batch : group->batches) {
      storage::LeaderAppend& append = group->appends.emplace_back();
      append.records = batch;
      append.origin = storage::AppendOrigin::kCoordinator;
    }
    group->partition = partition;
    group->epoch = partition->leader_epoch();
    if (auto written = partition->append(std::move(group))) {
      settle(static_cast<Group&>(*written));
    }
  }

  void settle(Group& group) {
    std::vector<Unreplicated> waiting;
    for (std::size_t i = 0; i < group.appends.size(); ++i) {
      const auto& append = group.appends[i];
      const bool ok = append.error == ErrorCode::kNone;
      if (ok && group.acks[i] == -1 && append.last_offset >= group.high_watermark) {
        waiting.push_back({append.base_offset, append.last_offset, std::move(group.dones[i])});
      } else {
        group.dones[i]({append.error, append.base_offset});
      }
    }
    if (!waiting.empty()) {
      std::make_shared<ReplicaWait>(group.partition, local_, group.epoch, home_, std::move(waiting))
          ->start(group.timeout);
    }
  }

  Executor& home_;
  const BrokerId local_;
  const std::int32_t configured_partitions_;
  const SnapshotCell<metadata::ClusterSnapshot>& metadata_;
  replication::ReplicaManager& replicas_;
  mutable std::atomic<std::int32_t> known_partitions_ = 0;
  std::map<PartitionId, std::unique_ptr<Group>> gathered_;
};

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
      log_(std::make_unique<Log>(threads_.executor(0), broker_id,
                                 config.get_int("offsets.topic.num.partitions"), metadata,
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
