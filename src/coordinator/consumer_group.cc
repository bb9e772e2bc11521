#include "consumer_group.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace barnabas::coordinator {
namespace {

template <typename Map>
void add_to(Map& counts, const typename Map::key_type& key, bool add) {
  if (add) {
    ++counts[key];
  } else if (const auto found = counts.find(key); found != counts.end() && --found->second == 0) {
    counts.erase(found);
  }
}

using DescribedAssignment = protocol::ConsumerGroupDescribeResponse::Assignment;

// Topics that are gone have no name to show.
DescribedAssignment show(const Assignment& assignment, const GroupTopics& topics) {
  DescribedAssignment shown;
  for (const auto& [id, partitions] : assignment) {
    auto name = topics.name_of(id);
    if (!name) {
      continue;
    }
    auto& topic = shown.topic_partitions.emplace_back();
    topic.topic_id = id;
    topic.topic_name = std::move(*name);
    for (const PartitionId partition : partitions) {
      topic.partitions.push_back(partition.value());
    }
  }
  return shown;
}

}  // namespace

std::string_view ConsumerGroup::state_name() const {
  if (members_.empty()) {
    return "Empty";
  }
  if (epoch_ > target_epoch_) {
    return "Assigning";
  }
  const bool stable = std::ranges::all_of(members_, [this](const auto& member) {
    return member.second.is_reconciled_to(target_epoch_);
  });
  return stable ? "Stable" : "Reconciling";
}

void ConsumerGroup::describe(const Context& context,
                             protocol::ConsumerGroupDescribeResponse::DescribedGroup& out) const {
  out.group_state = state_name();
  out.group_epoch = epoch_;
  out.assignment_epoch = target_epoch_;
  out.assignor_name = assignor_name(preferred_assignor({}, {}, context));
  for (const auto& [id, member] : members_) {
    auto& to = out.members.emplace_back();
    to.member_id = id;
    to.instance_id = member.instance_id;
    to.rack_id = member.rack_id;
    to.member_epoch = member.epoch;
    to.client_id = member.client_id;
    to.client_host = member.client_host;
    to.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
    to.subscribed_topic_regex = member.topic_regex;
    to.assignment = show(member.assigned, context.topics);
    if (const auto found = targets_.find(id); found != targets_.end()) {
      to.target_assignment = show(found->second, context.topics);
    }
  }
}

ErrorCode ConsumerGroup::check_commit(const MemberClaim& claim, bool transactional,
                                      std::int16_t version) const {
  // An administrator, or a consumer that manages its partitions itself.
  if (claim.generation < 0 && members_.empty()) {
    return ErrorCode::kNone;
  }
  constexpr std::int16_t kFirstOfConsumerProtocol = 9;
  const ConsumerMember* const member = find(claim.member_id);
  if (member == nullptr) {
    return ErrorCode::kUnknownMemberId;
  }
  if (!transactional && !member->classic && version < kFirstOfConsumerProtocol) {
    return ErrorCode::kUnsupportedVersion;
  }
  if (claim.generation == member->epoch) {
    return ErrorCode::kNone;
  }
  return member->classic || transactional ? ErrorCode::kIllegalGeneration
                                          : ErrorCode::kStaleMemberEpoch;
}

ErrorCode ConsumerGroup::check_fetch(const std::optional<std::string>& member_id,
                                     std::int32_t member_epoch) const {
  if (!member_id && member_epoch < 0) {
    return ErrorCode::kNone;
  }
  const ConsumerMember* const member = find(member_id.value_or(""));
  if (member == nullptr) {
    return ErrorCode::kUnknownMemberId;
  }
  if (member_epoch == member->epoch) {
    return ErrorCode::kNone;
  }
  return member->classic ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
}

// --- Records ---

void ConsumerGroup::apply(const ConsumerRecord& record) {
  if (const auto* const group = std::get_if<GroupEpochRecord>(&record)) {
    epoch_ = group->epoch.value_or(0);
  } else if (const auto* const topics = std::get_if<SubscriptionRecord>(&record)) {
    subscription_ = topics->topics.value_or(SubscriptionMetadata{});
  } else if (const auto* const target_epoch = std::get_if<TargetEpochRecord>(&record)) {
    target_epoch_ = target_epoch->epoch.value_or(-1);
  } else if (const auto* const target = std::get_if<TargetRecord>(&record)) {
    if (target->target) {
      targets_.insert_or_assign(target->member_id, *target->target);
    } else if (const auto found = targets_.find(target->member_id); found != targets_.end()) {
      targets_.erase(found);
    }
  } else if (const auto* const said = std::get_if<MemberRecord>(&record)) {
    if (!said->member) {
      erase(said->member_id);
      return;
    }
    ConsumerMember member = *said->member;
    if (const ConsumerMember* const known = find(said->member_id)) {
      member.epoch = known->epoch;
      member.previous_epoch = known->previous_epoch;
      member.state = known->state;
      member.assigned = known->assigned;
      member.pending_revocation = known->pending_revocation;
    }
    described_.insert(member.id);
    put(std::move(member));
  } else if (const auto* const now = std::get_if<CurrentRecord>(&record)) {
    const ConsumerMember* const known = find(now->member_id);
    if (known == nullptr && !now->member) {
      return;
    }
    // A log that was compacted may have a member's partitions before the member.
    ConsumerMember member = known == nullptr ? ConsumerMember{.id = now->member_id} : *known;
    const ConsumerMember left{.epoch = kLeaveEpoch, .previous_epoch = kLeaveEpoch};
    const ConsumerMember& from = now->member ? *now->member : left;
    member.epoch = from.epoch;
    member.previous_epoch = from.previous_epoch;
    member.state = from.state;
    member.assigned = from.assigned;
    member.pending_revocation = from.pending_revocation;
    put(std::move(member));
  }
}

ConsumerRecords ConsumerGroup::creation() const {
  ConsumerRecords records;
  for (const auto& [id, member] : members_) {
    records.emplace_back(MemberRecord{id, member});
  }
  records.emplace_back(GroupEpochRecord{epoch_});
  for (const auto& [id, member] : members_) {
    const auto target = targets_.find(id);
    records.emplace_back(
        TargetRecord{id, target == targets_.end() ? Assignment{} : target->second});
  }
  records.emplace_back(TargetEpochRecord{epoch_});
  for (const auto& [id, member] : members_) {
    records.emplace_back(CurrentRecord{id, member});
  }
  return records;
}

ConsumerRecords ConsumerGroup::tombstones() const {
  ConsumerRecords records;
  for (const auto& [id, member] : members_) {
    records.emplace_back(CurrentRecord{id, std::nullopt});
  }
  for (const auto& [id, member] : members_) {
    records.emplace_back(TargetRecord{id, std::nullopt});
  }
  records.emplace_back(TargetEpochRecord{});
  for (const auto& [id, member] : members_) {
    records.emplace_back(MemberRecord{id, std::nullopt});
  }
  records.emplace_back(SubscriptionRecord{});
  records.emplace_back(GroupEpochRecord{});
  return records;
}

void ConsumerGroup::loaded(const ConsumerGroupOptions& options, Moment now) {
  std::vector<std::string> unknown;
  for (const auto& [id, member] : members_) {
    if (!described_.contains(id)) {
      unknown.push_back(id);
    }
  }
  for (const auto& id : unknown) {
    erase(id);
  }
  std::erase_if(targets_, [this](const auto& target) { return !members_.contains(target.first); });
  for (const auto& [id, member] : members_) {
    expect_session(id, options.session_timeout_ms, now);
    if (member.state == MemberState::kUnrevokedPartitions && !member.classic) {
      Deadlines& deadlines = deadlines_[id];
      await(deadlines.rebalance, member.rebalance_timeout_ms, now);
      deadlines.rebalance_epoch = member.epoch;
    }
  }
}

// --- Members ---

const ConsumerMember* ConsumerGroup::find(std::string_view member_id) const {
  const auto found = members_.find(member_id);
  return found == members_.end() ? nullptr : &found->second;
}

const ConsumerMember* ConsumerGroup::find_static(std::string_view instance_id) const {
  const auto found = static_ids_.find(instance_id);
  return found == static_ids_.end() ? nullptr : find(found->second);
}

bool ConsumerGroup::is_taken(const Uuid& topic, PartitionId partition) const {
  const auto found = owners_.find(topic);
  return found != owners_.end() && found->second.contains(partition);
}

void ConsumerGroup::count_topics(TopicCounts& counts, const ConsumerMember& member, bool add) {
  for (const auto& topic : member.topics) {
    add_to(counts, topic, add);
  }
}

void ConsumerGroup::claim(const Assignment& partitions, bool add) {
  for (const auto& [topic, ids] : partitions) {
    auto& of_topic = owners_[topic];
    for (const PartitionId partition : ids) {
      add_to(of_topic, partition, add);
    }
    if (of_topic.empty()) {
      owners_.erase(topic);
    }
  }
}

void ConsumerGroup::count(const ConsumerMember& member, bool add) {
  count_topics(topic_counts_, member, add);
  claim(member.assigned, add);
  claim(member.pending_revocation, add);
  if (member.classic) {
    add ? ++classic_members_ : --classic_members_;
    for (const auto& protocol : member.classic->protocols) {
      add_to(classic_protocols_, protocol.name, add);
    }
  }
}

void ConsumerGroup::put(ConsumerMember member) {
  if (const ConsumerMember* const known = find(member.id)) {
    count(*known, false);
  }
  count(member, true);
  if (member.instance_id) {
    static_ids_.insert_or_assign(*member.instance_id, member.id);
  }
  const std::string id = member.id;
  members_.insert_or_assign(id, std::move(member));
}

void ConsumerGroup::erase(std::string_view member_id) {
  const auto found = members_.find(member_id);
  if (found == members_.end()) {
    return;
  }
  const ConsumerMember& member = found->second;
  count(member, false);
  if (member.instance_id) {
    const auto same = static_ids_.find(*member.instance_id);
    if (same != static_ids_.end() && same->second == member.id) {
      static_ids_.erase(same);
    }
  }
  if (const auto described = described_.find(member_id); described != described_.end()) {
    described_.erase(described);
  }
  if (const auto awaited = deadlines_.find(member_id); awaited != deadlines_.end()) {
    deadlines_.erase(awaited);
  }
  members_.erase(found);
}

// --- Deadlines ---

void ConsumerGroup::await(std::optional<MonotonicTime>& deadline, std::int32_t timeout_ms,
                          Moment now) {
  deadline = now.monotonic + std::chrono::milliseconds(timeout_ms);
  if (!wake_ || *deadline < *wake_) {
    wake_ = deadline;
  }
}

void ConsumerGroup::expect_session(const std::string& member_id, std::int32_t timeout_ms,
                                   Moment now) {
  await(deadlines_[member_id].session, timeout_ms, now);
}

void ConsumerGroup::fence_later(const std::string& member_id, Moment now) {
  constexpr std::int32_t kRetryMs = 500;
  expect_session(member_id, kRetryMs, now);
}

void ConsumerGroup::find_next_deadline() {
  wake_.reset();
  for (const auto& [id, deadlines] : deadlines_) {
    for (const auto& one :
         {deadlines.session, deadlines.rebalance, deadlines.join, deadlines.sync}) {
      if (one && (!wake_ || *one < *wake_)) {
        wake_ = one;
      }
    }
  }
}

std::optional<std::string> ConsumerGroup::overdue(Moment now) {
  if (!wake_ || *wake_ > now.monotonic) {
    return std::nullopt;
  }
  for (auto it = deadlines_.begin(); it != deadlines_.end();) {
    auto& [id, deadlines] = *it;
    const ConsumerMember* const member = find(id);
    if (member == nullptr) {  // of a join that could not be written
      it = deadlines_.erase(it);
      continue;
    }
    const auto is_over = [now](std::optional<MonotonicTime>& deadline) {
      if (!deadline || *deadline > now.monotonic) {
        return false;
      }
      deadline.reset();
      return true;
    };
    bool late = is_over(deadlines.session);
    late = (is_over(deadlines.rebalance) && member->epoch == deadlines.rebalance_epoch) || late;
    late = is_over(deadlines.join) || late;
    late = is_over(deadlines.sync) || late;
    if (late) {
      return id;
    }
    ++it;
  }
  find_next_deadline();
  return std::nullopt;
}

}  // namespace barnabas::coordinator
