#include "epoch_cache.h"

#include <algorithm>

#include "barnabas/base/logging.h"
#include "checkpoint_files.h"

namespace barnabas::storage {

void EpochCache::changed() {
  ++version_;
  latest_epoch_.store(entries_.empty() ? kNoLeaderEpoch.value() : entries_.back().epoch.value(),
                      std::memory_order_relaxed);
  latest_start_.store(entries_.empty() ? 0 : entries_.back().start_offset.value(),
                      std::memory_order_relaxed);
}

Status EpochCache::load() {
  const std::string path = directory_->file(kLeaderEpochFile);
  if (!vfs_.exists(path)) {
    // Kafka makes it with the directory, empty.
    TRY(auto created, vfs_.open(path, OpenMode::kCreate));
    return {};
  }
  TRY(const auto read, read_epoch_checkpoint(vfs_, path));
  for (const auto& entry : read) {
    assign(entry.epoch, entry.start_offset);
  }
  const MutexLock lock(mutex_);
  written_version_ = version_;
  return {};
}

bool EpochCache::assign_slowly(LeaderEpoch epoch, Offset start) {
  if (epoch.value() < 0 || start.value() < 0) {
    return false;
  }
  const MutexLock lock(mutex_);
  if (!entries_.empty() && entries_.back().epoch == epoch &&
      start >= entries_.back().start_offset) {
    return false;
  }
  const EpochEntry entry{epoch, start};
  std::size_t removed = 0;
  bool only_unused = true;
  while (!entries_.empty() &&
         (entries_.back().epoch >= epoch || entries_.back().start_offset >= start)) {
    only_unused = only_unused && entries_.back().start_offset == start;
    entries_.pop_back();
    ++removed;
  }
  if (removed > 1 || (removed == 1 && !only_unused)) {
    logging::logger("storage").warn("{}: epoch {} from offset {} replaces {} conflicting entries",
                                    directory_->get(), epoch.value(), start.value(), removed);
  }
  entries_.push_back(entry);
  changed();
  return true;
}

bool EpochCache::truncate_from_end(Offset end) {
  const MutexLock lock(mutex_);
  const std::size_t before = entries_.size();
  while (end.value() >= 0 && !entries_.empty() && entries_.back().start_offset >= end) {
    entries_.pop_back();
  }
  if (entries_.size() == before) {
    return false;
  }
  changed();
  return true;
}

bool EpochCache::truncate_from_start(Offset start) {
  const MutexLock lock(mutex_);
  const auto first_after = std::ranges::find_if(
      entries_, [start](const EpochEntry& entry) { return entry.start_offset > start; });
  if (first_after == entries_.begin()) {
    return false;
  }
  const auto kept = first_after - 1;
  if (kept == entries_.begin() && kept->start_offset == start) {
    return false;  // nothing would change
  }
  kept->start_offset = start;
  entries_.erase(entries_.begin(), kept);
  changed();
  return true;
}

bool EpochCache::clear() {
  const MutexLock lock(mutex_);
  entries_.clear();
  changed();
  return true;
}

Status EpochCache::flush() {
  const MutexLock io(io_mutex_);
  std::vector<EpochEntry> entries;
  std::uint64_t version = 0;
  {
    const MutexLock lock(mutex_);
    if (version_ == written_version_) {
      return {};
    }
    entries = entries_;
    version = version_;
  }
  TRY_STATUS(write_epoch_checkpoint(vfs_, directory_->file(kLeaderEpochFile), entries));
  const MutexLock lock(mutex_);
  written_version_ = version;
  return {};
}

std::optional<EpochEntry> EpochCache::latest() const {
  const MutexLock lock(mutex_);
  return entries_.empty() ? std::nullopt : std::optional(entries_.back());
}

std::optional<EpochEntry> EpochCache::earliest() const {
  const MutexLock lock(mutex_);
  return entries_.empty() ? std::nullopt : std::optional(entries_.front());
}

std::vector<EpochEntry> EpochCache::entries() const {
  const MutexLock lock(mutex_);
  return entries_;
}

EpochEndOffset EpochCache::end_offset_for(LeaderEpoch epoch, Offset log_end) const {
  const MutexLock lock(mutex_);
  if (epoch == kNoLeaderEpoch || entries_.empty()) {
    return {};
  }
  if (entries_.back().epoch == epoch) {
    return {epoch, log_end};
  }
  const auto higher = std::ranges::upper_bound(entries_, epoch, {}, &EpochEntry::epoch);
  if (higher == entries_.end()) {
    return {};
  }
  if (higher == entries_.begin()) {
    return {epoch, higher->start_offset};
  }
  return {(higher - 1)->epoch, higher->start_offset};
}

}  // namespace barnabas::storage
