#include "partition_appends.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "barnabas/record/batch.h"

namespace barnabas::broker {
namespace {

// An append that is written and waits for its replicas.
struct Unreplicated {
  Offset base_offset;
  Offset last_offset;
  PartitionAppends::Done done;
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

bool is_too_large(ByteView batch, const storage::Log& log) {
  return static_cast<std::int64_t>(batch.size()) > log.config().max_message_bytes &&
         !record::BatchView(batch).is_control();
}

}  // namespace

struct PartitionAppends::Group final : replication::AppendGroup {
  void on_written(std::unique_ptr<AppendGroup>) override { owner->settle(*this); }

  PartitionAppends* owner = nullptr;
  std::shared_ptr<replication::Partition> partition;
  LeaderEpoch epoch = kNoLeaderEpoch;
  std::chrono::milliseconds timeout{0};
  std::vector<Append> batches;
  std::vector<Done> dones;  // one for each append
};

PartitionAppends::PartitionAppends(Executor& home, BrokerId local,
                                   replication::ReplicaManager& replicas)
    : home_(home), local_(local), replicas_(replicas) {}

PartitionAppends::~PartitionAppends() = default;

void PartitionAppends::append(const TopicPartition& partition, Append append, Done done) {
  if (gathered_.empty()) {
    home_.post([this] { flush(); });
  }
  auto& group = gathered_[partition];
  if (group == nullptr) {
    group = std::make_unique<Group>();
    group->home = &home_;
    group->owner = this;
  }
  group->timeout = std::max(group->timeout, std::chrono::milliseconds(append.timeout_ms));
  group->batches.push_back(std::move(append));
  group->dones.push_back(std::move(done));
}

void PartitionAppends::flush() {
  const auto table = replicas_.table();
  auto gathered = std::move(gathered_);
  gathered_.clear();
  for (auto& [id, group] : gathered) {
    write(table->share(id.topic, id.partition), std::move(group));
  }
}

void PartitionAppends::write(std::shared_ptr<replication::Partition> partition,
                             std::unique_ptr<Group> group) {
  const auto log = partition == nullptr ? nullptr : partition->log();
  std::vector<Append> batches;
  std::vector<Done> dones;
  for (std::size_t i = 0; i < group->batches.size(); ++i) {
    if (log == nullptr || is_too_large(group->batches[i].batch, *log)) {
      group->dones[i](
          {log == nullptr ? ErrorCode::kNotLeaderOrFollower : ErrorCode::kMessageTooLarge,
           kNoOffset});
      continue;
    }
    batches.push_back(std::move(group->batches[i]));
    dones.push_back(std::move(group->dones[i]));
  }
  if (batches.empty()) {
    return;
  }
  group->batches = std::move(batches);
  group->dones = std::move(dones);
  for (auto& one : group->batches) {
    storage::LeaderAppend& append = group->appends.emplace_back();
    append.records = one.batch;
    append.origin = storage::AppendOrigin::kCoordinator;
    append.guard = one.guard;
    group->acks.push_back(one.acks);
  }
  group->partition = partition;
  group->epoch = partition->leader_epoch();
  if (auto written = partition->append(std::move(group))) {
    settle(static_cast<Group&>(*written));
  }
}

void PartitionAppends::settle(Group& group) {
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

}  // namespace barnabas::broker
