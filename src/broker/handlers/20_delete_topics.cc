// DeleteTopics (key 20), versions 0 to 6: by name, and in version 6 by id.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/delete_topics.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using controller::DeletedTopic;
using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;
using Result = DeleteTopicsResponse::DeletableTopicResult;

constexpr std::int16_t kFirstWithIds = 6;
constexpr std::int16_t kFirstWithDisabledError = 3;

Result& add(DeleteTopicsResponse& response, std::optional<std::string> name, const Uuid& id,
            ErrorCode error, std::string message = {}) {
  auto& entry = response.responses.emplace_back();
  entry.name = std::move(name);
  entry.topic_id = id;
  entry.error_code = static_cast<std::int16_t>(error);
  if (!message.empty()) {
    entry.error_message = std::move(message);
  }
  return entry;
}

// What the request names, as name and id, in its order. False: refused as a whole.
struct Asked {
  std::optional<std::string> name;
  Uuid id;
};

std::vector<Asked> asked_topics(const DeleteTopicsRequest& request, std::int16_t version) {
  std::vector<Asked> topics;
  if (version >= kFirstWithIds) {
    for (const auto& topic : request.topics) {
      topics.push_back({topic.name, topic.topic_id});
    }
  } else {
    for (const auto& name : request.topic_names) {
      topics.push_back({name, Uuid{}});
    }
  }
  return topics;
}

bool is_contradictory(const Asked& topic) {
  return topic.name && !topic.id.is_zero();
}

}  // namespace

void handle_delete_topics(RequestContext& context, protocol::Reader& body) {
  DeleteTopicsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  const auto& cluster = context.thread.metadata();
  const auto asked = asked_topics(request, context.version());
  DeleteTopicsResponse response;
  const bool disabled = !context.services.config.topics.delete_topics;
  const bool contradictory = std::ranges::any_of(asked, is_contradictory);
  if (disabled || contradictory) {
    const ErrorCode error = contradictory || context.version() < kFirstWithDisabledError
                                ? ErrorCode::kInvalidRequest
                                : ErrorCode::kTopicDeletionDisabled;
    for (const auto& topic : asked) {
      add(response, topic.name, topic.id, error);
    }
    context.answer(response);
    return;
  }
  std::vector<std::string> names;
  std::map<std::string, Uuid> ids;
  std::set<std::string> seen;
  for (const auto& topic : asked) {
    const auto* const known = topic.name ? cluster.topic(*topic.name) : cluster.topic(topic.id);
    if (known == nullptr) {
      add(response, topic.name, topic.id,
          topic.name ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kUnknownTopicId);
    } else if (seen.insert(known->name).second) {
      names.push_back(known->name);
      ids.emplace(known->name, known->id);
    }
  }
  context.services.topics.delete_topics(
      std::move(names), request.timeout_ms,
      [pending = context.pending(), response = std::move(response),
       ids = std::move(ids)](std::vector<DeletedTopic> deleted) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), response = std::move(response),
                   ids = std::move(ids), deleted = std::move(deleted)]() mutable {
          for (const auto& topic : deleted) {
            add(response, topic.name, ids[topic.name], topic.error, topic.message);
          }
          pending.send(response);
        });
      });
}

}  // namespace barnabas::broker
