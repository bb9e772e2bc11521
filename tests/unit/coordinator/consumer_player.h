// A group of the consumer protocol whose records are applied as soon as they come out, with topics
// and time of the test.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/base/check.h"
#include "coordinator/consumer_group.h"
#include "table_topics.h"

namespace barnabas::coordinator {

using Owned = std::map<std::string, std::set<int>>;  // partitions by topic

// What a member says beyond its epoch.
struct ConsumerSays {
  std::optional<std::vector<std::string>> topics{};
  std::optional<Owned> owned{};
  std::optional<std::string> instance{};
  std::optional<std::string> assignor{};
  std::optional<std::string> rack{};
  int rebalance_timeout_ms = -1;
};

class ConsumerPlayer {
 public:
  struct Answer {
    ErrorCode error = ErrorCode::kNone;
    std::int32_t epoch = 0;
    std::optional<Owned> assigned{};
    std::size_t records = 0;
  };
  using Says = ConsumerSays;

  Answer beat(const std::string& member, std::int32_t epoch, const Says& says = {}) {
    ConsumerHeartbeatEvent event;
    auto& request = event.request;
    request.group_id = group.id();
    request.member_id = member;
    request.member_epoch = epoch;
    request.instance_id = says.instance;
    request.rack_id = says.rack;
    request.rebalance_timeout_ms = says.rebalance_timeout_ms;
    request.subscribed_topic_names = says.topics;
    request.server_assignor = says.assignor;
    if (says.owned) {
      auto& list = request.topic_partitions.emplace();
      for (const auto& [name, partitions] : *says.owned) {
        auto& topic = list.emplace_back();
        topic.topic_id = topics.ever_id_of(name);
        topic.partitions.assign(partitions.begin(), partitions.end());
      }
    }
    event.client_id = "test";
    event.client_host = "/127.0.0.1";
    if (const auto valid = ConsumerGroup::validate(request, options); !valid) {
      return {valid.error().code, 0, std::nullopt, 0};
    }
    return take(epoch < 0 ? group.leave(request, context()) : group.heartbeat(event, context()));
  }

  Answer join(const std::string& member, std::vector<std::string> subscribed, Says says = {}) {
    says.topics = std::move(subscribed);
    says.owned = Owned{};
    says.rebalance_timeout_ms = 300000;
    return beat(member, 0, says);
  }

  // A client at its work: it gives up what it is told to and owns what it is given, until nothing
  // changes any more.
  void settle(const std::vector<std::string>& members) {
    for (int round = 0; round < 20; ++round) {
      const std::size_t before = written.size();
      for (const auto& member : members) {
        const auto* const known = find(member);
        if (known != nullptr && known->epoch >= 0) {
          beat(member, known->epoch, {.owned = has(member)});
        }
      }
      check();
      if (written.size() == before) {
        return;
      }
    }
    BARNABAS_CHECK_MSG(false, "the group does not come to rest");
  }

  const ConsumerMember* find(const std::string& member) const {
    const auto found = group.members().find(member);
    return found == group.members().end() ? nullptr : &found->second;
  }

  Owned named(const Assignment& assignment) const {
    Owned result;
    for (const auto& [id, partitions] : assignment) {
      for (const PartitionId partition : partitions) {
        result[topics.ever_name_of(id)].insert(partition.value());
      }
    }
    return result;
  }
  Owned has(const std::string& member) const { return named(find(member)->assigned); }
  Owned target(const std::string& member) const {
    const auto found = group.targets().find(member);
    return found == group.targets().end() ? Owned{} : named(found->second);
  }

  // No partition belongs to two members, in use or to be given up.
  void check() const {
    std::set<std::pair<Uuid, PartitionId>> taken;
    for (const auto& [id, member] : group.members()) {
      for (const auto* const part : {&member.assigned, &member.pending_revocation}) {
        for (const auto& [topic, partitions] : *part) {
          for (const PartitionId partition : partitions) {
            BARNABAS_CHECK_MSG(taken.emplace(topic, partition).second,
                               "a partition has two owners");
          }
        }
      }
    }
  }

  void apply(const ConsumerRecords& records) {
    for (const auto& record : records) {
      group.apply(record);
      written.push_back(record);
    }
    check();
  }
  void pass(std::chrono::milliseconds time) { now.monotonic += time; }
  // Fences whoever is late; who that was.
  std::vector<std::string> expire() {
    std::vector<std::string> late;
    while (const auto member = group.overdue(now)) {
      late.push_back(*member);
      apply(group.fence(*member, context()));
    }
    return late;
  }
  ConsumerGroup::Context context() { return {options, classic_max_size, topics, now}; }

  ConsumerGroupOptions options;
  std::int32_t classic_max_size = INT32_MAX;
  TableTopics topics;
  Moment now{MonotonicTime{}, 1'700'000'000'000};
  ConsumerGroup group{"g"};
  ConsumerRecords written;

 private:
  Answer take(Result<ConsumerGroup::HeartbeatStep> step) {
    if (!step) {
      group.dropped();
      return {step.error().code, 0, std::nullopt, 0};
    }
    apply(step->records);
    Answer answer{ErrorCode::kNone, step->response.member_epoch, std::nullopt,
                  step->records.size()};
    if (step->response.assignment) {
      Owned& assigned = answer.assigned.emplace();
      for (const auto& topic : step->response.assignment->topic_partitions) {
        assigned[topics.ever_name_of(topic.topic_id)] = {topic.partitions.begin(),
                                                         topic.partitions.end()};
      }
    }
    return answer;
  }
};

}  // namespace barnabas::coordinator
