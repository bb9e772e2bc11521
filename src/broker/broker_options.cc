#include "broker_options.h"

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "barnabas/base/logging.h"
#include "topic_configs.h"

namespace barnabas::broker {
namespace {

std::size_t bound(std::int64_t value) {
  return value < 0 || value == std::numeric_limits<std::int32_t>::max()
             ? std::numeric_limits<std::size_t>::max()
             : static_cast<std::size_t>(value);
}

double rate_bound(std::int32_t per_second) {
  return per_second == std::numeric_limits<std::int32_t>::max()
             ? std::numeric_limits<double>::infinity()
             : per_second;
}

// A name stands for every address that it has now.
std::vector<std::string> addresses_of(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    logging::logger("broker").warn(
        "max.connections.per.ip.overrides: {} does not resolve ({}), so nothing is overridden for "
        "it",
        host, ::gai_strerror(error));
    return {};
  }
  std::vector<std::string> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

storage::LogManagerOptions log_manager_options(const config::BrokerConfig& config) {
  storage::LogManagerOptions options;
  options.log_dirs = config.log_dirs.dirs;
  options.default_config = log_config(config, "(default)", {});
  options.retention_check_interval_ms = config.log_dirs.retention_check_interval_ms;
  options.flush_scheduler_interval_ms = config.log_dirs.flush_scheduler_interval_ms;
  options.recovery_point_checkpoint_interval_ms =
      config.log_dirs.recovery_point_checkpoint_interval_ms;
  options.log_start_checkpoint_interval_ms =
      config.log_dirs.log_start_offset_checkpoint_interval_ms;
  options.high_watermark_checkpoint_interval_ms =
      config.log_dirs.high_watermark_checkpoint_interval_ms;
  options.producer_id_expiration_ms = config.producer_state.producer_id_expiration_ms;
  options.producer_id_expiration_check_interval_ms =
      config.producer_state.expiration_check_interval_ms;
  options.initial_task_delay_ms = config.log_dirs.initial_task_delay_ms;
  options.cleaner = cleaner_options(config);
  return options;
}

storage::CleanerOptions cleaner_options(const config::BrokerConfig& config) {
  return {.enabled = config.get_bool("log.cleaner.enable"),
          .threads = config.get_int("log.cleaner.threads"),
          .dedupe_buffer_bytes =
              static_cast<std::size_t>(config.get_long("log.cleaner.dedupe.buffer.size")),
          .io_buffer_bytes = static_cast<std::size_t>(config.get_int("log.cleaner.io.buffer.size")),
          .load_factor = config.get_double("log.cleaner.io.buffer.load.factor"),
          .max_bytes_per_second = config.get_double("log.cleaner.io.max.bytes.per.second"),
          .backoff_ms = config.get_long("log.cleaner.backoff.ms")};
}

net::ServerOptions server_options(const config::BrokerConfig& config) {
  net::ServerOptions options;
  for (const auto& listener : config.listeners.listeners) {
    const auto& bounds = config.sockets.by_listener.at(listener.listener_name);
    auto& added = options.listeners.emplace_back();
    added.name = listener.listener_name;
    added.host = listener.host;
    added.port = listener.port;
    added.max_connections = bound(bounds.max_connections);
    added.max_connection_rate = rate_bound(bounds.max_connection_creation_rate);
    added.inter_broker = listener.listener_name == config.listeners.inter_broker_listener_name;
  }
  options.send_buffer_bytes = config.sockets.send_buffer_bytes;
  options.receive_buffer_bytes = config.sockets.receive_buffer_bytes;
  options.backlog = config.sockets.listen_backlog;
  options.request_max_bytes = config.sockets.request_max_bytes;
  options.max_idle = std::chrono::milliseconds(config.sockets.connections_max_idle_ms);
  options.max_connections = bound(config.sockets.max_connections);
  options.max_connections_per_ip = bound(config.sockets.max_connections_per_ip);
  for (const auto& [host, count] : config.sockets.max_connections_per_ip_overrides) {
    for (auto& address : addresses_of(host)) {
      options.max_connections_per_ip_overrides.insert_or_assign(std::move(address), bound(count));
    }
  }
  options.max_connection_rate = rate_bound(config.sockets.max_connection_creation_rate);
  options.connection_rate_window =
      std::chrono::milliseconds(config.sockets.connection_rate_window_ms);
  if (config.sockets.queued_max_request_bytes > 0) {
    options.max_bytes_in_flight = bound(config.sockets.queued_max_request_bytes);
  }
  return options;
}

std::string own_host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) {
    return "localhost";
  }
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.data(), nullptr, nullptr, &found) != 0) {
    logging::logger("broker").warn(
        "the host's own name {} does not resolve, so clients are told to come to localhost; "
        "set advertised.listeners to a name that they can reach",
        name.data());
    return "localhost";
  }
  ::freeaddrinfo(found);
  return name.data();
}

zk::BrokerZNode broker_znode(const config::BrokerConfig& config, const net::Server& server,
                             std::int64_t now_ms) {
  zk::BrokerZNode node;
  node.rack = config.identity.rack;
  node.timestamp_ms = now_ms;
  for (const auto& endpoint : config.listeners.advertised) {
    zk::BrokerEndPoint entry;
    entry.listener = endpoint.listener_name;
    entry.security_protocol = std::string(config::to_string(endpoint.security_protocol));
    entry.host = endpoint.host.empty() ? own_host_name() : endpoint.host;
    entry.port = endpoint.port != 0 ? endpoint.port : server.port(endpoint.listener_name);
    node.endpoints.push_back(std::move(entry));
  }
  return node;
}

}  // namespace barnabas::broker
