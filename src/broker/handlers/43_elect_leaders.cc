// ElectLeaders (key 43), versions 0 to 2: the first replica shall lead again, or any that is alive.
#include <map>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/elect_leaders.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using controller::PartitionOutcome;
using protocol::ElectLeadersRequest;
using protocol::ElectLeadersResponse;

constexpr std::int8_t kPreferred = 0;
constexpr std::int8_t kUnclean = 1;

// `quiet`: those that needed no election are left out, because nobody named them.
ElectLeadersResponse answer_of(const std::vector<PartitionOutcome>& outcomes, bool quiet) {
  ElectLeadersResponse response;
  std::map<std::string, std::size_t> places;
  for (const auto& outcome : outcomes) {
    if (quiet && outcome.error == ErrorCode::kElectionNotNeeded) {
      continue;
    }
    const auto [place, is_new] =
        places.try_emplace(outcome.partition.topic, response.replica_election_results.size());
    if (is_new) {
      response.replica_election_results.emplace_back().topic = outcome.partition.topic;
    }
    auto& entry = response.replica_election_results[place->second].partition_result.emplace_back();
    entry.partition_id = outcome.partition.partition.value();
    entry.error_code = static_cast<std::int16_t>(outcome.error);
    entry.error_message.reset();
    if (!outcome.message.empty()) {
      entry.error_message = outcome.message;
    }
  }
  return response;
}

}  // namespace

void handle_elect_leaders(RequestContext& context, protocol::Reader& body) {
  ElectLeadersRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  controller::LeaderElection election;
  election.unclean = request.election_type == kUnclean;
  election.timeout_ms = request.timeout_ms;
  if (request.topic_partitions) {
    auto& partitions = election.partitions.emplace();
    for (const auto& topic : *request.topic_partitions) {
      for (const std::int32_t index : topic.partitions) {
        partitions.insert({topic.topic, PartitionId(index)});
      }
    }
  }
  if (request.election_type != kPreferred && request.election_type != kUnclean) {
    std::vector<PartitionOutcome> outcomes;
    for (const auto& partition : election.partitions.value_or(std::set<TopicPartition>{})) {
      outcomes.push_back({partition, ErrorCode::kInvalidRequest, "Unknown election type."});
    }
    auto response = answer_of(outcomes, false);
    response.error_code = static_cast<std::int16_t>(ErrorCode::kInvalidRequest);
    context.answer(response);
    return;
  }
  const bool quiet = !election.partitions;
  context.services.topics.elect_leaders(
      std::move(election),
      [pending = context.pending(), quiet](std::vector<PartitionOutcome> outcomes) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), response = answer_of(outcomes, quiet)] {
          pending.send(response);
        });
      });
}

}  // namespace barnabas::broker
