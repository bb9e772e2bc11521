// The records of consumer groups in __consumer_offsets, byte for byte as Kafka 3.9.1 writes them.
//
//   key                  version  value (all of version 0)
//   group                3        epoch of the group
//   group                4        topics that are subscribed to: id, name, partitions, racks
//   group, member        5        a member's subscription, and its protocols if it is a classic one
//   group                6        epoch of the target assignment
//   group, member        7        a member's target assignment
//   group, member        8        a member's epochs, state, partitions, those it is to give up
//   null value: a tombstone. Kafka writes topics and partitions in the order of its hash tables;
//   here they rise.
// THREAD: any
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "consumer_group_types.h"

namespace barnabas::coordinator {

inline constexpr std::int16_t kFirstConsumerKeyVersion = 3;
inline constexpr std::int16_t kLastConsumerKeyVersion = 8;

struct EncodedRecord {
  ByteVector key;
  std::optional<ByteVector> value;
};

[[nodiscard]] Result<EncodedRecord> encode_consumer_record(std::string_view group,
                                                           const ConsumerRecord& record);

struct DecodedConsumerRecord {
  std::string group;
  ConsumerRecord record;
};
// Of a key of version 3 to 8. CORRUPT_MESSAGE where the bytes do not hold.
[[nodiscard]] Result<DecodedConsumerRecord> decode_consumer_record(ByteView key,
                                                                   std::optional<ByteView> value);

}  // namespace barnabas::coordinator
