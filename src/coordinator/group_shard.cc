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

}  // namespace

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

GroupShard::GroupShard(PartitionId partition, LeaderEpoch epoch, const GroupOptions& options,
                       const GroupCoordinator::Ports& ports, HeartbeatBoard& board)
    : partition_(partition),
      epoch_(epoch),
      options_(options),
      limits_{.max_size = options.max_size,
              .initial_rebalance_delay_ms = options.initial_rebalance_delay_ms,
              .max_member_bytes = options.max_member_bytes},
      ports_(ports),
      board_(board) {}

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
    if (from.consumer) {
      install_consumer(id, std::move(from));
      continue;
    }
    auto group = from.record ? std::make_shared<Group>(id, limits_, *from.record, moment)
                             : std::make_shared<Group>(id, limits_, moment);
    auto entry = std::make_shared<Entry>(id, std::move(group), std::move(from.offsets));
    groups_.insert_or_assign(id, entry);
    Effects effects;
    entry->group->loaded(moment, effects);
    carry_out(entry, std::move(effects));
  }
}

void GroupShard::close() {
  state_ = State::kClosed;
  const Moment moment = now();
  for (auto& [id, entry] : groups_) {
    entry->timer.reset();
    if (entry->consumer) {
      serve_waiting(entry);
      continue;
    }
    take_heartbeats(*entry);
    Effects effects;
    entry->group->unloaded(moment, effects);
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
  auto entry = std::make_shared<Entry>(group_id, std::make_shared<Group>(group_id, limits_, now()),
                                       GroupOffsets{});
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
    const auto next = entry->group ? entry->group->next_deadline() : std::nullopt;
    if (!next || *next > moment.monotonic || state_ == State::kClosed) {
      break;
    }
    take_heartbeats(*entry);
    entry->group->on_time(moment, effects);
  }
  leave_heartbeats(*entry);
  arm(entry);
}

void GroupShard::take_heartbeats(Entry& entry) {
  if (entry.pulse == nullptr) {
    return;
  }
  board_.take_down(entry.id);
  const auto pulse = std::exchange(entry.pulse, nullptr);
  pulse->end();
  pulse->collect(
      [&entry](std::string_view member, MonotonicTime at) { entry.group->heard_of(member, at); });
}

// Not of a group with static members, whose ids may change within a generation.
void GroupShard::leave_heartbeats(Entry& entry) {
  if (entry.pulse != nullptr || !entry.group || !entry.group->is(GroupState::kStable) ||
      state_ != State::kActive) {
    return;
  }
  std::vector<std::string> members;
  members.reserve(entry.group->members().size());
  for (const auto& [id, member] : entry.group->members()) {
    if (member.instance_id) {
      return;
    }
    members.push_back(id);
  }
  entry.pulse = std::make_shared<GroupPulse>(entry.group->generation(), std::move(members));
  board_.publish(entry.id, entry.pulse);
}

std::optional<MonotonicTime> GroupShard::Entry::next_deadline() const {
  if (consumer) {
    return consumer->writing ? std::nullopt : consumer->machine.next_deadline();
  }
  return group->next_deadline();
}

void GroupShard::on_time(const EntryPtr& entry) {
  if (entry->consumer) {
    fence_overdue(entry);
    return;
  }
  take_heartbeats(*entry);
  Effects effects;
  entry->group->on_time(now(), effects);
  carry_out(entry, std::move(effects));
}

// The timer may fire too early: a deadline that moved on is found again then.
void GroupShard::arm(const EntryPtr& entry) {
  const auto next = entry->next_deadline();
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
        self->on_time(target);
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
  const auto done = [self = shared_from_this(), entry, group = std::weak_ptr<Group>(entry->group),
                     id = effect.id](GroupLog::Appended appended) {
    const ErrorCode error = store_error(appended.error);
    if (error != ErrorCode::kNone) {
      log().warn("the record of group {} could not be written: {}", entry->id,
                 error_name(appended.error));
    }
    // The group may have gone on in the consumer protocol meanwhile; it has told its members.
    const auto same = group.lock();
    if (same == nullptr || same != entry->group) {
      return;
    }
    Effects effects;
    same->stored(id, error, self->now(), effects);
    self->carry_out(entry, std::move(effects));
  };
  const auto value = encode_group_value(*entry->group, effect.assignments);
  ByteVector batch;
  Status built = value ? Status{} : Status(std::unexpected(value.error()));
  if (value) {
    record::BatchOptions options;
    options.compression = static_cast<record::CompressionType>(options_.compression_codec);
    record::BatchBuilder builder(options);
    builder.add(now().wall_ms, encode_group_key(entry->id), *value);
    built = builder.finish(batch);
  }
  if (!built) {
    log().error("the record of group {} cannot be made: {}", entry->id, built.error().message);
    ports_.home.post([done] { done({ErrorCode::kUnknownServerError, kNoOffset}); });
    return;
  }
  ports_.log.append(partition_, std::move(batch), options_.required_acks,
                    options_.commit_timeout_ms, done);
}

void GroupShard::join(JoinEvent event, Done<protocol::JoinGroupResponse> done,
                      const std::string& group_id) {
  event.ticket = Ticket(++last_ticket_);
  joins_.emplace(event.ticket, std::move(done));
  begin_join(std::move(event), group_id);
}

void GroupShard::begin_join(JoinEvent event, const std::string& group_id) {
  if (state_ != State::kActive) {
    answer(JoinAnswer{.ticket = event.ticket, .error = status()});
    return;
  }
  const bool unknown = event.member_id.empty();
  const EntryPtr entry = unknown ? find_or_make(group_id) : find(group_id);
  if (is_busy(entry)) {
    entry->consumer->waiting.emplace_back(
        [self = shared_from_this(), event = std::move(event), group_id]() mutable {
          self->begin_join(std::move(event), group_id);
        });
    return;
  }
  const bool was_consumer = entry != nullptr && entry->consumer;
  if (was_consumer && !entry->is_empty()) {
    consumer_join(entry, std::move(event));
    return;
  }
  if (entry == nullptr || (was_consumer && !unknown)) {
    answer(JoinAnswer{.ticket = event.ticket,
                      .error = ErrorCode::kUnknownMemberId,
                      .member_id = std::move(event.member_id)});
    return;
  }
  if (was_consumer) {
    become_classic(entry, nullptr);
  }
  take_heartbeats(*entry);
  Effects effects;
  entry->group->join(std::move(event), now(), effects);
  carry_out(entry, std::move(effects));
}

void GroupShard::sync(SyncEvent event, Done<protocol::SyncGroupResponse> done,
                      const std::string& group_id) {
  event.ticket = Ticket(++last_ticket_);
  syncs_.emplace(event.ticket, std::move(done));
  begin_sync(std::move(event), group_id);
}

void GroupShard::begin_sync(SyncEvent event, const std::string& group_id) {
  if (state_ != State::kActive) {
    answer(SyncAnswer{.ticket = event.ticket, .error = status()});
    return;
  }
  const EntryPtr entry = find(group_id);
  if (entry == nullptr) {
    answer(SyncAnswer{.ticket = event.ticket, .error = ErrorCode::kUnknownMemberId});
    return;
  }
  if (is_busy(entry)) {
    entry->consumer->waiting.emplace_back(
        [self = shared_from_this(), event = std::move(event), group_id]() mutable {
          self->begin_sync(std::move(event), group_id);
        });
    return;
  }
  if (entry->consumer) {
    consumer_sync(entry, std::move(event));
    return;
  }
  Effects effects;
  entry->group->sync(std::move(event), now(), effects);
  carry_out(entry, std::move(effects));
}

ErrorCode GroupShard::heartbeat(std::string_view group_id, const MemberClaim& claim) {
  const EntryPtr entry = find(group_id);
  if (entry == nullptr) {
    return ErrorCode::kUnknownMemberId;
  }
  const ErrorCode error = entry->consumer ? entry->consumer->machine.classic_heartbeat(claim, now())
                                          : entry->group->heartbeat(claim, now());
  arm(entry);
  return error;
}

void GroupShard::leave(protocol::LeaveGroupRequest request,
                       Done<protocol::LeaveGroupResponse> done) {
  protocol::LeaveGroupResponse response;
  if (state_ != State::kActive) {
    response.error_code = static_cast<std::int16_t>(status());
    done(std::move(response));
    return;
  }
  const EntryPtr entry = find(request.group_id);
  if (is_busy(entry)) {
    entry->consumer->waiting.emplace_back(
        [self = shared_from_this(), request = std::move(request),
         done = std::move(done)]() mutable { self->leave(std::move(request), std::move(done)); });
    return;
  }
  if (entry != nullptr && entry->consumer) {
    consumer_leave(entry, request, std::move(done));
    return;
  }
  if (entry != nullptr) {
    take_heartbeats(*entry);
  }
  Effects effects;
  for (const auto& member : request.members) {
    auto& to = response.members.emplace_back();
    to.member_id = member.member_id;
    to.group_instance_id = member.group_instance_id;
    ErrorCode error = ErrorCode::kUnknownMemberId;
    if (entry != nullptr) {
      error = entry->group->leave({member.member_id, member.group_instance_id}, now(), effects);
    }
    to.error_code = static_cast<std::int16_t>(error);
  }
  if (entry != nullptr) {
    carry_out(entry, std::move(effects));
  }
  done(std::move(response));
}

void GroupShard::list(const ListFilter& filter,
                      std::vector<protocol::ListGroupsResponse::ListedGroup>& out) const {
  const auto& states = filter.states;
  for (const auto& [id, entry] : groups_) {
    if (!(entry->consumer ? filter.consumer : filter.classic)) {
      continue;
    }
    std::string state(entry->consumer ? entry->consumer->machine.state_name()
                                      : state_name(entry->group->state()));
    std::string lower = state;
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (!states.empty() && !states.contains(lower)) {
      continue;
    }
    auto& to = out.emplace_back();
    to.group_id = id;
    to.protocol_type = entry->consumer ? std::string(kConsumerProtocolType)
                                       : entry->group->protocol_type().value_or("");
    to.group_state = std::move(state);
    to.group_type = entry->consumer ? "consumer" : "classic";
  }
}

void GroupShard::describe(std::string_view group_id,
                          protocol::DescribeGroupsResponse::DescribedGroup& out) const {
  out.group_id = group_id;
  const EntryPtr entry = find(group_id);
  if (entry == nullptr ||
      entry->consumer) {  // those of the consumer protocol have an API of their own
    out.group_state = state_name(GroupState::kDead);
    return;
  }
  const Group& group = *entry->group;
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
  if (!entry->is_empty()) {
    return ErrorCode::kNonEmptyGroup;
  }
  if (entry->group) {
    entry->group->bury(now());
  }
  remove_offsets(entry, entry->offsets.old([](const auto&, const auto&) { return true; }),
                 EmptyGroup::kRemoved);
  return ErrorCode::kNone;
}

}  // namespace barnabas::coordinator
