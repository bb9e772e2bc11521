// AlterPartitionReassignments (key 45), version 0.
#include <map>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/alter_partition_reassignments.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using controller::PartitionOutcome;
using protocol::AlterPartitionReassignmentsRequest;
using protocol::AlterPartitionReassignmentsResponse;

controller::Reassignments wanted_of(const AlterPartitionReassignmentsRequest& request) {
  controller::Reassignments wanted;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      auto& replicas = wanted[{topic.name, PartitionId(partition.partition_index)}];
      replicas.reset();
      if (partition.replicas) {
        replicas.emplace();
        for (const std::int32_t id : *partition.replicas) {
          replicas->emplace_back(id);
        }
      }
    }
  }
  return wanted;
}

AlterPartitionReassignmentsResponse answer_of(
    const Result<std::vector<PartitionOutcome>>& outcomes) {
  AlterPartitionReassignmentsResponse response;
  response.error_message = "";
  if (!outcomes) {
    response.error_code = static_cast<std::int16_t>(outcomes.error().code);
    response.error_message = outcomes.error().message;
    return response;
  }
  std::map<std::string, std::size_t> places;
  for (const auto& outcome : *outcomes) {
    const auto [place, is_new] =
        places.try_emplace(outcome.partition.topic, response.responses.size());
    if (is_new) {
      response.responses.emplace_back().name = outcome.partition.topic;
    }
    auto& entry = response.responses[place->second].partitions.emplace_back();
    entry.partition_index = outcome.partition.partition.value();
    entry.error_code = static_cast<std::int16_t>(outcome.error);
    entry.error_message.reset();
    if (!outcome.message.empty()) {
      entry.error_message = outcome.message;
    }
  }
  return response;
}

}  // namespace

void handle_alter_partition_reassignments(RequestContext& context, protocol::Reader& body) {
  AlterPartitionReassignmentsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.services.topics.alter_reassignments(
      wanted_of(request),
      [pending = context.pending()](Result<std::vector<PartitionOutcome>> outcomes) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), response = answer_of(outcomes)] {
          pending.send(response);
        });
      });
}

}  // namespace barnabas::broker
