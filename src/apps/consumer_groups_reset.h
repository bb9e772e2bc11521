// The work of kafka-consumer-groups.sh --reset-offsets: which partitions, which new offsets, and
// committing them. Owner: the tool's main thread.
#pragma once

#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/result.h"
#include "consumer_groups_options.h"
#include "group_client.h"

namespace barnabas::apps {

// "t:0,1" or "t". INVALID_REQUEST with Kafka's sentence. A topic without partitions has all of
// them; unless it does not exist, which goes to `unknown` where that is asked for, else is an
// error.
[[nodiscard]] Result<std::vector<TopicPartition>> parse_topic_arguments(
    ClusterClient& cluster, const std::vector<std::string>& topics,
    std::vector<std::string>* unknown);

// Prints the plan, and commits it where --execute says so. Fails: INVALID_REQUEST for what the
// command line lacks, other errors as they come.
[[nodiscard]] Status reset_offsets(const ConsumerGroupsLine& line, GroupClient& groups,
                                   const std::vector<std::string>& ids, const Clock& clock);

}  // namespace barnabas::apps
