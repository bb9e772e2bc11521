// The coordinator's front: finds the shard of a group.
#include "barnabas/coordinator/group_coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "barnabas/coordinator/key_partition.h"
#include "group_loader.h"
#include "group_shard.h"
#include "heartbeat_board.h"
#include "shard_table.h"

namespace barnabas::coordinator {
namespace {

std::int16_t wire(ErrorCode error) {
  return static_cast<std::int16_t>(error);
}

// As Java prints a random UUID.
std::string uuid_text(const Uuid& id) {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", id.high >> 32U,
                     (id.high >> 16U) & 0xFFFFU, id.high & 0xFFFFU, id.low >> 48U,
                     id.low & 0xFFFFFFFFFFFFU);
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

// Consumer groups' protocol needs a group's name; offsets may be kept under the empty one.
enum class EmptyName { kAllowed, kRefused };

}  // namespace

class GroupCoordinatorImpl final : public GroupCoordinator {
 public:
  GroupCoordinatorImpl(GroupOptions options, Ports ports)
      : options_(options),
        ports_(ports),
        shards_({"__consumer_offsets", "groups"}, options.load_buffer_bytes,
                {ports.home, ports.disk, ports.log},
                [this](PartitionId partition, LeaderEpoch epoch) {
                  return std::make_shared<GroupShard>(partition, epoch, options_, ports_, board_);
                }) {}

  void start() override {
    post([this] { schedule_expiry(); });
  }

  void stop() override {
    expiry_.reset();
    shards_.stop();
  }

  [[nodiscard]] PartitionId partition_for(std::string_view group) const override {
    return partition_of_key(group, ports_.log.partition_count());
  }

  void elected(PartitionId partition, LeaderEpoch epoch) override {
    shards_.elected(partition, epoch);
  }

  void resigned(PartitionId partition, LeaderEpoch epoch) override {
    shards_.resigned(partition, epoch);
  }

  void join_group(ClientIdentity client, protocol::JoinGroupRequest request, std::int16_t version,
                  Done<protocol::JoinGroupResponse> done) override {
    post([this, client = std::move(client), request = std::move(request), version,
          done = std::move(done)]() mutable {
      join(std::move(client), std::move(request), version, std::move(done));
    });
  }

  void sync_group(protocol::SyncGroupRequest request,
                  Done<protocol::SyncGroupResponse> done) override {
    post([this, request = std::move(request), done = std::move(done)]() mutable {
      sync(std::move(request), std::move(done));
    });
  }

  void heartbeat(protocol::HeartbeatRequest request,
                 Done<protocol::HeartbeatResponse> done) override {
    if (!request.group_instance_id &&
        board_.beat(request.group_id, request.member_id, request.generation_id,
                    ports_.clock.monotonic())) {
      done({});
      return;
    }
    post([this, request = std::move(request), done = std::move(done)]() mutable {
      protocol::HeartbeatResponse response;
      ErrorCode error = ErrorCode::kNone;
      if (auto* const shard = find(request.group_id, EmptyName::kRefused, error)) {
        error = shard->heartbeat(request.group_id, {request.member_id, request.group_instance_id,
                                                    request.generation_id});
      } else if (error == ErrorCode::kCoordinatorLoadInProgress) {
        error = ErrorCode::kNone;  // the member is given the benefit of the doubt
      }
      response.error_code = wire(error);
      done(std::move(response));
    });
  }

  void leave_group(protocol::LeaveGroupRequest request,
                   Done<protocol::LeaveGroupResponse> done) override {
    post([this, request = std::move(request), done = std::move(done)]() mutable {
      protocol::LeaveGroupResponse response;
      ErrorCode error = ErrorCode::kNone;
      if (auto* const shard = find(request.group_id, EmptyName::kRefused, error)) {
        shard->leave(std::move(request), std::move(done));
        return;
      }
      response.error_code = wire(error);
      done(std::move(response));
    });
  }

  void consumer_heartbeat(ClientIdentity client, protocol::ConsumerGroupHeartbeatRequest request,
                          Done<protocol::ConsumerGroupHeartbeatResponse> done) override {
    post([this, client = std::move(client), request = std::move(request),
          done = std::move(done)]() mutable {
      heartbeat_of_consumer(std::move(client), std::move(request), std::move(done));
    });
  }

  void describe_consumer_groups(std::vector<std::string> groups,
                                Done<protocol::ConsumerGroupDescribeResponse> done) override {
    post([this, groups = std::move(groups), done = std::move(done)]() mutable {
      protocol::ConsumerGroupDescribeResponse response;
      for (auto& group : groups) {
        auto& to = response.groups.emplace_back();
        ErrorCode error = ErrorCode::kUnsupportedVersion;
        const auto* const shard =
            options_.consumer.enabled ? find(group, EmptyName::kRefused, error) : nullptr;
        to.error_code = wire(error);
        if (shard != nullptr) {
          shard->describe_consumer(group, to);
        }
        to.group_id = std::move(group);
      }
      done(std::move(response));
    });
  }

  using GroupCoordinator::commit_offsets;
  void commit_offsets(protocol::OffsetCommitRequest request,
                      std::optional<TransactionalProducer> producer,
                      Done<protocol::OffsetCommitResponse> done, std::int16_t version) override {
    post([this, request = std::move(request), producer, done = std::move(done), version]() mutable {
      ErrorCode error = ErrorCode::kNone;
      const auto empty = producer ? EmptyName::kRefused : EmptyName::kAllowed;
      if (auto* const shard = find(request.group_id, empty, error)) {
        shard->commit(request, producer, std::move(done), version);
        return;
      }
      done(GroupShard::commit_answer(request, error));
    });
  }

  void fetch_offsets(std::vector<OffsetFetchGroup> groups, bool require_stable,
                     Done<std::vector<FetchedGroup>> done) override {
    post([this, groups = std::move(groups), require_stable, done = std::move(done)]() mutable {
      std::vector<FetchedGroup> answers;
      answers.reserve(groups.size());
      for (const auto& group : groups) {
        ErrorCode error = ErrorCode::kNone;
        if (const auto* const shard = find(group.group_id, EmptyName::kAllowed, error)) {
          answers.push_back(shard->fetch(group, require_stable));
        } else {
          auto& answer = answers.emplace_back();
          answer.group_id = group.group_id;
          answer.error_code = wire(error);
        }
      }
      done(std::move(answers));
    });
  }

  void delete_offsets(protocol::OffsetDeleteRequest request,
                      Done<protocol::OffsetDeleteResponse> done) override {
    post([this, request = std::move(request), done = std::move(done)]() mutable {
      ErrorCode error = ErrorCode::kNone;
      if (auto* const shard = find(request.group_id, EmptyName::kRefused, error)) {
        done(shard->delete_offsets(request));
        return;
      }
      protocol::OffsetDeleteResponse response;
      response.error_code = wire(error);
      done(std::move(response));
    });
  }

  void complete_transaction(PartitionId partition, ProducerId producer, bool commit) override {
    post([this, partition, producer, commit] {
      if (auto* const shard = shards_.find_any(partition)) {
        shard->complete_transaction(producer, commit);
      }
    });
  }

  void list_groups(protocol::ListGroupsRequest request,
                   Done<protocol::ListGroupsResponse> done) override {
    post([this, request = std::move(request), done = std::move(done)]() mutable {
      done(list(request));
    });
  }

  void describe_groups(std::vector<std::string> groups,
                       Done<protocol::DescribeGroupsResponse> done) override {
    post([this, groups = std::move(groups), done = std::move(done)]() mutable {
      protocol::DescribeGroupsResponse response;
      for (auto& group : groups) {
        auto& to = response.groups.emplace_back();
        ErrorCode error = ErrorCode::kNone;
        if (const auto* const shard = find(group, EmptyName::kAllowed, error)) {
          shard->describe(group, to);
        }
        to.group_id = std::move(group);
        to.error_code = wire(error);
      }
      done(std::move(response));
    });
  }

  void delete_groups(std::vector<std::string> groups,
                     Done<protocol::DeleteGroupsResponse> done) override {
    post([this, groups = std::move(groups), done = std::move(done)]() mutable {
      protocol::DeleteGroupsResponse response;
      for (auto& group : groups) {
        ErrorCode error = ErrorCode::kNone;
        if (auto* const shard = find(group, EmptyName::kAllowed, error)) {
          error = shard->delete_group(group);
        }
        auto& to = response.results.emplace_back();
        to.group_id = std::move(group);
        to.error_code = wire(error);
      }
      done(std::move(response));
    });
  }

  void partitions_deleted(std::vector<TopicPartition> partitions) override {
    post([this, partitions = std::move(partitions)] {
      shards_.for_each_active([&](GroupShard& shard) { shard.forget(partitions); });
    });
  }

 private:
  void post(Task task) { shards_.post(std::move(task)); }

  // The active shard of a group; null with the error that says why there is none.
  [[nodiscard]] GroupShard* find(std::string_view group, EmptyName empty, ErrorCode& error) const {
    if (group.empty() && empty == EmptyName::kRefused) {
      error = ErrorCode::kInvalidGroupId;
      return nullptr;
    }
    return shards_.find(partition_for(group), error);
  }

  void join(ClientIdentity client, protocol::JoinGroupRequest request, std::int16_t version,
            Done<protocol::JoinGroupResponse> done) {
    ErrorCode error = ErrorCode::kNone;
    auto* const shard = find(request.group_id, EmptyName::kRefused, error);
    if (shard != nullptr && (request.session_timeout_ms < options_.min_session_timeout_ms ||
                             request.session_timeout_ms > options_.max_session_timeout_ms)) {
      error = ErrorCode::kInvalidSessionTimeout;
    }
    if (error != ErrorCode::kNone) {
      protocol::JoinGroupResponse response;
      response.error_code = wire(error);
      response.member_id = std::move(request.member_id);
      done(std::move(response));
      return;
    }
    constexpr std::int16_t kFirstRequiringMemberId = 4;
    constexpr std::int16_t kFirstSkippingAssignment = 9;
    JoinEvent event;
    event.member_id = std::move(request.member_id);
    event.instance_id = std::move(request.group_instance_id);
    event.require_known_member_id = version >= kFirstRequiringMemberId && !event.instance_id;
    event.can_skip_assignment = version >= kFirstSkippingAssignment;
    if (event.member_id.empty()) {
      event.new_member_id =
          fmt::format("{}-{}", event.instance_id ? *event.instance_id : client.client_id,
                      uuid_text(ports_.random.uuid()));
      event.new_consumer_member_id = ports_.random.uuid().to_string();
    }
    event.client_id = std::move(client.client_id);
    event.client_host = std::move(client.client_host);
    // Version 0 has but one time-out.
    event.rebalance_timeout_ms =
        version == 0 ? request.session_timeout_ms : request.rebalance_timeout_ms;
    event.session_timeout_ms = request.session_timeout_ms;
    event.protocol_type = std::move(request.protocol_type);
    event.protocols.reserve(request.protocols.size());
    for (auto& protocol : request.protocols) {
      event.protocols.push_back({std::move(protocol.name), std::move(protocol.metadata)});
    }
    shard->join(std::move(event), std::move(done), request.group_id);
  }

  void heartbeat_of_consumer(ClientIdentity client, protocol::ConsumerGroupHeartbeatRequest request,
                             Done<protocol::ConsumerGroupHeartbeatResponse> done) {
    protocol::ConsumerGroupHeartbeatResponse refused;
    ErrorCode error = ErrorCode::kUnsupportedVersion;
    auto* const shard =
        options_.consumer.enabled ? find(request.group_id, EmptyName::kAllowed, error) : nullptr;
    if (shard == nullptr) {
      refused.error_code = wire(error);
      done(std::move(refused));
      return;
    }
    if (const auto valid = ConsumerGroup::validate(request, options_.consumer); !valid) {
      refused.error_code = wire(valid.error().code);
      refused.error_message = valid.error().message;
      done(std::move(refused));
      return;
    }
    ConsumerHeartbeatEvent event;
    event.request = std::move(request);
    event.new_member_id = ports_.random.uuid().to_string();
    event.client_id = std::move(client.client_id);
    event.client_host = std::move(client.client_host);
    shard->consumer_heartbeat(std::move(event), std::move(done));
  }

  void sync(protocol::SyncGroupRequest request, Done<protocol::SyncGroupResponse> done) {
    ErrorCode error = ErrorCode::kNone;
    auto* const shard = find(request.group_id, EmptyName::kRefused, error);
    if (shard == nullptr) {
      protocol::SyncGroupResponse response;
      // What was agreed upon before is gone: the member is sent to join again.
      response.error_code = wire(
          error == ErrorCode::kCoordinatorLoadInProgress ? ErrorCode::kRebalanceInProgress : error);
      done(std::move(response));
      return;
    }
    SyncEvent event;
    event.generation = request.generation_id;
    event.member_id = std::move(request.member_id);
    event.instance_id = std::move(request.group_instance_id);
    event.protocol_type = std::move(request.protocol_type);
    event.protocol_name = std::move(request.protocol_name);
    for (auto& one : request.assignments) {
      event.assignments.insert_or_assign(std::move(one.member_id), std::move(one.assignment));
    }
    shard->sync(std::move(event), std::move(done), request.group_id);
  }

  [[nodiscard]] protocol::ListGroupsResponse list(
      const protocol::ListGroupsRequest& request) const {
    protocol::ListGroupsResponse response;
    GroupShard::ListFilter filter;
    for (const auto& state : request.states_filter) {
      filter.states.insert(lower_case(state));
    }
    const auto wanted = [&types = request.types_filter](std::string_view kind) {
      return types.empty() || std::ranges::any_of(types, [kind](const auto& type) {
               return lower_case(type) == kind;
             });
    };
    filter.classic = wanted("classic");
    filter.consumer = wanted("consumer");
    if (shards_.any_loading()) {
      response.error_code = wire(ErrorCode::kCoordinatorLoadInProgress);
    }
    shards_.for_each_active([&](GroupShard& shard) { shard.list(filter, response.groups); });
    return response;
  }

  void schedule_expiry() {
    expiry_ = ports_.home.run_after(
        std::chrono::milliseconds(options_.retention_check_interval_ms), [this] {
          shards_.for_each_active([](GroupShard& shard) { shard.expire_offsets(); });
          schedule_expiry();
        });
  }

  const GroupOptions options_;
  const Ports ports_;
  HeartbeatBoard board_;  // has locks of its own
  ShardTable<GroupShard, GroupLoader> shards_;
  std::unique_ptr<Timer> expiry_;
};

std::unique_ptr<GroupCoordinator> GroupCoordinator::make(GroupOptions options, Ports ports) {
  return std::make_unique<GroupCoordinatorImpl>(options, ports);
}

}  // namespace barnabas::coordinator
