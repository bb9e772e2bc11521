// The CSV files that kafka-consumer-groups.sh --reset-offsets writes (--export) and reads
// (--from-file): topic,partition,offset where one group is meant, else
// group,topic,partition,offset. Strings are quoted as Jackson's CSV writer does it: where they are
// longer than 24 characters or hold one before '-'. Pure. THREAD: any
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "barnabas/base/result.h"
#include "group_client.h"

namespace barnabas::apps {

// By group.
using ResetPlan = std::map<std::string, GroupOffsets>;

// `only_group`: the one group of the command line; empty where it names several or none.
// Fails: INVALID_REQUEST with the line that is wrong.
[[nodiscard]] Result<ResetPlan> parse_reset_plan(std::string_view csv,
                                                 const std::string& only_group);

// One line; `group` null: without it.
[[nodiscard]] std::string reset_plan_line(const std::string* group, const TopicPartition& partition,
                                          std::int64_t offset);

}  // namespace barnabas::apps
