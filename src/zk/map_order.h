// The order in which Kafka's maps iterate, and so the order of the members in its JSON. Kafka
// writes hash maps of Scala 2.13 and Java 17; a znode is equal to Kafka's to the byte only when
// members that are names (partitions, listeners, configs) stand in the same order.
// Held against Kafka's own encoders in tests/unit/zk. THREAD: any
#pragma once

#include <string>
#include <vector>

namespace barnabas::zk {

// scala.collection.mutable.HashMap: a table of 2^n >= 16, doubled when three quarters are in use,
// walked slot by slot, a slot's keys by rising hash.
[[nodiscard]] std::vector<std::string> scala_mutable_order(std::vector<std::string> keys);

// scala.collection.immutable.Map: up to four keys as inserted, more in a trie of five bits a level,
// a node's single keys before its subtrees.
[[nodiscard]] std::vector<std::string> scala_immutable_order(std::vector<std::string> keys);

// java.util.Properties (a ConcurrentHashMap inside): slot by slot, a slot's keys as inserted.
[[nodiscard]] std::vector<std::string> java_properties_order(std::vector<std::string> keys);

}  // namespace barnabas::zk
