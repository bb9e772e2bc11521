// The command line of kafka-transactions.sh: one command and its options, with the rules and
// sentences of Kafka 3.9.1 (argparse4j). THREAD: any (values)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "barnabas/base/result.h"
#include "option_parser.h"

namespace barnabas::apps {

struct TransactionsLine {
  bool help = false;
  bool version = false;
  std::string command;    // list, describe, describe-producers, abort, find-hanging
  ParsedOptions options;  // --bootstrap-server, --command-config
  std::optional<std::string> transactional_id;
  std::optional<std::string> topic;
  std::optional<std::int32_t> partition;
  std::optional<std::int32_t> broker_id;
  std::optional<std::int64_t> start_offset;
  std::optional<std::int64_t> producer_id;
  std::optional<std::int16_t> producer_epoch;
  std::optional<std::int32_t> coordinator_epoch;
  std::int64_t duration_filter_ms = -1;
  std::int32_t max_transaction_timeout_min = 15;
};

[[nodiscard]] std::string_view transactions_help();

// Fails: INVALID_REQUEST with Kafka's sentence.
[[nodiscard]] Result<TransactionsLine> parse_transactions(std::span<char*> arguments);

}  // namespace barnabas::apps
