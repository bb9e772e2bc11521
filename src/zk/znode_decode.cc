#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <limits>

#include "barnabas/zk/znodes.h"

namespace barnabas::zk {
namespace {

namespace json = boost::json;

// One znode being read: every access names the path when it does not find what it wants.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] std::unexpected<Error> bad(std::string_view what) const {
    return fail(ErrorCode::kInvalidRequest, fmt::format("znode {}: {}", path_, what));
  }

  [[nodiscard]] Result<json::object> parse(const NodeData& data) const {
    if (!data) {
      return bad("holds no data");
    }
    json::error_code error;
    json::value value = json::parse(*data, error);
    if (error) {
      return bad("is not JSON: " + error.message());
    }
    if (!value.is_object()) {
      return bad("is not a JSON object");
    }
    return std::move(value.as_object());
  }

  template <typename Int>
  [[nodiscard]] Result<Int> integer(const json::object& object, std::string_view key) const {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr) {
      return bad(fmt::format("has no \"{}\"", key));
    }
    return integer_of<Int>(*value, key);
  }

  template <typename Int>
  [[nodiscard]] Result<Int> integer_of(const json::value& value, std::string_view key) const {
    json::error_code error;
    const auto number = value.to_number<std::int64_t>(error);
    if (error || number < std::numeric_limits<Int>::min() ||
        number > std::numeric_limits<Int>::max()) {
      return bad(fmt::format("\"{}\" is not a number in range", key));
    }
    return static_cast<Int>(number);
  }

  [[nodiscard]] Result<std::string> text(const json::object& object, std::string_view key) const {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) {
      return bad(fmt::format("\"{}\" is not a string", key));
    }
    return std::string(value->get_string());
  }

  // A number that Kafka writes as a string.
  [[nodiscard]] Result<std::int64_t> quoted(const json::object& object,
                                            std::string_view key) const {
    TRY(const std::string digits, text(object, key));
    return number_in<std::int64_t>(digits, key);
  }

  template <typename Int>
  [[nodiscard]] Result<Int> number_in(std::string_view digits, std::string_view what) const {
    Int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
      return bad(fmt::format("\"{}\" is not a number: {}", what, digits));
    }
    return value;
  }

  [[nodiscard]] Result<std::vector<BrokerId>> ids(const json::value& value,
                                                  std::string_view key) const {
    if (!value.is_array()) {
      return bad(fmt::format("\"{}\" is not a list", key));
    }
    std::vector<BrokerId> ids;
    for (const json::value& one : value.get_array()) {
      TRY(const auto id, integer_of<std::int32_t>(one, key));
      ids.emplace_back(id);
    }
    return ids;
  }

 private:
  std::string path_;
};

Result<BrokerEndPoint> parse_endpoint(const Reader& in, std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t colon = text.rfind(':');
  if (scheme == std::string_view::npos || colon <= scheme + 2) {
    return in.bad(fmt::format("\"{}\" is not LISTENER://host:port", text));
  }
  BrokerEndPoint endpoint;
  endpoint.listener = std::string(text.substr(0, scheme));
  std::string_view host = text.substr(scheme + 3, colon - scheme - 3);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  endpoint.host = std::string(host);
  TRY(endpoint.port, in.number_in<std::int32_t>(text.substr(colon + 1), "port"));
  return endpoint;
}

Status read_endpoints(const Reader& in, const json::object& object, BrokerZNode& node) {
  const json::value* const endpoints = object.if_contains("endpoints");
  if (endpoints == nullptr || !endpoints->is_array()) {
    return in.bad("\"endpoints\" is not a list");
  }
  const json::value* const map = object.if_contains("listener_security_protocol_map");
  for (const json::value& one : endpoints->get_array()) {
    if (!one.is_string()) {
      return in.bad("\"endpoints\" holds what is not a string");
    }
    TRY(BrokerEndPoint endpoint, parse_endpoint(in, one.get_string()));
    // Before version 4 a listener is named like its protocol.
    endpoint.security_protocol = endpoint.listener;
    if (map != nullptr && map->is_object()) {
      TRY(endpoint.security_protocol, in.text(map->get_object(), endpoint.listener));
    }
    node.endpoints.push_back(std::move(endpoint));
  }
  return {};
}

}  // namespace

Result<ControllerZNode> decode_controller(const NodeData& data) {
  const Reader in{std::string(kControllerPath)};
  TRY(const json::object object, in.parse(data));
  ControllerZNode node;
  TRY(const auto broker, in.integer<std::int32_t>(object, "brokerid"));
  node.broker = BrokerId{broker};
  if (object.contains("timestamp")) {
    TRY(node.timestamp_ms, in.quoted(object, "timestamp"));
  }
  if (object.contains("kraftControllerEpoch")) {
    TRY(node.kraft_controller_epoch, in.integer<std::int32_t>(object, "kraftControllerEpoch"));
  }
  return node;
}

Result<ControllerEpoch> decode_controller_epoch(const NodeData& data) {
  const Reader in{std::string(kControllerEpochPath)};
  TRY(const auto epoch, in.number_in<std::int32_t>(data ? *data : std::string(), "epoch"));
  return ControllerEpoch{epoch};
}

Result<std::string> decode_cluster_id(const NodeData& data) {
  const Reader in{std::string(kClusterIdPath)};
  TRY(const json::object object, in.parse(data));
  return in.text(object, "id");
}

Result<BrokerZNode> decode_broker(BrokerId id, const NodeData& data) {
  const Reader in{broker_path(id)};
  TRY(const json::object object, in.parse(data));
  BrokerZNode node;
  TRY(node.version, in.integer<std::int32_t>(object, "version"));
  if (node.version < 1) {
    return in.bad("\"version\" is below 1");
  }
  TRY(node.jmx_port, in.integer<std::int32_t>(object, "jmx_port"));
  if (object.contains("timestamp")) {
    TRY(node.timestamp_ms, in.quoted(object, "timestamp"));
  }
  if (node.version == 1) {
    BrokerEndPoint endpoint{"PLAINTEXT", "PLAINTEXT", {}, -1};
    TRY(endpoint.host, in.text(object, "host"));
    TRY(endpoint.port, in.integer<std::int32_t>(object, "port"));
    node.endpoints.push_back(std::move(endpoint));
  } else {
    TRY_STATUS(read_endpoints(in, object, node));
  }
  if (const json::value* rack = object.if_contains("rack"); rack != nullptr && !rack->is_null()) {
    TRY(node.rack, in.text(object, "rack"));
  }
  return node;
}

Result<TopicZNode> decode_topic(std::string_view topic, const NodeData& data) {
  const Reader in{topic_path(topic)};
  TRY(const json::object object, in.parse(data));
  TopicZNode node;
  if (const json::value* id = object.if_contains("topic_id"); id != nullptr) {
    TRY(const std::string text, in.text(object, "topic_id"));
    node.topic_id = Uuid::parse(text);
    if (!node.topic_id) {
      return in.bad("\"topic_id\" is not an id");
    }
  }
  const json::value* const partitions = object.if_contains("partitions");
  if (partitions == nullptr || !partitions->is_object()) {
    return in.bad("\"partitions\" is not an object");
  }
  for (const auto& [key, replicas] : partitions->get_object()) {
    TRY(const auto partition, in.number_in<std::int32_t>(std::string_view(key), "partitions"));
    ReplicaAssignment assignment;
    TRY(assignment.replicas, in.ids(replicas, "partitions"));
    const auto moving = [&](std::string_view member, std::vector<BrokerId>& into) -> Status {
      const json::value* const lists = object.if_contains(member);
      if (lists == nullptr || !lists->is_object()) {
        return {};
      }
      if (const json::value* list = lists->get_object().if_contains(key); list != nullptr) {
        TRY(into, in.ids(*list, member));
      }
      return {};
    };
    TRY_STATUS(moving("adding_replicas", assignment.adding));
    TRY_STATUS(moving("removing_replicas", assignment.removing));
    node.partitions.emplace(PartitionId{partition}, std::move(assignment));
  }
  return node;
}

Result<PartitionStateZNode> decode_partition_state(const TopicPartition& partition,
                                                   const NodeData& data) {
  const Reader in{partition_state_path(partition.topic, partition.partition)};
  TRY(const json::object object, in.parse(data));
  PartitionStateZNode node;
  TRY(const auto leader, in.integer<std::int32_t>(object, "leader"));
  TRY(const auto leader_epoch, in.integer<std::int32_t>(object, "leader_epoch"));
  TRY(const auto controller_epoch, in.integer<std::int32_t>(object, "controller_epoch"));
  node.leader = BrokerId{leader};
  node.leader_epoch = LeaderEpoch{leader_epoch};
  node.controller_epoch = ControllerEpoch{controller_epoch};
  const json::value* const isr = object.if_contains("isr");
  if (isr == nullptr) {
    return in.bad("has no \"isr\"");
  }
  TRY(node.isr, in.ids(*isr, "isr"));
  if (object.contains("leader_recovery_state")) {
    TRY(const auto recovery, in.integer<std::int8_t>(object, "leader_recovery_state"));
    node.recovering = recovery == 1;
  }
  return node;
}

Result<ConfigMap> decode_config(std::string_view path, const NodeData& data) {
  ConfigMap config;
  if (!data) {
    return config;
  }
  const Reader in{std::string(path)};
  TRY(const json::object object, in.parse(data));
  const json::value* const members = object.if_contains("config");
  if (members == nullptr || !members->is_object()) {
    return config;
  }
  for (const auto& [key, value] : members->get_object()) {
    if (!value.is_string()) {
      return in.bad(fmt::format("the value of \"{}\" is not a string", std::string_view(key)));
    }
    config.emplace(std::string_view(key), std::string_view(value.get_string()));
  }
  return config;
}

Result<ConfigChange> decode_config_change(std::string_view path, const NodeData& data) {
  const Reader in{std::string(path)};
  TRY(const json::object object, in.parse(data));
  TRY(const auto version, in.integer<std::int32_t>(object, "version"));
  ConfigChange change;
  if (version == 1) {
    TRY(change.type, in.text(object, "entity_type"));
    TRY(change.entity, in.text(object, "entity_name"));
    return change;
  }
  TRY(const std::string entity_path, in.text(object, "entity_path"));
  const std::size_t slash = entity_path.find('/');
  if (version != 2 || slash == std::string::npos || slash == 0 || slash + 1 == entity_path.size()) {
    return in.bad("is no notification that we know");
  }
  change.type = entity_path.substr(0, slash);
  change.entity = entity_path.substr(slash + 1);
  return change;
}

Result<std::vector<PartitionWish>> decode_partition_wishes(std::string_view path,
                                                           const NodeData& data) {
  const Reader in{std::string(path)};
  TRY(const json::object object, in.parse(data));
  const json::value* const partitions = object.if_contains("partitions");
  if (partitions == nullptr || !partitions->is_array()) {
    return in.bad("\"partitions\" is not a list");
  }
  std::vector<PartitionWish> wishes;
  for (const json::value& one : partitions->get_array()) {
    if (!one.is_object()) {
      return in.bad("\"partitions\" holds what is not an object");
    }
    PartitionWish wish;
    TRY(wish.partition.topic, in.text(one.get_object(), "topic"));
    TRY(const auto partition, in.integer<std::int32_t>(one.get_object(), "partition"));
    wish.partition.partition = PartitionId{partition};
    if (const json::value* const replicas = one.get_object().if_contains("replicas")) {
      TRY(wish.replicas, in.ids(*replicas, "replicas"));
    }
    wishes.push_back(std::move(wish));
  }
  return wishes;
}

Result<BrokerId> decode_log_dir_event(std::string_view path, const NodeData& data) {
  const Reader in{std::string(path)};
  TRY(const json::object object, in.parse(data));
  TRY(const auto broker, in.integer<std::int32_t>(object, "broker"));
  return BrokerId{broker};
}

Result<ProducerIdBlock> decode_producer_id_block(const NodeData& data) {
  const Reader in{std::string(kProducerIdBlockPath)};
  TRY(const json::object object, in.parse(data));
  TRY(const auto broker, in.integer<std::int32_t>(object, "broker"));
  TRY(const std::int64_t first, in.quoted(object, "block_start"));
  TRY(const std::int64_t last, in.quoted(object, "block_end"));
  return ProducerIdBlock{BrokerId{broker}, ProducerId{first}, ProducerId{last}};
}

}  // namespace barnabas::zk
