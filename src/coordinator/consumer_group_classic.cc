// Members that speak the classic protocol to a consumer group. To them the member epoch is the
// generation; they find their partitions in SyncGroup and own what they say in JoinGroup.
#include <algorithm>

#include "consumer_group.h"
#include "consumer_protocol.h"

namespace barnabas::coordinator {

bool ConsumerGroup::supports_classic(const JoinEvent& event) const {
  if (event.protocol_type != kConsumerProtocolType) {
    return false;
  }
  return std::ranges::any_of(event.protocols, [this](const auto& protocol) {
    const auto followed = classic_protocols_.find(protocol.name);
    return members_.empty() ||
           (followed == classic_protocols_.end() ? 0 : followed->second) == classic_members_;
  });
}

Result<ConsumerGroup::JoinStep> ConsumerGroup::join(const JoinEvent& event,
                                                    const Context& context) {
  const bool is_unknown = event.member_id.empty();
  const std::string& id = is_unknown ? event.new_consumer_member_id : event.member_id;
  if (members_.size() >= static_cast<std::size_t>(context.options.max_size) &&
      find(id) == nullptr) {
    return fail(ErrorCode::kGroupMaxSizeReached);
  }
  if (!supports_classic(event)) {
    return fail(ErrorCode::kInconsistentGroupProtocol);
  }
  JoinStep step;
  step.answer.ticket = event.ticket;
  step.answer.member_id = id;
  if (is_unknown && event.require_known_member_id) {
    step.answer.error = ErrorCode::kMemberIdRequired;
    return step;
  }
  const auto subscription = parse_subscription(event.protocols.front().metadata);
  if (!subscription) {
    return fail(ErrorCode::kUnknownServerError, subscription.error().message);
  }
  ConsumerMember before;
  if (event.instance_id) {
    TRY(before, static_member_for(*event.instance_id, id, is_unknown, false, step.records));
  } else {
    const ConsumerMember* const known = find(id);
    before = known == nullptr ? ConsumerMember{.id = id} : *known;
  }
  ConsumerMember changed = before;
  if (event.instance_id) {
    changed.instance_id = event.instance_id;
  }
  if (subscription->rack_id && !subscription->rack_id->empty()) {
    changed.rack_id = subscription->rack_id;
  }
  if (event.rebalance_timeout_ms != -1) {
    changed.rebalance_timeout_ms = event.rebalance_timeout_ms;
  }
  changed.topics = {subscription->topics.begin(), subscription->topics.end()};
  changed.client_id = event.client_id;
  changed.client_host = event.client_host;
  changed.classic = ClassicMember{event.session_timeout_ms, event.protocols};
  const std::optional<Assignment> owned =
      by_id(subscription->owned_partitions, context.topics,
            [](const auto& topic) -> const std::string& { return topic.topic; });
  TRY(const ConsumerMember after,
      advance(before, std::move(changed), owned, context, step.records));
  step.answer.generation = after.epoch;
  step.answer.protocol_type = kConsumerProtocolType;
  step.answer.protocol_name = event.protocols.front().name;
  return step;
}

void ConsumerGroup::joined(const JoinEvent& event, const std::string& member_id, Moment now) {
  Deadlines& deadlines = deadlines_[member_id];
  deadlines.join.reset();
  await(deadlines.session, event.session_timeout_ms, now);
  await(deadlines.sync, event.rebalance_timeout_ms, now);
}

// The classic member that says this of itself.
Result<const ConsumerMember*> ConsumerGroup::classic_member(
    std::string_view member_id, const std::optional<std::string>& instance_id) const {
  const ConsumerMember* const member = instance_id ? find_static(*instance_id) : find(member_id);
  if (member == nullptr) {
    return fail(ErrorCode::kUnknownMemberId);
  }
  if (member->id != member_id) {
    return fail(ErrorCode::kFencedInstanceId);
  }
  if (!member->classic) {
    return fail(ErrorCode::kUnknownMemberId);
  }
  return member;
}

Result<SyncAnswer> ConsumerGroup::sync(const SyncEvent& event, const Context& context) {
  TRY(const ConsumerMember* const member, classic_member(event.member_id, event.instance_id));
  if (member->epoch != event.generation) {
    return fail(ErrorCode::kIllegalGeneration);
  }
  const GroupProtocol& followed = member->classic->protocols.front();
  if ((event.protocol_type && *event.protocol_type != kConsumerProtocolType) ||
      (event.protocol_name && *event.protocol_name != followed.name)) {
    return fail(ErrorCode::kInconsistentGroupProtocol);
  }
  Deadlines& deadlines = deadlines_[member->id];
  if (epoch_ > member->epoch && member->state != MemberState::kUnrevokedPartitions) {
    if (!deadlines.join) {
      await(deadlines.join, member->rebalance_timeout_ms, context.now);
    }
    return fail(ErrorCode::kRebalanceInProgress);
  }
  const auto version = embedded_version(followed.metadata);
  if (!version) {
    return fail(ErrorCode::kUnknownServerError, version.error().message);
  }
  SyncAnswer answer{.ticket = event.ticket};
  TRY(answer.assignment, build_assignment(member->assigned, *version, context.topics));
  answer.protocol_type = event.protocol_type;
  answer.protocol_name = event.protocol_name;
  deadlines.sync.reset();
  await(deadlines.session, member->classic->session_timeout_ms, context.now);
  return answer;
}

// Whether some of its target still belongs to others.
bool ConsumerGroup::waits_for_partitions(const ConsumerMember& member) const {
  const auto target = targets_.find(member.id);
  if (member.state != MemberState::kUnreleasedPartitions || target == targets_.end()) {
    return false;
  }
  return std::ranges::any_of(target->second, [&](const auto& topic) {
    const auto has = member.assigned.find(topic.first);
    return std::ranges::any_of(topic.second, [&](PartitionId partition) {
      return (has == member.assigned.end() || !has->second.contains(partition)) &&
             is_taken(topic.first, partition);
    });
  });
}

ErrorCode ConsumerGroup::classic_heartbeat(const MemberClaim& claim, Moment now) {
  const auto found = classic_member(claim.member_id, claim.instance_id);
  if (!found) {
    return found.error().code;
  }
  const ConsumerMember& member = **found;
  if (member.epoch != claim.generation) {
    return ErrorCode::kIllegalGeneration;
  }
  Deadlines& deadlines = deadlines_[member.id];
  await(deadlines.session, member.classic->session_timeout_ms, now);
  // It is to join anew to follow the group, to give up partitions, or to get the rest of them.
  if (member.epoch < epoch_ || member.state == MemberState::kUnrevokedPartitions ||
      (member.state == MemberState::kUnreleasedPartitions && !waits_for_partitions(member))) {
    if (!deadlines.join) {
      await(deadlines.join, member.rebalance_timeout_ms, now);
    }
    return ErrorCode::kRebalanceInProgress;
  }
  return ErrorCode::kNone;
}

ConsumerGroup::LeaveStep ConsumerGroup::classic_leave(const protocol::LeaveGroupRequest& request,
                                                      const Context& context) {
  LeaveStep step;
  TopicCounts remaining = topic_counts_;
  std::set<std::string> gone;
  for (const auto& who : request.members) {
    auto& to = step.response.members.emplace_back();
    to.member_id = who.member_id;
    to.group_instance_id = who.group_instance_id;
    // An administrator names the instance alone.
    std::string_view id = who.member_id;
    if (who.group_instance_id && id.empty()) {
      if (const ConsumerMember* const known = find_static(*who.group_instance_id)) {
        id = known->id;
      }
    }
    const auto member = classic_member(id, who.group_instance_id);
    if (!member) {
      to.error_code = static_cast<std::int16_t>(member.error().code);
      continue;
    }
    to.member_id = (*member)->id;
    if (!gone.insert((*member)->id).second) {
      continue;
    }
    step.records.emplace_back(CurrentRecord{(*member)->id, std::nullopt});
    step.records.emplace_back(TargetRecord{(*member)->id, std::nullopt});
    step.records.emplace_back(MemberRecord{(*member)->id, std::nullopt});
    count_topics(remaining, **member, false);
  }
  if (!step.records.empty()) {
    note_departure(remaining, context, step.records);
  }
  return step;
}

}  // namespace barnabas::coordinator
