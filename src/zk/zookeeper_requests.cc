#include "zookeeper_requests.h"

#include <fmt/format.h>

#include <utility>

#include "data_tree.h"

namespace barnabas::zk {
namespace {

// What the headers of an operation take beside its path and data, generously.
constexpr std::size_t kOperationOverhead = 128;

const NodeData* data_of(const WriteOp& op) {
  if (const auto* create = std::get_if<CreateOp>(&op)) {
    return &create->data;
  }
  if (const auto* set = std::get_if<SetOp>(&op)) {
    return &set->data;
  }
  return nullptr;
}

bool is_sequential(CreateMode mode) {
  return mode == CreateMode::kPersistentSequential || mode == CreateMode::kEphemeralSequential;
}

StoreResult<void> check_write_path(const WriteOp& op) {
  const auto* create = std::get_if<CreateOp>(&op);
  // A sequential node may have no name of its own before the number.
  return check_path(create != nullptr && is_sequential(create->mode) ? create->path + "0"
                                                                     : path_of(op));
}

// The place of the operation that made a multi fail.
std::size_t failed_operation(const ClientReply& reply) {
  for (std::size_t i = 0; i < reply.outcomes.size(); ++i) {
    const auto& code = reply.outcomes[i].code;
    if (code && code != StoreErrorCode::kRolledBack) {
      return i;
    }
  }
  return 0;
}

}  // namespace

StoreResult<void> check_request(const Request& request) {
  if (request.kind != Request::Kind::kMulti) {
    return check_path(request.path);
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < request.ops.size(); ++i) {
    const WriteOp& op = request.ops[i];
    if (auto sound = check_write_path(op); !sound) {
      StoreError error = std::move(sound).error();
      error.operation = i;
      return std::unexpected(std::move(error));
    }
    const NodeData* const data = data_of(op);
    bytes += path_of(op).size() + kOperationOverhead;
    bytes += data != nullptr && *data ? (*data)->size() : 0;
    if (bytes > kMaxDataBytes) {
      return std::unexpected(
          StoreError{StoreErrorCode::kBadArguments, path_of(op), i,
                     fmt::format("more than {} bytes in one write", kMaxDataBytes)});
    }
  }
  return {};
}

void complete_outcomes(const std::vector<WriteOp>& ops, SessionId session, ClientReply& reply) {
  if (reply.code) {
    return;
  }
  for (std::size_t i = 0; i < ops.size() && i < reply.outcomes.size(); ++i) {
    ClientReply::Outcome& outcome = reply.outcomes[i];
    const auto* const create = std::get_if<CreateOp>(&ops[i]);
    if (create == nullptr) {
      outcome.path = path_of(ops[i]);
      continue;
    }
    outcome.stat = {};
    outcome.stat.data_length = create->data ? static_cast<std::int32_t>(create->data->size()) : 0;
    outcome.stat.ephemeral_owner = is_ephemeral(create->mode) ? session : kNoSession;
  }
}

bool may_be_own_doing(const Request& request, const ClientReply& refused) {
  if (refused.code != StoreErrorCode::kNodeExists && refused.code != StoreErrorCode::kBadVersion &&
      refused.code != StoreErrorCode::kNoNode) {
    return false;
  }
  // A check that fails was not changed by the write itself: somebody else did.
  return !std::holds_alternative<CheckOp>(request.ops.at(failed_operation(refused)));
}

std::optional<ClientReply> done_before(const Request& request, SessionId session) {
  ClientReply reply;
  for (std::size_t i = 0; i < request.ops.size(); ++i) {
    const WriteOp& op = request.ops[i];
    const ClientReply& look = request.looks.at(i);
    const bool there = !look.code;
    bool holds = true;
    if (const auto* create = std::get_if<CreateOp>(&op)) {
      holds = there && look.data == create->data && !is_sequential(create->mode) &&
              look.stat.ephemeral_owner == (is_ephemeral(create->mode) ? session : kNoSession);
    } else if (const auto* set = std::get_if<SetOp>(&op)) {
      holds = there && look.data == set->data &&
              (set->version == kAnyVersion || look.stat.version == set->version + 1);
    } else if (std::holds_alternative<DeleteOp>(op)) {
      holds = look.code == StoreErrorCode::kNoNode;
    }
    if (!holds) {
      return std::nullopt;
    }
    reply.outcomes.push_back({std::nullopt, path_of(op), look.stat});
  }
  return reply;
}

StoreResult<ClientReply> to_answer(const Request& request, ClientReply reply) {
  const bool absent =
      request.kind == Request::Kind::kExists && reply.code == StoreErrorCode::kNoNode;
  if (!reply.code || absent) {
    return reply;
  }
  StoreError error{*reply.code, request.path, 0, std::move(reply.message)};
  if (request.kind == Request::Kind::kMulti && !request.ops.empty()) {
    error.operation = failed_operation(reply);
    error.path = path_of(request.ops.at(error.operation));
  }
  return std::unexpected(std::move(error));
}

}  // namespace barnabas::zk
