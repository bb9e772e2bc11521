// FindCoordinator (key 10), versions 0 to 6, single and (since version 4) for many keys: who leads
// the partition of the coordinator's topic that the key belongs to. The first to ask makes the
// topic. Rules: KafkaApis.getCoordinator of Kafka 3.9.1.
#include <string>
#include <string_view>

#include "barnabas/coordinator/key_partition.h"
#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/find_coordinator.h"
#include "handler_table.h"
#include "thread_state.h"
#include "topic_auto_creation.h"

namespace barnabas::broker {
namespace {

constexpr std::int16_t kFirstBatched = 4;

constexpr std::int16_t kFirstWithShareGroups = 6;

// Of the request's KeyType. Nobody coordinates share groups here, as in Kafka with ZooKeeper.
constexpr std::int8_t kGroupType = 0;
constexpr std::int8_t kTransactionType = 1;
constexpr std::int8_t kShareType = 2;

struct Found {
  ErrorCode error = ErrorCode::kNone;
  std::int32_t node_id = -1;
  std::string host{};
  std::int32_t port = -1;
};

class CoordinatorFinder {
 public:
  CoordinatorFinder(RequestContext& context, std::int8_t key_type)
      : context_(context), key_type_(key_type) {}

  [[nodiscard]] bool is_known_type() const {
    return key_type_ >= kGroupType && key_type_ <= kShareType;
  }

  Found find(std::string_view key) {
    if (key_type_ != kGroupType && key_type_ != kTransactionType) {
      const bool known = is_known_type() && context_.version() >= kFirstWithShareGroups;
      return {.error = known ? ErrorCode::kCoordinatorNotAvailable : ErrorCode::kInvalidRequest};
    }
    const std::string_view name =
        key_type_ == kGroupType ? metadata::kGroupMetadataTopic : metadata::kTransactionStateTopic;
    const auto& cluster = context_.thread.metadata();
    const auto* const topic = cluster.topic(name);
    if (topic == nullptr) {
      context_.services.auto_creation.create({std::string(name)});
      return {.error = ErrorCode::kCoordinatorNotAvailable};
    }
    const auto id =
        coordinator::partition_of_key(key, static_cast<std::int32_t>(topic->partitions.size()));
    const auto* const partition = topic->partition(id);
    const auto* const broker = partition == nullptr ? nullptr : cluster.broker(partition->leader);
    const auto* const endpoint =
        broker == nullptr ? nullptr : broker->endpoint(context_.connection.listener_name());
    if (endpoint == nullptr) {
      return {.error = ErrorCode::kCoordinatorNotAvailable};
    }
    return {ErrorCode::kNone, broker->id.value(), endpoint->host, endpoint->port};
  }

 private:
  RequestContext& context_;
  const std::int8_t key_type_;
};

// Java's text of an error, which versions 1 to 3 carry even on success.
std::string_view java_message(ErrorCode error) {
  switch (error) {
    case ErrorCode::kNone:
      return "NONE";
    case ErrorCode::kCoordinatorNotAvailable:
      return "The coordinator is not available.";
    default:  // INVALID_REQUEST
      return "This most likely occurs because of a request being malformed by the client library "
             "or the message was sent to an incompatible broker. See the broker logs for more "
             "details.";
  }
}

}  // namespace

void handle_find_coordinator(RequestContext& context, protocol::Reader& body) {
  protocol::FindCoordinatorRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  protocol::FindCoordinatorResponse response;
  CoordinatorFinder finder(context, request.key_type);
  if (context.version() >= kFirstBatched) {
    for (const auto& key : request.coordinator_keys) {
      Found found = finder.find(key);
      auto& entry = response.coordinators.emplace_back();
      entry.key = key;
      entry.error_code = static_cast<std::int16_t>(found.error);
      entry.node_id = found.node_id;
      entry.host = std::move(found.host);
      entry.port = found.port;
      if (!finder.is_known_type()) {
        entry.error_message = java_message(found.error);
      }
    }
  } else {
    Found found = finder.find(request.key);
    response.error_code = static_cast<std::int16_t>(found.error);
    response.error_message = java_message(found.error);
    response.node_id = found.node_id;
    response.host = std::move(found.host);
    response.port = found.port;
  }
  context.answer(response);
}

}  // namespace barnabas::broker
