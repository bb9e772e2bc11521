// Settings that change while the broker runs: those of one broker and those of all, as they stand
// under /config/brokers. Rules and sentences are those of Kafka's DynamicBrokerConfig (3.9.1), with
// one more: a key that would change nothing until the next start is not taken.
// Pure functions. THREAD: any
#pragma once

#include <string>
#include <string_view>

#include "barnabas/base/result.h"
#include "barnabas/config/broker_config.h"
#include "barnabas/config/describe.h"

namespace barnabas::config {

// Whether a change of a known key takes effect while the broker runs.
[[nodiscard]] bool changes_at_run_time(std::string_view key);

// Judges all overrides of one broker (`per_broker`) or of the whole cluster. Keys that nobody knows
// pass, as in Kafka. Error: INVALID_REQUEST.
[[nodiscard]] Status check_dynamic(const BrokerConfig::Given& overrides, bool per_broker);

// What holds with these overrides: a broker's own before those of all, before the file's. Values
// that do not pass check_dynamic() count as not given.
[[nodiscard]] BrokerConfig with_dynamic(const BrokerConfig& broker,
                                        const DynamicBrokerOverrides& dynamic);

}  // namespace barnabas::config
