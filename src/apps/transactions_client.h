// Transactions and producers as the administrators' tools see them: the requests and their answers
// as values, with the sentences of Java's AdminClient for errors.
// Fails: NETWORK_EXCEPTION, the broker's error. THREAD: any, one owner (blocking)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/protocol/gen/describe_producers.h"
#include "barnabas/protocol/gen/describe_transactions.h"
#include "barnabas/protocol/gen/list_transactions.h"
#include "cluster_client.h"

namespace barnabas::apps {

using TransactionListing = protocol::ListTransactionsResponse::TransactionState;
using TransactionState = protocol::DescribeTransactionsResponse::TransactionState;
using ProducerStates = std::vector<protocol::DescribeProducersResponse::ProducerState>;

struct DescribedTransaction {
  std::int32_t coordinator = -1;
  TransactionState state;
};

struct AbortSpec {
  TopicPartition partition;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::int32_t coordinator_epoch = -1;
};

class TransactionsClient {
 public:
  explicit TransactionsClient(ClusterClient& cluster) : cluster_(cluster) {}

  // By broker. UNSUPPORTED_VERSION: a duration that is not negative, and a broker without it.
  [[nodiscard]] Result<std::map<std::int32_t, std::vector<TransactionListing>>> list(
      const std::vector<std::int64_t>& producer_ids, std::int64_t duration_ms);
  // TRANSACTIONAL_ID_NOT_FOUND where there is none.
  [[nodiscard]] Result<DescribedTransaction> describe(const std::string& id);
  // At the leader, or at a broker that holds a replica. Partitions of one broker in one request.
  [[nodiscard]] Result<std::map<TopicPartition, ProducerStates>> producers(
      const std::vector<TopicPartition>& partitions, std::optional<std::int32_t> broker);
  [[nodiscard]] Status abort(const AbortSpec& spec);
  // Those of one topic, or of all, that have a replica on the broker where one is named.
  // UNKNOWN_TOPIC_OR_PARTITION.
  [[nodiscard]] Result<std::vector<TopicPartition>> partitions(
      const std::optional<std::string>& topic, std::optional<std::int32_t> broker);

 private:
  [[nodiscard]] Result<std::int32_t> leader_of(const TopicPartition& partition);
  [[nodiscard]] Status ask_producers(std::int32_t broker,
                                     const std::vector<TopicPartition>& partitions,
                                     std::map<TopicPartition, ProducerStates>& found);
  ClusterClient& cluster_;
};

}  // namespace barnabas::apps
