// Rebalances from their beginning to the assignment; heartbeats, leaving and time-outs.
#include <algorithm>
#include <chrono>
#include <utility>

#include "barnabas/base/check.h"
#include "group.h"

namespace barnabas::coordinator {

// --- PreparingRebalance ---

void Group::maybe_prepare_rebalance(Moment now, Effects& out) {
  if (is(GroupState::kStable) || is(GroupState::kCompletingRebalance) || is(GroupState::kEmpty)) {
    prepare_rebalance(now, out);
  }
}

void Group::prepare_rebalance(Moment now, Effects& out) {
  if (is(GroupState::kCompletingRebalance)) {
    for (auto& [id, member] : members_) {
      member_bytes_ -= member.assignment.size();
      member.assignment.clear();
    }
    propagate(ErrorCode::kRebalanceInProgress, now, out);
  }
  forget_syncs();
  initial_delay_ = is(GroupState::kEmpty);
  const std::int32_t whole_ms = rebalance_timeout_ms();
  std::int32_t wait_ms = whole_ms;
  if (initial_delay_) {
    wait_ms = limits_.initial_rebalance_delay_ms;
    initial_delay_ms_ = wait_ms;
    initial_remaining_ms_ = std::max(whole_ms - wait_ms, 0);
  }
  join_deadline_ = now.monotonic + std::chrono::milliseconds(wait_ms);
  wake_at(*join_deadline_);
  move_to(GroupState::kPreparingRebalance, now);
  maybe_complete_join(now, out);
}

bool Group::all_joined() const {
  return pending_.empty() && waiting_for_join() == members_.size();
}

void Group::maybe_complete_join(Moment now, Effects& out) {
  if (is(GroupState::kPreparingRebalance) && !initial_delay_ && all_joined()) {
    complete_join(now, out);
  }
}

void Group::on_join_time(Moment now, Effects& out) {
  if (initial_delay_ && new_member_came_ && initial_remaining_ms_ != 0) {
    new_member_came_ = false;
    const std::int32_t waited_ms = initial_delay_ms_;
    initial_delay_ms_ = std::min(limits_.initial_rebalance_delay_ms, initial_remaining_ms_);
    initial_remaining_ms_ = std::max(initial_remaining_ms_ - waited_ms, 0);
    join_deadline_ = now.monotonic + std::chrono::milliseconds(initial_delay_ms_);
    wake_at(*join_deadline_);
    return;
  }
  complete_join(now, out);
}

// Whoever has not joined by now is out, but for static members, which have their session time-out.
void Group::complete_join(Moment now, Effects& out) {
  join_deadline_.reset();
  std::vector<std::string> missing;
  for (const auto& [id, member] : members_) {
    if (!member.join && !member.instance_id) {
      missing.push_back(id);
    }
  }
  for (const auto& id : missing) {
    remove(id, out);
  }
  if (!elect_joined_leader() && !members_.empty()) {
    // Static members alone, and none of them is back: wait on, until their sessions end.
    initial_delay_ = false;
    join_deadline_ = now.monotonic + std::chrono::milliseconds(rebalance_timeout_ms());
    wake_at(*join_deadline_);
    return;
  }
  begin_next_generation(now);
  if (is(GroupState::kEmpty)) {
    StoreGroup store;
    store.id = begin_store(EmptyChange{});
    out.emplace_back(std::move(store));
    return;
  }
  for (auto& [id, member] : members_) {
    if (member.join) {
      JoinAnswer answer = current_generation(*std::exchange(member.join, std::nullopt), id);
      if (is_leader(id)) {
        answer.members = joined_members();
      }
      out.emplace_back(std::move(answer));
    }
    member.is_new = false;
    member.owes_sync = true;
    expect(member, now);
  }
  sync_deadline_ = now.monotonic + std::chrono::milliseconds(rebalance_timeout_ms());
  wake_at(*sync_deadline_);
}

bool Group::elect_joined_leader() {
  if (!leader_) {
    return false;
  }
  const auto present = members_.find(*leader_);
  if (present != members_.end() && present->second.join) {
    return true;
  }
  const auto joined = std::ranges::find_if(
      members_, [](const auto& member) { return member.second.join.has_value(); });
  if (joined == members_.end()) {
    return false;
  }
  leader_ = joined->first;
  return true;
}

void Group::begin_next_generation(Moment now) {
  ++generation_;
  initial_delay_ = false;
  new_member_came_ = false;
  protocol_name_.reset();
  if (members_.empty()) {
    move_to(GroupState::kEmpty, now);
  } else {
    protocol_name_ = select_protocol();
    move_to(GroupState::kCompletingRebalance, now);
  }
  note_subscriptions();
}

// --- CompletingRebalance and Stable ---

void Group::sync(SyncEvent event, Moment now, Effects& out) {
  const auto refuse = [&](ErrorCode error) {
    out.emplace_back(SyncAnswer{.ticket = event.ticket, .error = error});
  };
  if (is(GroupState::kDead)) {
    return refuse(ErrorCode::kCoordinatorNotAvailable);
  }
  if (const auto error = check_member(event.member_id, event.instance_id);
      error != ErrorCode::kNone) {
    return refuse(error);
  }
  if (event.generation != generation_) {
    return refuse(ErrorCode::kIllegalGeneration);
  }
  if ((event.protocol_type && event.protocol_type != protocol_type_) ||
      (event.protocol_name && event.protocol_name != protocol_name_)) {
    return refuse(ErrorCode::kInconsistentGroupProtocol);
  }
  Member& member = members_.find(event.member_id)->second;
  if (is(GroupState::kPreparingRebalance)) {
    refuse(ErrorCode::kRebalanceInProgress);
  } else if (is(GroupState::kStable)) {
    end_sync(event.member_id);
    out.emplace_back(SyncAnswer{event.ticket, ErrorCode::kNone, protocol_type_, protocol_name_,
                                member.assignment});
    expect(member, now);
  } else if (is(GroupState::kCompletingRebalance)) {
    if (member.sync) {
      out.emplace_back(
          SyncAnswer{.ticket = *member.sync, .error = ErrorCode::kRebalanceInProgress});
    }
    member.sync = event.ticket;
    end_sync(event.member_id);
    if (is_leader(event.member_id)) {
      Assignments assignments;
      for (const auto& [id, one] : members_) {
        assignments.emplace(id, std::move(event.assignments[id]));  // none: an empty one
      }
      StoreGroup store;
      store.assignments = assignments;
      store.id = begin_store(AssignmentChange{generation_, std::move(assignments)});
      out.emplace_back(std::move(store));
    }
  } else {
    refuse(ErrorCode::kUnknownMemberId);
  }
}

void Group::stored(StoreId id, ErrorCode error, Moment now, Effects& out) {
  auto node = changes_.extract(id);
  BARNABAS_CHECK(!node.empty());
  if (auto* assignment = std::get_if<AssignmentChange>(&node.mapped())) {
    assignment_stored(std::move(*assignment), error, now, out);
  } else if (auto* change = std::get_if<StaticChange>(&node.mapped())) {
    static_change_stored(std::move(*change), error, now, out);
  }
  // An empty generation that could not be written is no harm: the one before is found after a
  // restart, and its members time out.
}

void Group::assignment_stored(AssignmentChange change, ErrorCode error, Moment now, Effects& out) {
  if (!is(GroupState::kCompletingRebalance) || change.generation != generation_) {
    return;  // a rebalance has begun meanwhile and answered those who waited
  }
  for (auto& [id, member] : members_) {
    member_bytes_ -= member.assignment.size();
    member.assignment.clear();
    if (error == ErrorCode::kNone) {
      member.assignment = std::move(change.assignments[id]);
      member_bytes_ += member.assignment.size();
    }
  }
  propagate(error, now, out);
  if (error == ErrorCode::kNone) {
    move_to(GroupState::kStable, now);
  } else {
    maybe_prepare_rebalance(now, out);
  }
}

// Answers every SyncGroup that waits.
void Group::propagate(ErrorCode error, Moment now, Effects& out) {
  for (auto& [id, member] : members_) {
    if (!member.sync) {
      continue;
    }
    SyncAnswer answer{.ticket = *std::exchange(member.sync, std::nullopt), .error = error};
    if (error == ErrorCode::kNone) {
      answer.protocol_type = protocol_type_;
      answer.protocol_name = protocol_name_;
      answer.assignment = member.assignment;
    }
    out.emplace_back(std::move(answer));
    expect(member, now);
  }
}

void Group::end_sync(std::string_view member_id) {
  members_.find(member_id)->second.owes_sync = false;
  if (std::ranges::none_of(members_, [](const auto& one) { return one.second.owes_sync; })) {
    sync_deadline_.reset();
  }
}

void Group::forget_syncs() {
  for (auto& [id, member] : members_) {
    member.owes_sync = false;
  }
  sync_deadline_.reset();
}

void Group::on_sync_time(Moment now, Effects& out) {
  sync_deadline_.reset();
  std::vector<std::string> silent;
  for (const auto& [id, member] : members_) {
    if (member.owes_sync) {
      silent.push_back(id);
    }
  }
  for (const auto& id : silent) {
    remove(id, out);
  }
  if (!silent.empty()) {
    prepare_rebalance(now, out);
  }
}

// --- Signs of life, and their absence ---

ErrorCode Group::heartbeat(const MemberClaim& claim, Moment now) {
  if (is(GroupState::kDead)) {
    return ErrorCode::kCoordinatorNotAvailable;
  }
  if (const auto error = check_member(claim.member_id, claim.instance_id);
      error != ErrorCode::kNone) {
    return error;
  }
  if (claim.generation != generation_) {
    return ErrorCode::kIllegalGeneration;
  }
  if (is(GroupState::kEmpty)) {
    return ErrorCode::kUnknownMemberId;
  }
  expect(members_.find(claim.member_id)->second, now);
  return is(GroupState::kPreparingRebalance) ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
}

void Group::heard_of(std::string_view member_id, MonotonicTime at) {
  const auto found = members_.find(member_id);
  if (found == members_.end() || !found->second.expires) {
    return;
  }
  Member& member = found->second;
  member.expires =
      std::max(*member.expires, at + std::chrono::milliseconds(member.session_timeout_ms));
}

ErrorCode Group::leave(const LeaveEvent& event, Moment now, Effects& out) {
  if (event.member_id.empty()) {  // an administrator names the instance alone
    const auto known = event.instance_id ? static_ids_.find(*event.instance_id) : static_ids_.end();
    if (known == static_ids_.end()) {
      return ErrorCode::kUnknownMemberId;
    }
    remove_and_update(std::string(known->second), now, out);
    return ErrorCode::kNone;
  }
  if (pending_.contains(event.member_id)) {
    remove_pending_and_update(event.member_id, now, out);
    return ErrorCode::kNone;
  }
  const auto error = check_member(event.member_id, event.instance_id);
  if (error == ErrorCode::kNone) {
    remove_and_update(event.member_id, now, out);
  }
  return error;
}

ErrorCode Group::commit(const MemberClaim& claim, bool transactional, Moment now) {
  if (is(GroupState::kDead)) {
    return ErrorCode::kCoordinatorNotAvailable;
  }
  const bool claims = claim.generation >= 0 || !claim.member_id.empty() || claim.instance_id;
  // Tools, and consumers that use no membership, commit to groups without members.
  const bool simple = claim.generation < 0 && is(GroupState::kEmpty);
  if (!simple && claims) {
    if (const auto error = check_member(claim.member_id, claim.instance_id);
        error != ErrorCode::kNone) {
      return error;
    }
    if (claim.generation != generation_) {
      return ErrorCode::kIllegalGeneration;
    }
  } else if (!simple && !transactional && !is(GroupState::kEmpty)) {
    return ErrorCode::kUnknownMemberId;
  }
  if (transactional || is(GroupState::kEmpty)) {
    return ErrorCode::kNone;
  }
  if (is(GroupState::kCompletingRebalance)) {
    return ErrorCode::kRebalanceInProgress;
  }
  expect(members_.find(claim.member_id)->second, now);
  return ErrorCode::kNone;
}

void Group::on_time(Moment now, Effects& out) {
  if (is(GroupState::kDead)) {
    return;
  }
  std::vector<std::string> late;
  for (const auto& [id, until] : pending_) {
    if (until <= now.monotonic) {
      late.push_back(id);
    }
  }
  for (const auto& id : late) {
    remove_pending_and_update(id, now, out);
  }
  late.clear();
  for (auto& [id, member] : members_) {
    if (!member.expires || *member.expires > now.monotonic) {
      continue;
    }
    if (!member.is_new && (member.join || member.sync)) {
      member.expires.reset();  // it waits for us
    } else {
      late.push_back(id);
    }
  }
  for (const auto& id : late) {
    remove_and_update(id, now, out);
  }
  if (is(GroupState::kPreparingRebalance) && join_deadline_ && *join_deadline_ <= now.monotonic) {
    on_join_time(now, out);
  }
  if (sync_deadline_ && *sync_deadline_ <= now.monotonic) {
    on_sync_time(now, out);
  }
  find_next_deadline();
}

// --- Coming and going with the partition ---

void Group::loaded(Moment now, Effects& out) {
  for (auto& [id, member] : members_) {
    expect(member, now);
  }
  if (members_.size() > static_cast<std::size_t>(limits_.max_size)) {
    prepare_rebalance(now, out);  // the last ones to join anew are left out
  }
}

void Group::release_waiting(ErrorCode error, Effects& out) {
  for (auto& [id, member] : members_) {
    if (member.join) {
      out.emplace_back(JoinAnswer{
          .ticket = *std::exchange(member.join, std::nullopt), .error = error, .member_id = id});
    }
    if (member.sync) {
      out.emplace_back(
          SyncAnswer{.ticket = *std::exchange(member.sync, std::nullopt), .error = error});
    }
  }
}

void Group::unloaded(Moment now, Effects& out) {
  release_waiting(ErrorCode::kNotCoordinator, out);
  move_to(GroupState::kDead, now);
  wake_.reset();
}

}  // namespace barnabas::coordinator
