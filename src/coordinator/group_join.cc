// JoinGroup: new members, known ones, static ones that come back.
#include <algorithm>
#include <chrono>
#include <utility>

#include "group.h"

namespace barnabas::coordinator {
namespace {

// A new member cannot send heartbeats, and its connection may be gone while it waits: it is given
// up after this long (Kafka's NewMemberJoinTimeoutMs).
constexpr std::chrono::minutes kNewMemberPatience{5};

std::size_t size_of(const std::vector<GroupProtocol>& protocols) {
  std::size_t size = 0;
  for (const auto& protocol : protocols) {
    size += protocol.name.size() + protocol.metadata.size();
  }
  return size;
}

void refuse(Ticket ticket, ErrorCode error, std::string member_id, Effects& out) {
  out.emplace_back(JoinAnswer{.ticket = ticket, .error = error, .member_id = std::move(member_id)});
}

}  // namespace

void Group::join(JoinEvent event, Moment now, Effects& out) {
  if (!accepts(event)) {
    if (const auto found = members_.find(event.member_id);
        found != members_.end() && found->second.join) {
      refuse(*std::exchange(found->second.join, std::nullopt), ErrorCode::kGroupMaxSizeReached, {},
             out);
    }
    remove(event.member_id, out);
    refuse(event.ticket, ErrorCode::kGroupMaxSizeReached, {}, out);
  } else if (event.member_id.empty()) {
    join_new(std::move(event), now, out);
  } else {
    join_known(std::move(event), now, out);
  }
  maybe_complete_join(now, out);
}

// Whether there is room. While members join anew those that wait count, so that the last ones of a
// group that has become too large are left out.
bool Group::accepts(const JoinEvent& event) const {
  const auto known = members_.find(event.member_id);
  const bool is_known = known != members_.end();
  const std::size_t before = is_known ? size_of(known->second.protocols) : 0;
  if (member_bytes_ - before + size_of(event.protocols) > limits_.max_member_bytes) {
    return false;
  }
  if (event.member_id.empty() && pending_.size() >= limits_.max_pending_members) {
    return false;
  }
  const auto most = static_cast<std::size_t>(limits_.max_size);
  switch (state_) {
    case GroupState::kEmpty:
    case GroupState::kDead:
      return true;
    case GroupState::kPreparingRebalance:
      return (is_known && known->second.join) || waiting_for_join() < most;
    case GroupState::kCompletingRebalance:
    case GroupState::kStable:
      return is_known || members_.size() < most;
  }
  return false;
}

void Group::join_new(JoinEvent event, Moment now, Effects& out) {
  if (is(GroupState::kDead)) {
    refuse(event.ticket, ErrorCode::kCoordinatorNotAvailable, {}, out);
  } else if (!supports(event.protocol_type, event.protocols)) {
    refuse(event.ticket, ErrorCode::kInconsistentGroupProtocol, {}, out);
  } else if (event.instance_id) {
    join_static_anew(std::move(event), now, out);
  } else if (event.require_known_member_id) {
    const auto until = now.monotonic + std::chrono::milliseconds(event.session_timeout_ms);
    pending_.insert_or_assign(event.new_member_id, until);
    wake_at(until);
    refuse(event.ticket, ErrorCode::kMemberIdRequired, std::move(event.new_member_id), out);
  } else {
    std::string id = std::move(event.new_member_id);
    add_and_rebalance(std::move(event), std::move(id), now, out);
  }
}

void Group::join_known(JoinEvent event, Moment now, Effects& out) {
  if (is(GroupState::kDead)) {
    refuse(event.ticket, ErrorCode::kCoordinatorNotAvailable, std::move(event.member_id), out);
    return;
  }
  if (!supports(event.protocol_type, event.protocols)) {
    refuse(event.ticket, ErrorCode::kInconsistentGroupProtocol, std::move(event.member_id), out);
    return;
  }
  if (pending_.contains(event.member_id)) {
    if (event.instance_id) {  // ids that are given out in advance are never static members'
      refuse(event.ticket, ErrorCode::kUnknownMemberId, std::move(event.member_id), out);
      return;
    }
    std::string id = event.member_id;
    add_and_rebalance(std::move(event), std::move(id), now, out);
    return;
  }
  if (const ErrorCode error = check_member(event.member_id, event.instance_id);
      error != ErrorCode::kNone) {
    refuse(event.ticket, error, std::move(event.member_id), out);
    return;
  }
  Member& member = members_.find(event.member_id)->second;
  const bool same = member.protocols == event.protocols;
  switch (state_) {
    case GroupState::kPreparingRebalance:
      update_and_rebalance(member, std::move(event), now, out);
      break;
    case GroupState::kCompletingRebalance:
      if (same) {  // the answer to its first JoinGroup was lost
        answer_current(event, is_leader(event.member_id), out);
      } else {
        update_and_rebalance(member, std::move(event), now, out);
      }
      break;
    case GroupState::kStable:
      // The leader asks for a rebalance when what it assigns has changed, such as the partitions.
      if (is_leader(event.member_id) || !same) {
        update_and_rebalance(member, std::move(event), now, out);
      } else {
        answer_current(event, false, out);
      }
      break;
    case GroupState::kEmpty:
    case GroupState::kDead:
      refuse(event.ticket, ErrorCode::kUnknownMemberId, {}, out);
      break;
  }
}

// A static member that does not know its member id any more: it was restarted, or it is a double.
void Group::join_static_anew(JoinEvent event, Moment now, Effects& out) {
  const std::string instance_id = *event.instance_id;
  const auto known = static_ids_.find(instance_id);
  if (known == static_ids_.end()) {
    std::string id = std::move(event.new_member_id);
    add_and_rebalance(std::move(event), std::move(id), now, out);
    return;
  }
  StaticChange change{event.ticket,
                      instance_id,
                      known->second,
                      event.new_member_id,
                      {},
                      0,
                      0,
                      leader_.value_or(""),
                      generation_,
                      event.can_skip_assignment};
  Member& member = replace_static(instance_id, change.old_id, change.new_id, out);
  expect(member, now);
  change.old_protocols = member.protocols;
  change.old_rebalance_timeout_ms = member.rebalance_timeout_ms;
  change.old_session_timeout_ms = member.session_timeout_ms;
  update(member, std::move(event), out);
  if (is(GroupState::kStable)) {
    join_stable_static(std::move(change), now, out);
  } else if (is(GroupState::kCompletingRebalance)) {
    // The leader may assign work to the old id, which is nobody's now.
    prepare_rebalance(now, out);
  }
}

void Group::join_stable_static(StaticChange change, Moment now, Effects& out) {
  if (protocol_name_ != select_protocol()) {
    maybe_prepare_rebalance(now, out);
    return;
  }
  StoreGroup store;
  for (const auto& [id, member] : members_) {
    store.assignments.emplace(id, member.assignment);
  }
  store.id = begin_store(std::move(change));
  out.emplace_back(std::move(store));
}

void Group::static_change_stored(StaticChange change, ErrorCode error, Moment now, Effects& out) {
  const auto found = members_.find(change.new_id);
  if (found == members_.end() || !is(GroupState::kStable) || generation_ != change.generation) {
    return;  // gone, replaced or asked to join anew meanwhile: answered by that
  }
  Member& member = found->second;
  const bool waits = member.join == change.ticket;
  if (waits) {
    member.join.reset();
  }
  if (error != ErrorCode::kNone) {
    member_bytes_ -= member.size_bytes();
    member.protocols = std::move(change.old_protocols);
    member_bytes_ += member.size_bytes();
    member.rebalance_timeout_ms = change.old_rebalance_timeout_ms;
    member.session_timeout_ms = change.old_session_timeout_ms;
    expect(replace_static(change.instance_id, change.new_id, change.old_id, out), now);
  } else {
    expect(member, now);
  }
  if (!waits) {
    return;
  }
  JoinAnswer answer =
      current_generation(change.ticket, error == ErrorCode::kNone ? change.new_id : std::string{});
  answer.error = error;
  // Before version 9 a leader that came back would assign in vain: it is told the old leader's id.
  answer.leader = change.leader;
  if (error == ErrorCode::kNone && change.can_skip_assignment) {
    answer.leader = leader_.value_or("");
    answer.skip_assignment = is_leader(change.new_id);
    if (answer.skip_assignment) {
      answer.members = joined_members();
    }
  }
  out.emplace_back(std::move(answer));
}

void Group::add_and_rebalance(JoinEvent event, std::string member_id, Moment now, Effects& out) {
  if (is(GroupState::kPreparingRebalance) && generation_ == 0) {
    new_member_came_ = true;  // the first rebalance may wait for more
  }
  if (members_.empty()) {
    protocol_type_ = event.protocol_type;
  }
  if (!leader_) {
    leader_ = member_id;
  }
  if (const auto found = pending_.find(member_id); found != pending_.end()) {
    pending_.erase(found);
  }
  Member member;
  member.id = member_id;
  member.instance_id = std::move(event.instance_id);
  member.client_id = std::move(event.client_id);
  member.client_host = std::move(event.client_host);
  member.rebalance_timeout_ms = event.rebalance_timeout_ms;
  member.session_timeout_ms = event.session_timeout_ms;
  member.protocols = std::move(event.protocols);
  member.join = event.ticket;
  member.is_new = true;
  member.expires = now.monotonic + kNewMemberPatience;
  wake_at(*member.expires);
  if (member.instance_id) {
    static_ids_.insert_or_assign(*member.instance_id, member_id);
  }
  member_bytes_ += member.size_bytes();
  members_.insert_or_assign(std::move(member_id), std::move(member));
  maybe_prepare_rebalance(now, out);
}

void Group::update_and_rebalance(Member& member, JoinEvent event, Moment now, Effects& out) {
  update(member, std::move(event), out);
  maybe_prepare_rebalance(now, out);
}

void Group::update(Member& member, JoinEvent event, Effects& out) {
  if (member.join) {
    refuse(*member.join, ErrorCode::kRebalanceInProgress, member.id, out);
  }
  member_bytes_ -= member.size_bytes();
  member.protocols = std::move(event.protocols);
  member_bytes_ += member.size_bytes();
  member.rebalance_timeout_ms = event.rebalance_timeout_ms;
  member.session_timeout_ms = event.session_timeout_ms;
  member.join = event.ticket;
}

void Group::answer_current(const JoinEvent& event, bool with_members, Effects& out) const {
  JoinAnswer answer = current_generation(event.ticket, event.member_id);
  if (with_members) {
    answer.members = joined_members();
  }
  out.emplace_back(std::move(answer));
}

JoinAnswer Group::current_generation(Ticket ticket, std::string member_id) const {
  JoinAnswer answer;
  answer.ticket = ticket;
  answer.member_id = std::move(member_id);
  answer.generation = generation_;
  answer.protocol_type = protocol_type_;
  answer.protocol_name = protocol_name_;
  answer.leader = leader_.value_or("");
  return answer;
}

std::vector<JoinedMember> Group::joined_members() const {
  std::vector<JoinedMember> joined;
  joined.reserve(members_.size());
  for (const auto& [id, member] : members_) {
    const ByteVector* const metadata = member.metadata(protocol_name_.value_or(""));
    joined.push_back({id, member.instance_id, metadata == nullptr ? ByteVector{} : *metadata});
  }
  return joined;
}

}  // namespace barnabas::coordinator
