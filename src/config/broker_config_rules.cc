// The typed structs, and the rules that join several keys. Texts are Kafka's (KafkaConfig
// .validateValues, 3.9.1), without its "requirement failed: ".
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "broker_config_loader.h"
#include "java_text.h"

namespace barnabas::config {
namespace {

constexpr std::int32_t kLeastBacklog = 1024;
constexpr std::int64_t kLeastBufferPerCleaner = 1024 * 1024;
constexpr std::string_view kOverridesKey = "max.connections.per.ip.overrides";

std::string names_of(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> names;
  for (const auto& endpoint : endpoints) {
    names.push_back(endpoint.listener_name);
  }
  return join(names, ",");
}

bool has_name(const std::vector<Endpoint>& endpoints, std::string_view name) {
  return std::ranges::find(endpoints, name, &Endpoint::listener_name) != endpoints.end();
}

struct Version {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Version&) const = default;
};

Version version_of(const std::string& name) {
  Version version;
  const char* end = name.data() + name.size();
  const auto first = std::from_chars(name.data(), end, version.major);
  if (first.ptr != end) {
    std::from_chars(first.ptr + 1, end, version.minor);
  }
  return version;
}

}  // namespace

void BrokerConfigLoader::build_identity() {
  auto& identity = config_.identity;
  const std::int32_t id = config_.get_int("broker.id");
  const std::int32_t reserved = config_.get_int("reserved.broker.max.id");
  identity.broker_id = BrokerId{id};
  identity.generate_id = config_.get_bool("broker.id.generation.enable");
  identity.reserved_max_id = BrokerId{reserved};
  identity.rack = config_.effective("broker.rack");
  const std::string_view key = properties_.find("broker.id") != nullptr ? "broker.id" : "node.id";
  require(id == config_.get_int("node.id"), "node.id",
          "You must set `node.id` to the same value as `broker.id`.");
  if (identity.generate_id) {
    require(id >= -1 && id <= reserved, key,
            fmt::format("broker.id must be greater than or equal to -1 and not greater than "
                        "reserved.broker.max.id; it is {}, reserved.broker.max.id is {}",
                        id, reserved));
  } else {
    require(id >= 0, key,
            fmt::format("broker.id must be greater than or equal to 0 when "
                        "broker.id.generation.enable=false; it is {}",
                        id));
  }
}

void BrokerConfigLoader::build_metadata() {
  auto& metadata = config_.metadata;
  const auto connect = config_.effective("zookeeper.connect");
  metadata.embedded = !connect.has_value();
  metadata.zookeeper_connect = connect.value_or("");
  if (connect) {
    const auto hosts = split_csv(connect->substr(0, connect->find('/')));
    require(
        !hosts.empty(), "zookeeper.connect",
        "zookeeper.connect is empty: name ZooKeeper's hosts (zookeeper.connect=localhost:2181), "
        "or remove the line to run one broker with its own embedded metadata");
  }
  metadata.session_timeout_ms = config_.get_int("zookeeper.session.timeout.ms");
  metadata.connection_timeout_ms = config_.effective("zookeeper.connection.timeout.ms")
                                       ? config_.get_int("zookeeper.connection.timeout.ms")
                                       : metadata.session_timeout_ms;
  metadata.max_in_flight_requests = config_.get_int("zookeeper.max.in.flight.requests");
  metadata.set_acl = config_.get_bool("zookeeper.set.acl");
  metadata.embedded_dir = config_.get_string("x.metadata.dir");
}

void BrokerConfigLoader::build_listeners() {
  auto& out = config_.listeners;
  auto protocols =
      parse_listener_protocol_map(config_.get_string("listener.security.protocol.map"));
  if (!protocols) {
    error("listener.security.protocol.map", protocols.error().message);
    return;
  }
  out.protocol_map = std::move(*protocols);
  auto listeners =
      parse_listeners(config_.get_string("listeners"), out.protocol_map, DistinctPorts::kYes);
  if (!listeners) {
    error("listeners", listeners.error().message);
    return;
  }
  out.listeners = std::move(*listeners);
  out.advertised = out.listeners;
  if (const auto text = config_.effective("advertised.listeners")) {
    auto advertised = parse_listeners(*text, out.protocol_map, DistinctPorts::kNo);
    if (!advertised) {
      error("advertised.listeners", advertised.error().message);
      return;
    }
    out.advertised = std::move(*advertised);
  }
  for (const auto& endpoint : out.listeners) {
    require(endpoint.security_protocol == SecurityProtocol::kPlaintext, "listeners",
            fmt::format("listener {} asks for {}, which this version does not offer; use PLAINTEXT",
                        endpoint.listener_name, to_string(endpoint.security_protocol)));
  }
  check_advertised();
}

void BrokerConfigLoader::check_advertised() {
  auto& out = config_.listeners;
  std::string_view inter_broker_key = "security.inter.broker.protocol";
  if (const auto name = config_.effective("inter.broker.listener.name")) {
    inter_broker_key = "inter.broker.listener.name";
    require(properties_.find("security.inter.broker.protocol") == nullptr, inter_broker_key,
            "Only one of inter.broker.listener.name and security.inter.broker.protocol should be "
            "set.");
    out.inter_broker_listener_name = ascii_upper(*name);
    const auto protocol = out.protocol_map.find(out.inter_broker_listener_name);
    if (protocol == out.protocol_map.end()) {
      error(inter_broker_key, fmt::format("Listener with name {} defined in "
                                          "inter.broker.listener.name not found in "
                                          "listener.security.protocol.map.",
                                          out.inter_broker_listener_name));
      return;
    }
    out.inter_broker_security_protocol = protocol->second;
  } else {
    out.inter_broker_listener_name = config_.get_string("security.inter.broker.protocol");
    for (const auto protocol : {SecurityProtocol::kPlaintext, SecurityProtocol::kSsl,
                                SecurityProtocol::kSaslPlaintext, SecurityProtocol::kSaslSsl}) {
      if (to_string(protocol) == out.inter_broker_listener_name) {
        out.inter_broker_security_protocol = protocol;
      }
    }
  }
  const std::string_view advertised_key =
      properties_.find("advertised.listeners") != nullptr ? "advertised.listeners" : "listeners";
  if (out.advertised.empty()) {
    error(advertised_key, "There must be at least one broker advertised listener.");
    return;
  }
  require(has_name(out.advertised, out.inter_broker_listener_name),
          properties_.find(inter_broker_key) != nullptr ? inter_broker_key : advertised_key,
          fmt::format("inter.broker.listener.name must be a listener name defined in "
                      "advertised.listeners. The valid options based on currently configured "
                      "listeners are {}",
                      names_of(out.advertised)));
  require(
      std::ranges::all_of(
          out.advertised,
          [&](const Endpoint& e) { return has_name(out.listeners, e.listener_name); }),
      advertised_key,
      fmt::format("advertised.listeners listener names must be equal to or a subset of the ones "
                  "defined in listeners. Found {}. The valid options based on the current "
                  "configuration are {}",
                  names_of(out.advertised), names_of(out.listeners)));
  require(
      std::ranges::none_of(out.advertised, [](const Endpoint& e) { return e.host == "0.0.0.0"; }),
      advertised_key,
      fmt::format("advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a "
                  "routable IP address.{}",
                  advertised_key == "listeners"
                      ? " To listen on every address, leave the host out of listeners "
                        "(PLAINTEXT://:9092) or set advertised.listeners as well."
                      : ""));
}

void BrokerConfigLoader::build_log_dirs() {
  auto& out = config_.log_dirs;
  const auto several = config_.effective("log.dirs");
  const std::string_view key = several ? "log.dirs" : "log.dir";
  for (auto& dir : split_csv(several ? *several : config_.get_string("log.dir"))) {
    require(std::ranges::find(out.dirs, dir) == out.dirs.end(), key,
            fmt::format("Duplicate log directory found: {}", dir));
    out.dirs.push_back(std::move(dir));
  }
  require(!out.dirs.empty(), key,
          "At least one log directory must be defined via log.dirs or log.dir.");
  out.recovery_threads_per_dir = config_.get_int("num.recovery.threads.per.data.dir");
  out.retention_check_interval_ms = config_.get_long("log.retention.check.interval.ms");
  out.flush_scheduler_interval_ms = config_.get_long("log.flush.scheduler.interval.ms");
  out.recovery_point_checkpoint_interval_ms =
      config_.get_int("log.flush.offset.checkpoint.interval.ms");
  out.log_start_offset_checkpoint_interval_ms =
      config_.get_int("log.flush.start.offset.checkpoint.interval.ms");
  out.high_watermark_checkpoint_interval_ms =
      config_.get_long("replica.high.watermark.checkpoint.interval.ms");
  out.initial_task_delay_ms = config_.get_long("log.initial.task.delay.ms");
  out.dir_failure_timeout_ms = config_.get_long("log.dir.failure.timeout.ms");
}

void BrokerConfigLoader::build_simple_parts() {
  const auto& c = config_;
  config_.sockets = {
      .send_buffer_bytes = c.get_int("socket.send.buffer.bytes"),
      .receive_buffer_bytes = c.get_int("socket.receive.buffer.bytes"),
      .request_max_bytes = c.get_int("socket.request.max.bytes"),
      .listen_backlog = std::max(kLeastBacklog, c.get_int("socket.listen.backlog.size")),
      .connections_max_idle_ms = c.get_long("connections.max.idle.ms"),
      .max_connections = c.get_int("max.connections"),
      .max_connections_per_ip = c.get_int("max.connections.per.ip"),
      .queued_max_request_bytes = c.get_long("queued.max.request.bytes")};
  build_connection_bounds();
  config_.requests = {
      .message_max_bytes = c.get_int("message.max.bytes"),
      .fetch_max_bytes = c.get_int("fetch.max.bytes"),
      .fetch_session_cache_slots = c.get_int("max.incremental.fetch.session.cache.slots"),
      .max_request_partition_size_limit = c.get_int("max.request.partition.size.limit"),
      .request_timeout_ms = c.get_int("request.timeout.ms")};
  config_.topics = {.auto_create_topics = c.get_bool("auto.create.topics.enable"),
                    .delete_topics = c.get_bool("delete.topic.enable"),
                    .num_partitions = c.get_int("num.partitions"),
                    .replication_factor = c.get_int("default.replication.factor")};
  config_.producer_state = {
      .producer_id_expiration_ms = c.get_int("producer.id.expiration.ms"),
      .expiration_check_interval_ms = c.get_int("producer.id.expiration.check.interval.ms")};
  config_.replication = {
      .replica_lag_time_max_ms = c.get_long("replica.lag.time.max.ms"),
      .num_fetchers = c.get_int("num.replica.fetchers"),
      .fetch_min_bytes = c.get_int("replica.fetch.min.bytes"),
      .fetch_max_bytes = c.get_int("replica.fetch.max.bytes"),
      .fetch_response_max_bytes = c.get_int("replica.fetch.response.max.bytes"),
      .fetch_wait_max_ms = c.get_int("replica.fetch.wait.max.ms"),
      .fetch_backoff_ms = c.get_int("replica.fetch.backoff.ms"),
      .socket_timeout_ms = c.get_int("replica.socket.timeout.ms"),
      .socket_receive_buffer_bytes = c.get_int("replica.socket.receive.buffer.bytes")};
  config_.controller = {
      .auto_leader_rebalance = c.get_bool("auto.leader.rebalance.enable"),
      .imbalance_check_interval_seconds = c.get_long("leader.imbalance.check.interval.seconds"),
      .imbalance_per_broker_percentage = c.get_int("leader.imbalance.per.broker.percentage"),
      .socket_timeout_ms = c.get_int("controller.socket.timeout.ms"),
      .controlled_shutdown = c.get_bool("controlled.shutdown.enable"),
      .controlled_shutdown_max_retries = c.get_int("controlled.shutdown.max.retries"),
      .controlled_shutdown_retry_backoff_ms = c.get_long("controlled.shutdown.retry.backoff.ms")};
  config_.threads = {.io_threads = c.get_int("x.io.threads"),
                     .num_network_threads = c.get_int("num.network.threads"),
                     .num_io_threads = c.get_int("num.io.threads")};
}

// host:count, ... and the keys that a listener may have for itself. Those were checked when they
// were read; one that is wrong counts as not given here.
void BrokerConfigLoader::build_connection_bounds() {
  SocketConfig& out = config_.sockets;
  out.max_connection_creation_rate = config_.get_int("max.connection.creation.rate");
  out.connection_rate_window_ms = std::int64_t{1000} * config_.get_int("quota.window.num") *
                                  config_.get_int("quota.window.size.seconds");
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  for (const auto& item : split_csv(config_.get_string(kOverridesKey))) {
    const auto colon = item.rfind(':');
    const auto count =
        colon == std::string::npos
            ? std::nullopt
            : parse_java_integer(java_trim(std::string_view(item).substr(colon + 1)), 0, kMost);
    const std::string_view host = java_trim(std::string_view(item).substr(0, colon));
    require(count.has_value() && !host.empty(), kOverridesKey,
            fmt::format("Error parsing configuration property '{}': {} is not host:count, such as "
                        "127.0.0.1:100",
                        kOverridesKey, item));
    if (count) {
      out.max_connections_per_ip_overrides.insert_or_assign(std::string(host),
                                                            static_cast<std::int32_t>(*count));
    }
  }
  for (const auto& endpoint : config_.listeners.listeners) {
    const auto own = [&](std::string_view key, std::int32_t otherwise) {
      const Property* const property = properties_.find(
          fmt::format("listener.name.{}.{}", ascii_lower(endpoint.listener_name), key));
      const auto value = property == nullptr
                             ? std::nullopt
                             : parse_java_integer(java_trim(property->value), 0, kMost);
      return value ? static_cast<std::int32_t>(*value) : otherwise;
    };
    out.by_listener[endpoint.listener_name] = {
        own("max.connections", out.max_connections),
        own("max.connection.creation.rate", out.max_connection_creation_rate)};
  }
}

void BrokerConfigLoader::check_group_rules() {
  const auto& c = config_;
  const auto protocols = c.get_list("group.coordinator.rebalance.protocols");
  require(std::ranges::find(protocols, "classic") != protocols.end(),
          "group.coordinator.rebalance.protocols",
          "Disabling the 'classic' protocol is not supported.");
  for (const std::string_view what : {"heartbeat.interval.ms", "session.timeout.ms"}) {
    const std::string own = fmt::format("group.consumer.{}", what);
    const std::string least = fmt::format("group.consumer.min.{}", what);
    const std::string most = fmt::format("group.consumer.max.{}", what);
    const auto at_least = [&](const std::string& key, const std::string& bound) {
      require(c.get_int(key) >= c.get_int(bound), key,
              fmt::format("{} must be greater than or equals to {}", key, bound));
    };
    at_least(most, least);
    at_least(own, least);
    require(c.get_int(own) <= c.get_int(most), own,
            fmt::format("{} must be less than or equals to {}", own, most));
  }
}

void BrokerConfigLoader::check_rules() {
  const auto& c = config_;
  if (c.effective("log.roll.ms")) {
    require(c.get_long("log.roll.ms") >= 1, "log.roll.ms",
            "log.roll.ms must be greater than or equal to 1");
  }
  if (c.effective("log.roll.jitter.ms")) {
    require(c.get_long("log.roll.jitter.ms") >= 0, "log.roll.jitter.ms",
            "log.roll.jitter.ms must be greater than or equal to 0");
  }
  const std::string_view retention_key = c.effective("log.retention.ms") ? "log.retention.ms"
                                         : c.effective("log.retention.minutes")
                                             ? "log.retention.minutes"
                                             : "log.retention.hours";
  require(c.get_long(retention_key) != 0, retention_key,
          "log.retention.ms must be unlimited (-1) or, greater than or equal to 1");
  const std::int32_t cleaner_threads = c.get_int("log.cleaner.threads");
  require(cleaner_threads > 0 && c.get_long("log.cleaner.dedupe.buffer.size") / cleaner_threads >
                                     kLeastBufferPerCleaner,
          "log.cleaner.dedupe.buffer.size",
          "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.");
  require(
      c.replication.fetch_wait_max_ms <= c.replication.socket_timeout_ms,
      "replica.fetch.wait.max.ms",
      "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent "
      "unnecessary socket timeouts");
  require(
      c.replication.fetch_wait_max_ms <= c.replication.replica_lag_time_max_ms,
      "replica.fetch.wait.max.ms",
      "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms "
      "to prevent frequent changes in ISR");
  require(c.sockets.queued_max_request_bytes <= 0 ||
              c.sockets.queued_max_request_bytes >= c.sockets.request_max_bytes,
          "queued.max.request.bytes",
          "queued.max.request.bytes must be larger or equal to socket.request.max.bytes");
  require(c.sockets.max_connections_per_ip != 0 ||
              !split_csv(c.get_string("max.connections.per.ip.overrides")).empty(),
          "max.connections.per.ip",
          "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides "
          "property is set.");
  const auto delay = c.get_int("connection.failed.authentication.delay.ms");
  require(c.sockets.connections_max_idle_ms < 0 || delay < c.sockets.connections_max_idle_ms,
          "connection.failed.authentication.delay.ms",
          fmt::format("connection.failed.authentication.delay.ms={} should always be less than "
                      "connections.max.idle.ms={} to prevent failed authentication responses from "
                      "timing out",
                      delay, c.sockets.connections_max_idle_ms));
  const std::string version = c.get_string("inter.broker.protocol.version");
  check_group_rules();
  require(version_of(version) >= Version{3, 0} && version_of(version) <= Version{3, 9},
          "inter.broker.protocol.version",
          fmt::format("inter.broker.protocol.version={}: this server speaks 3.0 to 3.9; remove the "
                      "line, or bring the cluster to 3.0 first",
                      version));
  require(c.topics.replication_factor >= 1, "default.replication.factor",
          fmt::format("default.replication.factor must be at least 1; it is {}",
                      c.topics.replication_factor));
  if (c.get_int("min.insync.replicas") > c.topics.replication_factor) {
    warn("min.insync.replicas",
         fmt::format("min.insync.replicas={} is more than default.replication.factor={}: topics "
                     "created with the defaults refuse every produce with acks=all",
                     c.get_int("min.insync.replicas"), c.topics.replication_factor));
  }
}

}  // namespace barnabas::config
