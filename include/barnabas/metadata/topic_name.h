// Names of topics: what is allowed, which are Kafka's own, which two would share a metric name.
// Facts: org.apache.kafka.common.internals.Topic of 3.9.1.
// THREAD: any
#pragma once

#include <string_view>

#include "barnabas/base/result.h"

namespace barnabas::metadata {

inline constexpr std::string_view kGroupMetadataTopic = "__consumer_offsets";
inline constexpr std::string_view kTransactionStateTopic = "__transaction_state";
inline constexpr std::string_view kShareGroupStateTopic = "__share_group_state";
inline constexpr std::size_t kMaxTopicNameLength = 249;

// INVALID_TOPIC_EXCEPTION with Kafka's sentence.
[[nodiscard]] Status validate_topic_name(std::string_view name);
[[nodiscard]] bool is_internal_topic(std::string_view name);
// '.' and '_' are one character in the names of metrics, so Kafka refuses two topics that differ
// in nothing else.
[[nodiscard]] bool has_collision_chars(std::string_view name);
[[nodiscard]] bool topic_names_collide(std::string_view a, std::string_view b);

}  // namespace barnabas::metadata
