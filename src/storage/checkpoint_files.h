// The small text files of a log dir and of a partition. Formats: docs/formats.md.
// Each is replaced as a whole: written beside, synced, renamed, the directory synced; a crash
// leaves the old content or the new.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/base/vfs.h"
#include "barnabas/storage/log.h"
#include "barnabas/storage/log_manager.h"

namespace barnabas::storage {

inline constexpr const char* kRecoveryPointFile = "recovery-point-offset-checkpoint";
inline constexpr const char* kLogStartFile = "log-start-offset-checkpoint";
inline constexpr const char* kHighWatermarkFile = "replication-offset-checkpoint";
inline constexpr const char* kCleanerFile = "cleaner-offset-checkpoint";
inline constexpr const char* kMetaPropertiesFile = "meta.properties";
// Ours: under which boot of the machine the files of a log dir were written (Vfs::boot_id).
inline constexpr const char* kBootFile = "barnabas.boot";
inline constexpr std::uint64_t kMaxBootFileBytes = 4096;
inline constexpr const char* kCleanShutdownFile = ".kafka_cleanshutdown";
inline constexpr const char* kLockFile = ".lock";

using OffsetMap = std::map<TopicPartition, Offset>;

// "0\n<count>\n" and a line "topic partition offset" each. A missing or empty file holds nothing.
[[nodiscard]] Result<OffsetMap> read_offset_checkpoint(const Vfs& vfs, const std::string& path);
[[nodiscard]] Status write_offset_checkpoint(Vfs& vfs, const std::string& path,
                                             const OffsetMap& offsets);

// "0\n<count>\n" and a line "epoch start-offset" each.
[[nodiscard]] Result<std::vector<EpochEntry>> read_epoch_checkpoint(const Vfs& vfs,
                                                                    const std::string& path);
[[nodiscard]] Status write_epoch_checkpoint(Vfs& vfs, const std::string& path,
                                            const std::vector<EpochEntry>& entries);

// "version: 0\ntopic_id: <id>". A missing file holds no id; a damaged one is an error.
[[nodiscard]] Result<std::optional<Uuid>> read_partition_metadata(const Vfs& vfs,
                                                                  const std::string& path);
// Written and renamed but not synced: whoever needs it on stable storage syncs file and directory.
[[nodiscard]] Status write_partition_metadata(Vfs& vfs, const std::string& path, Uuid topic_id);

// Java properties; keeps what we do not know (directory.id), so that a rewrite loses nothing.
struct MetaPropertiesContent {
  std::map<std::string, std::string> values;
};
[[nodiscard]] Result<std::optional<MetaPropertiesContent>> read_meta_properties(
    const Vfs& vfs, const std::string& path);
[[nodiscard]] Status write_meta_properties_file(Vfs& vfs, const std::string& path,
                                                const MetaPropertiesContent& content,
                                                std::int64_t now_ms);

// {"version":0,"brokerEpoch":N}
[[nodiscard]] Status write_clean_shutdown(Vfs& vfs, const std::string& path, BrokerEpoch epoch);

}  // namespace barnabas::storage
