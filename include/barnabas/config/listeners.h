// Listener lists: "PLAINTEXT://:9092,INTERNAL://10.0.0.1:9093" with a map of names to security
// protocols. Rules and error texts are Kafka's (CoreUtils.listenerListToEndPoints, 3.9.1), with a
// hint added where Kafka's text leaves a newcomer alone. Pure functions. THREAD: any
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"

namespace barnabas::config {

// The numbers are those of Metadata and of the registration in ZooKeeper.
enum class SecurityProtocol : std::int16_t {
  kPlaintext = 0,
  kSsl = 1,
  kSaslPlaintext = 2,
  kSaslSsl = 3,
};

[[nodiscard]] std::string_view to_string(SecurityProtocol protocol);

struct Endpoint {
  std::string listener_name;  // upper case, such as PLAINTEXT
  SecurityProtocol security_protocol = SecurityProtocol::kPlaintext;
  std::string host;  // empty: every address ("PLAINTEXT://:9092"); IPv6 without brackets
  std::uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

// "PLAINTEXT://localhost:9092", IPv6 hosts in brackets.
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

using ListenerProtocolMap = std::map<std::string, SecurityProtocol, std::less<>>;

// "PLAINTEXT:PLAINTEXT,INTERNAL:SSL"
[[nodiscard]] Result<ListenerProtocolMap> parse_listener_protocol_map(std::string_view text);

// kYes for `listeners`, kNo for `advertised.listeners`.
enum class DistinctPorts : std::uint8_t { kNo, kYes };
[[nodiscard]] Result<std::vector<Endpoint>> parse_listeners(std::string_view text,
                                                            const ListenerProtocolMap& protocols,
                                                            DistinctPorts distinct_ports);

}  // namespace barnabas::config
