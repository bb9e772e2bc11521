// From the configuration to the plain option structs of the modules.
#pragma once

#include <string>

#include "barnabas/config/broker_config.h"
#include "barnabas/net/server.h"
#include "barnabas/storage/log_manager.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::broker {

[[nodiscard]] storage::LogManagerOptions log_manager_options(const config::BrokerConfig& config);
[[nodiscard]] storage::CleanerOptions cleaner_options(const config::BrokerConfig& config);
[[nodiscard]] net::ServerOptions server_options(const config::BrokerConfig& config);
// What /brokers/ids/N says; ports that were 0 are taken from the running server.
[[nodiscard]] zk::BrokerZNode broker_znode(const config::BrokerConfig& config,
                                           const net::Server& server, std::int64_t now_ms);
// The name under which this host advertises itself where none is configured.
[[nodiscard]] std::string own_host_name();

}  // namespace barnabas::broker
