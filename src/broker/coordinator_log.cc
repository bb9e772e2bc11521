#include "coordinator_log.h"

#include <algorithm>
#include <utility>

namespace barnabas::broker {

// As it was when it was first seen: keys must not move while this broker runs.
std::int32_t PartitionCoordinatorLog::partition_count() const {
  if (const std::int32_t known = known_partitions_.load(); known > 0) {
    return known;
  }
  const auto cluster = metadata_.load();
  const auto* const topic = cluster->topic(topic_);
  if (topic == nullptr || topic->partitions.empty()) {
    return configured_partitions_;
  }
  known_partitions_.store(static_cast<std::int32_t>(topic->partitions.size()));
  return known_partitions_.load();
}

void PartitionCoordinatorLog::append(PartitionId partition, ByteVector batch, std::int16_t acks,
                                     std::int32_t timeout_ms, coordinator::Done<Appended> done) {
  appends_.append({topic_, partition},
                  {.batch = std::move(batch), .acks = acks, .timeout_ms = timeout_ms},
                  std::move(done));
}

void PartitionCoordinatorLog::append_verified(PartitionId partition, ByteVector batch,
                                              std::uint64_t guard, std::int16_t acks,
                                              std::int32_t timeout_ms,
                                              coordinator::Done<Appended> done) {
  appends_.append({topic_, partition},
                  {.batch = std::move(batch),
                   .acks = acks,
                   .timeout_ms = timeout_ms,
                   .guard = storage::VerificationGuard(guard)},
                  std::move(done));
}

Result<coordinator::CoordinatorLog::Chunk> PartitionCoordinatorLog::read(PartitionId partition,
                                                                         Offset from,
                                                                         std::size_t max_bytes) {
  const auto replica = replicas_.table()->share(topic_, partition);
  const auto log = replica == nullptr ? nullptr : replica->log();
  if (log == nullptr) {
    return fail(ErrorCode::kNotLeaderOrFollower, "this broker holds no replica");
  }
  const auto view = log->view();
  Chunk chunk;
  chunk.end = view.end_offset();
  const Offset first = std::max(from, view.start_offset());
  if (first >= chunk.end) {
    return chunk;
  }
  TRY(const auto slice, log->read(view, first, max_bytes, chunk.end, true));
  if (slice.length == 0) {
    return chunk;
  }
  chunk.bytes.resize(slice.length);
  TRY(const std::size_t read, slice.file->read_at(slice.position, chunk.bytes));
  chunk.bytes.resize(read);
  return chunk;
}

}  // namespace barnabas::broker
