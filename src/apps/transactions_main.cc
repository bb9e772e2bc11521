// kafka-transactions.sh: transactions, producers, and transactions that hang. Tables go to standard
// output, what is wrong to standard error, in Kafka's words (3.9.1).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "cluster_client.h"
#include "java_hash_order.h"
#include "rdkafka_client.h"
#include "subcommands.h"
#include "text_table.h"
#include "tool_version.h"
#include "transactions_client.h"
#include "transactions_options.h"

namespace barnabas::apps {
namespace {

constexpr std::int64_t kMsPerMinute = 60000;
constexpr std::size_t kMaxBatch = 500;  // partitions asked about at once

std::string text_of(std::int64_t number) {
  return std::to_string(number);
}

// A failure with what was tried in front of it, as Kafka's tool says it.
Error while_trying(std::string_view what, const Error& error) {
  if (error.code == ErrorCode::kNetworkException) {
    return error;
  }
  return Error{error.code, fmt::format("{}: {}.", what, error.message), 0};
}

// A transaction that is open on a partition.
struct OpenTransaction {
  TopicPartition partition;
  ProducerStates::value_type producer;
};

class TransactionsCommand {
 public:
  TransactionsCommand(const TransactionsLine& line, ClusterClient& cluster)
      : line_(line), client_(cluster) {}

  [[nodiscard]] Status run();

 private:
  [[nodiscard]] Status list();
  [[nodiscard]] Status describe();
  [[nodiscard]] Status describe_producers();
  [[nodiscard]] Status abort();
  [[nodiscard]] Result<AbortSpec> abort_spec();
  [[nodiscard]] Status find_hanging();
  [[nodiscard]] Result<std::vector<OpenTransaction>> candidates();
  [[nodiscard]] Result<std::vector<OpenTransaction>> hanging_of(
      const std::vector<OpenTransaction>& candidates);

  const TransactionsLine& line_;
  TransactionsClient client_;
  SystemClock clock_;
};

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

Status TransactionsCommand::list() {
  const auto listed = client_.list({}, line_.duration_filter_ms);
  if (!listed) {
    return std::unexpected(while_trying("Failed to list transactions", listed.error()));
  }
  std::vector<TableRow> rows;
  for (const auto& [broker, transactions] : *listed) {
    for (const TransactionListing& one : transactions) {
      rows.push_back(
          {one.transactional_id, text_of(broker), text_of(one.producer_id), one.transaction_state});
    }
  }
  fmt::print(
      "{}", table_text({"TransactionalId", "Coordinator", "ProducerId", "TransactionState"}, rows));
  return {};
}

Status TransactionsCommand::describe() {
  const std::string& id = *line_.transactional_id;
  const auto found = client_.describe(id);
  if (!found) {
    return std::unexpected(while_trying(
        fmt::format("Failed to describe transaction state of transactional-id `{}`", id),
        found.error()));
  }
  const TransactionState& state = found->state;
  std::vector<TopicPartition> partitions;
  for (const auto& topic : state.topics) {
    for (const std::int32_t partition : topic.partitions) {
      partitions.push_back({topic.topic, PartitionId(partition)});
    }
  }
  std::string names;
  for (const std::size_t i : java_hash_order(partitions)) {
    names += (names.empty() ? "" : ",") + to_string(partitions[i]);
  }
  const bool begun = state.transaction_start_time_ms >= 0;
  const TableRow row = {
      text_of(found->coordinator),
      id,
      text_of(state.producer_id),
      text_of(state.producer_epoch),
      state.transaction_state,
      text_of(state.transaction_timeout_ms),
      begun ? text_of(state.transaction_start_time_ms) : "None",
      begun ? text_of(clock_.wall_ms() - state.transaction_start_time_ms) : "None",
      names};
  fmt::print(
      "{}", table_text({"CoordinatorId", "TransactionalId", "ProducerId", "ProducerEpoch",
                        "TransactionState", "TransactionTimeoutMs", "CurrentTransactionStartTimeMs",
                        "TransactionDurationMs", "TopicPartitions"},
                       {row}));
  return {};
}

Status TransactionsCommand::describe_producers() {
  const TopicPartition partition{*line_.topic, PartitionId(*line_.partition)};
  const auto found = client_.producers({partition}, line_.broker_id);
  if (!found) {
    return std::unexpected(while_trying(
        fmt::format("Failed to describe producers for partition {} on {}", to_string(partition),
                    line_.broker_id ? fmt::format("broker {}", *line_.broker_id) : "leader"),
        found.error()));
  }
  std::vector<TableRow> rows;
  for (const auto& [name, producers] : *found) {
    for (const auto& producer : producers) {
      rows.push_back({text_of(producer.producer_id), text_of(producer.producer_epoch),
                      text_of(std::max(producer.coordinator_epoch, -1)),
                      text_of(producer.last_sequence), text_of(producer.last_timestamp),
                      producer.current_txn_start_offset < 0
                          ? "None"
                          : text_of(producer.current_txn_start_offset)});
    }
  }
  fmt::print("{}", table_text({"ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch",
                               "LastSequence", "LastTimestamp", "CurrentTransactionStartOffset"},
                              rows));
  return {};
}

Result<AbortSpec> TransactionsCommand::abort_spec() {
  AbortSpec spec;
  spec.partition = {*line_.topic, PartitionId(*line_.partition)};
  if (!line_.start_offset) {
    if (!line_.producer_id) {
      return refuse(
          "The transaction to abort must be identified either with --start-offset (for brokers on "
          "3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch (for "
          "older brokers)");
    }
    if (!line_.producer_epoch) {
      return refuse("Missing required argument --producer-epoch");
    }
    if (!line_.coordinator_epoch) {
      return refuse("Missing required argument --coordinator-epoch");
    }
    spec.producer_id = *line_.producer_id;
    spec.producer_epoch = *line_.producer_epoch;
    // Of a producer that no coordinator ever wrote for: older than any coordinator.
    spec.coordinator_epoch = std::max(*line_.coordinator_epoch, 0);
    return spec;
  }
  const auto found = client_.producers({spec.partition}, std::nullopt);
  if (!found) {
    return std::unexpected(
        while_trying("Failed to validate producer state for partition " + to_string(spec.partition),
                     found.error()));
  }
  for (const auto& [name, producers] : *found) {
    for (const auto& producer : producers) {
      if (producer.current_txn_start_offset == *line_.start_offset) {
        spec.producer_id = producer.producer_id;
        spec.producer_epoch = static_cast<std::int16_t>(producer.producer_epoch);
        spec.coordinator_epoch = std::max(producer.coordinator_epoch, 0);
        return spec;
      }
    }
  }
  return refuse(
      fmt::format("Could not find any open transactions starting at offset {} on partition {}",
                  *line_.start_offset, to_string(spec.partition)));
}

Status TransactionsCommand::abort() {
  TRY(const AbortSpec spec, abort_spec());
  if (const Status done = client_.abort(spec); !done) {
    return std::unexpected(while_trying(
        fmt::format("Failed to abort transaction AbortTransactionSpec(topicPartition={}, "
                    "producerId={}, producerEpoch={}, coordinatorEpoch={})",
                    to_string(spec.partition), spec.producer_id, spec.producer_epoch,
                    spec.coordinator_epoch),
        done.error()));
  }
  return {};
}

Result<std::vector<OpenTransaction>> TransactionsCommand::candidates() {
  std::vector<TopicPartition> all;
  if (line_.partition) {
    all.push_back({*line_.topic, PartitionId(*line_.partition)});
  } else {
    const auto found = client_.partitions(line_.topic, line_.broker_id);
    if (!found) {
      return std::unexpected(while_trying("Failed to describe 1 topics", found.error()));
    }
    all = *found;
  }
  const std::int64_t timeout_ms = line_.max_transaction_timeout_min * kMsPerMinute;
  std::vector<OpenTransaction> open;
  for (std::size_t at = 0; at < all.size(); at += kMaxBatch) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
    const std::vector<TopicPartition> batch(
        first, first + static_cast<std::ptrdiff_t>(std::min(kMaxBatch, all.size() - at)));
    const auto found = client_.producers(batch, line_.broker_id);
    if (!found) {
      return std::unexpected(while_trying(
          fmt::format(
              "Failed to describe producers for {} partitions on broker {}", batch.size(),
              line_.broker_id ? fmt::format("Optional[{}]", *line_.broker_id) : "Optional.empty"),
          found.error()));
    }
    const std::int64_t now = clock_.wall_ms();
    for (const auto& [partition, producers] : *found) {
      for (const auto& producer : producers) {
        if (producer.current_txn_start_offset >= 0 && now - producer.last_timestamp > timeout_ms) {
          open.push_back({partition, producer});
        }
      }
    }
  }
  return open;
}

// Those that their coordinator does not know of, or not on this partition: nobody will end them.
Result<std::vector<OpenTransaction>> TransactionsCommand::hanging_of(
    const std::vector<OpenTransaction>& candidates) {
  std::set<std::int64_t> producer_ids;
  for (const OpenTransaction& one : candidates) {
    producer_ids.insert(one.producer.producer_id);
  }
  const auto listed =
      client_.list(std::vector<std::int64_t>(producer_ids.begin(), producer_ids.end()), -1);
  if (!listed) {
    return std::unexpected(while_trying(
        fmt::format("Failed to list transactions for {} producers", producer_ids.size()),
        listed.error()));
  }
  std::map<std::int64_t, std::set<TopicPartition>> expected;  // by producer id
  for (const auto& [broker, transactions] : *listed) {
    for (const TransactionListing& one : transactions) {
      if (!producer_ids.contains(one.producer_id)) {
        continue;
      }
      const auto described = client_.describe(one.transactional_id);
      if (!described) {
        if (described.error().code == ErrorCode::kTransactionalIdNotFound) {
          continue;
        }
        return std::unexpected(while_trying("Failed to describe transactions", described.error()));
      }
      for (const auto& topic : described->state.topics) {
        for (const std::int32_t partition : topic.partitions) {
          expected[one.producer_id].insert({topic.topic, PartitionId(partition)});
        }
      }
    }
  }
  std::vector<OpenTransaction> hanging;
  for (const std::int64_t id : producer_ids) {
    for (const OpenTransaction& one : candidates) {
      if (one.producer.producer_id == id && !expected[id].contains(one.partition)) {
        hanging.push_back(one);
      }
    }
  }
  return hanging;
}

Status TransactionsCommand::find_hanging() {
  if (!line_.topic && !line_.broker_id) {
    return refuse(
        "The `find-hanging` command requires either --topic or --broker-id to limit the "
        "scope of the search");
  }
  if (line_.partition && !line_.topic) {
    return refuse("The --partition argument requires --topic to be provided");
  }
  TRY(std::vector<OpenTransaction> hanging, candidates());
  if (!hanging.empty()) {
    TRY(hanging, hanging_of(hanging));
  }
  std::vector<TableRow> rows;
  for (const auto& [partition, producer] : hanging) {
    rows.push_back({partition.topic, text_of(partition.partition.value()),
                    text_of(producer.producer_id), text_of(producer.producer_epoch),
                    text_of(std::max(producer.coordinator_epoch, -1)),
                    text_of(producer.current_txn_start_offset), text_of(producer.last_timestamp),
                    text_of((clock_.wall_ms() - producer.last_timestamp) / kMsPerMinute)});
  }
  fmt::print("{}", table_text({"Topic", "Partition", "ProducerId", "ProducerEpoch",
                               "CoordinatorEpoch", "StartOffset", "LastTimestamp", "Duration(min)"},
                              rows));
  return {};
}

Status TransactionsCommand::run() {
  if (line_.command == "list") {
    return list();
  }
  if (line_.command == "describe") {
    return describe();
  }
  if (line_.command == "describe-producers") {
    return describe_producers();
  }
  return line_.command == "abort" ? abort() : find_hanging();
}

Status run(const TransactionsLine& line) {
  TRY(ClusterClient cluster, ClusterClient::connect(line.options));
  TransactionsCommand command(line, cluster);
  return command.run();
}

}  // namespace

int transactions_main(std::span<char*> arguments) {
  const auto line = parse_transactions(arguments);
  if (!line) {
    say(line.error().message);
    return 1;
  }
  if (line->help) {
    fmt::print("{}", transactions_help());
    return 0;
  }
  if (line->version) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  if (const Status done = run(*line); !done) {
    say(done.error().message);
    return 1;
  }
  return 0;
}

}  // namespace barnabas::apps
