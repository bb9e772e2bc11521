#include "topic_auto_creation.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "barnabas/base/logging.h"
#include "barnabas/metadata/topic_name.h"

namespace barnabas::broker {
namespace {

constexpr std::chrono::milliseconds kLongestAttempt{1000};

controller::NewTopic as_configured(const config::BrokerConfig& config, const std::string& name) {
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

}  // namespace

void TopicAutoCreation::create(const std::vector<std::string>& names) {
  std::vector<controller::NewTopic> wanted;
  {
    const MutexLock lock(mutex_);
    for (const auto& name : names) {
      if (asked_for_.insert(name).second) {
        wanted.push_back(as_configured(config_, name));
      }
    }
  }
  if (wanted.empty()) {
    return;
  }
  controller::CreateTopicsOptions options;
  options.default_partitions = config_.topics.num_partitions;
  options.default_replication_factor = static_cast<std::int16_t>(config_.topics.replication_factor);
  options.timeout_ms = kLongestAttempt.count();
  topics_.create_topics(
      std::move(wanted), options,
      [this, alive = alive_](const std::vector<controller::CreatedTopic>& created) {
        if (*alive) {
          end_attempt(created);
        }
      });
}

void TopicAutoCreation::end_attempt(const std::vector<controller::CreatedTopic>& created) {
  for (const auto& topic : created) {
    if (topic.error != ErrorCode::kNone && topic.error != ErrorCode::kRequestTimedOut &&
        topic.error != ErrorCode::kTopicAlreadyExists) {
      logging::logger("broker").warn("auto-creation of topic {} failed: {} {}", topic.name,
                                     error_name(topic.error), topic.message);
    }
  }
  const MutexLock lock(mutex_);
  for (const auto& topic : created) {
    asked_for_.erase(topic.name);
  }
}

}  // namespace barnabas::broker
