// The order in which a java.util.HashMap or a scala.collection.mutable.HashMap (HashSet) gives its
// entries. Kafka's tools print in that order (a topic's configs, the topics of --describe, the
// members of a group), so equal bytes need it. Source: the documented String.hashCode and the
// observable order of JDK 17's and Scala 2.13's tables; Java's buckets that would become trees
// (eight or more equal slots) keep insertion order here. Pure. THREAD: any
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/ids.h"

namespace barnabas::apps {

// String.hashCode of ASCII text.
[[nodiscard]] std::int32_t java_string_hash(std::string_view text);

// The positions of `keys` (distinct, in insertion order) in the order of iteration.
// `initial_capacity` is what the map was made with; 16 is Java's default.
[[nodiscard]] std::vector<std::size_t> java_hash_order(std::span<const std::string> keys,
                                                       std::size_t initial_capacity = 16);
// The same where the keys are Kafka's TopicPartition.
[[nodiscard]] std::vector<std::size_t> java_hash_order(std::span<const TopicPartition> keys);
// Scala's: a slot's entries by hash, and a table that grows one entry sooner.
[[nodiscard]] std::vector<std::size_t> scala_hash_order(std::span<const std::string> keys);
[[nodiscard]] std::vector<std::size_t> scala_hash_order(std::span<const TopicPartition> keys);

}  // namespace barnabas::apps
