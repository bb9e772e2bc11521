#include "log_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "barnabas/base/logging.h"
#include "checkpoint_files.h"

namespace barnabas::storage {
namespace {

// Takes note of epochs and producers while a segment is recovered.
class RecoveryVisitor final : public BatchVisitor {
 public:
  RecoveryVisitor(EpochCache& epochs, ProducerState& producers)
      : epochs_(epochs), producers_(producers) {}

  Status on_batch(const BatchMeta& meta, ByteView bytes,
                  std::vector<AbortedTxn>& aborted) override {
    if (meta.magic == record::kMagicV2 && meta.leader_epoch.value() >= 0) {
      const auto latest = epochs_.latest();
      if (!latest || meta.leader_epoch > latest->epoch) {
        epochs_.assign(meta.leader_epoch, meta.base_offset);
      }
    }
    const ProducerState::Context context;
    const auto noted = producers_.append(bytes, context, aborted);
    if (!noted) {
      // What the leader once accepted is not thrown away for it.
      logging::logger("storage").warn("offset {}: {}", meta.base_offset.value(),
                                      noted.error().message);
    }
    producers_.update_map_end_offset(meta.last_offset + 1);
    return {};
  }

 private:
  EpochCache& epochs_;
  ProducerState& producers_;
};

}  // namespace

LogLoader::LogLoader(const LogContext& context, LoadRequest request)
    : context_(context), request_(std::move(request)) {
  loaded_.partition = request_.partition;
  loaded_.directory = std::make_shared<DirectoryPath>(request_.directory);
  loaded_.config = request_.config;
  loaded_.jitter_seed = request_.jitter_seed;
  loaded_.epochs = std::make_unique<EpochCache>(*context_.vfs, loaded_.directory);
  loaded_.producers = std::make_unique<ProducerState>(
      *context_.vfs, loaded_.directory, loaded_.partition, context_.producer_id_expiration_ms);
}

std::string LogLoader::label() const {
  return to_string(loaded_.partition);
}

Status LogLoader::list_files() {
  TRY(const auto entries, context_.vfs->list(request_.directory));
  names_.clear();
  for (const auto& entry : entries) {
    if (!entry.is_directory) {
      names_.insert(entry.name);
    }
  }
  return {};
}

// .deleted: a deletion that a crash cut short. .cleaned: the unfinished work of the cleaner.
Status LogLoader::remove_temporary_files() {
  std::vector<std::string> swaps;
  std::optional<Offset> first_cleaned;
  const auto names = names_;
  for (const auto& name : names) {
    const bool cleaned = name.ends_with(kCleanedSuffix);
    if (cleaned) {
      const auto offset = offset_of_file(name);
      if (offset && (!first_cleaned || *offset < *first_cleaned)) {
        first_cleaned = offset;
      }
    }
    if (cleaned || name.ends_with(kDeletedSuffix)) {
      TRY_STATUS(context_.vfs->remove(file(name)));
      names_.erase(name);
    } else if (name.ends_with(kSwapSuffix)) {
      swaps.push_back(name);
    }
  }
  // A .swap at or above a .cleaned belongs to a split that was not finished.
  for (auto it = swaps.begin(); it != swaps.end();) {
    const auto offset = offset_of_file(*it);
    if (!offset || (first_cleaned && *offset >= *first_cleaned)) {
      TRY_STATUS(context_.vfs->remove(file(*it)));
      names_.erase(*it);
      it = swaps.erase(it);
    } else {
      ++it;
    }
  }
  return swaps.empty() ? Status{} : finish_swaps(swaps);
}

// A .swap is complete: the segments it replaces go, then it takes its name.
Status LogLoader::finish_swaps(const std::vector<std::string>& swaps) {
  const auto plain = [](const std::string& swap) {
    return swap.substr(0, swap.size() - kSwapSuffix.size());
  };
  std::optional<Offset> from;
  Offset until{0};
  for (const auto& swap : swaps) {
    if (!plain(swap).ends_with(kLogSuffix)) {
      continue;
    }
    const Offset base = *offset_of_file(swap);
    from = from ? std::min(*from, base) : base;
    TRY(auto opened, context_.vfs->open(file(swap), OpenMode::kRead));
    TRY(const std::uint64_t size, opened->size());
    BatchScanner scanner(*opened, 0, size);
    until = std::max(until, base);
    while (true) {
      TRY(const auto meta, scanner.next());
      if (!meta) {
        break;
      }
      until = std::max(until, meta->last_offset + 1);
    }
  }
  const auto names = names_;
  for (const auto& name : names) {
    const auto offset = offset_of_file(name);
    if (offset && from && !name.ends_with(kSwapSuffix) && *offset >= *from && *offset < until) {
      TRY_STATUS(context_.vfs->remove(file(name)));
    }
  }
  for (const auto& swap : swaps) {
    logging::logger("storage").info("{}: finishing the interrupted swap of {}", label(), swap);
    TRY_STATUS(context_.vfs->rename(file(swap), file(plain(swap))));
  }
  return list_files();
}

Result<std::shared_ptr<Segment>> LogLoader::make_segment(Offset base) {
  const SegmentEnvironment env{context_.vfs, context_.clock, loaded_.directory};
  return std::make_shared<Segment>(env, base, loaded_.config, 0);
}

Status LogLoader::adopt_segments() {
  std::set<Offset> snapshots;
  for (const auto& name : names_) {
    const auto offset = offset_of_file(name);
    if (!offset) {
      continue;
    }
    if (name.ends_with(kSnapshotSuffix)) {
      snapshots.insert(*offset);
    } else if (name.ends_with(kLogSuffix)) {
      TRY(const FileInfo info, context_.vfs->stat(file(name)));
      if (info.size > INT32_MAX) {
        return fail(
            ErrorCode::kKafkaStorageError,
            fmt::format("{} has {} bytes, more than a segment can have", file(name), info.size));
      }
      TRY(auto segment, make_segment(*offset));
      segment->adopt(info.size);
      loaded_.segments.push_back(std::move(segment));
    } else if (name.ends_with(kIndexSuffix) || name.ends_with(kTimeIndexSuffix) ||
               name.ends_with(kTxnIndexSuffix)) {
      if (!names_.contains(file_name(*offset, kLogSuffix))) {
        logging::logger("storage").warn("{}: removing {}, whose log file is gone", label(), name);
        TRY_STATUS(context_.vfs->remove(file(name)));
      }
    }
  }
  loaded_.producers->set_snapshots(std::move(snapshots));
  return {};
}

Status LogLoader::load_epochs() {
  const Status read = loaded_.epochs->load();
  if (!read) {
    if (takes_log_dir_offline(read.error())) {
      return read;
    }
    logging::logger("storage").error("{}; building the leader epochs anew from the log",
                                     read.error().message);
    epochs_damaged_ = true;
    loaded_.epochs->clear();
  }
  return {};
}

// An empty checkpoint beside batches that name an epoch.
Result<bool> LogLoader::epochs_are_lost() {
  if (loaded_.epochs->latest()) {
    return false;
  }
  for (auto segment = loaded_.segments.rbegin(); segment != loaded_.segments.rend(); ++segment) {
    if ((*segment)->size_bytes() == 0) {
      continue;
    }
    TRY(auto opened, (*segment)->file());
    BatchScanner scanner(*opened, 0, (*segment)->size_bytes());
    const auto first = scanner.next();
    if (!first && !is_corrupt(first.error())) {
      return std::unexpected(first.error());
    }
    if (first && *first) {
      return (*first)->leader_epoch.value() >= 0;
    }
  }
  return false;
}

Status LogLoader::rebuild_epochs() {
  for (const auto& segment : loaded_.segments) {
    TRY(auto opened, segment->file());
    BatchScanner scanner(*opened, 0, segment->size_bytes());
    while (true) {
      TRY(const auto meta, scanner.next_if_whole());
      if (!meta) {
        break;  // what does not hold is dealt with by recovery
      }
      const auto latest = loaded_.epochs->latest();
      if (meta->leader_epoch.value() >= 0 && (!latest || meta->leader_epoch > latest->epoch)) {
        loaded_.epochs->assign(meta->leader_epoch, meta->base_offset);
      }
    }
  }
  return {};
}

Result<RecoveryResult> LogLoader::recover_segment(Segment& segment, Offset synced_below) {
  std::optional<SyncedPart> synced;
  if (synced_below > segment.base_offset() && segment.size_bytes() > 0) {
    if (recovery_start_) {
      synced = std::exchange(recovery_start_, std::nullopt);
    } else {
      TRY(synced, segment.synced_part(synced_below));
    }
  }
  const Offset from = synced ? synced_below : segment.base_offset();
  if (!producers_ready_) {
    TRY_STATUS(rebuild_producer_state(*loaded_.producers, loaded_.segments,
                                      request_.log_start_checkpoint, from,
                                      context_.clock->wall_ms(), false));
    producers_ready_ = true;
  }
  loaded_.producers->update_map_end_offset(from);
  RecoveryVisitor visitor(*loaded_.epochs, *loaded_.producers);
  TRY(const RecoveryResult result,
      segment.recover(loaded_.config.segment_index_bytes, visitor, synced));
  TRY_STATUS(loaded_.producers->take_snapshot_if_room());
  if (result.cut_bytes > 0) {
    logging::logger("storage").warn(
        "{}: segment {}: cut {} bytes that are no whole valid batch; the log ends at offset {}",
        label(), segment.base_offset().value(), result.cut_bytes, result.next_offset.value());
  }
  return result;
}

// Takes the segments after the first `kept` away.
Status LogLoader::drop_after(std::size_t kept) {
  // From the newest back, so that a crash in between leaves no gap.
  for (std::size_t i = loaded_.segments.size(); i-- > kept;) {
    Segment& segment = *loaded_.segments[i];
    logging::logger("storage").warn("{}: dropping segment {} of {} bytes", label(),
                                    segment.base_offset().value(), segment.size_bytes());
    TRY(auto paths, segment.mark_deleted());
    TRY(auto snapshot, loaded_.producers->mark_snapshot_deleted(segment.base_offset()));
    if (snapshot) {
      paths.push_back(std::move(*snapshot));
    }
    context_.reaper->remove_later(std::move(paths), loaded_.config.file_delete_delay_ms,
                                  context_.log_dir);
  }
  loaded_.segments.resize(kept);
  return {};
}

// The recovery point; or, where the kernel still runs, the newest passing snapshot of the producers
// that the batches lead up to: it is taken when all below it is written, and what is written is not
// lost with the process.
Result<Offset> LogLoader::start_of_recovery() {
  const Offset recovery_point = request_.recovery_point_checkpoint;
  const auto& snapshots = loaded_.producers->snapshots();
  for (auto it = snapshots.rbegin();
       request_.same_boot && it != snapshots.rend() && *it > recovery_point; ++it) {
    const auto above = std::ranges::find_if(
        loaded_.segments, [&](const auto& segment) { return segment->base_offset() >= *it; });
    const bool inside = above != loaded_.segments.begin() &&
                        (above == loaded_.segments.end() || (*above)->base_offset() > *it);
    if (!inside || (*(above - 1))->size_bytes() == 0 ||
        !loaded_.producers->is_passing_snapshot(*it)) {
      continue;
    }
    TRY(recovery_start_, (*(above - 1))->synced_part(*it));
    const auto latest = loaded_.epochs->latest();
    // Epochs are noted in their order: where the last is known all are.
    if (recovery_start_ && (recovery_start_->last_epoch.value() < 0 ||
                            (latest && latest->epoch >= recovery_start_->last_epoch))) {
      return *it;
    }
    recovery_start_.reset();
  }
  return recovery_point;
}

Status LogLoader::recover_from(Offset begin) {
  for (std::size_t i = 0; i < loaded_.segments.size(); ++i) {
    const bool before =
        i + 1 < loaded_.segments.size() && loaded_.segments[i + 1]->base_offset() <= begin;
    if (before) {
      continue;
    }
    TRY(const RecoveryResult result, recover_segment(*loaded_.segments[i], begin));
    if (i + 1 == loaded_.segments.size()) {
      break;
    }
    // The end of a segment can be lost without a trace where the power failed before it was synced;
    // keeping the next one would leave a gap. In a compacted log gaps are as they should be.
    const Offset next = loaded_.segments[i + 1]->base_offset();
    const bool gap = !loaded_.config.cleanup_compact && result.next_offset < next;
    if (gap) {
      logging::logger("storage").warn("{}: offsets {} to {} are lost", label(),
                                      result.next_offset.value(), next.value() - 1);
    }
    if (result.cut_bytes > 0 || gap) {
      return drop_after(i + 1);
    }
  }
  return {};
}

// The end of the log, having made sure that the last segment is what it seems.
Result<Offset> LogLoader::find_log_end() {
  Segment& last = *loaded_.segments.back();
  Status indexes = last.check_indexes();
  Result<Segment::End> end = Segment::End{};
  if (indexes) {
    end = last.read_end();
    if (end && end->whole) {
      return end->next_offset;
    }
  } else if (!is_corrupt(indexes.error())) {
    return std::unexpected(indexes.error());
  }
  if (!end && !is_corrupt(end.error())) {
    return std::unexpected(end.error());
  }
  logging::logger("storage").warn("{}: the end of segment {} does not hold; checking it", label(),
                                  last.base_offset().value());
  TRY(const RecoveryResult result, recover_segment(last, last.base_offset()));
  return result.next_offset;
}

Status LogLoader::delete_everything(Offset log_end) {
  logging::logger("storage").warn(
      "{}: deleting all segments, because the log ends at offset {}, before its start {}; files "
      "seem to have been removed",
      label(), log_end.value(), request_.log_start_checkpoint.value());
  TRY_STATUS(drop_after(0));
  loaded_.epochs->clear();
  return loaded_.producers->truncate_fully_and_start_at(request_.log_start_checkpoint);
}

Status LogLoader::load_topic_id() {
  auto id = read_partition_metadata(*context_.vfs, file(kPartitionMetadataFile));
  if (!id) {
    if (takes_log_dir_offline(id.error())) {
      return std::unexpected(id.error());
    }
    logging::logger("storage").error("{}; the topic id will be written anew", id.error().message);
    return {};
  }
  loaded_.topic_id = id->value_or(Uuid{});
  return {};
}

Result<LoadedLog> LogLoader::load() {
  TRY_STATUS(context_.vfs->create_directories(request_.directory));
  TRY_STATUS(list_files());
  TRY_STATUS(remove_temporary_files());
  TRY_STATUS(adopt_segments());
  TRY_STATUS(load_epochs());
  TRY(const bool lost, epochs_are_lost());
  if (lost && !epochs_damaged_) {
    logging::logger("storage").error(
        "{}: {} is empty; building the leader epochs anew from the log", label(), kLeaderEpochFile);
  }
  if (lost || epochs_damaged_) {
    TRY_STATUS(rebuild_epochs());
  }
  TRY_STATUS(load_topic_id());
  for (const auto& segment : loaded_.segments) {
    const auto missing = [&](std::string_view suffix) {
      return !names_.contains(file_name(segment->base_offset(), suffix));
    };
    if (missing(kIndexSuffix) || missing(kTimeIndexSuffix)) {
      logging::logger("storage").warn("{}: an index of segment {} is missing; building it anew",
                                      label(), segment->base_offset().value());
      TRY_STATUS(segment->rebuild_indexes(loaded_.config.segment_index_bytes));
    }
  }
  if (!request_.clean) {
    TRY(const Offset begin, start_of_recovery());
    TRY_STATUS(recover_from(begin));
  }
  TRY_STATUS(check_txn_indexes());
  Offset log_end = request_.log_start_checkpoint;
  bool keeps_segments = !loaded_.segments.empty();
  if (keeps_segments) {
    TRY(log_end, find_log_end());
    if (log_end < request_.log_start_checkpoint) {
      TRY_STATUS(delete_everything(log_end));
      keeps_segments = false;
      log_end = request_.log_start_checkpoint;
    }
  }
  if (!keeps_segments) {
    TRY(auto segment, make_segment(log_end));
    TRY_STATUS(segment->create(loaded_.config));
    loaded_.segments.push_back(std::move(segment));
  } else {
    TRY_STATUS(loaded_.segments.back()->make_active(loaded_.config.segment_index_bytes));
  }
  loaded_.log_end = log_end;
  loaded_.recovery_point = request_.clean && keeps_segments && !producers_ready_
                               ? log_end
                               : std::min(request_.recovery_point_checkpoint, log_end);
  loaded_.log_start =
      std::max(request_.log_start_checkpoint, loaded_.segments.front()->base_offset());
  loaded_.epochs->truncate_from_end(log_end);
  loaded_.epochs->truncate_from_start(request_.log_start_checkpoint);
  TRY_STATUS(settle_snapshots());
  return std::move(loaded_);
}

// Snapshots that are of no use go; one at the end is there for the next start. After a crash the
// one at the recovery point stays, and a log that has something to be checked again gets a passing
// one at its end: all below it has been checked.
Status LogLoader::settle_snapshots() {
  ProducerState& producers = *loaded_.producers;
  std::vector<Offset> bases;
  for (const auto& segment : loaded_.segments) {
    bases.push_back(segment->base_offset());
  }
  const Offset recovery_point = loaded_.recovery_point;
  const bool keeps_synced = !request_.clean &&
                            std::ranges::find(bases, recovery_point) == bases.end() &&
                            producers.snapshots().contains(recovery_point) &&
                            producers.is_passing_snapshot(recovery_point);
  if (keeps_synced) {
    loaded_.synced_snapshot = recovery_point;
    bases.insert(bases.end() - 1, recovery_point);  // the last is the active segment's
  }
  TRY_STATUS(producers.remove_stray_snapshots(bases));
  TRY_STATUS(rebuild_producer_state(producers, loaded_.segments, loaded_.log_start, loaded_.log_end,
                                    context_.clock->wall_ms(), request_.clean));
  if (!request_.clean && loaded_.segments.back()->size_bytes() >= context_.worth_a_snapshot()) {
    TRY(const bool passing, producers.make_newest_passing());
    if (passing) {
      loaded_.written_snapshot = loaded_.log_end;
    }
  }
  return {};
}

}  // namespace barnabas::storage
