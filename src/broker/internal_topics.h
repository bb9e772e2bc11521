// The topics that Kafka makes by itself when they are first needed: __consumer_offsets and
// __transaction_state, with their partitions, replicas and configurations out of the broker's.
// Rules: AutoTopicCreationManager of Kafka 3.9.1.
// THREAD: any
#pragma once

#include <string>
#include <vector>

#include "barnabas/config/broker_config.h"
#include "barnabas/controller/topic_admin.h"

namespace barnabas::broker {

// How a topic looks that is made because somebody asked for it: an internal one as configured for
// its coordinator, any other by num.partitions and default.replication.factor.
[[nodiscard]] controller::NewTopic auto_created_topic(const config::BrokerConfig& config,
                                                      const std::string& name);

// Asks the controller for the topics and does not wait; what fails is logged, and asked for again
// with the next request.
void create_missing_topics(const config::BrokerConfig& config, controller::TopicAdmin& topics,
                           const std::vector<std::string>& names);

}  // namespace barnabas::broker
