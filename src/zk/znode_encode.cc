#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "barnabas/zk/znodes.h"
#include "map_order.h"

namespace barnabas::zk {
namespace {

// A JSON string as Jackson writes it: short escapes where there are any, nothing above ASCII.
void put_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20U) {
          fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void put_ids(std::string& out, const std::vector<BrokerId>& ids) {
  out += '[';
  for (std::size_t i = 0; i < ids.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",", ids[i].value());
  }
  out += ']';
}

// {"0":[1,2],...} of the partitions for which `ids_of` gives a list that is to be written.
template <typename IdsOf>
void put_assignment(std::string& out, const TopicZNode& node, bool skip_empty, IdsOf ids_of) {
  std::vector<std::string> keys;
  for (const auto& [partition, assignment] : node.partitions) {
    if (!skip_empty || !ids_of(assignment).empty()) {
      keys.push_back(std::to_string(partition.value()));
    }
  }
  out += '{';
  const char* separator = "";
  for (const std::string& key : scala_mutable_order(std::move(keys))) {
    fmt::format_to(std::back_inserter(out), "{}\"{}\":", separator, key);
    put_ids(out, ids_of(node.partitions.at(PartitionId{std::stoi(key)})));
    separator = ",";
  }
  out += '}';
}

std::string address(const BrokerEndPoint& endpoint) {
  const bool bracket = endpoint.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", endpoint.listener, bracket ? "[" : "", endpoint.host,
                     bracket ? "]" : "", endpoint.port);
}

}  // namespace

std::string encode(const ControllerZNode& node) {
  return fmt::format(R"({{"version":2,"brokerid":{},"timestamp":"{}","kraftControllerEpoch":{}}})",
                     node.broker.value(), node.timestamp_ms, node.kraft_controller_epoch);
}

std::string encode_controller_epoch(ControllerEpoch epoch) {
  return std::to_string(epoch.value());
}

std::string encode_cluster_id(std::string_view id) {
  std::string out = R"({"version":"1","id":)";
  put_string(out, id);
  return out + '}';
}

std::string encode(const BrokerZNode& node) {
  std::string out = "{";
  if (node.version >= 5) {
    out += R"("features":{},)";
  }
  if (node.version >= 4) {
    out += R"("listener_security_protocol_map":{)";
    std::vector<std::string> listeners;
    for (const BrokerEndPoint& endpoint : node.endpoints) {
      listeners.push_back(endpoint.listener);
    }
    const char* separator = "";
    for (const std::string& listener : scala_immutable_order(std::move(listeners))) {
      out += separator;
      put_string(out, listener);
      out += ':';
      put_string(out, std::ranges::find(node.endpoints, listener, &BrokerEndPoint::listener)
                          ->security_protocol);
      separator = ",";
    }
    out += "},";
  }
  out += R"("endpoints":[)";
  const char* separator = "";
  for (const BrokerEndPoint& endpoint : node.endpoints) {
    out += separator;
    put_string(out, address(endpoint));
    separator = ",";
  }
  out += ']';
  if (node.rack) {
    out += R"(,"rack":)";
    put_string(out, *node.rack);
  }
  // Clients from before several listeners read these two: the first plaintext endpoint.
  const auto plain =
      std::ranges::find(node.endpoints, "PLAINTEXT", &BrokerEndPoint::security_protocol);
  const bool found = plain != node.endpoints.end();
  fmt::format_to(std::back_inserter(out), R"(,"jmx_port":{},"port":{},"host":)", node.jmx_port,
                 found ? plain->port : -1);
  if (found) {
    put_string(out, plain->host);
  } else {
    out += "null";
  }
  fmt::format_to(std::back_inserter(out), R"(,"version":{},"timestamp":"{}"}})", node.version,
                 node.timestamp_ms);
  return out;
}

std::string encode(const TopicZNode& node) {
  std::string out = R"({"partitions":)";
  put_assignment(out, node, false, [](const ReplicaAssignment& a) { return a.replicas; });
  if (node.topic_id) {
    fmt::format_to(std::back_inserter(out), R"(,"topic_id":"{}")", node.topic_id->to_string());
  }
  out += R"(,"adding_replicas":)";
  put_assignment(out, node, true, [](const ReplicaAssignment& a) { return a.adding; });
  out += R"(,"removing_replicas":)";
  put_assignment(out, node, true, [](const ReplicaAssignment& a) { return a.removing; });
  out += R"(,"version":3})";
  return out;
}

std::string encode(const PartitionStateZNode& node) {
  std::string out = fmt::format(
      R"({{"controller_epoch":{},"leader":{},"version":1,{}"leader_epoch":{},"isr":)",
      node.controller_epoch.value(), node.leader.value(),
      node.recovering ? R"("leader_recovery_state":1,)" : "", node.leader_epoch.value());
  put_ids(out, node.isr);
  out += '}';
  return out;
}

std::string encode_config(const ConfigMap& config) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : config) {
    keys.push_back(key);
  }
  std::string out = R"({"version":1,"config":{)";
  const char* separator = "";
  for (const std::string& key : java_properties_order(std::move(keys))) {
    out += separator;
    put_string(out, key);
    out += ':';
    put_string(out, config.find(key)->second);
    separator = ",";
  }
  out += "}}";
  return out;
}

std::string encode_config_change(ConfigType type, std::string_view entity) {
  std::string out = R"({"version":2,"entity_path":)";
  put_string(out, fmt::format("{}/{}", config_type_name(type), entity));
  out += '}';
  return out;
}

std::string encode(const ProducerIdBlock& block) {
  return fmt::format(R"({{"version":1,"broker":{},"block_start":"{}","block_end":"{}"}})",
                     block.broker.value(), block.first.value(), block.last.value());
}

std::string encode_feature_enabled() {
  return R"({"features":{},"version":2,"status":1})";
}

}  // namespace barnabas::zk
