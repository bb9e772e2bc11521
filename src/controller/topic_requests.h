// Judges requests to make a topic, or to add partitions to it, as Kafka does: the same checks in
// the same order with the same sentences. What it rests on is passed in. THREAD: any
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/random.h"
#include "barnabas/controller/topic_admin.h"
#include "controller_context.h"
#include "replica_assignment.h"

namespace barnabas::controller {

// A topic that may be made.
struct AcceptedTopic {
  Assignment assignment;
  zk::ConfigMap config;
};

struct TopicRules {
  const ControllerContext& context;
  const TopicConfigValidator& validate_config;  // may be empty
  Random& random;
};

// `just_accepted`: names that the same request has been granted before.
[[nodiscard]] Result<AcceptedTopic> judge_topic(const NewTopic& topic,
                                                const CreateTopicsOptions& options,
                                                const TopicRules& rules,
                                                const std::set<std::string>& just_accepted);

// The partitions to be added to a topic that has `existing`.
[[nodiscard]] Result<Assignment> judge_growth(
    const TopicGrowth& topic, const std::map<PartitionId, zk::ReplicaAssignment>& existing,
    const ControllerContext& context);

// "Topic 'x' already exists." and "Topic 'x' is marked for deletion."
[[nodiscard]] Error topic_exists(std::string_view name);
[[nodiscard]] Error topic_marked_for_deletion(std::string_view name);

}  // namespace barnabas::controller
