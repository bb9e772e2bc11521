// The console consumer's formatters of __consumer_offsets and __transaction_state, by the names of
// Kafka's classes: those of org.apache.kafka.tools.consumer, which write JSON without a line end,
// and those of the old coordinators. One difference on purpose: the value of a record of the newer
// group protocol is "unknown", as its key is, where Kafka's reader may fail. Pure. THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "barnabas/base/result.h"

namespace barnabas::apps {

enum class CoordinatorFormat : std::uint8_t {
  kOffsets,
  kGroupMetadata,
  kTransactionLog,
  kOldOffsets,
  kOldGroupMetadata,
  kOldTransactionLog,
};

// `name` without its package: "OffsetsMessageFormatter"; or with it, for the old coordinators'.
[[nodiscard]] std::optional<CoordinatorFormat> coordinator_format(std::string_view name);
// The name to use in place of an old coordinator's; empty for another.
[[nodiscard]] std::string_view newer_name(CoordinatorFormat format);

// Appends the record, or nothing where it is of another kind. Fails: INVALID_RECORD.
[[nodiscard]] Status format_coordinator_record(CoordinatorFormat format,
                                               const std::optional<std::string_view>& key,
                                               const std::optional<std::string_view>& value,
                                               std::string& out);

}  // namespace barnabas::apps
