// server.properties, parsed and checked: values by name and the typed structs that the modules are
// given (no module takes the whole configuration). Immutable after load; one per process, made at
// start-up by apps and owned by the broker.
// Fails with every problem at once, each with file, line, key, what was given and what is allowed;
// nothing is touched on disk before. THREAD: any (const after load)
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/config/listeners.h"

namespace barnabas::config {

struct DynamicBrokerOverrides;

struct Problem {
  std::string where;  // "server.properties:14", "--override" or the file's name
  std::string key;
  std::string text;  // what is wrong, what is allowed, how to mend it

  // "server.properties:14: <text>"
  [[nodiscard]] std::string to_string() const { return where.empty() ? text : where + ": " + text; }
};

struct ConfigSource {
  std::string file_name;               // for messages
  std::string text;                    // its content
  std::vector<std::string> overrides;  // "key=value", later ones win
};

struct IdentityConfig {
  BrokerId broker_id = kNoBroker;  // none: generated, or read from meta.properties
  bool generate_id = true;
  BrokerId reserved_max_id{1000};
  std::optional<std::string> rack;
};

struct MetadataConfig {
  bool embedded = true;           // no zookeeper.connect
  std::string zookeeper_connect;  // hosts and chroot, as given
  std::int32_t session_timeout_ms = 18000;
  std::int32_t connection_timeout_ms = 18000;
  std::int32_t max_in_flight_requests = 10;
  bool set_acl = false;
  // Where the embedded tree lies (x.metadata.dir); empty: beside the first log dir.
  std::string embedded_dir;
};

struct ListenersConfig {
  std::vector<Endpoint> listeners;
  std::vector<Endpoint> advertised;  // host empty: the host's own name is to be advertised
  std::string inter_broker_listener_name;
  SecurityProtocol inter_broker_security_protocol = SecurityProtocol::kPlaintext;
  // The text of listener.security.protocol.map as pairs, for the registration of the broker.
  ListenerProtocolMap protocol_map;
};

// Of one listener: listener.name.<name>.<key>, else what holds for the broker.
struct ListenerBounds {
  std::int32_t max_connections = 2147483647;
  std::int32_t max_connection_creation_rate = 2147483647;
};

struct SocketConfig {
  std::int32_t send_buffer_bytes = 102400;     // -1: the system's default
  std::int32_t receive_buffer_bytes = 102400;  // -1: the system's default
  std::int32_t request_max_bytes = 104857600;
  std::int32_t listen_backlog = 1024;  // at least 1024 in effect
  std::int64_t connections_max_idle_ms = 600000;
  std::int32_t max_connections = 2147483647;
  std::int32_t max_connections_per_ip = 2147483647;
  std::map<std::string, std::int32_t> max_connections_per_ip_overrides{};  // by name or address
  std::int32_t max_connection_creation_rate = 2147483647;                  // per second
  std::map<std::string, ListenerBounds> by_listener{};                     // by upper case name
  std::int64_t connection_rate_window_ms = 11000;  // quota.window.num x quota.window.size.seconds
  std::int64_t queued_max_request_bytes = -1;
};

struct RequestConfig {
  std::int32_t message_max_bytes = 1048588;
  std::int32_t fetch_max_bytes = 57671680;
  std::int32_t fetch_session_cache_slots = 1000;
  std::int32_t max_request_partition_size_limit = 2000;
  std::int32_t request_timeout_ms = 30000;
};

struct TopicDefaultsConfig {
  bool auto_create_topics = true;
  bool delete_topics = true;
  std::int32_t num_partitions = 1;
  std::int32_t replication_factor = 1;
};

struct LogDirsConfig {
  std::vector<std::string> dirs;  // log.dirs, else log.dir; in the order given, no duplicates
  std::int32_t recovery_threads_per_dir = 1;
  std::int64_t retention_check_interval_ms = 300000;
  std::int64_t flush_scheduler_interval_ms = 0;
  std::int32_t recovery_point_checkpoint_interval_ms = 60000;
  std::int32_t log_start_offset_checkpoint_interval_ms = 60000;
  std::int64_t high_watermark_checkpoint_interval_ms = 5000;
  std::int64_t initial_task_delay_ms = 30000;
  std::int64_t dir_failure_timeout_ms = 30000;
};

struct ProducerStateConfig {
  std::int32_t producer_id_expiration_ms = 86400000;
  std::int32_t expiration_check_interval_ms = 600000;
};

struct ReplicationConfig {
  std::int64_t replica_lag_time_max_ms = 30000;
  std::int32_t num_fetchers = 1;
  std::int32_t fetch_min_bytes = 1;
  std::int32_t fetch_max_bytes = 1048576;
  std::int32_t fetch_response_max_bytes = 10485760;
  std::int32_t fetch_wait_max_ms = 500;
  std::int32_t fetch_backoff_ms = 1000;
  std::int32_t socket_timeout_ms = 30000;
  std::int32_t socket_receive_buffer_bytes = 65536;
};

struct ControllerConfig {
  bool auto_leader_rebalance = true;
  std::int64_t imbalance_check_interval_seconds = 300;
  std::int32_t imbalance_per_broker_percentage = 10;
  std::int32_t socket_timeout_ms = 30000;
  bool controlled_shutdown = true;
  std::int32_t controlled_shutdown_max_retries = 3;
  std::int64_t controlled_shutdown_retry_backoff_ms = 5000;
};

struct ThreadsConfig {
  std::int32_t io_threads = 0;  // x.io.threads; 0: one per core
  // Kept for DescribeConfigs; one thread per core does the work of both.
  std::int32_t num_network_threads = 3;
  std::int32_t num_io_threads = 8;
};

class BrokerConfig {
 public:
  using Problems = std::vector<Problem>;
  [[nodiscard]] static std::expected<BrokerConfig, Problems> load(const ConfigSource& source);

  // Unknown keys, lines that do not count, dangerous combinations: for the log, once.
  [[nodiscard]] const Problems& warnings() const { return warnings_; }
  // Keys that were given, checked and kept, but change nothing in this version: for one log line.
  [[nodiscard]] std::vector<std::string> without_effect() const;

  IdentityConfig identity;
  MetadataConfig metadata;
  ListenersConfig listeners;
  SocketConfig sockets;
  RequestConfig requests;
  TopicDefaultsConfig topics;
  LogDirsConfig log_dirs;
  ProducerStateConfig producer_state;
  ReplicationConfig replication;
  ControllerConfig controller;
  ThreadsConfig threads;

  // Values of any key of the table by name, given or default. A name that is not in the table, or
  // of another type, is a broken invariant, as is asking for the number of a key that is null.
  [[nodiscard]] bool get_bool(std::string_view key) const;
  [[nodiscard]] std::int32_t get_int(std::string_view key) const;  // INT and SHORT
  [[nodiscard]] std::int64_t get_long(std::string_view key) const;
  [[nodiscard]] double get_double(std::string_view key) const;
  [[nodiscard]] std::string get_string(std::string_view key) const;  // STRING, CLASS, PASSWORD
  [[nodiscard]] std::vector<std::string> get_list(std::string_view key) const;
  // As Kafka prints the parsed value; none: null.
  [[nodiscard]] std::optional<std::string> effective(std::string_view key) const;

  // The keys as they were given (file and overrides), with node.id and broker.id standing for each
  // other: key -> text. These are the STATIC_BROKER_CONFIG of DescribeConfigs.
  using Given = std::map<std::string, std::string, std::less<>>;
  [[nodiscard]] const Given& given() const { return given_; }

 private:
  friend class BrokerConfigLoader;
  friend BrokerConfig with_dynamic(const BrokerConfig& broker,
                                   const DynamicBrokerOverrides& dynamic);
  Given given_;
  Given checked_;  // key -> the value as Kafka prints it
  Problems warnings_;
};

}  // namespace barnabas::config
