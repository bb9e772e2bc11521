// Groups of the consumer protocol in a shard: their records are written before they hold, one event
// of a group after the other; groups go from one protocol to the other.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"
#include "barnabas/record/builder.h"
#include "consumer_group_records.h"
#include "group_shard.h"

namespace barnabas::coordinator {
namespace {

logging::Logger& log() {
  static logging::Logger& instance = logging::logger("coordinator");
  return instance;
}

std::unexpected<Error> not_found(std::string message) {
  return fail(ErrorCode::kGroupIdNotFound, std::move(message));
}

protocol::ConsumerGroupHeartbeatResponse refusal(const Error& error) {
  protocol::ConsumerGroupHeartbeatResponse response;
  response.error_code = static_cast<std::int16_t>(error.code);
  if (!error.message.empty()) {
    response.error_message = error.message;
  }
  return response;
}

Result<ByteVector> build_batch(std::string_view group, const ConsumerRecords& records,
                               std::int8_t compression, std::int64_t now_ms) {
  record::BatchOptions options;
  options.compression = static_cast<record::CompressionType>(compression);
  record::BatchBuilder builder(options);
  for (const auto& record : records) {
    TRY(const EncodedRecord encoded, encode_consumer_record(group, record));
    std::optional<ByteView> value;
    if (encoded.value) {
      value = *encoded.value;
    }
    builder.add(now_ms, ByteView(encoded.key), value);
  }
  ByteVector batch;
  TRY_STATUS(builder.finish(batch));
  return batch;
}

}  // namespace

ConsumerGroup::Context GroupShard::consumer_context() const {
  return {options_.consumer, options_.max_size, ports_.topics, now()};
}

bool GroupShard::is_busy(const EntryPtr& entry) const {
  return entry != nullptr && entry->consumer && entry->consumer->writing;
}

void GroupShard::consumer_heartbeat(ConsumerHeartbeatEvent event,
                                    Done<protocol::ConsumerGroupHeartbeatResponse> done) {
  if (state_ != State::kActive) {
    done(refusal({status(), {}}));
    return;
  }
  if (const EntryPtr known = find(event.request.group_id); is_busy(known)) {
    known->consumer->waiting.emplace_back(
        [self = shared_from_this(), event = std::move(event), done = std::move(done)]() mutable {
          self->consumer_heartbeat(std::move(event), std::move(done));
        });
    return;
  }
  Status found;
  ConsumerRecords records;
  const EntryPtr entry = consumer_entry(event, found, records);
  if (entry == nullptr) {
    done(refusal(found.error()));
    return;
  }
  ConsumerGroup& machine = entry->consumer->machine;
  auto step = event.request.member_epoch < kJoinEpoch
                  ? machine.leave(event.request, consumer_context())
                  : machine.heartbeat(event, consumer_context());
  if (!step) {
    machine.dropped();
    if (entry->consumer->before) {
      revert(entry);
    }
    done(refusal(step.error()));
    return;
  }
  std::ranges::move(step->records, std::back_inserter(records));
  write(entry, std::move(records),
        [response = std::move(step->response), done = std::move(done)](ErrorCode error) mutable {
          done(error == ErrorCode::kNone ? std::move(response) : refusal({error, {}}));
        });
}

// The group of a heartbeat, made of nothing or of a classic one where the member joins.
GroupShard::EntryPtr GroupShard::consumer_entry(const ConsumerHeartbeatEvent& event, Status& status,
                                                ConsumerRecords& records) {
  const std::string& id = event.request.group_id;
  EntryPtr entry = find(id);
  if (entry != nullptr && entry->consumer) {
    return entry;
  }
  if (event.request.member_epoch != kJoinEpoch) {
    const bool leaves = event.request.member_epoch < kJoinEpoch;
    status =
        entry == nullptr
            ? not_found(fmt::format("{} {} not found.", leaves ? "Group" : "Consumer group", id))
            : not_found(fmt::format("Group {} is not a consumer group.", id));
    return nullptr;
  }
  if (entry == nullptr) {
    entry = find_or_make(id);
  }
  const std::shared_ptr<Group> classic = entry->group;
  ConsumerGroup machine(id);
  if (!entry->is_empty()) {
    const bool fits =
        classic->members().size() <= static_cast<std::size_t>(options_.consumer.max_size);
    if (!options_.consumer.allow_upgrade || !fits ||
        classic->protocol_type() != kConsumerProtocolType) {
      status = not_found(fmt::format("Group {} is not a consumer group.", id));
      return nullptr;
    }
    take_heartbeats(*entry);
    auto made = ConsumerGroup::from_classic(*classic, ports_.topics, now());
    if (!made) {
      log().warn("group {} cannot go on in the consumer protocol: {}", id, made.error().message);
      status =
          not_found(fmt::format("Cannot upgrade the classic group {} to consumer group because "
                                "the embedded consumer protocol is malformed.",
                                id));
      return nullptr;
    }
    machine = std::move(*made);
    records.emplace_back(ClassicGroupRecord{});
    std::ranges::move(machine.creation(), std::back_inserter(records));
    log().info("group {} goes on in the consumer protocol with {} members", id,
               machine.members().size());
  } else if (classic->generation() > 0) {
    records.emplace_back(ClassicGroupRecord{});
  }
  entry->timer.reset();
  entry->armed.reset();
  entry->group.reset();
  entry->consumer = std::make_unique<ConsumerEntry>(std::move(machine), classic);
  Effects effects;
  classic->release_waiting(ErrorCode::kRebalanceInProgress, effects);
  carry_out(entry, std::move(effects));
  return entry;
}

void GroupShard::write(const EntryPtr& entry, ConsumerRecords records,
                       std::move_only_function<void(ErrorCode)> done) {
  if (records.empty()) {
    done(ErrorCode::kNone);
    arm(entry);
    return;
  }
  auto batch = build_batch(entry->id, records, options_.compression_codec, now().wall_ms);
  entry->consumer->writing = true;
  auto finish = [self = shared_from_this(), entry, records = std::move(records),
                 done = std::move(done)](GroupLog::Appended appended) mutable {
    self->settle(entry, std::move(records), appended.error, std::move(done));
  };
  if (!batch) {
    log().error("records of group {} cannot be made: {}", entry->id, batch.error().message);
    ports_.home.post([finish = std::move(finish)]() mutable {
      finish({ErrorCode::kUnknownServerError, kNoOffset});
    });
    return;
  }
  ports_.log.append(partition_, std::move(*batch), options_.required_acks,
                    options_.commit_timeout_ms, std::move(finish));
}

// What stands in the log holds, also where its replicas have not confirmed it in time.
void GroupShard::settle(const EntryPtr& entry, ConsumerRecords records, ErrorCode error,
                        std::move_only_function<void(ErrorCode)> done) {
  BARNABAS_CHECK(entry->consumer != nullptr);
  entry->consumer->writing = false;
  auto waiting = std::exchange(entry->consumer->waiting, {});
  if (error == ErrorCode::kNone || error == ErrorCode::kRequestTimedOut) {
    const protocol::GroupMetadataValue* classic = nullptr;
    for (const auto& record : records) {
      if (const auto* const crossing = std::get_if<ClassicGroupRecord>(&record)) {
        classic = crossing->group ? &*crossing->group : classic;
      } else {
        entry->consumer->machine.apply(record);
      }
    }
    entry->consumer->before.reset();
    if (classic != nullptr) {
      log().info("group {} goes on in the classic protocol with {} members", entry->id,
                 classic->members.size());
      become_classic(entry, classic);
    }
  } else {
    log().warn("records of group {} could not be written: {}", entry->id, error_name(error));
    entry->consumer->machine.dropped();
    if (entry->consumer->before) {
      revert(entry);
    }
  }
  done(store_error(error));
  for (auto& task : waiting) {
    task();
  }
  if (entry->consumer) {
    fence_overdue(entry);
  }
}

void GroupShard::serve_waiting(const EntryPtr& entry) {
  for (auto& task : std::exchange(entry->consumer->waiting, {})) {
    task();
  }
}

// The group is what it was before its first records, which could not be written.
void GroupShard::revert(const EntryPtr& entry) {
  entry->group = entry->consumer->before;
  entry->consumer.reset();
  const Group& group = *entry->group;
  if (group.is(GroupState::kEmpty) && group.generation() == 0 && group.pending_members() == 0 &&
      entry->offsets.empty()) {
    groups_.erase(entry->id);
    return;
  }
  Effects effects;
  entry->group->loaded(now(), effects);
  carry_out(entry, std::move(effects));
}

// With the members of `record`, who are to join anew; without one, the group is empty.
void GroupShard::become_classic(const EntryPtr& entry, const protocol::GroupMetadataValue* record) {
  if (record == nullptr) {
    write_tombstones(consumer_tombstones(*entry));
  }
  entry->timer.reset();
  entry->armed.reset();
  entry->consumer.reset();
  const Moment moment = now();
  entry->group = record == nullptr ? std::make_shared<Group>(entry->id, limits_, moment)
                                   : std::make_shared<Group>(entry->id, limits_, *record, moment);
  Effects effects;
  entry->group->loaded(moment, effects);
  if (record != nullptr) {
    entry->group->rejoin(moment, effects);
  }
  carry_out(entry, std::move(effects));
}

void GroupShard::fence_overdue(const EntryPtr& entry) {
  if (state_ != State::kActive || !entry->consumer || entry->consumer->writing) {
    return;
  }
  auto member = entry->consumer->machine.overdue(now());
  if (!member) {
    arm(entry);
    return;
  }
  log().info("group {}: member {} was not heard of, or not done, in time", entry->id, *member);
  auto records = entry->consumer->machine.fence(*member, consumer_context());
  write(entry, std::move(records),
        [self = shared_from_this(), entry, member = std::move(*member)](ErrorCode error) {
          if (error != ErrorCode::kNone && entry->consumer) {
            entry->consumer->machine.fence_later(member, self->now());
          }
        });
}

// --- Members that speak the classic protocol ---

void GroupShard::consumer_join(const EntryPtr& entry, JoinEvent event) {
  auto step = entry->consumer->machine.join(event, consumer_context());
  if (!step) {
    entry->consumer->machine.dropped();
    answer(JoinAnswer{.ticket = event.ticket, .error = step.error().code});
    return;
  }
  write(entry, std::move(step->records),
        [self = shared_from_this(), entry, event = std::move(event),
         joined = std::move(step->answer)](ErrorCode error) mutable {
          if (error != ErrorCode::kNone) {
            joined = JoinAnswer{.ticket = event.ticket, .error = error};
          } else if (joined.error == ErrorCode::kNone && entry->consumer) {
            entry->consumer->machine.joined(event, joined.member_id, self->now());
          }
          self->answer(std::move(joined));
        });
}

void GroupShard::consumer_sync(const EntryPtr& entry, SyncEvent event) {
  auto synced = entry->consumer->machine.sync(event, consumer_context());
  answer(synced ? std::move(*synced)
                : SyncAnswer{.ticket = event.ticket, .error = synced.error().code});
  arm(entry);
}

void GroupShard::consumer_leave(const EntryPtr& entry, const protocol::LeaveGroupRequest& request,
                                Done<protocol::LeaveGroupResponse> done) {
  auto step = entry->consumer->machine.classic_leave(request, consumer_context());
  write(entry, std::move(step.records),
        [response = std::move(step.response), done = std::move(done)](ErrorCode error) mutable {
          if (error != ErrorCode::kNone) {
            response = {};
            response.error_code = static_cast<std::int16_t>(error);
          }
          done(std::move(response));
        });
}

// --- What is told of them ---

void GroupShard::install_consumer(const std::string& id, LoadedGroup loaded) {
  auto entry = std::make_shared<Entry>(id, nullptr, std::move(loaded.offsets));
  entry->consumer = std::make_unique<ConsumerEntry>(std::move(*loaded.consumer));
  entry->consumer->machine.loaded(options_.consumer, now());
  groups_.insert_or_assign(id, entry);
  arm(entry);
}

void GroupShard::describe_consumer(
    std::string_view group_id, protocol::ConsumerGroupDescribeResponse::DescribedGroup& out) const {
  const EntryPtr entry = find(group_id);
  if (entry == nullptr || !entry->consumer) {
    out.error_code = static_cast<std::int16_t>(ErrorCode::kGroupIdNotFound);
    return;
  }
  entry->consumer->machine.describe(consumer_context(), out);
}

std::vector<ByteVector> GroupShard::consumer_tombstones(const Entry& entry) const {
  std::vector<ByteVector> keys;
  for (const auto& record : entry.consumer->machine.tombstones()) {
    auto encoded = encode_consumer_record(entry.id, record);
    BARNABAS_CHECK_MSG(encoded.has_value(), "the names were in records before");
    keys.push_back(std::move(encoded->key));
  }
  return keys;
}

}  // namespace barnabas::coordinator
