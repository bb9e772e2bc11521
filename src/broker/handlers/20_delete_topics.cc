// DeleteTopics (key 20), versions 0 to 6: by name, and in version 6 by id.
#include <algorithm>
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

constexpr std::int16_t kFirstWithIds = 6;
constexpr std::int16_t kFirstWithDisabledError = 3;

void add(DeleteTopicsResponse& response, std::optional<std::string> name, const Uuid& id,
         ErrorCode error, const std::string& message = {}) {
  auto& entry = response.responses.emplace_back();
  entry.name = std::move(name);
  entry.topic_id = id;
  entry.error_code = static_cast<std::int16_t>(error);
  entry.error_message.reset();
  if (!message.empty()) {
    entry.error_message = message;
  }
}

// What the request names, as name and id, in its order.
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
  // Every row asked for is answered, in order; `names` are the topics to delete, each once.
  std::vector<Asked> rows;
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const auto& topic : asked) {
    const auto* const known = topic.name ? cluster.topic(*topic.name) : cluster.topic(topic.id);
    if (known == nullptr) {
      const bool nameless = !topic.name && topic.id.is_zero();
      add(response, topic.name, topic.id,
          topic.name ? ErrorCode::kUnknownTopicOrPartition
          : nameless ? ErrorCode::kTopicAuthorizationFailed
                     : ErrorCode::kUnknownTopicId);
      continue;
    }
    rows.push_back({known->name, topic.id});
    if (seen.insert(known->name).second) {
      names.push_back(known->name);
    }
  }
  context.services.topics.delete_topics(
      std::move(names), request.timeout_ms,
      [pending = context.pending(), response = std::move(response),
       rows = std::move(rows)](std::vector<DeletedTopic> deleted) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), response = std::move(response),
                   rows = std::move(rows), deleted = std::move(deleted)]() mutable {
          for (const auto& row : rows) {
            const auto done = std::ranges::find(deleted, *row.name, &DeletedTopic::name);
            if (done != deleted.end()) {
              add(response, row.name, row.id, done->error, done->message);
            }
          }
          pending.send(response);
        });
      });
}

}  // namespace barnabas::broker
