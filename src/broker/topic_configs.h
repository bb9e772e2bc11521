// Topic overrides as they stand in the tree, and what storage is told of them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "barnabas/base/result.h"
#include "barnabas/config/broker_config.h"
#include "barnabas/config/topic_config.h"
#include "barnabas/storage/log_config.h"
#include "barnabas/zk/metadata_store.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::broker {

using TopicConfigs = std::map<std::string, zk::ConfigMap>;

// Reads /config/topics whole: logs are loaded with their own settings, before any controller
// speaks. A node that does not parse counts as empty and is logged. THREAD: home of the store
void read_topic_configs(zk::MetadataStore& store,
                        std::move_only_function<void(Result<TopicConfigs>)> done);

// The settings of a log. Overrides that do not hold (an old tool can write anything) are logged and
// the broker's defaults stand instead. THREAD: any
[[nodiscard]] storage::LogConfig log_config(const config::BrokerConfig& broker,
                                            const std::string& topic,
                                            const config::TopicOverrides& overrides);

}  // namespace barnabas::broker
