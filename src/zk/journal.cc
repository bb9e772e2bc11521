#include "journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "barnabas/base/logging.h"
#include "journal_format.h"

namespace barnabas::zk {
namespace {

constexpr std::string_view kJournalPrefix = "journal.";
constexpr std::string_view kSnapshotPrefix = "snapshot.";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{2} << 30U;

std::string journal_path(const std::string& directory, Zxid start) {
  return fmt::format("{}/{}{:016x}", directory, kJournalPrefix, start.value());
}

std::string snapshot_path(const std::string& directory, Zxid zxid) {
  return fmt::format("{}/{}{:016x}", directory, kSnapshotPrefix, zxid.value());
}

std::optional<Zxid> zxid_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + 16) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const char* const begin = name.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, begin + 16, value, 16);
  if (error != std::errc{} || end != begin + 16) {
    return std::nullopt;
  }
  return Zxid{value};
}

std::unexpected<Error> broken(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kKafkaStorageError,
              fmt::format("{}: {}; the metadata cannot be trusted. Restore the file from a copy, "
                          "or move the directory away to begin with empty metadata",
                          path, what));
}

struct Files {
  std::vector<Zxid> journals;   // rising
  std::vector<Zxid> snapshots;  // rising
};

Result<Files> list_files(const Vfs& vfs, const std::string& directory) {
  TRY(const auto entries, vfs.list(directory));
  Files files;
  for (const DirectoryEntry& entry : entries) {
    if (const auto zxid = zxid_of(entry.name, kJournalPrefix)) {
      files.journals.push_back(*zxid);
    } else if (const auto snapshot = zxid_of(entry.name, kSnapshotPrefix)) {
      files.snapshots.push_back(*snapshot);
    }
  }
  std::ranges::sort(files.journals);
  std::ranges::sort(files.snapshots);
  return files;
}

// Replays one journal into `tree`. Returns the bytes that hold.
Result<std::uint64_t> replay(const Vfs& vfs, const std::string& path, DataTree& tree) {
  TRY(const std::string content, read_file(vfs, path, kMaxFileBytes));
  const std::string_view bytes = content;
  if (bytes.size() < kJournalMagic.size()) {
    return 0;  // the crash came while the file was made
  }
  if (!bytes.starts_with(kJournalMagic)) {
    return broken(path, "this is not a metadata journal");
  }
  std::size_t at = kJournalMagic.size();
  while (at < bytes.size()) {
    auto read = read_entry(bytes.substr(at));
    if (!read) {
      const Zxid missing = tree.last_zxid() + 1;
      if (later_entry_confirms(bytes.substr(at), missing)) {
        return broken(path, fmt::format("the entry at byte {} does not hold", at));
      }
      return at;
    }
    const JournalEntry& entry = read->entry;
    if (entry.zxid > tree.last_zxid()) {
      if (entry.zxid != tree.last_zxid() + 1) {
        return broken(path, fmt::format("entries {} to {} are missing before byte {}",
                                        tree.last_zxid().value() + 1, entry.zxid.value() - 1, at));
      }
      if (auto applied = tree.apply(entry.session, entry.time_ms, entry.ops); !applied) {
        return broken(path, fmt::format("the entry at byte {} does not fit the tree: {}", at,
                                        to_string(applied.error())));
      }
    }
    at += read->bytes;
  }
  return at;
}

}  // namespace

Result<Recovered> recover_tree(const Vfs& vfs, const std::string& directory) {
  TRY(const Files files, list_files(vfs, directory));
  Recovered recovered;
  if (!files.snapshots.empty()) {
    const Zxid newest = files.snapshots.back();
    const std::string path = snapshot_path(directory, newest);
    TRY(const std::string content, read_file(vfs, path, kMaxFileBytes));
    auto tree = decode_snapshot(content);
    if (!tree || tree->last_zxid() != newest) {
      return broken(path, "the snapshot does not hold");
    }
    recovered.tree = std::move(*tree);
  }
  recovered.journal_start = recovered.tree.last_zxid();
  for (const Zxid start : files.journals) {
    const std::string path = journal_path(directory, start);
    const bool last = start == files.journals.back();
    TRY(const std::uint64_t whole, replay(vfs, path, recovered.tree));
    TRY(const FileInfo info, vfs.stat(path));
    if (last) {
      recovered.journal_start = start;
      recovered.journal_bytes = whole;
      recovered.journal_exists = true;
    } else if (whole != info.size && recovered.tree.last_zxid() < files.journals.back()) {
      return broken(path, fmt::format("the entry at byte {} does not hold", whole));
    }
  }
  if (!files.journals.empty() && recovered.tree.last_zxid() < files.journals.back()) {
    return broken(journal_path(directory, files.journals.back()),
                  "the snapshot or journal before it is missing");
  }
  return recovered;
}

Result<std::unique_ptr<Journal>> Journal::open(Vfs& vfs, std::string directory,
                                               const Recovered& recovered) {
  std::unique_ptr<Journal> journal(new Journal(vfs, std::move(directory)));
  TRY(const auto entries, vfs.list(journal->directory_));
  for (const DirectoryEntry& entry : entries) {
    if (entry.name.ends_with(kTemporarySuffix)) {
      TRY_STATUS(vfs.remove(journal->directory_ + "/" + entry.name));
    }
  }
  if (!recovered.journal_exists || recovered.journal_bytes < kJournalMagic.size()) {
    TRY_STATUS(journal->start_file(recovered.journal_start));
  } else {
    const std::string path = journal_path(journal->directory_, recovered.journal_start);
    TRY(journal->file_, vfs.open(path, OpenMode::kReadWrite));
    journal->size_ = recovered.journal_bytes;
    TRY(const std::uint64_t size, journal->file_->size());
    if (size > recovered.journal_bytes) {
      logging::logger("zk").warn("{}: a torn entry at byte {} is cut off ({} bytes)", path,
                                 recovered.journal_bytes, size - recovered.journal_bytes);
      TRY_STATUS(journal->file_->truncate(recovered.journal_bytes));
    }
    // What is read here may never have been synced by the run that wrote it.
    TRY_STATUS(journal->file_->sync());
  }
  TRY(const Files files, list_files(vfs, journal->directory_));
  if (!files.snapshots.empty()) {
    TRY_STATUS(journal->remove_older(files.snapshots.back()));
  }
  return journal;
}

Status Journal::start_file(Zxid start) {
  const std::string path = journal_path(directory_, start);
  TRY(file_, vfs_.open(path, OpenMode::kCreateTruncated));
  TRY_STATUS(file_->write_at(0, as_bytes(kJournalMagic)));
  TRY_STATUS(file_->sync());
  TRY_STATUS(vfs_.sync_directory(directory_));
  size_ = kJournalMagic.size();
  return {};
}

Status Journal::append(std::string_view entries) {
  TRY_STATUS(file_->write_at(size_, as_bytes(entries)));
  size_ += entries.size();
  return file_->sync();
}

Status Journal::compact(std::string_view snapshot, Zxid zxid) {
  TRY_STATUS(write_file_atomically(vfs_, snapshot_path(directory_, zxid), snapshot));
  TRY_STATUS(start_file(zxid));
  return remove_older(zxid);
}

Status Journal::remove_older(Zxid keep_from) {
  TRY(const Files files, list_files(vfs_, directory_));
  // A journal is spent when a later one begins at or before the snapshot.
  for (std::size_t i = 0; i + 1 < files.journals.size(); ++i) {
    if (files.journals[i + 1] <= keep_from) {
      TRY_STATUS(vfs_.remove(journal_path(directory_, files.journals[i])));
    }
  }
  for (const Zxid snapshot : files.snapshots) {
    if (snapshot < keep_from) {
      TRY_STATUS(vfs_.remove(snapshot_path(directory_, snapshot)));
    }
  }
  return vfs_.sync_directory(directory_);
}

}  // namespace barnabas::zk
