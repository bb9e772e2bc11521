// Snapshot files of the producer state; the format is drawn in docs/formats.md.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "barnabas/base/crc32c.h"
#include "barnabas/base/logging.h"
#include "io_errors.h"
#include "producer_state.h"

namespace barnabas::storage {
namespace {

constexpr std::int16_t kVersion = 1;
constexpr std::size_t kCrcAt = 2;
constexpr std::size_t kEntriesAt = 6;
constexpr std::size_t kFirstEntryAt = 10;
constexpr std::size_t kEntryBytes = 46;
// What follows the entries in a passing snapshot, which Kafka does not look at.
constexpr std::uint32_t kBatchesMagic = 0x424e4253;
constexpr std::size_t kProducerBytes = 17;
constexpr std::size_t kBatchBytes = 29;
constexpr std::uint64_t kMaxSnapshotBytes = std::uint64_t{1} << 30U;

template <typename T>
void put(std::string& out, T value) {
  std::array<std::byte, sizeof(T)> bytes;
  store_be(bytes.data(), value);
  out += as_text(bytes);
}

template <typename T>
T take(const std::byte*& from) {
  const T value = load_be<T>(from);
  from += sizeof(T);
  return value;
}

// Java's HashMap spreads the hash of a Long so, and lists its buckets in order.
std::uint64_t java_bucket(ProducerId id, std::size_t buckets) {
  const auto value = static_cast<std::uint64_t>(id.value());
  const auto hash = static_cast<std::uint32_t>(value ^ (value >> 32U));
  return (hash ^ (hash >> 16U)) & (buckets - 1);
}

// What follows the entries of a snapshot.
Result<ByteView> behind_entries(ByteView bytes) {
  const auto corrupt = [](std::string_view why) {
    return fail(ErrorCode::kCorruptMessage, std::string(why));
  };
  if (bytes.size() < kFirstEntryAt) {
    return corrupt("it is too short");
  }
  if (load_be<std::int16_t>(bytes.data()) != kVersion) {
    return corrupt("its version is unknown");
  }
  if (load_be<std::uint32_t>(bytes.data() + kCrcAt) != crc32c(bytes.subspan(kEntriesAt))) {
    return corrupt("its CRC does not match");
  }
  const auto count = load_be<std::int32_t>(bytes.data() + kEntriesAt);
  if (count < 0 || static_cast<std::size_t>(count) > (bytes.size() - kFirstEntryAt) / kEntryBytes) {
    return corrupt("it holds fewer entries than it says");
  }
  return bytes.subspan(kFirstEntryAt + static_cast<std::size_t>(count) * kEntryBytes);
}

bool has_batches(ByteView behind) {
  return behind.size() >= sizeof(kBatchesMagic) &&
         load_be<std::uint32_t>(behind.data()) == kBatchesMagic;
}

}  // namespace

std::string ProducerState::snapshot_path(Offset offset) const {
  return directory_->file(file_name(offset, kSnapshotSuffix));
}

std::string ProducerState::encode_snapshot(SnapshotKind kind) const {
  struct Place {
    std::uint64_t bucket;
    ProducerId id;
    const ProducerEntry* entry;
  };
  std::vector<Place> places;
  places.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) {
    places.push_back({java_bucket(id, java_buckets_), id, &entry});
  }
  std::ranges::sort(places, [](const Place& a, const Place& b) {
    return std::pair(a.bucket, a.entry->inserted) < std::pair(b.bucket, b.entry->inserted);
  });
  std::string out;
  out.reserve(kFirstEntryAt + places.size() * kEntryBytes);
  put(out, kVersion);
  put(out, std::uint32_t{0});
  put(out, static_cast<std::int32_t>(places.size()));
  for (const auto& place : places) {
    const ProducerEntry& entry = *place.entry;
    const ProducerBatch last = entry.has_batches() ? entry.last() : ProducerBatch{};
    put(out, place.id.value());
    put(out, entry.epoch.value());
    put(out, last.last_sequence.value());
    put(out, last.last_offset.value());
    put(out, last.offset_delta);
    put(out, entry.last_timestamp_ms);
    put(out, entry.coordinator_epoch);
    put(out, entry.current_txn_first_offset.value());
  }
  if (kind == SnapshotKind::kPassing) {
    put(out, kBatchesMagic);
    for (const auto& place : places) {
      put(out, place.id.value());
      put(out, place.entry->last_marker_offset.value());
      put(out, place.entry->batch_count);
      for (std::size_t i = 0; i < place.entry->batch_count; ++i) {
        const ProducerBatch& batch = place.entry->batches[i];
        put(out, batch.last_sequence.value());
        put(out, batch.last_offset.value());
        put(out, batch.offset_delta);
        put(out, batch.crc);
        put(out, batch.timestamp_ms);
        put(out, static_cast<std::uint8_t>(batch.crc_known ? 1 : 0));
      }
    }
  }
  store_be(reinterpret_cast<std::byte*>(out.data()) + kCrcAt,
           crc32c(as_bytes(out).subspan(kEntriesAt)));
  return out;
}

Status ProducerState::decode_snapshot(const std::string& text, std::int64_t now_ms) {
  const ByteView bytes = as_bytes(text);
  TRY(const ByteView behind, behind_entries(bytes));
  const std::byte* at = bytes.data() + kFirstEntryAt;
  while (at != behind.data()) {
    const ProducerId id(take<std::int64_t>(at));
    ProducerEntry entry;
    entry.epoch = ProducerEpoch(take<std::int16_t>(at));
    ProducerBatch last;
    last.last_sequence = SequenceNumber(take<std::int32_t>(at));
    last.last_offset = Offset(take<std::int64_t>(at));
    last.offset_delta = take<std::int32_t>(at);
    last.timestamp_ms = take<std::int64_t>(at);
    entry.last_timestamp_ms = last.timestamp_ms;
    entry.coordinator_epoch = take<std::int32_t>(at);
    entry.current_txn_first_offset = Offset(std::max(take<std::int64_t>(at), kNoOffset.value()));
    if (last.last_offset.value() >= 0) {
      entry.add(last);
    }
    if (entry.coordinator_epoch >= 0) {
      // A marker has been written: all but what the open transaction holds lies before it.
      entry.last_marker_offset = entry.current_txn_first_offset != kNoOffset
                                     ? entry.current_txn_first_offset
                                     : last.last_offset + 1;
    }
    if (expired(entry, now_ms)) {
      continue;
    }
    store(id, entry);
    if (entry.current_txn_first_offset != kNoOffset) {
      ongoing_[entry.current_txn_first_offset] = {id, kNoOffset};
    }
  }
  return decode_batches(behind);
}

// What a passing snapshot says of the batches before the last.
Status ProducerState::decode_batches(ByteView bytes) {
  if (!has_batches(bytes)) {
    return {};
  }
  const auto corrupt = [] {
    return fail(ErrorCode::kCorruptMessage, "what it holds of the producers' batches is cut");
  };
  const std::byte* at = bytes.data() + sizeof(kBatchesMagic);
  const std::byte* const end = bytes.data() + bytes.size();
  while (at != end) {
    if (static_cast<std::size_t>(end - at) < kProducerBytes) {
      return corrupt();
    }
    const ProducerId id(take<std::int64_t>(at));
    const Offset last_marker(take<std::int64_t>(at));
    const auto count = take<std::uint8_t>(at);
    if (count > ProducerEntry::kBatches ||
        static_cast<std::size_t>(end - at) < count * kBatchBytes) {
      return corrupt();
    }
    std::array<ProducerBatch, ProducerEntry::kBatches> batches;
    for (std::uint8_t i = 0; i < count; ++i) {
      ProducerBatch& batch = batches[i];
      batch.last_sequence = SequenceNumber(take<std::int32_t>(at));
      batch.last_offset = Offset(take<std::int64_t>(at));
      batch.offset_delta = take<std::int32_t>(at);
      batch.crc = take<std::uint32_t>(at);
      batch.timestamp_ms = take<std::int64_t>(at);
      batch.crc_known = take<std::uint8_t>(at) != 0;
    }
    const auto found = producers_.find(id);
    // One that has expired is not there.
    if (found != producers_.end()) {
      found->second.last_marker_offset = last_marker;
      found->second.batches = batches;
      found->second.batch_count = count;
    }
  }
  return {};
}

Result<std::optional<std::string>> ProducerState::take_snapshot(SnapshotKind kind) {
  if (map_end_ <= snapshot_end_) {
    return std::nullopt;
  }
  TRY_STATUS(write_snapshot(kind));
  snapshots_.insert(map_end_);
  snapshot_end_ = map_end_;
  return snapshot_path(map_end_);
}

Status ProducerState::write_snapshot(SnapshotKind kind) {
  const std::string path = snapshot_path(map_end_);
  TRY(auto file, vfs_.open(path, OpenMode::kCreateTruncated));
  Status written = file->write_at(0, as_bytes(encode_snapshot(kind)));
  if (!written) {
    static_cast<void>(vfs_.remove(path));  // should that fail too: its CRC tells
  }
  return written;
}

Result<bool> ProducerState::make_newest_passing() {
  if (!snapshots_.contains(map_end_)) {
    return false;
  }
  const Status written = write_snapshot(SnapshotKind::kPassing);
  if (!written && !is_out_of_space(written.error())) {
    return std::unexpected(written.error());
  }
  if (!written) {
    snapshots_.erase(map_end_);
  }
  return written.has_value();
}

Status ProducerState::take_snapshot_if_room() {
  const auto taken = take_snapshot(SnapshotKind::kPlain);
  if (!taken && is_out_of_space(taken.error())) {
    logging::logger("storage").warn("{}: {}", to_string(partition_), taken.error().message);
    return {};
  }
  return taken ? Status{} : Status{std::unexpected(taken.error())};
}

bool ProducerState::is_passing_snapshot(Offset offset) const {
  const auto text = read_file(vfs_, snapshot_path(offset), kMaxSnapshotBytes);
  if (!text) {
    return false;  // loading it will tell why
  }
  const auto behind = behind_entries(as_bytes(*text));
  return behind && has_batches(*behind);
}

Status ProducerState::delete_snapshot(Offset offset) {
  snapshots_.erase(offset);
  return vfs_.remove(snapshot_path(offset));
}

Status ProducerState::load_from_snapshot(Offset log_start, std::int64_t now_ms) {
  while (!snapshots_.empty()) {
    const Offset newest = *snapshots_.rbegin();
    TRY(const std::string content, read_file(vfs_, snapshot_path(newest), kMaxSnapshotBytes));
    const Status decoded = decode_snapshot(content, now_ms);
    if (decoded) {
      map_end_ = newest;
      snapshot_end_ = newest;
      return {};
    }
    logging::logger("storage").warn("{}: {}; going back to the one before", snapshot_path(newest),
                                    decoded.error().message);
    clear();
    TRY_STATUS(delete_snapshot(newest));
  }
  map_end_ = log_start;
  snapshot_end_ = log_start;
  return {};
}

Status ProducerState::truncate_and_reload(Offset log_start, Offset log_end, std::int64_t now_ms) {
  const std::vector<Offset> known(snapshots_.begin(), snapshots_.end());
  for (const Offset offset : known) {
    if (offset > log_end || offset <= log_start) {
      TRY_STATUS(delete_snapshot(offset));
    }
  }
  if (log_end == map_end_) {
    on_log_start(log_start);
    return {};
  }
  clear();
  return load_from_snapshot(log_start, now_ms);
}

Status ProducerState::truncate_fully_and_start_at(Offset offset) {
  clear();
  const std::vector<Offset> known(snapshots_.begin(), snapshots_.end());
  for (const Offset snapshot : known) {
    TRY_STATUS(delete_snapshot(snapshot));
  }
  snapshot_end_ = Offset(0);
  map_end_ = offset;
  return {};
}

Status ProducerState::remove_stray_snapshots(const std::vector<Offset>& segment_bases) {
  std::optional<Offset> newest_stray;
  const std::vector<Offset> known(snapshots_.begin(), snapshots_.end());
  for (const Offset offset : known) {
    if (std::ranges::find(segment_bases, offset) != segment_bases.end()) {
      continue;
    }
    if (newest_stray) {
      TRY_STATUS(delete_snapshot(*newest_stray));
    }
    newest_stray = offset;
  }
  if (newest_stray && !segment_bases.empty() && *newest_stray < segment_bases.back()) {
    TRY_STATUS(delete_snapshot(*newest_stray));
  }
  return {};
}

Result<std::optional<std::string>> ProducerState::mark_snapshot_deleted(Offset offset) {
  if (snapshots_.erase(offset) == 0) {
    return std::nullopt;
  }
  const std::string from = snapshot_path(offset);
  std::string to = from + std::string(kDeletedSuffix);
  const Status renamed = vfs_.rename(from, to);
  if (!renamed) {
    if (renamed.error().sys_errno == ENOENT) {
      return std::nullopt;  // recovery removed it
    }
    return std::unexpected(renamed.error());
  }
  return to;
}

}  // namespace barnabas::storage
