#include "barnabas/replication/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "barnabas/base/check.h"

namespace barnabas::replication {
namespace {

// What a DeleteRecords request writes for "all there is".
constexpr Offset kHighWatermark{-1};

// The frames a group's records lie in do not outlive the train: a queued group keeps its own copy.
void own_records(AppendGroup& group) {
  std::size_t total = 0;
  for (const auto& append : group.appends) {
    total += append.records.size();
  }
  group.owned.resize(total);
  std::byte* at = group.owned.data();
  for (auto& append : group.appends) {
    std::ranges::copy(append.records, at);
    append.records = {at, append.records.size()};
    at += append.records.size();
  }
}

void refuse(storage::LeaderAppend& append, ErrorCode code, std::string message) {
  append.error = code;
  append.message = std::move(message);
}

}  // namespace

Partition::Partition(TopicPartition topic_partition, Uuid topic_id, BrokerId local)
    : topic_partition_(std::move(topic_partition)),
      name_(to_string(topic_partition_)),
      topic_id_(topic_id),
      local_(local) {}

Status Partition::become(const Leadership& leadership, std::shared_ptr<storage::Log> log,
                         Offset checkpointed_high_watermark) {
  {
    const MutexLock lock(state_);
    if (leadership.controller_epoch < leadership_.controller_epoch) {
      return fail(
          ErrorCode::kStaleControllerEpoch,
          fmt::format("{}: controller epoch {} is older than {}", name_,
                      leadership.controller_epoch.value(), leadership_.controller_epoch.value()));
    }
    if (leadership.leader_epoch < leadership_.leader_epoch) {
      return fail(ErrorCode::kFencedLeaderEpoch,
                  fmt::format("{}: leader epoch {} is older than {}", name_,
                              leadership.leader_epoch.value(), leadership_.leader_epoch.value()));
    }
    const bool first = log_ == nullptr;
    const bool new_epoch = leadership.leader_epoch > leadership_.leader_epoch;
    log_ = std::move(log);
    leadership_ = leadership;
    offline_ = false;
    if (first) {
      // What was on disk below the checkpoint was committed; the log may begin above it by now.
      high_watermark_ = std::clamp(checkpointed_high_watermark, log_->start_offset(),
                                   std::max(log_->start_offset(), log_->end_offset()));
      log_->update_high_watermark(high_watermark_);
    }
    if (leadership_.leader == local_) {
      if (new_epoch) {
        log_->assign_epoch_start_offset(leadership_.leader_epoch, log_->end_offset());
      }
      advance_high_watermark();
    }
    publish();
  }
  notify_waiters();
  return {};
}

void Partition::take_offline(const Leadership& leadership) {
  {
    const MutexLock lock(state_);
    log_.reset();
    leadership_ = leadership;
    offline_ = true;
    publish();
  }
  notify_waiters();
}

LeaderEpoch Partition::stop() {
  LeaderEpoch epoch;
  {
    const MutexLock lock(state_);
    log_.reset();
    leadership_.leader = kNoBroker;
    epoch = leadership_.leader_epoch;
    publish();
  }
  notify_waiters();
  return epoch;
}

Result<Offset> Partition::delete_records_before(Offset offset) {
  Offset low_watermark = kNoOffset;
  {
    const MutexLock lock(state_);
    if (log_ == nullptr || leadership_.leader != local_) {
      return fail(ErrorCode::kNotLeaderOrFollower,
                  fmt::format("broker {} does not lead {}", local_.value(), name_));
    }
    const auto config = log_->config();
    if (config.cleanup_compact && !config.cleanup_delete) {
      return fail(
          ErrorCode::kPolicyViolation,
          fmt::format("{}: records of a topic that is only compacted are not deleted", name_));
    }
    const Offset wanted = offset == kHighWatermark ? high_watermark_ : offset;
    TRY(low_watermark, log_->delete_records_before(wanted));
  }
  notify_waiters();
  return low_watermark;
}

std::unique_ptr<AppendGroup> Partition::append(std::unique_ptr<AppendGroup> group) {
  BARNABAS_CHECK(group->appends.size() == group->acks.size());
  {
    const MutexLock lock(gate_);
    if (busy_) {
      own_records(*group);
      queue_.push_back(std::move(group));
      return nullptr;
    }
    busy_ = true;
  }
  write(*group);
  work_off_queue();
  return group;
}

// Called by whoever is inside the gate. Leaves it open, or taken by the thread that goes on.
void Partition::work_off_queue() {
  for (int turn = 0;; ++turn) {
    std::unique_ptr<AppendGroup> next;
    {
      const MutexLock lock(gate_);
      if (queue_.empty()) {
        busy_ = false;
        return;
      }
      if (turn == kQueuedGroupsPerTurn) {
        // The gate stays taken on behalf of the thread that has waited longest.
        queue_.front()->home->post([self = shared_from_this()] { self->work_off_queue(); });
        return;
      }
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    write(*next);
    Executor& home = *next->home;
    home.post([group = std::move(next)]() mutable {
      AppendGroup& written = *group;
      written.on_written(std::move(group));
    });
  }
}

void Partition::write(AppendGroup& group) {
  bool moved = false;
  {
    const MutexLock lock(state_);
    if (log_ == nullptr || leadership_.leader != local_) {
      for (auto& append : group.appends) {
        refuse(append, offline_ ? ErrorCode::kKafkaStorageError : ErrorCode::kNotLeaderOrFollower,
               fmt::format("broker {} does not lead {}", local_.value(), name_));
      }
      return;
    }
    const Offset end_before = log_->end_offset();
    append_all(group, *log_);
    moved = advance_high_watermark() || log_->end_offset() != end_before;
    group.high_watermark = high_watermark_;
  }
  if (moved) {
    notify_waiters();
  }
}

void Partition::append_all(AppendGroup& group, storage::Log& log) {
  const auto in_sync = static_cast<std::int32_t>(leadership_.isr.size());
  // Never more than there are replicas, as Kafka has it.
  const std::int32_t min_isr = std::min(log.config().min_insync_replicas,
                                        static_cast<std::int32_t>(leadership_.replicas.size()));
  const auto epoch = leadership_.leader_epoch;
  if (in_sync >= min_isr) [[likely]] {
    log.append_as_leader(group.appends, epoch);
    return;
  }
  // Those that ask for all replicas are refused, runs of the others are appended.
  const std::span<storage::LeaderAppend> all(group.appends);
  std::size_t run = 0;
  for (std::size_t i = 0; i <= all.size(); ++i) {
    if (i < all.size() && group.acks[i] != -1) {
      continue;
    }
    if (run < i) {
      log.append_as_leader(all.subspan(run, i - run), epoch);
    }
    if (i < all.size()) {
      refuse(all[i], ErrorCode::kNotEnoughReplicas,
             fmt::format("The size of the current ISR : {} is insufficient to satisfy the "
                         "min.isr requirement of {} for partition {}",
                         in_sync, min_isr, name_));
    }
    run = i + 1;
  }
}

bool Partition::advance_high_watermark() {
  const bool alone =
      std::ranges::all_of(leadership_.isr, [&](BrokerId id) { return id == local_; });
  const Offset end = log_->end_offset();
  if (!alone || end <= high_watermark_) {
    return false;
  }
  high_watermark_ = end;
  log_->update_high_watermark(end);
  publish();
  return true;
}

void Partition::publish() {
  Published next{
      log_,    high_watermark_, leadership_.leader_epoch, leadership_.leader, leadership_.replicas,
      offline_};
  const MutexLock lock(published_mutex_);
  std::swap(published_, next);  // what stood there is released after the lock
}

PartitionView Partition::view() const {
  PartitionView view;
  {
    const MutexLock lock(published_mutex_);
    view.log = published_.log;
    view.leader = published_.leader;
    view.leader_epoch = published_.leader_epoch;
    view.high_watermark = published_.high_watermark;
    view.offline = published_.offline;
  }
  view.offline = view.offline || (view.log != nullptr && view.log->offline());
  view.last_stable = view.high_watermark;
  if (view.log != nullptr) {
    view.log_view = view.log->view();
    const Offset unstable = view.log_view.first_unstable_offset();
    if (unstable != kNoOffset && unstable < view.high_watermark) {
      view.last_stable = unstable;
    }
  }
  return view;
}

std::shared_ptr<storage::Log> Partition::log() const {
  const MutexLock lock(published_mutex_);
  return published_.log;
}

bool Partition::has_follower(BrokerId id) const {
  const MutexLock lock(published_mutex_);
  return id != local_ && std::ranges::count(published_.replicas, id) > 0;
}

bool Partition::is_leader() const {
  const MutexLock lock(published_mutex_);
  return published_.log != nullptr && published_.leader == local_;
}

LeaderEpoch Partition::leader_epoch() const {
  const MutexLock lock(published_mutex_);
  return published_.leader_epoch;
}

Offset Partition::high_watermark() const {
  const MutexLock lock(published_mutex_);
  return published_.high_watermark;
}

bool Partition::offline() const {
  const auto held = log();
  const MutexLock lock(published_mutex_);
  return published_.offline || (held != nullptr && held->offline());
}

ErrorCode Partition::check_leader(const PartitionView& view, BrokerId local, LeaderEpoch asked) {
  if (view.offline) {
    return ErrorCode::kKafkaStorageError;
  }
  if (asked != kNoLeaderEpoch && asked < view.leader_epoch) {
    return ErrorCode::kFencedLeaderEpoch;
  }
  if (asked != kNoLeaderEpoch && asked > view.leader_epoch) {
    return ErrorCode::kUnknownLeaderEpoch;
  }
  return view.log != nullptr && view.leader == local ? ErrorCode::kNone
                                                     : ErrorCode::kNotLeaderOrFollower;
}

WaiterTicket Partition::add_waiter(std::weak_ptr<Waiter> waiter) {
  const MutexLock lock(waiters_mutex_);
  const WaiterTicket ticket = next_ticket_;
  ++next_ticket_;
  waiters_.emplace(ticket, std::move(waiter));
  waiter_count_.store(waiters_.size(), std::memory_order_seq_cst);
  return ticket;
}

void Partition::remove_waiter(WaiterTicket ticket) {
  const MutexLock lock(waiters_mutex_);
  waiters_.erase(ticket);
  waiter_count_.store(waiters_.size(), std::memory_order_seq_cst);
}

void Partition::notify_waiters() {
  // A waiter that registers at the same time looks at the partition once more after registering.
  if (waiter_count_.load(std::memory_order_seq_cst) == 0) {
    return;
  }
  std::vector<std::shared_ptr<Waiter>> woken;
  {
    const MutexLock lock(waiters_mutex_);
    woken.reserve(waiters_.size());
    for (const auto& [ticket, waiter] : waiters_) {
      if (auto alive = waiter.lock()) {
        woken.push_back(std::move(alive));
      }
    }
  }
  for (const auto& waiter : woken) {
    waiter->on_partition_moved();
  }
}

}  // namespace barnabas::replication
