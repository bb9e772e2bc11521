// What kafka-topics.sh asks of a cluster, as calls on the wire client. Requests that change
// anything go to the controller and are tried again while it moves. Fails: the broker's error and
// message, as check_answer makes them; NETWORK_EXCEPTION. THREAD: any, one owner (blocking)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/protocol/gen/describe_configs.h"
#include "barnabas/protocol/gen/metadata.h"
#include "topics_options.h"
#include "wire_client.h"

namespace barnabas::apps {

using TopicMetadata = protocol::MetadataResponse::MetadataResponseTopic;
using TopicConfigs = std::vector<protocol::DescribeConfigsResponse::DescribeConfigsResourceResult>;

struct TopicListing {
  std::string name;
  Uuid id;
  bool internal = false;
};

// A move of one partition's replicas that has not ended.
struct Reassignment {
  std::vector<std::int32_t> replicas;
  std::vector<std::int32_t> adding;
  std::vector<std::int32_t> removing;
};
using Reassignments = std::map<std::pair<std::string, std::int32_t>, Reassignment>;

class TopicAdmin {
 public:
  [[nodiscard]] static Result<TopicAdmin> connect(std::span<const HostPort> servers,
                                                  std::string client_id,
                                                  std::chrono::milliseconds request_timeout);

  // All topics, by name.
  [[nodiscard]] Result<std::vector<TopicListing>> list();
  // In the order asked for. Fails with the first topic's error.
  [[nodiscard]] Result<std::vector<TopicMetadata>> describe(std::span<const std::string> names);
  [[nodiscard]] Result<TopicMetadata> describe(const Uuid& id);
  [[nodiscard]] Result<std::vector<std::int32_t>> live_brokers();
  [[nodiscard]] Result<std::map<std::string, TopicConfigs>> configs(
      std::span<const std::string> names);
  // Empty where the broker does not know the request.
  [[nodiscard]] Result<Reassignments> reassignments(std::span<const TopicMetadata> topics);

  [[nodiscard]] Status create(const TopicSpec& spec);
  [[nodiscard]] Status remove(std::span<const std::string> names);
  // Raises each topic to spec.partitions, with the part of the assignment that is new to it.
  [[nodiscard]] Status add_partitions(std::span<const TopicMetadata> topics, const TopicSpec& spec);

 private:
  TopicAdmin(WireClient client, std::string client_id, std::chrono::milliseconds request_timeout)
      : client_(std::move(client)),
        client_id_(std::move(client_id)),
        request_timeout_(request_timeout) {}

  [[nodiscard]] Result<protocol::MetadataResponse> metadata(
      const protocol::MetadataRequest& request);
  // Points controller_ at the controller, or leaves it empty where client_ is all there is.
  [[nodiscard]] Status find_controller();
  [[nodiscard]] WireClient& controller() { return controller_ ? *controller_ : client_; }
  // Runs `attempt` on the controller, again while the answer is NOT_CONTROLLER.
  template <typename Attempt>
  [[nodiscard]] Status on_controller(const Attempt& attempt);

  WireClient client_;
  std::string client_id_;
  std::chrono::milliseconds request_timeout_;
  std::optional<WireClient> controller_;
};

}  // namespace barnabas::apps
