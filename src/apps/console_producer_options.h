// The command line of kafka-console-producer.sh: flags, texts and defaults of Kafka 3.9.1.
// THREAD: any (values)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"
#include "bootstrap.h"
#include "client_properties.h"

namespace barnabas::apps {

struct ConsoleProducerOptions {
  bool help = false;
  bool version = false;
  std::string topic;
  std::vector<HostPort> servers;
  bool sync = false;
  std::int64_t max_block_ms = 60000;
  PropertyMap producer;  // Java's names, everything merged
  PropertyMap reader;    // of the line reader
  std::vector<std::string> notes;
};

[[nodiscard]] std::string_view console_producer_help();

// Fails: INVALID_REQUEST or INVALID_CONFIG with Kafka's sentence.
[[nodiscard]] Result<ConsoleProducerOptions> parse_console_producer(std::span<char*> arguments);

}  // namespace barnabas::apps
