// Topics that are made because somebody asked for them: the internal ones, __consumer_offsets and
// __transaction_state, as configured for their coordinators; any other by num.partitions and
// default.replication.factor. Rules: AutoTopicCreationManager of Kafka 3.9.1.
// THREAD: any
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "barnabas/base/thread_annotations.h"
#include "barnabas/config/broker_config.h"
#include "barnabas/controller/topic_admin.h"

namespace barnabas::broker {

class TopicAutoCreation {
 public:
  TopicAutoCreation(const config::BrokerConfig& config, controller::TopicAdmin& topics)
      : config_(config), topics_(topics) {}
  // When no thread runs any more: a request that the controller gives up later finds nobody here.
  ~TopicAutoCreation() { *alive_ = false; }
  TopicAutoCreation(const TopicAutoCreation&) = delete;
  TopicAutoCreation& operator=(const TopicAutoCreation&) = delete;

  // Asks the controller for those that it has not been asked for yet, and does not wait. An attempt
  // ends when this broker's metadata has its topics, when it fails, or after a second; what fails
  // is logged, and asked for again with the next request.
  void create(const std::vector<std::string>& names);

 private:
  void end_attempt(const std::vector<controller::CreatedTopic>& created);

  const config::BrokerConfig& config_;
  controller::TopicAdmin& topics_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Mutex mutex_;
  std::set<std::string> asked_for_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::broker
