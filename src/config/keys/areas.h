// The parts of the one table, by area, each in a file of its name. Only keys.cc puts them together.
#pragma once

#include <span>

#include "barnabas/config/keys.h"

namespace barnabas::config::keys {

using enum KeyType;
using enum DynamicMode;
using enum Handling;
using enum Check;

[[nodiscard]] std::span<const KeySpec> general();
[[nodiscard]] std::span<const KeySpec> listeners();
[[nodiscard]] std::span<const KeySpec> log();
[[nodiscard]] std::span<const KeySpec> replication();
[[nodiscard]] std::span<const KeySpec> zookeeper();
[[nodiscard]] std::span<const KeySpec> groups();
[[nodiscard]] std::span<const KeySpec> transactions();
[[nodiscard]] std::span<const KeySpec> security();
[[nodiscard]] std::span<const KeySpec> sasl();
[[nodiscard]] std::span<const KeySpec> kraft();
[[nodiscard]] std::span<const KeySpec> metrics();
[[nodiscard]] std::span<const KeySpec> remote();
[[nodiscard]] std::span<const KeySpec> own();
[[nodiscard]] std::span<const TopicKeySpec> topic();

}  // namespace barnabas::config::keys
