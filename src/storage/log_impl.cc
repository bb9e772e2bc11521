#include "log_impl.h"

#include <fmt/format.h>

#include "barnabas/base/logging.h"
#include "checkpoint_files.h"

namespace barnabas::storage {

LogImpl::LogImpl(const LogContext& context, LoadedLog loaded)
    : context_(context),
      partition_(std::move(loaded.partition)),
      directory_(std::move(loaded.directory)),
      epochs_(std::move(loaded.epochs)),
      high_watermark_(loaded.log_start.value()),
      config_(loaded.config),
      segments_(std::make_shared<const SegmentList>(std::move(loaded.segments))),
      producers_(std::move(loaded.producers)),
      log_start_(loaded.log_start),
      log_end_(loaded.log_end),
      recovery_point_(std::max(loaded.recovery_point, loaded.log_start)),
      last_flush_ms_(monotonic_ms(*context.clock)),
      synced_snapshot_(loaded.synced_snapshot),
      written_snapshot_(loaded.written_snapshot),
      topic_id_(loaded.topic_id),
      jitter_state_(loaded.jitter_seed) {
  const MutexLock lock(mutex_);
  publish();
}

LogImpl::~LogImpl() {
  const MutexLock lock(mutex_);
  note_snapshot();
}

Uuid LogImpl::topic_id() const {
  const MutexLock lock(mutex_);
  return topic_id_;
}

Status LogImpl::assign_topic_id(Uuid id) {
  {
    const MutexLock lock(mutex_);
    if (!topic_id_.is_zero()) {
      if (topic_id_ == id) {
        return {};
      }
      return fail(ErrorCode::kInconsistentTopicId,
                  fmt::format("Tried to assign topic ID {} to log for topic partition {}, but log "
                              "already contained topic ID {}",
                              id.to_string(), to_string(partition_), topic_id_.to_string()));
    }
    TRY_STATUS(usable());
    TRY_STATUS(noted(
        write_partition_metadata(*context_.vfs, directory_->file(kPartitionMetadataFile), id)));
    topic_id_ = id;
  }
  context_.disk->post([self = shared_from_this()] {
    const MutexLock serial(self->flush_mutex_);
    if (self->abandoned_.load(std::memory_order_acquire) || self->offline()) {
      return;
    }
    const auto sync = [&]() -> Status {
      const std::string path = self->directory_->file(kPartitionMetadataFile);
      TRY(auto file, self->context_.vfs->open(path, OpenMode::kReadWrite));
      TRY_STATUS(file->sync());
      return self->context_.vfs->sync_directory(self->directory_->get());
    };
    const Status synced = self->synced(sync());
    if (!synced) {
      logging::logger("storage").error("{}: {}", to_string(self->partition_),
                                       synced.error().message);
    }
  });
  return {};
}

LogConfig LogImpl::config() const {
  const MutexLock lock(mutex_);
  return config_;
}

void LogImpl::update_config(const LogConfig& config) {
  const MutexLock lock(mutex_);
  config_ = config;
}

LogView LogImpl::view() const {
  const MutexLock lock(view_mutex_);
  return view_;
}

void LogImpl::assign_epoch_start_offset(LeaderEpoch epoch, Offset start) {
  if (epochs_->assign(epoch, start)) {
    flush_epochs_later();
  }
}

std::optional<EpochEntry> LogImpl::latest_epoch() const {
  return epochs_->latest();
}

std::vector<EpochEntry> LogImpl::epoch_entries() const {
  return epochs_->entries();
}

EpochEndOffset LogImpl::end_offset_for_epoch(LeaderEpoch epoch) const {
  return epochs_->end_offset_for(epoch, end_offset());
}

void LogImpl::update_high_watermark(Offset high_watermark) {
  high_watermark_.store(high_watermark.value(), std::memory_order_release);
  if (!has_unstable_.load(std::memory_order_acquire)) {
    return;
  }
  const MutexLock lock(mutex_);
  producers_->on_high_watermark(high_watermark);
  publish();
}

Offset LogImpl::recovery_point() const {
  const MutexLock lock(mutex_);
  return recovery_point_;
}

std::int64_t LogImpl::last_flush_ms() const {
  const MutexLock lock(mutex_);
  return last_flush_ms_;
}

VerificationGuard LogImpl::begin_verification(ProducerId producer, ProducerEpoch epoch,
                                              SequenceNumber first_sequence) {
  const MutexLock lock(mutex_);
  return config_.verify_transactions
             ? producers_->begin_verification(producer, epoch, first_sequence,
                                              context_.clock->wall_ms())
             : VerificationGuard(0);
}

std::vector<ProducerStateInfo> LogImpl::active_producers() const {
  const MutexLock lock(mutex_);
  return producers_->active_producers();
}

void LogImpl::remove_expired_producers(std::int64_t now_ms) {
  const MutexLock lock(mutex_);
  producers_->remove_expired(now_ms);
}

std::uint64_t LogImpl::size_bytes() const {
  const MutexLock lock(mutex_);
  return static_cast<std::uint64_t>(total_bytes());
}

Offset LogImpl::first_segment_base() const {
  const MutexLock lock(mutex_);
  return segments_->front()->base_offset();
}

bool LogImpl::is_closed() const {
  const MutexLock lock(mutex_);
  return closed_;
}

void LogImpl::abandon() {
  abandoned_.store(true, std::memory_order_release);
  const MutexLock serial(flush_mutex_);
  const MutexLock lock(mutex_);
  closed_ = true;
}

Status LogImpl::rename_directory(const std::string& name) {
  const std::string from = directory_->get();
  const std::string to = context_.log_dir->path() + "/" + name;
  const Status renamed = context_.vfs->rename(from, to);
  if (!renamed) {
    context_.log_dir->note(renamed);
    return renamed;
  }
  directory_->set(to);
  return {};
}

}  // namespace barnabas::storage
