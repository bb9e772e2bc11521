// Names of files and directories, as Kafka's LogFileUtils and LocalLog make and read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/uuid.h"

namespace barnabas::storage {

inline constexpr std::string_view kLogSuffix = ".log";
inline constexpr std::string_view kIndexSuffix = ".index";
inline constexpr std::string_view kTimeIndexSuffix = ".timeindex";
inline constexpr std::string_view kTxnIndexSuffix = ".txnindex";
inline constexpr std::string_view kSnapshotSuffix = ".snapshot";
inline constexpr std::string_view kDeletedSuffix = ".deleted";
inline constexpr std::string_view kCleanedSuffix = ".cleaned";
inline constexpr std::string_view kSwapSuffix = ".swap";

inline constexpr const char* kLeaderEpochFile = "leader-epoch-checkpoint";
inline constexpr const char* kPartitionMetadataFile = "partition.metadata";

// 20 digits and the suffix.
[[nodiscard]] std::string file_name(Offset base_offset, std::string_view suffix);
// The offset that a file's name begins with; null where it begins with none.
[[nodiscard]] std::optional<Offset> offset_of_file(std::string_view name);

enum class LogDirectoryKind : std::uint8_t { kCurrent, kDeleted, kFuture, kStray };

struct LogDirectoryName {
  TopicPartition partition;
  LogDirectoryKind kind = LogDirectoryKind::kCurrent;
};

// Reads the name of a directory inside a log dir; the error is Kafka's refusal of a foreign one.
[[nodiscard]] Result<LogDirectoryName> parse_log_directory(const std::string& log_dir,
                                                           std::string_view name);
// topic-N.<32 hex digits>-delete, the topic cut so that the name has at most 255 bytes.
[[nodiscard]] std::string deleted_directory_name(const TopicPartition& partition, Uuid id);

// Where a log's directory is now: deletion renames it while segments go on knowing it.
// THREAD: any
class DirectoryPath {
 public:
  explicit DirectoryPath(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] std::string get() const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return path_;
  }
  void set(std::string path) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    path_ = std::move(path);
  }
  [[nodiscard]] std::string file(std::string_view name) const {
    return get() + "/" + std::string(name);
  }

 private:
  mutable Mutex mutex_;
  std::string path_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::storage
