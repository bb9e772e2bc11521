#include "barnabas/config/listeners.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "java_text.h"

namespace barnabas::config {
namespace {

constexpr std::int64_t kMaxPort = 65535;

enum class IpVersion : std::uint8_t { kNone, kV4, kV6 };

IpVersion ip_version(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return IpVersion::kV4;
  }
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 ? IpVersion::kV6 : IpVersion::kNone;
}

std::optional<SecurityProtocol> protocol_named(std::string_view name) {
  for (const auto protocol : {SecurityProtocol::kPlaintext, SecurityProtocol::kSsl,
                              SecurityProtocol::kSaslPlaintext, SecurityProtocol::kSaslSsl}) {
    if (equal_ignoring_case(name, to_string(protocol))) {
      return protocol;
    }
  }
  return std::nullopt;
}

bool is_host_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-%._:").find(c) != std::string_view::npos;
}

struct Parts {
  std::string_view name;
  std::string_view host;
  std::string_view port;
};

// NAME://host:port, the host empty, a name, an address or an IPv6 address in brackets.
std::optional<Parts> split_endpoint(std::string_view text) {
  const auto scheme = text.rfind("://");
  if (scheme == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(scheme + 3);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  Parts parts{text.substr(0, scheme), rest.substr(0, colon), rest.substr(colon + 1)};
  if (parts.host.starts_with('[')) {
    parts.host.remove_prefix(1);
  }
  if (parts.host.ends_with(']')) {
    parts.host.remove_suffix(1);
  }
  std::string_view digits = parts.port;
  if (digits.starts_with('-')) {
    digits.remove_prefix(1);
  }
  const bool number =
      !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (!number || !std::ranges::all_of(parts.host, is_host_character)) {
    return std::nullopt;
  }
  return parts;
}

// What somebody who forgot a part most likely meant.
std::string parse_hint(std::string_view text) {
  if (text.find("://") == std::string_view::npos) {
    const bool has_port = text.find(':') != std::string_view::npos;
    return fmt::format("write PLAINTEXT://{}{}", text, has_port ? "" : ":9092");
  }
  if (text.ends_with('/')) {
    return fmt::format("write {} (no / at the end)", text.substr(0, text.size() - 1));
  }
  return "the form is NAME://host:port, such as PLAINTEXT://localhost:9092";
}

std::unexpected<Error> invalid(std::string text) {
  return fail(ErrorCode::kInvalidConfig, std::move(text));
}

Result<Endpoint> parse_endpoint(std::string_view whole, std::string_view text,
                                const ListenerProtocolMap& protocols) {
  const auto broken = [&](std::string_view why) {
    return invalid(fmt::format("Error creating broker listeners from '{}': {}", whole, why));
  };
  const auto parts = split_endpoint(text);
  if (!parts) {
    return broken(
        fmt::format("Unable to parse {} to a broker endpoint; {}", text, parse_hint(text)));
  }
  const auto port = parse_java_integer(parts->port, 0, kMaxPort);
  if (!port) {
    return broken(
        fmt::format("port {} in {} is not between 0 and {}", parts->port, text, kMaxPort));
  }
  Endpoint endpoint{.listener_name = ascii_upper(parts->name),
                    .host = std::string(parts->host),
                    .port = static_cast<std::uint16_t>(*port)};
  const auto protocol = protocols.find(endpoint.listener_name);
  if (protocol == protocols.end()) {
    return broken(
        fmt::format("No security protocol defined for listener {0}; add {0}:PLAINTEXT to "
                    "listener.security.protocol.map",
                    endpoint.listener_name));
  }
  endpoint.security_protocol = protocol->second;
  return endpoint;
}

// Two listeners may share a port only if one has an IPv4 and the other an IPv6 address.
Status check_shared_port(std::string_view whole, const std::vector<Endpoint>& endpoints,
                         std::uint16_t port) {
  std::vector<IpVersion> addresses;
  std::size_t others = 0;
  for (const auto& endpoint : endpoints) {
    if (endpoint.port == port) {
      const auto version = ip_version(endpoint.host);
      if (version == IpVersion::kNone) {
        ++others;
      } else {
        addresses.push_back(version);
      }
    }
  }
  if (others > 1) {
    return invalid(fmt::format("Each listener must have a different port, listeners: {}", whole));
  }
  if (addresses.size() > 2) {
    return invalid(fmt::format(
        "Each listener must have a different port unless exactly one listener has an IPv4 address "
        "and the other IPv6 address, listeners: {}, port: {}",
        whole, port));
  }
  const bool one_of_each = addresses.size() == 2 && addresses[0] != addresses[1];
  if (addresses.size() + others > 1 && (!one_of_each || others > 0)) {
    return invalid(fmt::format(
        "If you have two listeners on the same port then one needs to be IPv4 and the other IPv6, "
        "listeners: {}, port: {}",
        whole, port));
  }
  return {};
}

}  // namespace

std::string_view to_string(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::kPlaintext:
      return "PLAINTEXT";
    case SecurityProtocol::kSsl:
      return "SSL";
    case SecurityProtocol::kSaslPlaintext:
      return "SASL_PLAINTEXT";
    case SecurityProtocol::kSaslSsl:
      return "SASL_SSL";
  }
  return "";
}

std::string to_string(const Endpoint& endpoint) {
  const bool bracket = endpoint.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", endpoint.listener_name, bracket ? "[" : "", endpoint.host,
                     bracket ? "]" : "", endpoint.port);
}

Result<ListenerProtocolMap> parse_listener_protocol_map(std::string_view text) {
  ListenerProtocolMap map;
  for (const auto& item : split_csv(text)) {
    const auto colon = item.rfind(':');
    if (colon == std::string::npos) {
      return invalid(fmt::format(
          "Error parsing configuration property 'listener.security.protocol.map': {0} has no "
          "security protocol; write {0}:PLAINTEXT",
          item));
    }
    const auto protocol_name = java_trim(std::string_view(item).substr(colon + 1));
    const auto protocol = protocol_named(protocol_name);
    if (!protocol) {
      return invalid(
          fmt::format("Invalid security protocol `{}` defined in listener.security.protocol.map",
                      protocol_name));
    }
    map.insert_or_assign(ascii_upper(java_trim(std::string_view(item).substr(0, colon))),
                         *protocol);
  }
  return map;
}

Result<std::vector<Endpoint>> parse_listeners(std::string_view text,
                                              const ListenerProtocolMap& protocols,
                                              DistinctPorts distinct_ports) {
  std::vector<Endpoint> endpoints;
  for (const auto& item : split_csv(text)) {
    TRY(auto endpoint, parse_endpoint(text, item, protocols));
    for (const auto& earlier : endpoints) {
      if (earlier.listener_name == endpoint.listener_name) {
        return invalid(
            fmt::format("Each listener must have a different name, listeners: {}", text));
      }
    }
    endpoints.push_back(std::move(endpoint));
  }
  if (distinct_ports == DistinctPorts::kYes) {
    for (const auto& endpoint : endpoints) {
      if (endpoint.port != 0) {
        TRY_STATUS(check_shared_port(text, endpoints, endpoint.port));
      }
    }
  }
  return endpoints;
}

}  // namespace barnabas::config
