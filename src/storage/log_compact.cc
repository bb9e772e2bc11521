// A log's part in its compaction: what a pass looks at, and the switch from segments to the one
// that was written in their place.
//
// The switch, and what a crash after each step leaves (LogLoader::remove_temporary_files):
//   1 the new segment lies whole and synced under *.cleaned        it is removed
//   2 its files are renamed to *.swap, the directory is synced     one *.cleaned left: all go;
//   none:
//                                                                  the switch is finished
//   3 the old segments' files are renamed to *.deleted, synced     the switch is finished
//   4 *.swap lose their suffix, synced                             done
//   5 *.deleted are removed file.delete.delay.ms later             they are removed
// From 2 on every record that stays is there twice or in the new segment; before 4 is synced no old
// name is used again, so that no crash leaves an old segment beside the new one.
#include <fmt/format.h>

#include <algorithm>

#include "barnabas/base/logging.h"
#include "compaction.h"
#include "log_impl.h"

namespace barnabas::storage {

CompactionView LogImpl::compaction_view() const {
  const MutexLock lock(mutex_);
  CompactionView view;
  view.segments = *segments_;
  view.log_start = log_start_;
  view.log_end = log_end_;
  view.last_stable = high_watermark();
  if (const Offset unstable = producers_->first_unstable_offset(); unstable != kNoOffset) {
    view.last_stable = std::min(view.last_stable, unstable);
  }
  view.truncations = truncations_;
  view.config = config_;
  view.producers = producers_->last_of_producers();
  return view;
}

Result<std::shared_ptr<Segment>> LogImpl::create_cleaned_segment(Offset base) const {
  const SegmentEnvironment env{context_.vfs, context_.clock, directory_};
  LogConfig config = this->config();
  config.preallocate = false;
  auto segment = std::make_shared<Segment>(env, base, config, 0, FileStage::kCleaned);
  TRY_STATUS(noted(segment->remove_files()));
  TRY_STATUS(noted(segment->create(config)));
  return segment;
}

bool LogImpl::still_has(const SegmentList& segments, std::uint64_t truncations) const {
  return truncations == truncations_ &&
         std::ranges::search(*segments_, segments).size() == segments.size();
}

// Readers turn to the new segment; the old ones' files get out of its way.
Result<std::vector<std::string>> LogImpl::switch_segments(const std::shared_ptr<Segment>& cleaned,
                                                          const SegmentList& replaced) {
  auto list = std::make_shared<SegmentList>();
  for (const auto& segment : *segments_) {
    if (segment == replaced.front()) {
      list->push_back(cleaned);
    }
    if (std::ranges::count(replaced, segment) == 0) {
      list->push_back(segment);
    }
  }
  segments_ = std::move(list);
  publish();
  std::vector<std::string> doomed;
  for (const auto& segment : replaced) {
    TRY(auto paths, segment->mark_deleted());
    std::ranges::move(paths, std::back_inserter(doomed));
    if (segment != replaced.front()) {
      TRY(auto snapshot, producers_->mark_snapshot_deleted(segment->base_offset()));
      if (snapshot) {
        doomed.push_back(std::move(*snapshot));
      }
    }
  }
  return doomed;
}

Status LogImpl::replace_segments(const std::shared_ptr<Segment>& cleaned,
                                 const SegmentList& replaced, std::uint64_t truncations) {
  const auto sync_directory = [this] {
    return synced(context_.vfs->sync_directory(directory_->get()));
  };
  const std::int64_t modified_ms = replaced.back()->last_modified_ms();
  TRY_STATUS(noted(cleaned->become_inactive()));
  const auto whole = cleaned->sync();
  TRY_STATUS(whole ? Status{} : synced(std::unexpected(whole.error())));
  TRY_STATUS(noted(cleaned->set_last_modified_ms(modified_ms)));

  const MutexLock rewriting(rewrite_mutex_);
  {
    const MutexLock lock(mutex_);
    const Status usable_now = usable();
    if (!usable_now || !still_has(replaced, truncations)) {
      TRY_STATUS(cleaned->remove_files());
      TRY_STATUS(usable_now);
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("{} was cut while it was compacted", to_string(partition_)));
    }
  }
  TRY_STATUS(noted(cleaned->move_to(FileStage::kSwap)));
  TRY_STATUS(sync_directory());
  std::vector<std::string> doomed;
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(usable());
    TRY(doomed, noted(switch_segments(cleaned, replaced)));
  }
  TRY_STATUS(sync_directory());
  TRY_STATUS(noted(cleaned->move_to(FileStage::kCurrent)));
  TRY_STATUS(sync_directory());
  context_.reaper->remove_later(std::move(doomed), config().file_delete_delay_ms, context_.log_dir);
  return {};
}

}  // namespace barnabas::storage
