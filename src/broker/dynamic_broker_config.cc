#include "dynamic_broker_config.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "barnabas/base/logging.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::broker {
namespace {

struct Reading {
  config::DynamicBrokerOverrides overrides;
  int outstanding = 2;
  bool failed = false;
  std::move_only_function<void(Result<config::DynamicBrokerOverrides>)> done;
};

void read_one(zk::MetadataStore& store, const std::string& entity,
              const std::shared_ptr<Reading>& reading, config::BrokerConfig::Given& into) {
  const std::string path = zk::config_path(zk::ConfigType::kBroker, entity);
  store.get(path, nullptr, [path, reading, &into](zk::StoreResult<zk::Node> node) {
    if (reading->failed) {
      return;
    }
    if (!node && node.error().code != zk::StoreErrorCode::kNoNode) {
      reading->failed = true;
      reading->done(std::unexpected(zk::to_error(node.error())));
      return;
    }
    if (node) {
      auto config = zk::decode_config(path, node->data);
      if (config) {
        into = std::move(*config);
      } else {
        logging::logger("broker").warn("{}", config.error().message);
      }
    }
    if (--reading->outstanding == 0) {
      reading->done(std::move(reading->overrides));
    }
  });
}

}  // namespace

config::DynamicBrokerOverrides dynamic_overrides(const metadata::ClusterSnapshot& cluster,
                                                 BrokerId broker) {
  return {cluster.broker_config(broker), cluster.default_broker_config()};
}

void read_dynamic_overrides(
    zk::MetadataStore& store, BrokerId broker,
    std::move_only_function<void(Result<config::DynamicBrokerOverrides>)> done) {
  auto reading = std::make_shared<Reading>();
  reading->done = std::move(done);
  read_one(store, fmt::to_string(broker.value()), reading, reading->overrides.per_broker);
  read_one(store, std::string(zk::kDefaultEntity), reading, reading->overrides.cluster_wide);
}

}  // namespace barnabas::broker
