// Members of the consumer protocol: they join, report, leave, or are taken out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "consumer_group.h"
#include "consumer_reconcile.h"

namespace barnabas::coordinator {
namespace {

using Request = protocol::ConsumerGroupHeartbeatRequest;

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message));
}

bool is_empty(const std::optional<std::string>& value) {
  return value && value->empty();
}

std::optional<Assignment> owned_by(const Request& request) {
  if (!request.topic_partitions) {
    return std::nullopt;
  }
  Assignment owned;
  for (const auto& topic : *request.topic_partitions) {
    auto& partitions = owned[topic.topic_id];
    for (const std::int32_t partition : topic.partitions) {
      partitions.insert(PartitionId(partition));
    }
  }
  return owned;
}

bool is_part_of(const std::optional<Assignment>& owned, const Assignment& whole) {
  return owned && std::ranges::all_of(*owned, [&whole](const auto& topic) {
           const auto found = whole.find(topic.first);
           return found != whole.end() && std::ranges::includes(found->second, topic.second);
         });
}

// A member may lag by one epoch: the answer that told it of the newer one was lost.
Status check_epoch(const ConsumerMember& member, std::int32_t epoch,
                   const std::optional<Assignment>& owned) {
  const bool lags = epoch == member.previous_epoch && is_part_of(owned, member.assigned);
  if (epoch == member.epoch || (epoch < member.epoch && lags)) {
    return {};
  }
  return fail(ErrorCode::kFencedMemberEpoch,
              fmt::format("The consumer group member has a {} member epoch ({}) than the one known "
                          "by the group coordinator ({}). The member must abandon all its "
                          "partitions and rejoin.",
                          epoch > member.epoch ? "greater" : "smaller", epoch, member.epoch));
}

protocol::ConsumerGroupHeartbeatResponse::Assignment to_answer(const Assignment& assignment) {
  protocol::ConsumerGroupHeartbeatResponse::Assignment answer;
  for (const auto& [id, partitions] : assignment) {
    auto& topic = answer.topic_partitions.emplace_back();
    topic.topic_id = id;
    for (const PartitionId partition : partitions) {
      topic.partitions.push_back(partition.value());
    }
  }
  return answer;
}

void update(ConsumerMember& member, const ConsumerHeartbeatEvent& event) {
  const Request& request = event.request;
  const auto take = [](auto& into, const auto& from) {
    if (from) {
      into = *from;
    }
  };
  take(member.instance_id, request.instance_id);
  take(member.rack_id, request.rack_id);
  take(member.assignor, request.server_assignor);
  if (request.rebalance_timeout_ms != -1) {
    member.rebalance_timeout_ms = request.rebalance_timeout_ms;
  }
  if (request.subscribed_topic_names) {
    member.topics = {request.subscribed_topic_names->begin(),
                     request.subscribed_topic_names->end()};
  }
  member.client_id = event.client_id;
  member.client_host = event.client_host;
  member.classic.reset();
}

}  // namespace

Status ConsumerGroup::validate(const Request& request, const ConsumerGroupOptions& options) {
  if (request.group_id.empty()) {
    return invalid("GroupId can't be empty.");
  }
  if (is_empty(request.instance_id)) {
    return invalid("InstanceId can't be empty.");
  }
  if (is_empty(request.rack_id)) {
    return invalid("RackId can't be empty.");
  }
  const std::int32_t epoch = request.member_epoch;
  if (epoch == kJoinEpoch) {
    if (request.rebalance_timeout_ms == -1) {
      return invalid("RebalanceTimeoutMs must be provided in first request.");
    }
    if (!request.topic_partitions || !request.topic_partitions->empty()) {
      return invalid("TopicPartitions must be empty when (re-)joining.");
    }
    if (!request.subscribed_topic_names || request.subscribed_topic_names->empty()) {
      return invalid("SubscribedTopicNames must be set in first request.");
    }
  } else if (epoch < kLeaveStaticEpoch) {
    return invalid("MemberEpoch is invalid.");
  } else if (request.member_id.empty()) {
    return invalid("MemberId can't be empty.");
  } else if (epoch == kLeaveStaticEpoch && !request.instance_id) {
    return invalid("InstanceId can't be null.");
  }
  if (request.server_assignor &&
      std::ranges::find(options.assignors, *request.server_assignor) == options.assignors.end()) {
    return fail(ErrorCode::kUnsupportedAssignor,
                fmt::format("ServerAssignor {} is not supported. Supported assignors: {}.",
                            *request.server_assignor, fmt::join(options.assignors, ", ")));
  }
  return {};
}

bool ConsumerGroup::is_quiet(const ConsumerHeartbeatEvent& event, const Context& context) const {
  const Request& request = event.request;
  const ConsumerMember* const member = find(request.member_id);
  return member != nullptr && member->epoch == request.member_epoch && epoch_ == target_epoch_ &&
         member->is_reconciled_to(target_epoch_) && topics_version_ == context.topics.version() &&
         request.instance_id == member->instance_id && !request.rack_id &&
         !request.server_assignor && !request.subscribed_topic_names &&
         request.rebalance_timeout_ms == -1 && !member->classic &&
         member->client_id == event.client_id && member->client_host == event.client_host;
}

Result<ConsumerGroup::HeartbeatStep> ConsumerGroup::heartbeat(const ConsumerHeartbeatEvent& event,
                                                              const Context& context) {
  const Request& request = event.request;
  if (is_quiet(event, context)) {
    expect_session(request.member_id, context.options.session_timeout_ms, context.now);
    HeartbeatStep step;
    step.response.member_id = request.member_id;
    step.response.member_epoch = request.member_epoch;
    step.response.heartbeat_interval_ms = context.options.heartbeat_interval_ms;
    return step;
  }
  const bool is_new = request.member_id.empty() || find(request.member_id) == nullptr;
  if (is_new && members_.size() >= static_cast<std::size_t>(context.options.max_size)) {
    return fail(ErrorCode::kGroupMaxSizeReached,
                fmt::format("The consumer group has reached its maximum capacity of {} members.",
                            context.options.max_size));
  }
  const std::string& id = request.member_id.empty() ? event.new_member_id : request.member_id;
  const std::optional<Assignment> owned = owned_by(request);
  HeartbeatStep step;
  TRY(const ConsumerMember before, member_for(event, id, owned, step.records));
  ConsumerMember changed = before;
  update(changed, event);
  TRY(const ConsumerMember after,
      advance(before, std::move(changed), owned, context, step.records));
  expect_session(id, context.options.session_timeout_ms, context.now);
  step.response.member_id = after.id;
  step.response.member_epoch = after.epoch;
  step.response.heartbeat_interval_ms = context.options.heartbeat_interval_ms;
  // Told where it has changed, and to a member that says everything of itself.
  const bool is_full = request.member_epoch == kJoinEpoch ||
                       (request.rebalance_timeout_ms != -1 && request.subscribed_topic_names &&
                        request.topic_partitions);
  if (is_full || before.assigned != after.assigned) {
    step.response.assignment = to_answer(after.assigned);
  }
  return step;
}

// The member as it is before its heartbeat says anything new.
Result<ConsumerMember> ConsumerGroup::member_for(const ConsumerHeartbeatEvent& event,
                                                 const std::string& member_id,
                                                 const std::optional<Assignment>& owned,
                                                 ConsumerRecords& records) const {
  const Request& request = event.request;
  const bool joins = request.member_epoch == kJoinEpoch;
  if (request.instance_id) {
    TRY(ConsumerMember member,
        static_member_for(*request.instance_id, member_id, joins, true, records));
    if (!joins) {
      TRY_STATUS(check_epoch(member, request.member_epoch, owned));
    }
    return member;
  }
  const ConsumerMember* const known = find(member_id);
  if (known == nullptr && !joins) {
    return fail(ErrorCode::kUnknownMemberId,
                fmt::format("Member {} is not a member of group {}.", member_id, id_));
  }
  ConsumerMember member = known == nullptr ? ConsumerMember{.id = member_id} : *known;
  TRY_STATUS(check_epoch(member, request.member_epoch, owned));
  return member;
}

// Of a static member. One that comes back takes the place of who had its name, with all it had.
Result<ConsumerMember> ConsumerGroup::static_member_for(const std::string& instance_id,
                                                        const std::string& member_id,
                                                        bool may_create, bool must_be_released,
                                                        ConsumerRecords& records) const {
  const ConsumerMember* const known = find_static(instance_id);
  if (!may_create) {
    if (known == nullptr) {
      return fail(ErrorCode::kUnknownMemberId,
                  fmt::format("Instance id {} is unknown.", instance_id));
    }
    if (known->id != member_id) {
      return fail(ErrorCode::kFencedInstanceId,
                  fmt::format("Static member {} with instance id {} was fenced by member {}.",
                              member_id, instance_id, known->id));
    }
    return *known;
  }
  if (known == nullptr) {
    const ConsumerMember* const same_id = find(member_id);
    return same_id == nullptr ? ConsumerMember{.id = member_id} : *same_id;
  }
  if (must_be_released && known->epoch != kLeaveStaticEpoch) {
    return fail(
        ErrorCode::kUnreleasedInstanceId,
        fmt::format("Static member {} with instance id {} cannot join the group because the "
                    "instance id is owned by {} member.",
                    member_id, instance_id, known->id));
  }
  ConsumerMember member = *known;
  member.id = member_id;
  member.epoch = 0;
  member.previous_epoch = 0;
  replace_static(*known, member, records);
  return member;
}

void ConsumerGroup::replace_static(const ConsumerMember& old_member,
                                   const ConsumerMember& new_member,
                                   ConsumerRecords& records) const {
  records.emplace_back(CurrentRecord{old_member.id, std::nullopt});
  records.emplace_back(TargetRecord{old_member.id, std::nullopt});
  records.emplace_back(MemberRecord{old_member.id, std::nullopt});
  records.emplace_back(MemberRecord{new_member.id, new_member});
  const auto target = targets_.find(old_member.id);
  records.emplace_back(
      TargetRecord{new_member.id, target == targets_.end() ? Assignment{} : target->second});
  records.emplace_back(CurrentRecord{new_member.id, new_member});
}

SubscriptionMetadata ConsumerGroup::look_up(const TopicCounts& counts,
                                            const GroupTopics& topics) const {
  SubscriptionMetadata found;
  for (const auto& [name, members] : counts) {
    if (auto facts = topics.find(name)) {
      found.emplace(name, std::move(*facts));
    }
  }
  return found;
}

Result<ConsumerMember> ConsumerGroup::advance(const ConsumerMember& before, ConsumerMember after,
                                              const std::optional<Assignment>& owned,
                                              const Context& context, ConsumerRecords& records) {
  bool changed = false;
  if (after != before) {
    records.emplace_back(MemberRecord{after.id, after});
    changed = after.topics != before.topics || after.topic_regex != before.topic_regex;
  }
  std::int32_t epoch = epoch_;
  SubscriptionMetadata subscription = subscription_;
  if (changed || topics_version_ != context.topics.version()) {
    TopicCounts counts = topic_counts_;
    count_topics(counts, before, false);
    count_topics(counts, after, true);
    subscription = look_up(counts, context.topics);
    if (subscription != subscription_) {
      changed = true;
      records.emplace_back(SubscriptionRecord{subscription});
    }
    if (changed) {
      records.emplace_back(GroupEpochRecord{++epoch});
    }
    topics_version_ = context.topics.version();
  }
  const bool is_behind = epoch > target_epoch_;
  const std::int32_t target_epoch = is_behind ? epoch : target_epoch_;
  const Assignment target = is_behind
                                ? retarget(before, after, subscription, epoch, context, records)
                                : inherited_target(after);
  if (after.is_reconciled_to(target_epoch)) {
    return after;
  }
  const ReconcileInput input{
      target_epoch, target, owned,
      [this](const Uuid& topic, PartitionId partition) { return is_taken(topic, partition); }};
  TRY(ConsumerMember next, reconcile(after, input));
  if (next == after) {
    return next;
  }
  records.emplace_back(CurrentRecord{next.id, next});
  if (!next.classic) {  // those have to join and to sync in time
    Deadlines& deadlines = deadlines_[next.id];
    deadlines.rebalance.reset();
    if (next.state == MemberState::kUnrevokedPartitions) {
      await(deadlines.rebalance, next.rebalance_timeout_ms, context.now);
      deadlines.rebalance_epoch = next.epoch;
    }
  }
  return next;
}

Assignor ConsumerGroup::preferred_assignor(const ConsumerMember& before,
                                           const ConsumerMember& after,
                                           const Context& context) const {
  std::map<std::string, std::size_t> votes;
  for (const auto& [id, member] : members_) {
    if (member.assignor && id != before.id) {
      ++votes[*member.assignor];
    }
  }
  if (after.assignor) {
    ++votes[*after.assignor];
  }
  if (!before.id.empty() && before.id == after.id && find(before.id) == nullptr &&
      after.instance_id) {
    // It takes a static member's place, who votes no more.
    const ConsumerMember* const replaced = find_static(*after.instance_id);
    if (replaced != nullptr && replaced->assignor && --votes[*replaced->assignor] == 0) {
      votes.erase(*replaced->assignor);
    }
  }
  std::vector<std::string> names;
  for (const auto& [name, count] : votes) {
    names.push_back(name);
  }
  names = java_order(std::move(names));
  const auto most =
      std::ranges::max_element(names, {}, [&](const auto& name) { return votes[name]; });
  if (most != names.end()) {
    if (const auto assignor = assignor_of(*most)) {
      return *assignor;
    }
  }
  return assignor_of(context.options.assignors.front()).value_or(Assignor::kUniform);
}

// What every member is to have in this epoch; returns the part of `after`.
Assignment ConsumerGroup::retarget(const ConsumerMember& before, const ConsumerMember& after,
                                   const SubscriptionMetadata& subscription, std::int32_t epoch,
                                   const Context& context, ConsumerRecords& records) const {
  const ConsumerMember* const replaced =
      after.instance_id ? find_static(*after.instance_id) : nullptr;
  std::vector<std::string> ids;
  for (const auto& [id, member] : members_) {
    if (id != after.id && &member != replaced) {
      ids.push_back(id);
    }
  }
  ids.push_back(after.id);
  AssignorInput input;
  for (const auto& [name, facts] : subscription) {
    input.partitions.emplace(facts.id, facts.partitions);
  }
  const auto* const any_topics = &after.topics;
  for (auto& id : java_order(std::move(ids))) {
    const ConsumerMember& member = id == after.id ? after : members_.find(id)->second;
    auto& to = input.members.emplace_back();
    to.instance_id = member.instance_id;
    to.target = inherited_target(member);
    for (const auto& name : member.topics) {
      if (const auto facts = subscription.find(name); facts != subscription.end()) {
        to.topics.insert(facts->second.id);
      }
    }
    input.same_subscriptions = input.same_subscriptions && member.topics == *any_topics;
    to.id = std::move(id);
  }
  Targets targets = assign(preferred_assignor(before, after, context), input);
  for (const auto& member : input.members) {
    Assignment& target = targets[member.id];
    const auto known = targets_.find(member.id);
    if (known == targets_.end() || known->second != target) {
      records.emplace_back(TargetRecord{member.id, target});
    }
  }
  records.emplace_back(TargetEpochRecord{epoch});
  return std::move(targets[after.id]);
}

// A static member that comes back has what its predecessor was to have.
Assignment ConsumerGroup::inherited_target(const ConsumerMember& member) const {
  auto found = targets_.find(member.id);
  if (member.instance_id) {
    if (const auto known = static_ids_.find(*member.instance_id); known != static_ids_.end()) {
      found = targets_.find(known->second);
    }
  }
  return found == targets_.end() ? Assignment{} : found->second;
}

// --- Leaving ---

Result<ConsumerGroup::HeartbeatStep> ConsumerGroup::leave(const Request& request,
                                                          const Context& context) {
  HeartbeatStep step;
  step.response.member_id = request.member_id;
  step.response.member_epoch = request.member_epoch;
  const ConsumerMember* member = nullptr;
  if (request.instance_id) {
    TRY(const ConsumerMember known,
        static_member_for(*request.instance_id, request.member_id, false, false, step.records));
    member = find(known.id);
    if (request.member_epoch == kLeaveStaticEpoch) {
      // Its partitions stay its own until it comes back or its session ends.
      ConsumerMember away = known;
      away.epoch = kLeaveStaticEpoch;
      away.pending_revocation.clear();
      step.records.emplace_back(CurrentRecord{away.id, std::move(away)});
      return step;
    }
  } else {
    member = find(request.member_id);
  }
  if (member == nullptr) {
    return fail(ErrorCode::kUnknownMemberId,
                fmt::format("Member {} is not a member of group {}.", request.member_id, id_));
  }
  step.records = fence(member->id, context);
  return step;
}

ConsumerRecords ConsumerGroup::fence(std::string_view member_id, const Context& context) {
  ConsumerRecords records;
  const ConsumerMember* const member = find(member_id);
  if (member == nullptr) {
    return records;
  }
  if (may_downgrade(member_id, context)) {
    if (auto classic = to_classic(member_id, context)) {
      records = tombstones();
      records.emplace_back(ClassicGroupRecord{std::move(*classic)});
      return records;
    }
  }
  records.emplace_back(CurrentRecord{member->id, std::nullopt});
  records.emplace_back(TargetRecord{member->id, std::nullopt});
  records.emplace_back(MemberRecord{member->id, std::nullopt});
  TopicCounts remaining = topic_counts_;
  count_topics(remaining, *member, false);
  note_departure(remaining, context, records);
  return records;
}

// The target is made anew when the next of those that stay reports.
void ConsumerGroup::note_departure(const TopicCounts& remaining, const Context& context,
                                   ConsumerRecords& records) const {
  SubscriptionMetadata subscription = look_up(remaining, context.topics);
  if (subscription != subscription_) {
    records.emplace_back(SubscriptionRecord{std::move(subscription)});
  }
  records.emplace_back(GroupEpochRecord{epoch_ + 1});
}

}  // namespace barnabas::coordinator
