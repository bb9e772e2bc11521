#include "cluster_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "bootstrap.h"
#include "client_properties.h"
#include "preflight.h"
#include "rdkafka_client.h"

namespace barnabas::apps {
namespace {

constexpr std::int64_t kApiTimeoutMs = 60000;  // AdminClient's default.api.timeout.ms

// Exceptions that are not named after their error.
constexpr std::array kIrregular = {
    std::pair(ErrorCode::kInvalidConfig, std::string_view("InvalidConfigurationException")),
    std::pair(ErrorCode::kNonEmptyGroup, std::string_view("GroupNotEmptyException")),
    std::pair(ErrorCode::kTopicAlreadyExists, std::string_view("TopicExistsException")),
    std::pair(ErrorCode::kRequestTimedOut, std::string_view("TimeoutException")),
    std::pair(ErrorCode::kOffsetMetadataTooLarge, std::string_view("OffsetMetadataTooLarge")),
    std::pair(ErrorCode::kInvalidProducerIdMapping, std::string_view("InvalidPidMappingException")),
};

}  // namespace

Result<ClusterClient> ClusterClient::connect(const ParsedOptions& options) {
  TRY(const std::optional<std::string> path, options.value("command-config"));
  PropertyMap properties;
  if (path) {
    TRY(properties, load_properties_file(*path));
  }
  if (!is_plaintext(properties)) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("security.protocol={} is not supported by this tool yet",
                            properties.find("security.protocol")->second));
  }
  TRY(const std::int64_t timeout,
      int_property(properties, "default.api.timeout.ms", kApiTimeoutMs));
  const char* const option = options.has("bootstrap-server") ? "bootstrap-server" : "broker-list";
  TRY(const std::optional<std::string> list, options.value(option));
  std::vector<std::string> notes;
  TRY(const std::vector<HostPort> servers, servers_of(list.value_or(""), options.words(), notes));
  for (const std::string& note : notes) {
    say(note);
  }
  const auto given = properties.find("client.id");
  std::string client_id = given == properties.end() ? "adminclient-1" : given->second;
  const std::chrono::milliseconds patience(timeout);
  TRY(FoundBroker found, find_broker(servers));
  TRY(WireClient client, WireClient::start(std::move(found), client_id, patience));
  return ClusterClient(std::move(client), std::move(client_id), patience);
}

Result<protocol::MetadataResponse> ClusterClient::metadata(bool with_topics) {
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  if (with_topics) {
    request.topics = std::nullopt;
  } else {
    request.topics.emplace();
  }
  protocol::MetadataResponse response;
  TRY_STATUS(client_.call(protocol::ApiKey::kMetadata, request, response));
  return response;
}

Result<WireClient*> ClusterClient::broker(std::int32_t id) {
  if (const auto known = brokers_.find(id); known != brokers_.end()) {
    return &known->second;
  }
  TRY(const protocol::MetadataResponse cluster, metadata(false));
  const auto found =
      std::ranges::find(cluster.brokers, id, [](const auto& broker) { return broker.node_id; });
  if (found == cluster.brokers.end()) {
    return fail(ErrorCode::kBrokerNotAvailable,
                fmt::format("broker {} is not in the cluster, or not alive", id));
  }
  const HostPort address{found->host, static_cast<std::uint16_t>(found->port)};
  TRY(FoundBroker socket, find_broker(std::span(&address, 1)));
  TRY(WireClient client, WireClient::start(std::move(socket), client_id_, timeout_));
  return &brokers_.emplace(id, std::move(client)).first->second;
}

std::string java_exception(ErrorCode code) {
  for (const auto& [irregular, name] : kIrregular) {
    if (code == irregular) {
      return std::string(name);
    }
  }
  std::string_view name = error_name(code);
  for (const std::string_view ending : {"_EXCEPTION", "_ERROR"}) {
    if (name.ends_with(ending)) {
      name.remove_suffix(ending.size());
    }
  }
  std::string text;
  bool capital = true;
  for (const char c : name) {
    if (c == '_') {
      capital = true;
      continue;
    }
    text += capital ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    capital = false;
  }
  return text + "Exception";
}

}  // namespace barnabas::apps
