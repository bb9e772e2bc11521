// Fetch answers for old clients: batches in the format that Fetch 0 to 3 read, and the errors that
// stand for what a client of a version cannot read. As KafkaApis.maybeConvertFetchedData has it.
#pragma once

#include <cstdint>
#include <optional>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/storage/log.h"
#include "barnabas/storage/log_config.h"

namespace barnabas::broker {

inline constexpr std::int16_t kLastFetchOfMagic0 = 1;
inline constexpr std::int16_t kLastFetchOfMagic1 = 3;
inline constexpr std::int16_t kLastFetchWithHardLimit = 2;  // the first batch may be cut off, too
inline constexpr std::int16_t kLastFetchWithoutStorageError =
    5;  // does not know KAFKA_STORAGE_ERROR
inline constexpr std::int16_t kFirstFetchWithZstd = 10;

// What an answer with converted records holds at most, unless one partition asks for more: it is in
// memory until it is sent.
inline constexpr std::int32_t kMaxConvertedAnswer = 8 << 20;

// The magic that a Fetch version reads at most; none: whatever lies on the disk.
[[nodiscard]] constexpr std::optional<std::int8_t> oldest_magic_of(std::int16_t fetch_version) {
  if (fetch_version <= kLastFetchOfMagic0) {
    return std::int8_t{0};
  }
  return fetch_version <= kLastFetchOfMagic1 ? std::optional(std::int8_t{1}) : std::nullopt;
}

// Why a topic is not readable by a Fetch version, whatever lies in it: zstd as its compression.type
// before version 10, down-conversion switched off. Both are the topic's, not the batches'.
[[nodiscard]] ErrorCode unreadable_for(std::int16_t fetch_version, bool from_follower,
                                       const storage::LogConfig& config);

// The slice as batches of magic `to` from offset `from` on. As long as the slice at most, or as its
// first batch where that is longer; cut off there like any answer. A slice without a whole batch
// gives nothing; one whose batches all vanish (control batches) gives the beginning of a message
// that cannot be, as Kafka tells old consumers that there is something they cannot read.
// UNSUPPORTED_COMPRESSION_TYPE: zstd comes first in it. THREAD: disk
[[nodiscard]] Result<ByteVector> convert_slice(const storage::LogSlice& slice, std::int8_t to,
                                               Offset from);

}  // namespace barnabas::broker
