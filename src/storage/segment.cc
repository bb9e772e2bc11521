#include "segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "barnabas/base/logging.h"

namespace barnabas::storage {
namespace {

// Dirty bytes after which writeback begins.
constexpr std::uint64_t kWritebackBytes = std::uint64_t{4} << 20U;

std::string_view suffix_of(FileStage stage) {
  switch (stage) {
    case FileStage::kCleaned:
      return kCleanedSuffix;
    case FileStage::kSwap:
      return kSwapSuffix;
    case FileStage::kDeleted:
      return kDeletedSuffix;
    case FileStage::kCurrent:
      break;
  }
  return {};
}

}  // namespace

Segment::Segment(const SegmentEnvironment& env, Offset base, const LogConfig& config,
                 std::int64_t roll_jitter_ms, FileStage stage)
    : env_(env),
      base_(base),
      index_interval_bytes_(config.index_interval_bytes),
      roll_jitter_ms_(roll_jitter_ms),
      created_ms_(env.clock->wall_ms()),
      stage_(stage),
      offset_index_(
          *env.vfs, [this] { return path(kIndexSuffix); }, base),
      time_index_(
          *env.vfs, [this] { return path(kTimeIndexSuffix); }, base),
      txn_index_(*env.vfs, [this] { return path(kTxnIndexSuffix); }) {}

std::string Segment::path(std::string_view suffix) const {
  return env_.directory->file(file_name(base_, suffix).append(suffix_of(stage())));
}

Status Segment::create(const LogConfig& config) {
  TRY(auto created, env_.vfs->open(path(kLogSuffix), OpenMode::kCreateTruncated));
  if (config.preallocate) {
    TRY_STATUS(created->allocate(static_cast<std::uint64_t>(config.segment_bytes)));
    preallocated_ = true;
  }
  TRY_STATUS(offset_index_.file().create(config.segment_index_bytes, false));
  TRY_STATUS(time_index_.file().create(config.segment_index_bytes, false));
  const MutexLock lock(file_mutex_);
  file_ = std::move(created);
  return {};
}

void Segment::adopt(std::uint64_t size) {
  staged_.size = size;
  size_.store(size, std::memory_order_release);
  writeback_from_ = size;
}

Status Segment::make_active(std::int32_t max_index_bytes) {
  TRY_STATUS(offset_index_.file().make_active(max_index_bytes));
  return time_index_.file().make_active(max_index_bytes);
}

Result<std::shared_ptr<File>> Segment::file() const {
  const MutexLock lock(file_mutex_);
  if (!file_) {
    TRY(auto opened, env_.vfs->open(path(kLogSuffix), OpenMode::kReadWrite));
    file_ = std::move(opened);
  }
  return file_;
}

Status Segment::load_first_timestamp() {
  if (staged_.rolling_timestamp_ms || staged_.size == 0) {
    return {};
  }
  TRY(auto opened, file());
  BatchScanner scanner(*opened, 0, size_bytes());
  TRY(const auto first, scanner.next());
  if (first) {
    staged_.rolling_timestamp_ms = first->max_timestamp_ms;
  }
  return {};
}

Result<bool> Segment::should_roll(const RollParams& params) {
  const auto size = static_cast<std::int64_t>(staged_.size);
  if (size > params.max_segment_bytes - params.bytes || offset_index_.is_full() ||
      time_index_.is_full() || !fits_offset(params.max_offset)) {
    return true;
  }
  if (size == 0) {
    return false;
  }
  TRY_STATUS(load_first_timestamp());
  const std::int64_t first = staged_.rolling_timestamp_ms.value_or(kNoTimestamp);
  // Timestamps are anything that a client sends; where the difference does not fit it wraps round,
  // as Kafka's does.
  const std::int64_t waited =
      first >= 0 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(params.max_timestamp_ms) -
                                             static_cast<std::uint64_t>(first))
                 : params.now_ms - created_ms_;
  return waited > params.max_segment_ms - roll_jitter_ms_;
}

Status Segment::load_max_timestamp() {
  if (!staged_.max_timestamp_known) {
    TRY(staged_.max_timestamp, time_index_.last_entry());
    staged_.max_timestamp_known = true;
  }
  return {};
}

void Segment::begin_gather() {
  before_gather_ = staged_;
  index_count_before_ = offset_index_.file().count();
  time_count_before_ = time_index_.file().count();
}

Status Segment::add_index_entries(Offset last_offset, std::int64_t position) {
  index_save_due_ |= offset_index_.append(last_offset, position);
  TRY(const bool due,
      time_index_.maybe_append(staged_.max_timestamp.timestamp_ms, staged_.max_timestamp.offset));
  index_save_due_ |= due;
  return {};
}

Status Segment::stage(ByteView records, Offset last_offset, std::int64_t max_timestamp_ms,
                      Offset offset_of_max_timestamp) {
  TRY_STATUS(load_max_timestamp());
  const std::uint64_t position = staged_.size;
  if (position == 0) {
    staged_.rolling_timestamp_ms = max_timestamp_ms;
  }
  if (max_timestamp_ms > staged_.max_timestamp.timestamp_ms) {
    staged_.max_timestamp = {max_timestamp_ms, offset_of_max_timestamp};
  }
  if (staged_.bytes_since_index_entry > index_interval_bytes_) {
    TRY_STATUS(add_index_entries(last_offset, static_cast<std::int64_t>(position)));
    staged_.bytes_since_index_entry = 0;
  }
  staged_.bytes_since_index_entry += static_cast<std::int64_t>(records.size());
  staged_.size += records.size();
  pieces_.push_back(records);
  return {};
}

Status Segment::write_gathered() {
  if (pieces_.empty()) {
    return {};
  }
  auto opened = file();
  Status written = opened ? (*opened)->write_gather_at(before_gather_.size, pieces_)
                          : Status{std::unexpected(opened.error())};
  if (!written) {
    if (opened && !preallocated_) {
      // Cut back to the last whole batch; should that fail too, the next append overwrites what
      // was half written, and recovery cuts it.
      const Status cut = (*opened)->truncate(before_gather_.size);
      if (!cut) {
        written = cut;
      }
    }
    abandon_gather();
    return written;
  }
  pieces_.clear();
  size_.store(staged_.size, std::memory_order_release);
  dirty_.store(true, std::memory_order_release);
  publish_max_timestamp();
  return save_indexes_if_due();
}

// As it was at begin_gather().
void Segment::abandon_gather() {
  pieces_.clear();
  staged_ = before_gather_;
  for (const auto& [index, count] : {std::pair{&offset_index_.file(), index_count_before_},
                                     std::pair{&time_index_.file(), time_count_before_}}) {
    const Status cut = index->truncate(count);
    if (!cut) {
      // Readers find that it does not match and go without; recovery builds it anew.
      logging::logger("storage").error("{}", cut.error().message);
    }
  }
}

Status Segment::save_indexes_if_due() {
  if (!index_save_due_) {
    return {};
  }
  index_save_due_ = false;
  // The entries stay in memory and are tried again with the next ones; the records are written.
  const Status saved = save_both_indexes();
  if (!saved) {
    logging::logger("storage").warn("{}", saved.error().message);
  }
  return {};
}

Status Segment::save_both_indexes() {
  TRY_STATUS(time_index_.file().save());
  return offset_index_.file().save();
}

Status Segment::trim_both_indexes() {
  TRY_STATUS(time_index_.file().trim());
  return offset_index_.file().trim();
}

void Segment::publish_max_timestamp() {
  const MutexLock lock(timestamp_mutex_);
  published_timestamp_ = staged_.max_timestamp;
}

Segment::DirtyRange Segment::take_dirty_range() {
  const std::uint64_t size = staged_.size;
  if (size < writeback_from_ + kWritebackBytes) {
    return {};
  }
  return {std::exchange(writeback_from_, size), size - writeback_from_};
}

Status Segment::become_inactive() {
  if (staged_.size > 0) {
    dirty_.store(true, std::memory_order_release);
  }
  TRY_STATUS(load_max_timestamp());
  TRY_STATUS(
      time_index_.maybe_append(staged_.max_timestamp.timestamp_ms, staged_.max_timestamp.offset));
  TRY_STATUS(trim_both_indexes());
  if (preallocated_) {
    TRY(auto opened, file());
    TRY_STATUS(opened->truncate(staged_.size));
    preallocated_ = false;
  }
  return {};
}

Status Segment::save_indexes() {
  if (deleted()) {
    return {};
  }
  Status saved = save_both_indexes();
  return deleted() ? Status{} : saved;
}

Result<bool> Segment::sync() {
  if (deleted() || !dirty_.exchange(false, std::memory_order_acq_rel)) {
    return false;
  }
  const auto sync_all = [this]() -> Status {
    TRY(auto opened, file());
    TRY_STATUS(opened->sync());
    TRY_STATUS(offset_index_.file().sync());
    TRY_STATUS(time_index_.file().sync());
    return txn_index_.sync();
  };
  const Status synced = sync_all();
  if (!synced && !deleted()) {
    return std::unexpected(synced.error());
  }
  return true;
}

void Segment::close_index_files() {
  offset_index_.file().close_file();
  time_index_.file().close_file();
  txn_index_.close_file();
}

Result<TimestampOffset> Segment::scan_max_timestamp() {
  TRY(TimestampOffset largest, time_index_.last_entry());
  TRY(const OffsetPosition from, offset_index_.lookup(largest.offset));
  TRY(auto opened, file());
  BatchScanner scanner(*opened, static_cast<std::uint64_t>(from.position), staged_.size);
  while (true) {
    TRY(const auto meta, scanner.next());
    if (!meta) {
      return largest;
    }
    if (meta->max_timestamp_ms > largest.timestamp_ms) {
      largest = {meta->max_timestamp_ms, meta->last_offset};
    }
  }
}

Result<std::uint64_t> Segment::truncate_to(Offset offset, std::int32_t max_index_bytes) {
  TRY(const auto mapping, find(offset, size_bytes()));
  dirty_.store(true, std::memory_order_release);
  TRY_STATUS(offset_index_.truncate_to(offset));
  TRY_STATUS(time_index_.truncate_to(offset));
  TRY_STATUS(txn_index_.truncate_to(offset));
  TRY_STATUS(make_active(max_index_bytes));
  std::uint64_t cut = 0;
  if (mapping) {
    TRY(auto opened, file());
    TRY_STATUS(opened->truncate(mapping->position));
    cut = size_bytes() - mapping->position;
    staged_.size = mapping->position;
    size_.store(staged_.size, std::memory_order_release);
    writeback_from_ = std::min(writeback_from_, staged_.size);
  }
  if (staged_.size == 0) {
    created_ms_ = env_.clock->wall_ms();
    staged_.rolling_timestamp_ms.reset();
  }
  staged_.bytes_since_index_entry = 0;
  TRY(staged_.max_timestamp, scan_max_timestamp());
  staged_.max_timestamp_known = true;
  publish_max_timestamp();
  return cut;
}

Status Segment::check_indexes() {
  const auto corrupt = [this](std::string_view suffix) {
    return fail(ErrorCode::kCorruptMessage, fmt::format("{} does not match its log", path(suffix)));
  };
  TRY_STATUS(offset_index_.file().load());
  TRY_STATUS(time_index_.file().load());
  if (offset_index_.file().count() > 0) {
    TRY(const OffsetPosition last, offset_index_.last_entry());
    if (last.offset < base_ || last.position < 0 ||
        static_cast<std::uint64_t>(last.position) >= size_bytes() ||
        (offset_index_.file().count() > 1 && last.position == 0)) {
      return corrupt(kIndexSuffix);
    }
  }
  if (time_index_.file().count() > 0) {
    TRY(const TimestampOffset last, time_index_.last_entry());
    if (last.offset < base_ || last.timestamp_ms < 0 || size_bytes() == 0 ||
        (time_index_.file().count() > 1 && last.timestamp_ms == 0)) {
      return corrupt(kTimeIndexSuffix);
    }
  }
  return txn_index_.check(base_, Offset(INT64_MAX));
}

Result<std::vector<std::string>> Segment::move_to(FileStage stage) {
  std::vector<std::string> renamed;
  for (const auto suffix : {kLogSuffix, kIndexSuffix, kTimeIndexSuffix, kTxnIndexSuffix}) {
    const std::string from = path(suffix);
    if (suffix == kTxnIndexSuffix && !env_.vfs->exists(from)) {
      continue;
    }
    std::string to = env_.directory->file(file_name(base_, suffix).append(suffix_of(stage)));
    const Status moved = env_.vfs->rename(from, to);
    if (!moved && moved.error().sys_errno != ENOENT) {
      return std::unexpected(moved.error());
    }
    renamed.push_back(std::move(to));
  }
  stage_.store(stage, std::memory_order_release);
  return renamed;
}

Status Segment::remove_files() {
  for (const auto suffix : {kLogSuffix, kIndexSuffix, kTimeIndexSuffix, kTxnIndexSuffix}) {
    TRY_STATUS(env_.vfs->remove(path(suffix)));
  }
  return {};
}

std::int64_t Segment::last_modified_ms() const {
  const auto info = env_.vfs->stat(path(kLogSuffix));
  return info ? info->modified_ms : 0;
}

}  // namespace barnabas::storage
