// A coordinator's port to the partitions of its topic (__consumer_offsets, __transaction_state), as
// far as this broker leads them. Implemented in `broker`, faked in tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "barnabas/base/bytes.h"
#include "barnabas/base/error_code.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"

namespace barnabas::coordinator {

// An answer that comes later, on the coordinator's home.
template <typename T>
using Done = std::move_only_function<void(T)>;

class CoordinatorLog {
 public:
  virtual ~CoordinatorLog() = default;
  // Of the topic, or what it will have when it is made. THREAD: any
  [[nodiscard]] virtual std::int32_t partition_count() const = 0;

  struct Appended {
    ErrorCode error = ErrorCode::kNone;
    Offset base_offset = kNoOffset;
  };
  // Appends one batch. `done` is posted to the coordinator's home: with acks=-1 when the batch is
  // below the high watermark or `timeout_ms` has passed, else when it is written. MESSAGE_TOO_LARGE
  // above max.message.bytes. THREAD: home
  virtual void append(PartitionId partition, ByteVector batch, std::int16_t acks,
                      std::int32_t timeout_ms, Done<Appended> done) = 0;

  // The same for a batch that enters a transaction, with what the verification of its partition
  // gave (0: none was asked for). A log that verifies nothing has no use for it. THREAD: home
  virtual void append_verified(PartitionId partition, ByteVector batch, std::uint64_t /*guard*/,
                               std::int16_t acks, std::int32_t timeout_ms, Done<Appended> done) {
    append(partition, std::move(batch), acks, timeout_ms, std::move(done));
  }

  struct Chunk {
    ByteVector bytes;  // whole batches, then perhaps a part of one
    Offset end{0};     // of the log
  };
  // From the batch that holds `from`, or the log's start where that is later: at most `max_bytes`,
  // or one whole batch. THREAD: disk
  [[nodiscard]] virtual Result<Chunk> read(PartitionId partition, Offset from,
                                           std::size_t max_bytes) = 0;
};

}  // namespace barnabas::coordinator
