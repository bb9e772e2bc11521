// Administrators' requests about the leaders and replicas of partitions that are there.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "controller_impl.h"

namespace barnabas::controller {
namespace {

Error not_controller() {
  return {ErrorCode::kNotController, "This is not the correct controller for this cluster."};
}

std::chrono::milliseconds limited(std::int64_t timeout_ms) {
  constexpr std::int64_t kLongest = std::numeric_limits<std::int32_t>::max();
  return std::chrono::milliseconds{std::clamp<std::int64_t>(timeout_ms, 0, kLongest)};
}

std::vector<std::int32_t> numbers(const std::vector<BrokerId>& brokers) {
  std::vector<std::int32_t> ids;
  ids.reserve(brokers.size());
  for (const BrokerId broker : brokers) {
    ids.push_back(broker.value());
  }
  return ids;
}

// Scala's text of a list, which is part of the sentences.
std::string scala_text(const std::vector<BrokerId>& brokers) {
  return fmt::format("ArrayBuffer({})", fmt::join(numbers(brokers), ", "));
}

}  // namespace

// Each answers itself when it is dropped, because this broker is not or no longer the controller.
struct ControllerImpl::ElectRequest {
  LeaderElection election;
  std::move_only_function<void(std::vector<PartitionOutcome>)> done;
  std::vector<PartitionOutcome> outcomes;

  ElectRequest(LeaderElection asked,
               std::move_only_function<void(std::vector<PartitionOutcome>)> answer)
      : election(std::move(asked)), done(std::move(answer)) {}
  ~ElectRequest() {
    outcomes.clear();
    if (election.partitions) {
      for (const TopicPartition& tp : *election.partitions) {
        outcomes.push_back({tp, ErrorCode::kNotController, {}});
      }
    }
    answer();
  }
  ElectRequest(const ElectRequest&) = delete;
  ElectRequest& operator=(const ElectRequest&) = delete;

  void answer() {
    if (done) {
      std::exchange(done, {})(std::move(outcomes));
    }
  }
};

struct ControllerImpl::ReassignRequest {
  Reassignments wanted;
  std::move_only_function<void(Result<std::vector<PartitionOutcome>>)> done;

  ReassignRequest(Reassignments asked,
                  std::move_only_function<void(Result<std::vector<PartitionOutcome>>)> answer)
      : wanted(std::move(asked)), done(std::move(answer)) {}
  ~ReassignRequest() { answer(std::unexpected(not_controller())); }
  ReassignRequest(const ReassignRequest&) = delete;
  ReassignRequest& operator=(const ReassignRequest&) = delete;

  void answer(Result<std::vector<PartitionOutcome>> result) {
    if (done) {
      std::exchange(done, {})(std::move(result));
    }
  }
};

struct ControllerImpl::ListRequest {
  std::move_only_function<void(Result<std::vector<OngoingReassignment>>)> done;

  explicit ListRequest(
      std::move_only_function<void(Result<std::vector<OngoingReassignment>>)> answer)
      : done(std::move(answer)) {}
  ~ListRequest() { answer(std::unexpected(not_controller())); }
  ListRequest(const ListRequest&) = delete;
  ListRequest& operator=(const ListRequest&) = delete;

  void answer(Result<std::vector<OngoingReassignment>> result) {
    if (done) {
      std::exchange(done, {})(std::move(result));
    }
  }
};

// ---- Elections ---------------------------------------------------------------------------------

void ControllerImpl::elect_leaders(
    LeaderElection election, std::move_only_function<void(std::vector<PartitionOutcome>)> done) {
  auto request = std::make_shared<ElectRequest>(std::move(election), std::move(done));
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push([this, request = std::move(request)]() mutable {
        return handle_elect(std::move(request));
      });
    }
  });
}

Status ControllerImpl::check_election(const TopicPartition& tp, bool unclean) const {
  const PartitionInfo* const info = context_.partition(tp);
  if (info == nullptr) {
    return fail(ErrorCode::kUnknownTopicOrPartition, "The partition does not exist.");
  }
  if (context_.is_to_be_deleted(tp.topic)) {
    return fail(ErrorCode::kInvalidTopicException, "The topic is being deleted");
  }
  const BrokerId leader = info->leadership ? info->leadership->state.leader : zk::kLeaderNone;
  const bool right =
      unclean ? context_.is_alive(leader)
              : !info->assignment.replicas.empty() && leader == info->assignment.replicas.front();
  if (right) {
    return fail(ErrorCode::kElectionNotNeeded, "Leader election not needed for topic partition.");
  }
  return {};
}

PartitionOutcome ControllerImpl::outcome_of_election(const TopicPartition& tp, bool unclean) const {
  if (const Status again = check_election(tp, unclean); !again) {
    return {tp, ErrorCode::kNone, {}};  // it is right now
  }
  return {
      tp,
      unclean ? ErrorCode::kEligibleLeadersNotAvailable : ErrorCode::kPreferredLeaderNotAvailable,
      fmt::format("Failed to elect leader for partition {} under strategy {}", to_string(tp),
                  unclean ? "OfflinePartitionLeaderElectionStrategy(true)"
                          : "PreferredReplicaPartitionLeaderElectionStrategy")};
}

Async<Step> ControllerImpl::handle_elect(std::shared_ptr<ElectRequest> request) {
  if (!active_) {
    co_return Step{};
  }
  std::set<TopicPartition> asked;
  if (request->election.partitions) {
    asked = *request->election.partitions;
  } else {
    // As in Kafka all that Metadata shows: what never had a leader is not among it.
    context_.for_each_partition(
        [&](const std::string& name, const TopicInfo&, PartitionId id, const PartitionInfo& info) {
          if (info.leadership) {
            asked.insert({name, id});
          }
        });
  }
  const bool unclean = request->election.unclean;
  std::vector<TopicPartition> electable;
  for (const TopicPartition& tp : asked) {
    if (Status allowed = check_election(tp, unclean); allowed) {
      electable.push_back(tp);
    } else {
      request->outcomes.push_back({tp, allowed.error().code, std::move(allowed).error().message});
    }
  }
  Step step = co_await machines_.bring_online(
      electable, unclean ? ElectionReason::kUnclean : ElectionReason::kPreferred);
  if (!step) {
    co_return step;
  }
  for (const TopicPartition& tp : electable) {
    request->outcomes.push_back(outcome_of_election(tp, unclean));
  }
  finish_elect(std::move(request));
  co_return Step{};
}

void ControllerImpl::finish_elect(std::shared_ptr<ElectRequest> request) {
  std::set<std::string> waiting;
  for (const PartitionOutcome& outcome : request->outcomes) {
    if (outcome.error == ErrorCode::kNone) {
      waiting.insert(outcome.partition.topic);
    }
  }
  const std::int64_t timeout_ms = request->election.timeout_ms;
  const auto answer = [request = std::move(request)](const std::set<std::string>& missing) {
    for (PartitionOutcome& outcome : request->outcomes) {
      if (outcome.error == ErrorCode::kNone && missing.contains(outcome.partition.topic)) {
        outcome.error = ErrorCode::kRequestTimedOut;
      }
    }
    request->answer();
  };
  elections_.wait(std::move(waiting), limited(timeout_ms), answer);
}

// ---- Reassignments -----------------------------------------------------------------------------

void ControllerImpl::alter_reassignments(
    Reassignments wanted,
    std::move_only_function<void(Result<std::vector<PartitionOutcome>>)> done) {
  auto request = std::make_shared<ReassignRequest>(std::move(wanted), std::move(done));
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push([this, request = std::move(request)]() mutable {
        return handle_reassign(std::move(request));
      });
    }
  });
}

Status ControllerImpl::judge_reassignment(
    const TopicPartition& tp, const std::optional<std::vector<BrokerId>>& replicas) const {
  const PartitionInfo* const info = context_.partition(tp);
  const zk::ReplicaAssignment now = info == nullptr ? zk::ReplicaAssignment{} : info->assignment;
  const bool under_way = !now.adding.empty() || !now.removing.empty();
  if (!replicas && !under_way) {
    return fail(ErrorCode::kNoReassignmentInProgress, "No partition reassignment is in progress.");
  }
  const auto bad = [](std::string why) {
    return fail(ErrorCode::kInvalidReplicaAssignment, std::move(why));
  };
  if (replicas) {
    if (replicas->empty()) {
      return bad("Empty replica list specified in partition reassignment.");
    }
    if (std::set<BrokerId>(replicas->begin(), replicas->end()).size() != replicas->size()) {
      return bad("Duplicate replica ids in partition reassignment replica list: " +
                 scala_text(*replicas));
    }
    if (std::ranges::any_of(*replicas, [](BrokerId id) { return id.value() < 0; })) {
      return bad("Invalid broker id in replica list: " + scala_text(*replicas));
    }
    std::vector<BrokerId> added;
    std::ranges::copy_if(*replicas, std::back_inserter(added), [&](BrokerId id) {
      return std::ranges::find(now.replicas, id) == now.replicas.end();
    });
    if (std::ranges::any_of(added, [this](BrokerId id) { return !context_.is_alive(id); })) {
      return bad(
          fmt::format("Replica assignment has brokers that are not alive. Replica list: {}, "
                      "live broker list: Set({})",
                      scala_text(added), fmt::join(numbers(context_.live_ids()), ", ")));
    }
  }
  if (info == nullptr || context_.is_to_be_deleted(tp.topic)) {
    return fail(ErrorCode::kUnknownTopicOrPartition, "The partition does not exist.");
  }
  if (!under_way && *replicas == now.replicas) {
    return {};  // it is so already
  }
  return fail(ErrorCode::kOperationNotAttempted,
              "This controller does not move replicas between brokers.");
}

Async<Step> ControllerImpl::handle_reassign(std::shared_ptr<ReassignRequest> request) {
  if (!active_) {
    co_return Step{};
  }
  std::vector<PartitionOutcome> outcomes;
  std::vector<TopicPartition> unmoved;
  for (const auto& [tp, replicas] : request->wanted) {
    Status judged = judge_reassignment(tp, replicas);
    PartitionOutcome& outcome = outcomes.emplace_back();
    outcome.partition = tp;
    if (!judged) {
      outcome.error = judged.error().code;
      outcome.message = std::move(judged).error().message;
      continue;
    }
    const PartitionInfo& info = *context_.partition(tp);
    if (info.leadership && info.leadership->state.leader == info.assignment.replicas.front()) {
      unmoved.push_back(tp);
    }
  }
  // A reassignment to where the replicas are keeps the leader and, as in Kafka, raises its epoch.
  Step step = co_await machines_.bring_online(std::move(unmoved), ElectionReason::kPreferred);
  if (!step) {
    co_return step;
  }
  request->answer(std::move(outcomes));
  co_return Step{};
}

void ControllerImpl::list_reassignments(
    std::move_only_function<void(Result<std::vector<OngoingReassignment>>)> done) {
  auto request = std::make_shared<ListRequest>(std::move(done));
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push([this, request = std::move(request)]() mutable {
        return handle_list(std::move(request));
      });
    }
  });
}

Async<Step> ControllerImpl::handle_list(std::shared_ptr<ListRequest> request) {
  if (!active_) {
    co_return Step{};
  }
  std::vector<OngoingReassignment> ongoing;
  context_.for_each_partition([&](const std::string& name, const TopicInfo&, PartitionId id,
                                  const PartitionInfo& partition) {
    const zk::ReplicaAssignment& assignment = partition.assignment;
    if (!assignment.adding.empty() || !assignment.removing.empty()) {
      ongoing.push_back({{name, id}, assignment});
    }
  });
  request->answer(std::move(ongoing));
  co_return Step{};
}

}  // namespace barnabas::controller
