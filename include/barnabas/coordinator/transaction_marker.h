// The control batch that ends a transaction in a partition, byte for byte as Kafka 3.9.1 writes it.
// THREAD: any
#pragma once

#include <cstdint>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/coordinator/transaction_coordinator.h"

namespace barnabas::coordinator {

struct MarkerTime {
  std::int64_t now_ms = kNoTimestamp;
  bool log_append_time = false;  // message.timestamp.type of the topic
};

[[nodiscard]] Result<ByteVector> build_marker_batch(ProducerIdAndEpoch producer, bool commit,
                                                    LeaderEpoch coordinator_epoch, MarkerTime time);

}  // namespace barnabas::coordinator
