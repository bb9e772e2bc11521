#include "preflight.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>

#include "rdkafka_client.h"
#include "wire_client.h"

namespace barnabas::apps {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kHandshakeTimeout{5000};
constexpr std::chrono::milliseconds kUnknownTopicPatience{1500};  // it may be in the making
constexpr std::chrono::milliseconds kLeaderPatience{10000};
constexpr int kMetadataTimeoutMs = 10000;
constexpr int kMetadataPauseMs = 50;

Result<WireClient> handshake(std::span<const HostPort> servers) {
  TRY(FoundBroker broker, find_broker(servers));
  return WireClient::start(std::move(broker), "barnabas-tools", kHandshakeTimeout);
}

bool has_leaders(const rd_kafka_metadata_topic& topic) {
  const std::span partitions(topic.partitions, static_cast<std::size_t>(topic.partition_cnt));
  return std::ranges::any_of(partitions, [](const auto& p) { return p.leader >= 0; });
}

}  // namespace

bool is_plaintext(const PropertyMap& java) {
  const auto protocol = java.find("security.protocol");
  return protocol == java.end() || protocol->second == "PLAINTEXT";
}

Status check_reachable(std::span<const HostPort> servers, const PropertyMap& java) {
  if (is_plaintext(java)) {
    TRY(const WireClient client, handshake(servers));
    return {};
  }
  TRY(const FoundBroker broker, find_broker(servers));
  return {};
}

Status check_groups_served(std::span<const HostPort> servers, const PropertyMap& java) {
  if (!is_plaintext(java)) {
    return {};
  }
  TRY(const WireClient client, handshake(servers));
  if (!client.supports(protocol::ApiKey::kFindCoordinator) ||
      !client.supports(protocol::ApiKey::kJoinGroup)) {
    return fail(ErrorCode::kCoordinatorNotAvailable,
                fmt::format("the broker at {} does not serve consumer groups; --partition reads a "
                            "partition without one",
                            client.server().to_string()));
  }
  return {};
}

Result<std::int32_t> topic_partitions(rd_kafka_t* client, rd_kafka_topic_t* topic,
                                      const std::string& name) {
  const auto start = Clock::now();
  for (;;) {
    TRY(const MetadataHandle metadata, fetch_metadata(client, topic, kMetadataTimeoutMs));
    const auto elapsed = Clock::now() - start;
    if (metadata->topic_cnt == 1) {
      const rd_kafka_metadata_topic& found = metadata->topics[0];
      const bool unknown = found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
      const bool in_the_making = found.err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                                 (found.err == RD_KAFKA_RESP_ERR_NO_ERROR && !has_leaders(found));
      if (unknown && elapsed > kUnknownTopicPatience) {
        return fail(ErrorCode::kUnknownTopicOrPartition,
                    fmt::format("Topic '{}' does not exist, and the broker does not create it by "
                                "itself",
                                name));
      }
      if (in_the_making && elapsed > kLeaderPatience) {
        return fail(ErrorCode::kLeaderNotAvailable,
                    fmt::format("Topic '{}' has no partition with a leader", name));
      }
      if (!unknown && !in_the_making) {
        if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
          return fail(static_cast<ErrorCode>(found.err),
                      fmt::format("Topic '{}': {}", name, rd_kafka_err2str(found.err)));
        }
        return found.partition_cnt;
      }
    }
    ::poll(nullptr, 0, kMetadataPauseMs);  // the broker gives no sign to wait for
  }
}

Status wait_for_topic(rd_kafka_t* client, rd_kafka_topic_t* topic, const std::string& name) {
  TRY(const std::int32_t partitions, topic_partitions(client, topic, name));
  static_cast<void>(partitions);
  return {};
}

}  // namespace barnabas::apps
