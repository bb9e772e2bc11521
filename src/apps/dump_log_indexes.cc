// The indexes, the producers' snapshot and the common parts of dump_log.h.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "barnabas/base/bytes.h"
#include "barnabas/base/crc32c.h"
#include "barnabas/record/batch.h"
#include "batch_file.h"
#include "dump_log.h"
#include "rdkafka_client.h"

namespace barnabas::apps {
namespace {

constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 31U;  // as Kafka's, mapped as a whole
constexpr std::size_t kOutputBytes = std::size_t{64} << 10U;

constexpr std::size_t kOffsetEntry = 8;  // relative offset, position
constexpr std::size_t kTimeEntry = 12;   // timestamp, relative offset

Result<std::string> read_index(Vfs& vfs, const std::string& path) {
  return read_file(vfs, path, kMaxIndexBytes);
}

// An index as it lies in its file.
class Entries {
 public:
  Entries(std::string bytes, std::size_t entry_bytes, std::int64_t base)
      : bytes_(std::move(bytes)), entry_bytes_(entry_bytes), base_(base) {}
  [[nodiscard]] std::size_t count() const { return bytes_.size() / entry_bytes_; }
  [[nodiscard]] std::size_t size_bytes() const { return bytes_.size(); }
  [[nodiscard]] bool is_whole() const { return bytes_.size() % entry_bytes_ == 0; }
  template <typename T>
  [[nodiscard]] T field(std::size_t entry, std::size_t at) const {
    return load_be<T>(as_bytes(bytes_).data() + entry * entry_bytes_ + at);
  }
  // The file of an active segment has zeros behind its entries.
  [[nodiscard]] bool is_zero(std::size_t entry, std::size_t offset_at) const {
    return entry > 0 && field<std::int32_t>(entry, offset_at) == 0;
  }
  [[nodiscard]] std::int64_t offset(std::size_t entry, std::size_t at) const {
    return base_ + field<std::int32_t>(entry, at);
  }

 private:
  std::string bytes_;
  std::size_t entry_bytes_;
  std::int64_t base_;
};

std::unexpected<Error> corrupt(std::string text) {
  return fail(ErrorCode::kCorruptMessage, std::move(text));
}

Status check_offset_index(const Entries& index, const DumpFile& file, std::int64_t base) {
  const std::int64_t last = index.offset(index.count() - 1, 0);
  if (last < base) {
    return corrupt(fmt::format(
        "Corrupt index found, index file {} has non-zero size but the last offset is {} which is "
        "less than the base offset {}",
        file.absolute, last, base));
  }
  if (!index.is_whole()) {
    return corrupt(fmt::format(
        "Index file {} is corrupt, found {} bytes which is neither positive nor a multiple of {}",
        file.absolute, index.size_bytes(), kOffsetEntry));
  }
  return {};
}

Status check_time_index(const Entries& index, const DumpFile& file, std::int64_t base) {
  if (index.count() > 0) {
    const std::size_t last = index.count() - 1;
    const auto last_timestamp = index.field<std::int64_t>(last, 0);
    const auto first_timestamp = index.field<std::int64_t>(0, 0);
    if (last_timestamp < first_timestamp) {
      return corrupt(fmt::format(
          "Corrupt time index found, time index file ({}) has non-zero size but the last timestamp "
          "is {} which is less than the first timestamp {}",
          file.absolute, last_timestamp, first_timestamp));
    }
    if (index.offset(last, 8) < base) {
      return corrupt(fmt::format(
          "Corrupt time index found, time index file ({}) has non-zero size but the last offset is "
          "{} which is less than the first offset {}",
          file.absolute, index.offset(last, 8), base));
    }
  }
  if (!index.is_whole()) {
    return corrupt(
        fmt::format("Time index file {} is corrupt, found {} bytes which is neither "
                    "positive nor a multiple of {}",
                    file.absolute, index.size_bytes(), kTimeEntry));
  }
  return {};
}

// Where to look in the log for `offset`: the position of the last entry not above it.
std::int64_t position_of(const Entries& index, std::int64_t offset) {
  std::int64_t position = 0;
  for (std::size_t i = 0; i < index.count() && !index.is_zero(i, 0); ++i) {
    if (index.offset(i, 0) > offset) {
      break;
    }
    position = index.field<std::int32_t>(i, 4);
  }
  return position;
}

class TimeIndexCheck {
 public:
  TimeIndexCheck(BatchFile& log, const Entries& offsets, const DumpFile& file,
                 DumpFindings& findings)
      : log_(log), offsets_(offsets), file_(file), findings_(findings) {}

  [[nodiscard]] Status entry(std::int64_t timestamp, std::int64_t offset) {
    std::int64_t at = position_of(offsets_, offset);
    for (;;) {
      TRY(const std::optional<FileBatch> batch, log_.batch_at(at, log_.size_bytes()));
      if (!batch || batch->last_offset() >= offset) {
        TRY_STATUS(compare(batch, timestamp, offset));
        previous_ = timestamp;
        return {};
      }
      at += batch->size_bytes();
    }
  }

 private:
  [[nodiscard]] Status compare(const std::optional<FileBatch>& batch, std::int64_t timestamp,
                               std::int64_t offset) {
    if (!batch || batch->last_offset() != offset) {
      findings_.offsets_not_found[file_.absolute].emplace_back(offset,
                                                               batch ? batch->last_offset() : -1);
      return {};
    }
    std::int64_t largest = kNoTimestamp;
    TRY_STATUS(records_.each(*batch, [&](const record::RecordView& record, const LegacyChecksum*) {
      largest = std::max(largest, record.timestamp_ms);
      return Status{};
    }));
    if (largest != timestamp) {
      findings_.time_mismatches[file_.absolute].emplace_back(timestamp, largest);
    }
    if (previous_ >= timestamp) {
      findings_.time_out_of_order[file_.absolute].emplace_back(timestamp, previous_);
    }
    return {};
  }

  BatchFile& log_;
  const Entries& offsets_;
  const DumpFile& file_;
  DumpFindings& findings_;
  FileRecordWalk records_;
  std::int64_t previous_ = kNoTimestamp;
};

}  // namespace

DumpFile dump_file(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  return {path, absolute.string(), name.substr(0, name.find('.')),
          dot == std::string::npos ? std::string() : name.substr(dot)};
}

Result<std::int64_t> base_offset_of(const DumpFile& file) {
  std::int64_t base = 0;
  const char* const end = file.stem.data() + file.stem.size();
  const auto [stop, error] = std::from_chars(file.stem.data(), end, base);
  if (error != std::errc{} || stop != end) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("For input string: \"{}\"", file.stem));
  }
  return base;
}

std::string sibling(const DumpFile& file, std::string_view suffix) {
  return file.absolute.substr(0, file.absolute.rfind('/') + 1) + file.stem + std::string(suffix);
}

Status dump_offset_index(Vfs& vfs, const DumpFile& file, const DumpOptions& options,
                         DumpFindings& findings, DumpOutput& out) {
  TRY(const std::int64_t base, base_offset_of(file));
  TRY(BatchFile log, BatchFile::open(vfs, sibling(file, ".log")));
  TRY(std::string bytes, read_index(vfs, file.path));
  const Entries index(std::move(bytes), kOffsetEntry, base);
  if (index.count() == 0) {
    out.buffer() += fmt::format("{} is empty.\n", file.path);
    return {};
  }
  if (options.sanity_only) {
    TRY_STATUS(check_offset_index(index, file, base));
    out.buffer() += fmt::format("{} passed sanity check.\n", file.path);
    return {};
  }
  for (std::size_t i = 0; i < index.count() && !index.is_zero(i, 0); ++i) {
    const std::int64_t offset = index.offset(i, 0);
    const auto position = index.field<std::int32_t>(i, 4);
    const std::int64_t end = std::min(position + options.max_message_size, log.size_bytes());
    TRY(const std::optional<FileBatch> batch, log.batch_at(position, end));
    if (!batch) {
      return corrupt(fmt::format("{}: no whole batch of at most {} bytes at position {} of the log",
                                 file.path, options.max_message_size, position));
    }
    if (batch->last_offset() != offset) {
      auto& pairs = findings.index_mismatches[file.absolute];
      pairs.insert(pairs.begin(), {offset, batch->last_offset()});
    }
    if (!options.verify_only) {
      out.buffer() += fmt::format("offset: {} position: {}\n", offset, position);
      out.flush_if_large();
    }
  }
  return {};
}

Status dump_time_index(Vfs& vfs, const DumpFile& file, const DumpOptions& options,
                       DumpFindings& findings, DumpOutput& out) {
  TRY(const std::int64_t base, base_offset_of(file));
  TRY(BatchFile log, BatchFile::open(vfs, sibling(file, ".log")));
  TRY(std::string offset_bytes, read_index(vfs, sibling(file, ".index")));
  TRY(std::string bytes, read_index(vfs, file.path));
  const Entries offsets(std::move(offset_bytes), kOffsetEntry, base);
  const Entries index(std::move(bytes), kTimeEntry, base);
  if (options.sanity_only) {
    TRY_STATUS(check_time_index(index, file, base));
    out.buffer() += fmt::format("{} passed sanity check.\n", file.path);
    return {};
  }
  TimeIndexCheck check(log, offsets, file, findings);
  for (std::size_t i = 0; i < index.count() && !index.is_zero(i, 8); ++i) {
    const auto timestamp = index.field<std::int64_t>(i, 0);
    TRY_STATUS(check.entry(timestamp, index.offset(i, 8)));
    if (!options.verify_only) {
      out.buffer() += fmt::format("timestamp: {} offset: {}\n", timestamp, index.offset(i, 8));
      out.flush_if_large();
    }
  }
  return {};
}

Status dump_transaction_index(Vfs& vfs, const DumpFile& file, DumpOutput& out) {
  // version, producer id, first offset, last offset, last stable offset
  constexpr std::size_t kEntry = 34;
  constexpr std::int16_t kVersion = 0;
  TRY(const std::string bytes, read_index(vfs, file.path));
  const Entries index(bytes, kEntry, 0);
  for (std::size_t i = 0; i < index.count(); ++i) {
    const auto version = index.field<std::int16_t>(i, 0);
    if (version > kVersion) {
      return corrupt(
          fmt::format("Unexpected aborted transaction version {} in transaction index {}, current "
                      "version is {}",
                      version, file.absolute, kVersion));
    }
    out.buffer() += fmt::format(
        "version: {} producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}\n", version,
        index.field<std::int64_t>(i, 2), index.field<std::int64_t>(i, 10),
        index.field<std::int64_t>(i, 18), index.field<std::int64_t>(i, 26));
  }
  return {};
}

Status dump_producer_snapshot(Vfs& vfs, const DumpFile& file, DumpOutput& out) {
  // version, CRC of what follows it, count; then producer id, epoch, last sequence, last offset,
  // offset delta, timestamp, coordinator epoch, first offset of the open transaction
  constexpr std::size_t kHeader = 10;
  constexpr std::size_t kCrcEnd = 6;
  constexpr std::size_t kEntry = 46;
  constexpr std::int16_t kVersion = 1;
  TRY(const std::string text, read_index(vfs, file.path));
  const ByteView bytes = as_bytes(text);
  const auto told = [](const std::string& why) {  // no failure of the tool, as in Kafka's
    say(why);
    return Status{};
  };
  if (bytes.size() < kHeader) {
    return told("Snapshot failed schema validation: it is too short");
  }
  const auto version = load_be<std::int16_t>(bytes.data());
  const auto stored = load_be<std::uint32_t>(bytes.data() + 2);
  const auto count = load_be<std::int32_t>(bytes.data() + kCrcEnd);
  if (count < 0 || (bytes.size() - kHeader) / kEntry < static_cast<std::size_t>(count)) {
    return told("Snapshot failed schema validation: it is too short");
  }
  if (version != kVersion) {
    return told(fmt::format("Snapshot contained an unknown file version {}", version));
  }
  if (const std::uint32_t computed = crc32c(bytes.subspan(kCrcEnd)); computed != stored) {
    return told(
        fmt::format("Snapshot is corrupt (CRC is no longer valid). Stored crc: {}. "
                    "Computed crc: {}",
                    stored, computed));
  }
  for (std::int32_t i = 0; i < count; ++i) {
    const std::byte* const entry = bytes.data() + kHeader + static_cast<std::size_t>(i) * kEntry;
    const auto last_sequence = load_be<std::int32_t>(entry + 10);
    const auto last_offset = load_be<std::int64_t>(entry + 14);
    const auto delta = load_be<std::int32_t>(entry + 22);
    const auto timestamp = load_be<std::int64_t>(entry + 26);
    const auto first_of_txn = load_be<std::int64_t>(entry + 38);
    out.buffer() += fmt::format(
        "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {} "
        "lastTimestamp: {} ",
        load_be<std::int64_t>(entry), load_be<std::int16_t>(entry + 8),
        load_be<std::int32_t>(entry + 34),
        first_of_txn >= 0 ? fmt::format("OptionalLong[{}]", first_of_txn) : "OptionalLong.empty",
        timestamp);
    if (last_offset >= 0) {
      constexpr std::int64_t kModulus = std::int64_t{INT32_MAX} + 1;
      const std::int64_t first =
          last_sequence >= delta ? last_sequence - delta : last_sequence - delta + kModulus;
      out.buffer() += fmt::format(
          "firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}", first,
          last_sequence, last_offset, delta, timestamp);
    }
    out.buffer() += '\n';
  }
  return {};
}

std::string DumpFindings::text() const {
  std::string text;
  const auto add = [&](const std::map<std::string, Pairs>& found, std::string_view title,
                       std::string_view row) {
    for (const auto& [file, pairs] : found) {
      text += title.contains("{}") ? fmt::format(fmt::runtime(title), file) : std::string(title);
      for (const auto& [one, other] : pairs) {
        text += fmt::format(fmt::runtime(row), one, other);
      }
    }
  };
  add(index_mismatches, "Mismatches in :{}\n", "  Index offset: {}, log offset: {}\n");
  add(time_mismatches, "Found timestamp mismatch in :{}\n",
      "  Index timestamp: {}, log timestamp: {}\n");
  add(time_out_of_order, "Found out of order timestamp in :{}\n",
      "  Index timestamp: {}, Previously indexed timestamp: {}\n");
  add(offsets_not_found, "The following indexed offsets are not found in the log.\n",
      "Indexed offset: {}, found log offset: {}\n");
  add(not_consecutive, "Non-consecutive offsets in {}\n", "  {} is followed by {}\n");
  return text;
}

void DumpOutput::flush_if_large() {
  if (buffer_.size() >= kOutputBytes) {
    flush();
  }
}

void DumpOutput::flush() {
  std::fwrite(buffer_.data(), 1, buffer_.size(), stdout);
  std::fflush(stdout);
  buffer_.clear();
}

}  // namespace barnabas::apps
