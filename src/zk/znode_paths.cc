#include <fmt/format.h>

#include <array>

#include "barnabas/zk/znodes.h"

namespace barnabas::zk {

const std::vector<std::string>& start_up_paths() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> all;
    for (const std::string_view path :
         {kConsumersPath, kBrokerIdsPath, kTopicsPath, kConfigChangesPath, kDeleteTopicsPath,
          kBrokerSeqIdPath, kIsrChangePath, kProducerIdBlockPath, kLogDirEventPath}) {
      all.emplace_back(path);
    }
    for (const ConfigType type : {ConfigType::kTopic, ConfigType::kClient, ConfigType::kUser,
                                  ConfigType::kBroker, ConfigType::kIp}) {
      all.push_back(config_type_path(type));
    }
    return all;
  }();
  return paths;
}

std::string_view config_type_name(ConfigType type) {
  static constexpr std::array<std::string_view, 5> kNames{"topics", "clients", "users", "brokers",
                                                          "ips"};
  return kNames.at(static_cast<std::size_t>(type));
}

std::string config_type_path(ConfigType type) {
  return fmt::format("/config/{}", config_type_name(type));
}

std::string config_path(ConfigType type, std::string_view entity) {
  return fmt::format("/config/{}/{}", config_type_name(type), entity);
}

std::string broker_path(BrokerId id) {
  return fmt::format("{}/{}", kBrokerIdsPath, id.value());
}

std::string topic_path(std::string_view topic) {
  return fmt::format("{}/{}", kTopicsPath, topic);
}

std::string partitions_path(std::string_view topic) {
  return fmt::format("{}/{}/partitions", kTopicsPath, topic);
}

std::string partition_path(std::string_view topic, PartitionId partition) {
  return fmt::format("{}/{}/partitions/{}", kTopicsPath, topic, partition.value());
}

std::string partition_state_path(std::string_view topic, PartitionId partition) {
  return fmt::format("{}/{}/partitions/{}/state", kTopicsPath, topic, partition.value());
}

std::string delete_topic_path(std::string_view topic) {
  return fmt::format("{}/{}", kDeleteTopicsPath, topic);
}

}  // namespace barnabas::zk
