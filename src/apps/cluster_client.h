// A cluster as the administrators' tools see it: one connection to whichever broker answered first,
// and one to each broker that has to be asked itself.
// Fails: NETWORK_EXCEPTION, the broker's error as check_answer makes it.
// THREAD: any, one owner (blocking)
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "barnabas/base/result.h"
#include "barnabas/protocol/gen/metadata.h"
#include "option_parser.h"
#include "wire_client.h"

namespace barnabas::apps {

class ClusterClient {
 public:
  // Reads --bootstrap-server (or --broker-list) and --command-config.
  [[nodiscard]] static Result<ClusterClient> connect(const ParsedOptions& options);

  [[nodiscard]] WireClient& any() { return client_; }
  // All topics, or none of them; brokers and the controller in either case.
  [[nodiscard]] Result<protocol::MetadataResponse> metadata(bool with_topics);
  // BROKER_NOT_AVAILABLE when there is no such broker.
  [[nodiscard]] Result<WireClient*> broker(std::int32_t id);

 private:
  ClusterClient(WireClient client, std::string client_id, std::chrono::milliseconds timeout)
      : client_(std::move(client)), client_id_(std::move(client_id)), timeout_(timeout) {}

  WireClient client_;
  std::string client_id_;
  std::chrono::milliseconds timeout_;
  std::map<std::int32_t, WireClient> brokers_;
};

// The name of the exception by which Kafka's Java tools tell of an error.
[[nodiscard]] std::string java_exception(ErrorCode code);

}  // namespace barnabas::apps
