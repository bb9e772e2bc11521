// Topics as a table that a test changes.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "barnabas/coordinator/group_topics.h"

namespace barnabas::coordinator {

class TableTopics final : public GroupTopics {
 public:
  static Uuid id_for(const std::string& name) {
    return {0x5157, std::hash<std::string>{}(name) | 1};
  }

  void set(const std::string& name, std::int32_t partitions, const std::string& rack = {},
           std::optional<Uuid> id = {}) {
    TopicFacts facts{id.value_or(id_for(name)), name, partitions, {}};
    for (std::int32_t p = 0; p < partitions && !rack.empty(); ++p) {
      facts.racks[PartitionId(p)].insert(rack);
    }
    ever_.insert_or_assign(facts.id, name);
    topics_.insert_or_assign(name, std::move(facts));
    ++version_;
  }
  void remove(const std::string& name) {
    topics_.erase(name);
    ++version_;
  }

  // Of a topic that is or was there.
  [[nodiscard]] std::string ever_name_of(const Uuid& id) const { return ever_.at(id); }
  [[nodiscard]] Uuid ever_id_of(const std::string& name) const {
    for (const auto& [id, known] : ever_) {
      if (known == name) {
        return id;
      }
    }
    return {};
  }

  [[nodiscard]] std::uint64_t version() const override { return version_; }
  [[nodiscard]] std::optional<TopicFacts> find(std::string_view name) const override {
    const auto found = topics_.find(name);
    return found == topics_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<std::string> name_of(const Uuid& id) const override {
    for (const auto& [name, facts] : topics_) {
      if (facts.id == id) {
        return name;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<Uuid> id_of(std::string_view name) const override {
    const auto found = topics_.find(name);
    return found == topics_.end() ? std::nullopt : std::optional(found->second.id);
  }

 private:
  std::map<std::string, TopicFacts, std::less<>> topics_;
  std::map<Uuid, std::string> ever_;
  std::uint64_t version_ = 1;
};

}  // namespace barnabas::coordinator
