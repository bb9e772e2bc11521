// ListPartitionReassignments (key 46), version 0: the partitions whose replicas are being moved.
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/list_partition_reassignments.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using controller::OngoingReassignment;
using protocol::ListPartitionReassignmentsRequest;
using protocol::ListPartitionReassignmentsResponse;
using Wanted = std::optional<std::set<TopicPartition>>;  // none: all

std::vector<std::int32_t> numbers(const std::vector<BrokerId>& brokers) {
  std::vector<std::int32_t> ids;
  ids.reserve(brokers.size());
  for (const BrokerId broker : brokers) {
    ids.push_back(broker.value());
  }
  return ids;
}

ListPartitionReassignmentsResponse answer_of(const Result<std::vector<OngoingReassignment>>& found,
                                             const Wanted& wanted) {
  ListPartitionReassignmentsResponse response;
  response.error_message = "";
  if (!found) {
    response.error_code = static_cast<std::int16_t>(found.error().code);
    response.error_message = found.error().message;
    return response;
  }
  for (const auto& ongoing : *found) {
    if (wanted && !wanted->contains(ongoing.partition)) {
      continue;
    }
    // They stand by topic.
    if (response.topics.empty() || response.topics.back().name != ongoing.partition.topic) {
      response.topics.emplace_back().name = ongoing.partition.topic;
    }
    auto& entry = response.topics.back().partitions.emplace_back();
    entry.partition_index = ongoing.partition.partition.value();
    entry.replicas = numbers(ongoing.assignment.replicas);
    entry.adding_replicas = numbers(ongoing.assignment.adding);
    entry.removing_replicas = numbers(ongoing.assignment.removing);
  }
  return response;
}

}  // namespace

void handle_list_partition_reassignments(RequestContext& context, protocol::Reader& body) {
  ListPartitionReassignmentsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  Wanted wanted;
  if (request.topics) {
    wanted.emplace();
    for (const auto& topic : *request.topics) {
      for (const std::int32_t index : topic.partition_indexes) {
        wanted->insert({topic.name, PartitionId(index)});
      }
    }
  }
  context.services.topics.list_reassignments(
      [pending = context.pending(),
       wanted = std::move(wanted)](Result<std::vector<OngoingReassignment>> found) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), response = answer_of(found, wanted)] {
          pending.send(response);
        });
      });
}

}  // namespace barnabas::broker
