// The records of __consumer_offsets, byte for byte as Kafka 3.9.1 writes them (the classic
// GroupMetadataManager, inter.broker.protocol.version 3.0 and later).
//
//   key                            version  value                                        version
//   group, topic, partition        1        offset, leader epoch, metadata, commit time  3
//                                             with an expiry time of its own             1
//   group                          2        state of the group: members, assignments     3
//   null value: a tombstone; keys of other versions are not ours and are skipped.
//
// Read are versions 0 and 1 of offset keys and all versions of values.
// THREAD: any
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/protocol/gen/group_metadata_value.h"
#include "group.h"
#include "group_offsets.h"

namespace barnabas::coordinator {

struct OffsetRecordKey {
  std::string group;
  TopicPartition partition;
};
struct GroupRecordKey {
  std::string group;
};
struct OtherRecordKey {
  std::int16_t version;
};
using RecordKey = std::variant<OffsetRecordKey, GroupRecordKey, OtherRecordKey>;

[[nodiscard]] ByteVector encode_offset_key(std::string_view group, const TopicPartition& partition);
[[nodiscard]] Result<ByteVector> encode_offset_value(const CommittedOffset& value);
[[nodiscard]] ByteVector encode_group_key(std::string_view group);
// With these assignments in place of those that the members have now.
[[nodiscard]] Result<ByteVector> encode_group_value(const Group& group,
                                                    const Assignments& assignments);

// CORRUPT_MESSAGE where the bytes do not hold.
[[nodiscard]] Result<RecordKey> decode_record_key(ByteView key);
[[nodiscard]] Result<CommittedOffset> decode_offset_value(ByteView value);
[[nodiscard]] Result<protocol::GroupMetadataValue> decode_group_value(ByteView value);

}  // namespace barnabas::coordinator
