#include "internal_topics.h"

#include <fmt/format.h>

#include <utility>

#include "barnabas/base/logging.h"
#include "barnabas/metadata/topic_name.h"

namespace barnabas::broker {

controller::NewTopic auto_created_topic(const config::BrokerConfig& config,
                                        const std::string& name) {
  controller::NewTopic topic;
  topic.name = name;
  if (name == metadata::kGroupMetadataTopic) {
    topic.num_partitions = config.get_int("offsets.topic.num.partitions");
    topic.replication_factor =
        static_cast<std::int16_t>(config.get_int("offsets.topic.replication.factor"));
    topic.configs = {
        {"cleanup.policy", "compact"},
        {"compression.type", "producer"},
        {"segment.bytes", fmt::to_string(config.get_int("offsets.topic.segment.bytes"))}};
  } else if (name == metadata::kTransactionStateTopic) {
    topic.num_partitions = config.get_int("transaction.state.log.num.partitions");
    topic.replication_factor =
        static_cast<std::int16_t>(config.get_int("transaction.state.log.replication.factor"));
    topic.configs = {
        {"cleanup.policy", "compact"},
        {"compression.type", "uncompressed"},
        {"min.insync.replicas", fmt::to_string(config.get_int("transaction.state.log.min.isr"))},
        {"segment.bytes", fmt::to_string(config.get_int("transaction.state.log.segment.bytes"))},
        {"unclean.leader.election.enable", "false"}};
  }
  return topic;
}

void create_missing_topics(const config::BrokerConfig& config, controller::TopicAdmin& topics,
                           const std::vector<std::string>& names) {
  std::vector<controller::NewTopic> wanted;
  wanted.reserve(names.size());
  for (const auto& name : names) {
    wanted.push_back(auto_created_topic(config, name));
  }
  controller::CreateTopicsOptions options;
  options.default_partitions = config.topics.num_partitions;
  options.default_replication_factor = static_cast<std::int16_t>(config.topics.replication_factor);
  options.timeout_ms = 0;
  topics.create_topics(
      std::move(wanted), options, [](const std::vector<controller::CreatedTopic>& created) {
        for (const auto& topic : created) {
          if (topic.error != ErrorCode::kNone && topic.error != ErrorCode::kRequestTimedOut &&
              topic.error != ErrorCode::kTopicAlreadyExists) {
            logging::logger("broker").warn("auto-creation of topic {} failed: {} {}", topic.name,
                                           error_name(topic.error), topic.message);
          }
        }
      });
}

}  // namespace barnabas::broker
