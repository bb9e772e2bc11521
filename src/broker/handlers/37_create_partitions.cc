// CreatePartitions (key 37), versions 0 to 3. The controller decides; this handler answers doubles.
#include <map>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/create_partitions.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using controller::GrownTopic;
using controller::TopicGrowth;
using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;

TopicGrowth growth_of(const CreatePartitionsRequest::CreatePartitionsTopic& topic) {
  TopicGrowth growth;
  growth.name = topic.name;
  growth.num_partitions = topic.count;
  if (topic.assignments) {
    auto& assignments = growth.assignments.emplace();
    for (const auto& assignment : *topic.assignments) {
      auto& brokers = assignments.emplace_back();
      for (const std::int32_t id : assignment.broker_ids) {
        brokers.emplace_back(id);
      }
    }
  }
  return growth;
}

void add_result(CreatePartitionsResponse& response, const GrownTopic& grown) {
  auto& entry = response.results.emplace_back();
  entry.name = grown.name;
  entry.error_code = static_cast<std::int16_t>(grown.error);
  entry.error_message.reset();
  if (!grown.message.empty()) {
    entry.error_message = grown.message;
  }
}

}  // namespace

void handle_create_partitions(RequestContext& context, protocol::Reader& body) {
  CreatePartitionsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  std::map<std::string, int> asked;
  for (const auto& topic : request.topics) {
    ++asked[topic.name];
  }
  CreatePartitionsResponse response;
  std::vector<TopicGrowth> topics;
  for (const auto& topic : request.topics) {
    if (asked[topic.name] == 1) {
      topics.push_back(growth_of(topic));
    }
  }
  // One row for each name, however often it was given.
  for (const auto& [name, times] : asked) {
    if (times > 1) {
      add_result(response, {name, ErrorCode::kInvalidRequest, "Duplicate topic in request."});
    }
  }
  const controller::GrowTopicsOptions options{request.validate_only, request.timeout_ms};
  context.services.topics.create_partitions(
      std::move(topics), options,
      [pending = context.pending(),
       response = std::move(response)](std::vector<GrownTopic> grown) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), response = std::move(response),
                   grown = std::move(grown)]() mutable {
          for (const auto& topic : grown) {
            add_result(response, topic);
          }
          pending.send(response);
        });
      });
}

}  // namespace barnabas::broker
