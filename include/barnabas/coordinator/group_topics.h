// What groups of the consumer protocol have to know of topics: the coordinator assigns their
// partitions itself, so it needs names, ids, counts and racks. The broker answers from its snapshot
// of the cluster; tests answer from a table.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "barnabas/base/ids.h"
#include "barnabas/base/uuid.h"

namespace barnabas::coordinator {

struct TopicFacts {
  Uuid id;
  std::string name;
  std::int32_t partitions = 0;
  std::map<PartitionId, std::set<std::string>> racks;  // of those whose replicas have a rack
  bool operator==(const TopicFacts&) const = default;
};

// THREAD: home (the coordinator's)
class GroupTopics {
 public:
  virtual ~GroupTopics() = default;
  // Another number whenever anything may have changed: groups look again then.
  [[nodiscard]] virtual std::uint64_t version() const = 0;
  // Null: no such topic, or one without an id.
  [[nodiscard]] virtual std::optional<TopicFacts> find(std::string_view name) const = 0;
  [[nodiscard]] virtual std::optional<std::string> name_of(const Uuid& id) const = 0;
  [[nodiscard]] virtual std::optional<Uuid> id_of(std::string_view name) const = 0;
};

}  // namespace barnabas::coordinator
