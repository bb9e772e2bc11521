#include "group_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "barnabas/base/logging.h"
#include "barnabas/record/builder.h"
#include "group_records.h"

namespace barnabas::coordinator {
namespace {

logging::Logger& log() {
  static logging::Logger& instance = logging::logger("coordinator");
  return instance;
}

// What a member hears when the group's record could not be written.
ErrorCode store_error(ErrorCode written) {
  switch (written) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError:
      return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidFetchSize:
      return ErrorCode::kUnknownServerError;
    default:
      return written;
  }
}

}  // namespace

GroupShard::GroupShard(PartitionId partition, LeaderEpoch epoch, const GroupOptions& options,
                       const GroupCoordinator::Ports& ports)
    : partition_(partition),
      epoch_(epoch),
      options_(options),
      limits_{.max_size = options.max_size,
              .initial_rebalance_delay_ms = options.initial_rebalance_delay_ms,
              .max_member_bytes = options.max_member_bytes},
      ports_(ports) {}

ErrorCode GroupShard::status() const {
  switch (state_) {
    case State::kLoading:
      return ErrorCode::kCoordinatorLoadInProgress;
    case State::kActive:
      return ErrorCode::kNone;
    case State::kClosed:
      break;
  }
  return ErrorCode::kNotCoordinator;
}

Moment GroupShard::now() const {
  return {ports_.clock.monotonic(), ports_.clock.wall_ms()};
}

void GroupShard::install(std::map<std::string, LoadedGroup> loaded) {
  state_ = State::kActive;
  const Moment moment = now();
  for (auto& [id, from] : loaded) {
    for (const ProducerId producer : from.offsets.transactions()) {
      transactions_[producer].insert(id);
    }
    Group group =
        from.record ? Group(id, limits_, *from.record, moment) : Group(id, limits_, moment);
    auto entry = std::make_shared<Entry>(std::move(group), std::move(from.offsets));
    groups_.insert_or_assign(id, entry);
    Effects effects;
    entry->group.loaded(moment, effects);
    carry_out(entry, std::move(effects));
  }
}

void GroupShard::close() {
  state_ = State::kClosed;
  const Moment moment = now();
  for (auto& [id, entry] : groups_) {
    Effects effects;
    entry->group.unloaded(moment, effects);
    entry->timer.reset();
    carry_out(entry, std::move(effects));
  }
  groups_.clear();
  transactions_.clear();
}

GroupShard::EntryPtr GroupShard::find(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : found->second;
}

GroupShard::EntryPtr GroupShard::find_or_make(const std::string& group_id) {
  if (auto entry = find(group_id)) {
    return entry;
  }
  auto entry = std::make_shared<Entry>(Group(group_id, limits_, now()), GroupOffsets{});
  groups_.emplace(group_id, entry);
  return entry;
}

void GroupShard::carry_out(const EntryPtr& entry, Effects effects) {
  while (true) {
    for (auto& effect : effects) {
      if (auto* const joined = std::get_if<JoinAnswer>(&effect)) {
        answer(std::move(*joined));
      } else if (auto* const synced = std::get_if<SyncAnswer>(&effect)) {
        answer(std::move(*synced));
      } else {
        store(entry, std::move(std::get<StoreGroup>(effect)));
      }
    }
    effects.clear();
    const Moment moment = now();
    const auto next = entry->group.next_deadline();
    if (!next || *next > moment.monotonic || state_ == State::kClosed) {
      break;
    }
    entry->group.on_time(moment, effects);
  }
  arm(entry);
}

// The timer may fire too early: a deadline that moved on is found again then.
void GroupShard::arm(const EntryPtr& entry) {
  const auto next = entry->group.next_deadline();
  if (!next || state_ == State::kClosed) {
    entry->timer.reset();
    entry->armed.reset();
    return;
  }
  if (entry->armed && *entry->armed <= *next) {
    return;
  }
  entry->armed = next;
  const auto delay = std::max(*next - ports_.clock.monotonic(), MonotonicTime::duration::zero());
  entry->timer = ports_.home.run_after(
      delay, [weak = weak_from_this(), watched = std::weak_ptr<Entry>(entry)] {
        const auto self = weak.lock();
        const auto target = watched.lock();
        if (self == nullptr || target == nullptr || self->state_ == State::kClosed) {
          return;
        }
        target->armed.reset();
        Effects effects;
        target->group.on_time(self->now(), effects);
        self->carry_out(target, std::move(effects));
      });
}

void GroupShard::answer(JoinAnswer answer) {
  auto node = joins_.extract(answer.ticket);
  if (node.empty()) {
    return;
  }
  protocol::JoinGroupResponse response;
  response.error_code = static_cast<std::int16_t>(answer.error);
  response.generation_id = answer.generation;
  response.protocol_type = std::move(answer.protocol_type);
  response.protocol_name = std::move(answer.protocol_name);
  response.leader = std::move(answer.leader);
  response.skip_assignment = answer.skip_assignment;
  response.member_id = std::move(answer.member_id);
  response.members.reserve(answer.members.size());
  for (auto& member : answer.members) {
    auto& to = response.members.emplace_back();
    to.member_id = std::move(member.id);
    to.group_instance_id = std::move(member.instance_id);
    to.metadata = std::move(member.metadata);
  }
  node.mapped()(std::move(response));
}

void GroupShard::answer(SyncAnswer answer) {
  auto node = syncs_.extract(answer.ticket);
  if (node.empty()) {
    return;
  }
  protocol::SyncGroupResponse response;
  response.error_code = static_cast<std::int16_t>(answer.error);
  response.protocol_type = std::move(answer.protocol_type);
  response.protocol_name = std::move(answer.protocol_name);
  response.assignment = std::move(answer.assignment);
  node.mapped()(std::move(response));
}

void GroupShard::store(const EntryPtr& entry, StoreGroup effect) {
  const auto done = [self = shared_from_this(), entry,
                     id = effect.id](GroupLog::Appended appended) {
    const ErrorCode error = store_error(appended.error);
    if (error != ErrorCode::kNone) {
      log().warn("the record of group {} could not be written: {}", entry->group.id(),
                 error_name(appended.error));
    }
    Effects effects;
    entry->group.stored(id, error, self->now(), effects);
    self->carry_out(entry, std::move(effects));
  };
  const auto value = encode_group_value(entry->group, effect.assignments);
  ByteVector batch;
  Status built = value ? Status{} : Status(std::unexpected(value.error()));
  if (value) {
    record::BatchOptions options;
    options.compression = static_cast<record::CompressionType>(options_.compression_codec);
    record::BatchBuilder builder(options);
    builder.add(now().wall_ms, encode_group_key(entry->group.id()), *value);
    built = builder.finish(batch);
  }
  if (!built) {
    log().error("the record of group {} cannot be made: {}", entry->group.id(),
                built.error().message);
    ports_.home.post([done] { done({ErrorCode::kUnknownServerError, kNoOffset}); });
    return;
  }
  ports_.log.append(partition_, std::move(batch), options_.required_acks,
                    options_.commit_timeout_ms, done);
}

void GroupShard::join(JoinEvent event, Done<protocol::JoinGroupResponse> done,
                      const std::string& group_id) {
  const bool unknown = event.member_id.empty();
  const EntryPtr entry = unknown ? find_or_make(group_id) : find(group_id);
  event.ticket = Ticket(++last_ticket_);
  joins_.emplace(event.ticket, std::move(done));
  if (entry == nullptr) {
    answer(JoinAnswer{.ticket = event.ticket,
                      .error = ErrorCode::kUnknownMemberId,
                      .member_id = std::move(event.member_id)});
    return;
  }
  Effects effects;
  entry->group.join(std::move(event), now(), effects);
  carry_out(entry, std::move(effects));
}

void GroupShard::sync(SyncEvent event, Done<protocol::SyncGroupResponse> done,
                      std::string_view group_id) {
  event.ticket = Ticket(++last_ticket_);
  syncs_.emplace(event.ticket, std::move(done));
  const EntryPtr entry = find(group_id);
  if (entry == nullptr) {
    answer(SyncAnswer{.ticket = event.ticket, .error = ErrorCode::kUnknownMemberId});
    return;
  }
  Effects effects;
  entry->group.sync(std::move(event), now(), effects);
  carry_out(entry, std::move(effects));
}

ErrorCode GroupShard::heartbeat(std::string_view group_id, const MemberClaim& claim) {
  const EntryPtr entry = find(group_id);
  if (entry == nullptr) {
    return ErrorCode::kUnknownMemberId;
  }
  const ErrorCode error = entry->group.heartbeat(claim, now());
  arm(entry);
  return error;
}

protocol::LeaveGroupResponse GroupShard::leave(const protocol::LeaveGroupRequest& request) {
  protocol::LeaveGroupResponse response;
  const EntryPtr entry = find(request.group_id);
  Effects effects;
  for (const auto& member : request.members) {
    auto& to = response.members.emplace_back();
    to.member_id = member.member_id;
    to.group_instance_id = member.group_instance_id;
    ErrorCode error = ErrorCode::kUnknownMemberId;
    if (entry != nullptr) {
      error = entry->group.leave({member.member_id, member.group_instance_id}, now(), effects);
    }
    to.error_code = static_cast<std::int16_t>(error);
  }
  if (entry != nullptr) {
    carry_out(entry, std::move(effects));
  }
  return response;
}

void GroupShard::list(const std::set<std::string, std::less<>>& states,
                      std::vector<protocol::ListGroupsResponse::ListedGroup>& out) const {
  for (const auto& [id, entry] : groups_) {
    std::string state(state_name(entry->group.state()));
    std::string lower = state;
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (!states.empty() && !states.contains(lower)) {
      continue;
    }
    auto& to = out.emplace_back();
    to.group_id = id;
    to.protocol_type = entry->group.protocol_type().value_or("");
    to.group_state = std::move(state);
    to.group_type = "classic";
  }
}

void GroupShard::describe(std::string_view group_id,
                          protocol::DescribeGroupsResponse::DescribedGroup& out) const {
  out.group_id = group_id;
  const EntryPtr entry = find(group_id);
  if (entry == nullptr) {
    out.group_state = state_name(GroupState::kDead);
    return;
  }
  const Group& group = entry->group;
  const bool stable = group.is(GroupState::kStable);
  out.group_state = state_name(group.state());
  out.protocol_type = group.protocol_type().value_or("");
  if (stable) {  // before, nothing is agreed upon that could be shown
    out.protocol_data = group.protocol_name().value_or("");
  }
  for (const auto& [id, member] : group.members()) {
    auto& to = out.members.emplace_back();
    to.member_id = id;
    to.group_instance_id = member.instance_id;
    to.client_id = member.client_id;
    to.client_host = member.client_host;
    if (!stable) {
      continue;
    }
    if (const auto* const metadata = member.metadata(out.protocol_data)) {
      to.member_metadata = *metadata;
    }
    to.member_assignment = member.assignment;
  }
}

ErrorCode GroupShard::delete_group(std::string_view group_id) {
  const EntryPtr entry = find(group_id);
  if (entry == nullptr) {
    return ErrorCode::kGroupIdNotFound;
  }
  if (!entry->group.is(GroupState::kEmpty)) {
    return ErrorCode::kNonEmptyGroup;
  }
  entry->group.bury(now());
  remove_offsets(entry, entry->offsets.old([](const auto&, const auto&) { return true; }));
  return ErrorCode::kNone;
}

}  // namespace barnabas::coordinator
