// The command line of kafka-console-consumer.sh: flags, texts and defaults of Kafka 3.9.1.
// THREAD: any (values)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"
#include "bootstrap.h"
#include "client_properties.h"

namespace barnabas::apps {

struct ConsoleConsumerOptions {
  bool help = false;
  bool version = false;
  std::vector<HostPort> servers;
  std::optional<std::string> topic;    // exactly one of these two
  std::optional<std::string> include;  //
  std::optional<std::int32_t> partition;
  std::int64_t offset = 0;  // a number, or one of librdkafka's RD_KAFKA_OFFSET_...
  std::optional<std::string> group;
  std::int64_t max_messages = -1;  // -1: no limit
  std::int64_t timeout_ms = -1;    // -1: for ever
  bool skip_message_on_error = false;
  bool systest_events = false;
  std::string formatter;
  PropertyMap formatter_properties;
  PropertyMap consumer;  // Java's names, everything merged
  std::vector<std::string> notes;
};

[[nodiscard]] std::string_view console_consumer_help();

// Fails: INVALID_REQUEST or INVALID_CONFIG with Kafka's sentence.
[[nodiscard]] Result<ConsoleConsumerOptions> parse_console_consumer(std::span<char*> arguments);

}  // namespace barnabas::apps
