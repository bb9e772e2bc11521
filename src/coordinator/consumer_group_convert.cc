// A group goes from the classic to the consumer protocol when the first of the new members joins,
// and back when the last of them is gone; members go on with what they have.
#include <algorithm>

#include "consumer_group.h"
#include "consumer_protocol.h"
#include "group.h"

namespace barnabas::coordinator {

Result<ConsumerGroup> ConsumerGroup::from_classic(const Group& group, const GroupTopics& topics,
                                                  Moment now) {
  ConsumerGroup made(group.id());
  made.epoch_ = group.generation();
  made.target_epoch_ = group.generation();
  for (const auto& [id, from] : group.members()) {
    // Before the first generation nothing is agreed upon: what the member would like best.
    const ByteVector* metadata = from.metadata(group.protocol_name().value_or(""));
    if (metadata == nullptr && !group.protocol_name() && !from.protocols.empty()) {
      metadata = &from.protocols.front().metadata;
    }
    if (metadata == nullptr) {
      return fail(ErrorCode::kCorruptMessage, "a member without a subscription");
    }
    TRY(const auto subscription, parse_subscription(*metadata));
    ConsumerMember member;
    member.id = id;
    member.epoch = group.generation();
    member.previous_epoch = group.generation();
    member.instance_id = from.instance_id;
    if (subscription.rack_id && !subscription.rack_id->empty()) {
      member.rack_id = subscription.rack_id;
    }
    member.rebalance_timeout_ms = from.rebalance_timeout_ms;
    member.client_id = from.client_id;
    member.client_host = from.client_host;
    member.topics.insert(subscription.topics.begin(), subscription.topics.end());
    member.classic = ClassicMember{from.session_timeout_ms, from.protocols};
    TRY(member.assigned, parse_assignment(from.assignment, topics));
    made.targets_.insert_or_assign(id, member.assigned);
    made.described_.insert(id);
    made.expect_session(id, from.session_timeout_ms, now);
    made.put(std::move(member));
  }
  return made;
}

bool ConsumerGroup::may_downgrade(std::string_view leaving, const Context& context) const {
  const ConsumerMember* const member = find(leaving);
  return context.options.allow_downgrade && member != nullptr && !member->classic &&
         members_.size() > 1 && classic_members_ == members_.size() - 1 &&
         classic_members_ <= static_cast<std::size_t>(context.classic_max_size);
}

Result<protocol::GroupMetadataValue> ConsumerGroup::to_classic(std::string_view leaving,
                                                               const Context& context) const {
  // The protocol that all follow and most like best.
  std::map<std::string_view, std::size_t> votes;
  for (const auto& [id, member] : members_) {
    if (id == leaving) {
      continue;
    }
    const auto liked = std::ranges::find_if(member.classic->protocols, [this](const auto& one) {
      return classic_protocols_.find(one.name)->second == classic_members_;
    });
    if (liked == member.classic->protocols.end()) {
      return fail(ErrorCode::kInconsistentGroupProtocol, "no protocol that all members follow");
    }
    ++votes[liked->name];
  }
  protocol::GroupMetadataValue value;
  value.protocol_type = kConsumerProtocolType;
  value.generation = epoch_;
  value.protocol =
      std::ranges::max_element(votes, {}, [](const auto& one) { return one.second; })->first;
  value.leader.reset();  // the first of them
  value.current_state_timestamp = context.now.wall_ms;
  for (const auto& [id, member] : members_) {
    if (id == leaving) {
      continue;
    }
    value.leader = value.leader.value_or(id);
    auto& to = value.members.emplace_back();
    to.member_id = id;
    to.group_instance_id = member.instance_id;
    to.client_id = member.client_id;
    to.client_host = member.client_host;
    to.rebalance_timeout = member.rebalance_timeout_ms;
    to.session_timeout = member.classic->session_timeout_ms;
    to.subscription =
        std::ranges::find(member.classic->protocols, *value.protocol, &GroupProtocol::name)
            ->metadata;
    TRY(const std::int16_t version, embedded_version(to.subscription));
    const auto target = targets_.find(id);
    TRY(to.assignment, build_assignment(target == targets_.end() ? Assignment{} : target->second,
                                        version, context.topics));
  }
  return value;
}

}  // namespace barnabas::coordinator
