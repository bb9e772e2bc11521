// The text of kafka-topics.sh --describe, byte for byte Kafka 3.9.1's. Pure. THREAD: any
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "topic_admin.h"

namespace barnabas::apps {

// Which topics and partitions are shown.
struct DescribeFilter {
  bool under_replicated = false;
  bool unavailable = false;
  bool under_min_isr = false;
  bool at_min_isr = false;
  bool with_overrides = false;

  [[nodiscard]] bool reports_partitions() const {
    return under_replicated || unavailable || under_min_isr || at_min_isr;
  }
};

void append_description(const TopicMetadata& topic, const TopicConfigs& configs,
                        const Reassignments& reassignments, const std::set<std::int32_t>& live,
                        const DescribeFilter& filter, std::string& out);

}  // namespace barnabas::apps
