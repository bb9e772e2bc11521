// The records of __consumer_offsets and __transaction_state as texts, in the two forms of Kafka's
// tools: JSON by the message definitions, and what case classes of the old coordinators print.
// Fails: INVALID_RECORD for bytes that are not such a record. Pure. THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"

namespace barnabas::apps {

// The version in front of a key tells what kind of record it is.
inline constexpr std::int16_t kLastOffsetKey = 1;
inline constexpr std::int16_t kGroupMetadataKey = 2;
inline constexpr std::int16_t kLastGroupKey = 8;

[[nodiscard]] Result<std::int16_t> record_version(ByteView bytes);

// {"group":"g","topic":"t","partition":0} and the like: the key after its version.
[[nodiscard]] Result<std::string> group_key_json(ByteView key);
// The value after its version, for a key of that kind. `consumer_texts`: subscriptions and
// assignments of the consumer protocol as JSON of their own instead of their bytes.
[[nodiscard]] Result<std::string> group_value_json(std::int16_t key_version, ByteView value,
                                                   bool consumer_texts);
[[nodiscard]] Result<std::string> transaction_key_json(ByteView key);
[[nodiscard]] Result<std::string> transaction_value_json(ByteView value);

// What kafka-dump-log.sh prints of a record; a record that cannot be read says so in its key.
struct DecodedRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
};
[[nodiscard]] Result<DecodedRecord> decode_group_record(Offset offset,
                                                        const std::optional<ByteView>& key,
                                                        const std::optional<ByteView>& value);
[[nodiscard]] Result<DecodedRecord> decode_transaction_record(const std::optional<ByteView>& key,
                                                              const std::optional<ByteView>& value);

}  // namespace barnabas::apps
