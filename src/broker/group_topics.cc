#include "group_topics.h"

#include <algorithm>

namespace barnabas::broker {

using coordinator::TopicFacts;

std::uint64_t SnapshotTopics::version() const {
  return metadata_.load()->version();
}

std::optional<TopicFacts> SnapshotTopics::find(std::string_view name) const {
  const auto cluster = metadata_.load();
  const auto* const topic = cluster->topic(name);
  if (topic == nullptr || topic->id.is_zero()) {
    return std::nullopt;
  }
  TopicFacts facts{topic->id, topic->name, static_cast<std::int32_t>(topic->partitions.size()), {}};
  const bool any_racks = std::ranges::any_of(
      cluster->brokers(), [](const auto& broker) { return broker.rack.has_value(); });
  if (!any_racks) {
    return facts;
  }
  for (const auto& partition : topic->partitions) {
    if (partition == nullptr) {
      continue;
    }
    for (const BrokerId replica : partition->replicas) {
      const auto* const broker = cluster->broker(replica);
      if (broker != nullptr && broker->rack) {
        facts.racks[partition->id].insert(*broker->rack);
      }
    }
  }
  return facts;
}

std::optional<std::string> SnapshotTopics::name_of(const Uuid& id) const {
  const auto cluster = metadata_.load();
  const auto* const topic = cluster->topic(id);
  return topic == nullptr ? std::nullopt : std::optional(topic->name);
}

std::optional<Uuid> SnapshotTopics::id_of(std::string_view name) const {
  const auto cluster = metadata_.load();
  const auto* const topic = cluster->topic(name);
  return topic == nullptr || topic->id.is_zero() ? std::nullopt : std::optional(topic->id);
}

}  // namespace barnabas::broker
