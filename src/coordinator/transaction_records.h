// The records of __transaction_state and the markers, byte for byte as Kafka 3.9.1 writes them.
//
//   key                version  value                                                    version
//   transactional id   0        producer id and epoch, time-out, state, partitions,      0
//                               last update, start
//   null value: a tombstone; keys of other versions are skipped. Read are values of version 1, too.
//
// A marker is a control batch of one record: key version, type (0 abort, 1 commit); value version,
// coordinator epoch.
// THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "transaction.h"

namespace barnabas::coordinator {

[[nodiscard]] ByteVector encode_transaction_key(std::string_view transactional_id);
[[nodiscard]] Result<ByteVector> encode_transaction_value(const TransactionData& data);

// None: a key of another kind. CORRUPT_MESSAGE where the bytes do not hold.
[[nodiscard]] Result<std::optional<std::string>> decode_transaction_key(ByteView key);
[[nodiscard]] Result<TransactionData> decode_transaction_value(ByteView value);

// One record of __transaction_state as a batch; without data, a tombstone.
[[nodiscard]] Result<ByteVector> build_transaction_batch(std::string_view transactional_id,
                                                         const TransactionData* data,
                                                         std::int64_t now_ms);

}  // namespace barnabas::coordinator
