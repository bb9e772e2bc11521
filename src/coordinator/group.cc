#include "group.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/protocol/gen/consumer_protocol_subscription.h"
#include "barnabas/protocol/gen/group_metadata_value.h"
#include "barnabas/protocol/reader.h"

namespace barnabas::coordinator {
namespace {

// The topics of a consumer's subscription; every version begins as version 0 does.
bool read_topics(const ByteVector& metadata, std::set<std::string, std::less<>>& topics) {
  protocol::Reader reader(metadata);
  static_cast<void>(reader.read<std::int16_t>());  // its own version, which changes nothing here
  protocol::ConsumerProtocolSubscription subscription;
  if (!reader.ok() || !subscription.decode(reader, 0)) {
    return false;
  }
  topics.insert(subscription.topics.begin(), subscription.topics.end());
  return true;
}

}  // namespace

std::string_view state_name(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kDead:
      return "Dead";
  }
  return "Dead";
}

const ByteVector* Member::metadata(std::string_view protocol) const {
  const auto found = std::ranges::find(protocols, protocol, &GroupProtocol::name);
  return found == protocols.end() ? nullptr : &found->metadata;
}

std::size_t Member::size_bytes() const {
  std::size_t size = assignment.size();
  for (const auto& protocol : protocols) {
    size += protocol.name.size() + protocol.metadata.size();
  }
  return size;
}

Group::Group(std::string id, const GroupLimits& limits, Moment now)
    : id_(std::move(id)), limits_(limits), state_since_ms_(now.wall_ms) {}

Group::Group(std::string id, const GroupLimits& limits, const protocol::GroupMetadataValue& record,
             Moment now)
    : Group(std::move(id), limits, now) {
  state_ = record.members.empty() ? GroupState::kEmpty : GroupState::kStable;
  state_since_ms_.reset();
  if (record.current_state_timestamp != -1) {
    state_since_ms_ = record.current_state_timestamp;
  }
  generation_ = record.generation;
  if (!record.protocol_type.empty()) {
    protocol_type_ = record.protocol_type;
  }
  protocol_name_ = record.protocol;
  leader_ = record.leader;
  for (const auto& from : record.members) {
    Member member;
    member.id = from.member_id;
    member.instance_id = from.group_instance_id;
    member.client_id = from.client_id;
    member.client_host = from.client_host;
    // Records of version 0 know the session time-out only.
    member.rebalance_timeout_ms =
        from.rebalance_timeout == -1 ? from.session_timeout : from.rebalance_timeout;
    member.session_timeout_ms = from.session_timeout;
    member.protocols.push_back({record.protocol.value_or(""), from.subscription});
    member.assignment = from.assignment;
    if (member.instance_id) {
      static_ids_.insert_or_assign(*member.instance_id, member.id);
    }
    member_bytes_ += member.size_bytes();
    members_.insert_or_assign(from.member_id, std::move(member));
  }
  note_subscriptions();
}

bool Group::is_subscribed_to(std::string_view topic) const {
  return !subscribed_topics_ || subscribed_topics_->contains(topic);
}

void Group::move_to(GroupState next, Moment now) {
  state_ = next;
  state_since_ms_ = now.wall_ms;
}

ErrorCode Group::check_member(std::string_view member_id,
                              const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const auto known = static_ids_.find(*instance_id);
    if (known == static_ids_.end()) {
      return ErrorCode::kUnknownMemberId;
    }
    if (known->second != member_id) {
      return ErrorCode::kFencedInstanceId;
    }
  }
  return members_.contains(member_id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
}

bool Group::supports(std::string_view protocol_type,
                     const std::vector<GroupProtocol>& protocols) const {
  if (state_ == GroupState::kEmpty) {
    return !protocol_type.empty() && !protocols.empty();
  }
  return protocol_type_ == protocol_type && std::ranges::any_of(protocols, [&](const auto& one) {
           return std::ranges::all_of(members_, [&](const auto& member) {
             return member.second.metadata(one.name) != nullptr;
           });
         });
}

// The protocol that every member follows and most members prefer.
std::string Group::select_protocol() const {
  BARNABAS_CHECK(!members_.empty());
  std::vector<std::pair<std::string, std::size_t>> votes;
  for (const auto& [id, member] : members_) {
    for (const auto& candidate : member.protocols) {
      const bool common = std::ranges::all_of(members_, [&](const auto& other) {
        return other.second.metadata(candidate.name) != nullptr;
      });
      if (!common) {
        continue;
      }
      const auto counted = std::ranges::find(
          votes, candidate.name, [](const auto& one) { return std::string_view(one.first); });
      if (counted == votes.end()) {
        votes.emplace_back(candidate.name, 1);
      } else {
        ++counted->second;
      }
      break;
    }
  }
  BARNABAS_CHECK_MSG(!votes.empty(), "members of one group that share no protocol");
  return std::ranges::max_element(votes, {}, [](const auto& one) { return one.second; })->first;
}

std::int32_t Group::rebalance_timeout_ms() const {
  std::int32_t longest = 0;
  for (const auto& [id, member] : members_) {
    longest = std::max(longest, member.rebalance_timeout_ms);
  }
  return longest;
}

std::size_t Group::waiting_for_join() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      members_, [](const auto& member) { return member.second.join.has_value(); }));
}

// Takes a member out of every table. Should it still be there and wait, then it begins anew.
void Group::remove(std::string_view member_id, Effects& out) {
  if (const auto found = members_.find(member_id); found != members_.end()) {
    Member& member = found->second;
    if (member.join) {
      out.emplace_back(JoinAnswer{.ticket = *member.join, .error = ErrorCode::kUnknownMemberId});
    }
    if (member.sync) {
      out.emplace_back(SyncAnswer{.ticket = *member.sync, .error = ErrorCode::kUnknownMemberId});
    }
    if (member.instance_id) {
      static_ids_.erase(*member.instance_id);
    }
    member_bytes_ -= member.size_bytes();
    members_.erase(found);
  }
  if (leader_ == member_id) {
    leader_.reset();
    if (!members_.empty()) {
      leader_ = members_.begin()->first;
    }
  }
  if (const auto found = pending_.find(member_id); found != pending_.end()) {
    pending_.erase(found);
  }
}

void Group::remove_and_update(const std::string& member_id, Moment now, Effects& out) {
  if (!members_.contains(member_id)) {
    return;
  }
  remove(member_id, out);
  if (is(GroupState::kStable) || is(GroupState::kCompletingRebalance)) {
    maybe_prepare_rebalance(now, out);
  } else if (is(GroupState::kPreparingRebalance)) {
    maybe_complete_join(now, out);
  }
}

void Group::remove_pending_and_update(const std::string& member_id, Moment now, Effects& out) {
  remove(member_id, out);
  maybe_complete_join(now, out);
}

// The member goes on under another id; whoever still uses the old one is fenced at once.
Member& Group::replace_static(const std::string& instance_id, const std::string& old_id,
                              const std::string& new_id, Effects& out) {
  auto node = members_.extract(old_id);
  BARNABAS_CHECK(!node.empty());
  Member& member = node.mapped();
  if (member.join) {
    out.emplace_back(JoinAnswer{.ticket = *std::exchange(member.join, std::nullopt),
                                .error = ErrorCode::kFencedInstanceId,
                                .member_id = old_id});
  }
  if (member.sync) {
    out.emplace_back(SyncAnswer{.ticket = *std::exchange(member.sync, std::nullopt),
                                .error = ErrorCode::kFencedInstanceId});
  }
  member.id = new_id;
  node.key() = new_id;
  const auto placed = members_.insert(std::move(node));
  if (is_leader(old_id)) {
    leader_ = new_id;
  }
  static_ids_.insert_or_assign(instance_id, new_id);
  return placed.position->second;
}

// The member has been heard of: it has its session time-out from now, or as long as its request
// waits.
void Group::expect(Member& member, Moment now) {
  if (!member.is_new && (member.join || member.sync)) {
    member.expires.reset();
    return;
  }
  member.expires = now.monotonic + std::chrono::milliseconds(member.session_timeout_ms);
  wake_at(*member.expires);
}

void Group::wake_at(MonotonicTime when) {
  if (!wake_ || when < *wake_) {
    wake_ = when;
  }
}

void Group::find_next_deadline() {
  wake_.reset();
  if (join_deadline_) {
    wake_at(*join_deadline_);
  }
  if (sync_deadline_) {
    wake_at(*sync_deadline_);
  }
  for (const auto& [id, until] : pending_) {
    wake_at(until);
  }
  for (const auto& [id, member] : members_) {
    if (member.expires) {
      wake_at(*member.expires);
    }
  }
}

void Group::note_subscriptions() {
  subscribed_topics_.reset();
  if (protocol_type_ != kConsumerProtocolType) {
    return;
  }
  std::set<std::string, std::less<>> topics;
  if (!members_.empty()) {
    if (!protocol_name_) {
      return;
    }
    for (const auto& [id, member] : members_) {
      const ByteVector* const metadata = member.metadata(*protocol_name_);
      if (metadata == nullptr || !read_topics(*metadata, topics)) {
        return;
      }
    }
  }
  subscribed_topics_ = std::move(topics);
}

StoreId Group::begin_store(Change change) {
  const StoreId id(++last_store_);
  changes_.emplace(id, std::move(change));
  return id;
}

void Group::bury(Moment now) {
  BARNABAS_CHECK(is(GroupState::kEmpty) || is(GroupState::kDead));
  move_to(GroupState::kDead, now);
  wake_.reset();
}

}  // namespace barnabas::coordinator
