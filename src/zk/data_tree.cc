#include "data_tree.h"

#include <fmt/format.h>

#include "barnabas/base/check.h"

namespace barnabas::zk {
namespace {

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::unexpected<StoreError> refuse(StoreErrorCode code, std::string_view path,
                                   std::string message = {}) {
  return std::unexpected(StoreError{code, std::string(path), 0, std::move(message)});
}

bool is_sequential(CreateMode mode) {
  return mode == CreateMode::kPersistentSequential || mode == CreateMode::kEphemeralSequential;
}

bool is_ephemeral(CreateMode mode) {
  return mode == CreateMode::kEphemeral || mode == CreateMode::kEphemeralSequential;
}

}  // namespace

StoreResult<void> check_path(std::string_view path) {
  const auto bad = [&](std::string_view why) {
    return refuse(StoreErrorCode::kBadArguments, path, std::string(why));
  };
  if (path.empty() || path.front() != '/') {
    return bad("a path begins with '/'");
  }
  if (path.size() == 1) {
    return {};
  }
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      return bad("a path has no empty, '.' or '..' parts");
    }
    for (const char c : part) {
      if (static_cast<unsigned char>(c) < 0x20U || c == 0x7f) {
        return bad("a path has no control characters");
      }
    }
    begin = end + 1;
  }
  return {};
}

StoreError not_found(std::string_view path) {
  if (auto possible = check_path(path); !possible) {
    return std::move(possible).error();
  }
  return {StoreErrorCode::kNoNode, std::string(path), 0, {}};
}

Stat TreeNode::stat() const {
  Stat stat;
  stat.czxid = czxid;
  stat.mzxid = mzxid;
  stat.pzxid = pzxid;
  stat.ctime_ms = ctime_ms;
  stat.mtime_ms = mtime_ms;
  stat.version = NodeVersion{version};
  // Every creation and every deletion counts: twice the creations, less what is still there.
  stat.cversion = creates * 2 - static_cast<std::int32_t>(children.size());
  stat.ephemeral_owner = ephemeral_owner;
  stat.data_length = data ? static_cast<std::int32_t>(data->size()) : 0;
  stat.num_children = static_cast<std::int32_t>(children.size());
  return stat;
}

struct DataTree::Step {
  Zxid zxid;
  std::int64_t time_ms = 0;
  SessionId session;
  std::vector<Undo> undo;
  std::vector<FiredEvent> events;
};

DataTree::DataTree() {
  nodes_.emplace("/", TreeNode{});
}

const TreeNode* DataTree::find(std::string_view path) const {
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

TreeNode* DataTree::find_mutable(std::string_view path) {
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

StoreResult<Applied> DataTree::apply(SessionId session, std::int64_t time_ms,
                                     const std::vector<WriteOp>& ops) {
  Step step{last_zxid_ + 1, time_ms, session, {}, {}};
  Applied applied;
  applied.zxid = step.zxid;
  applied.results.reserve(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    auto result = std::visit([&](const auto& op) { return apply_op(step, op); }, ops[i]);
    if (!result) {
      take_back(step.undo);
      result.error().operation = i;
      return std::unexpected(std::move(result).error());
    }
    applied.results.push_back(std::move(*result));
  }
  applied.events = std::move(step.events);
  last_zxid_ = step.zxid;
  return applied;
}

StoreResult<WriteResult> DataTree::apply_op(Step& step, const CreateOp& op) {
  if (op.data && op.data->size() > kMaxDataBytes) {
    return refuse(StoreErrorCode::kBadArguments, op.path, "a node holds less than 1 MiB");
  }
  const bool sequential = is_sequential(op.mode);
  if (auto ok = check_path(sequential ? op.path + "0" : op.path); !ok) {
    return std::unexpected(std::move(ok).error());
  }
  if (!sequential && op.path == "/") {
    return refuse(StoreErrorCode::kNodeExists, op.path);
  }
  const std::string_view parent_path = parent_of(op.path);
  TreeNode* const parent = find_mutable(parent_path);
  if (parent == nullptr) {
    return refuse(StoreErrorCode::kNoNode, op.path);
  }
  if (parent->ephemeral_owner != kNoSession) {
    return refuse(StoreErrorCode::kNoChildrenForEphemerals, op.path);
  }
  std::string path = sequential ? fmt::format("{}{:010}", op.path, parent->creates) : op.path;
  if (nodes_.contains(path)) {
    return refuse(StoreErrorCode::kNodeExists, path);
  }
  step.undo.push_back({Undo::Kind::kUncreate, path, {}, parent->pzxid, parent->creates});
  TreeNode node;
  node.data = op.data;
  node.czxid = node.mzxid = node.pzxid = step.zxid;
  node.ctime_ms = node.mtime_ms = step.time_ms;
  if (is_ephemeral(op.mode)) {
    node.ephemeral_owner = step.session;
    ephemerals_[step.session].insert(path);
  }
  parent->children.emplace(name_of(path));
  parent->pzxid = step.zxid;
  ++parent->creates;
  step.events.push_back({{EventType::kCreated, path}, false});
  step.events.push_back({{EventType::kChildrenChanged, std::string(parent_path)}, true});
  const auto placed = nodes_.emplace(path, std::move(node)).first;
  return WriteResult{std::move(path), placed->second.stat()};
}

StoreResult<WriteResult> DataTree::apply_op(Step& step, const SetOp& op) {
  if (op.data && op.data->size() > kMaxDataBytes) {
    return refuse(StoreErrorCode::kBadArguments, op.path, "a node holds less than 1 MiB");
  }
  TreeNode* const node = find_mutable(op.path);
  if (node == nullptr) {
    return refuse(StoreErrorCode::kNoNode, op.path);
  }
  if (op.version != kAnyVersion && op.version.value() != node->version) {
    return refuse(StoreErrorCode::kBadVersion, op.path);
  }
  Undo undo{Undo::Kind::kUnset, op.path, {}, Zxid{}, 0};
  undo.node.data = std::move(node->data);
  undo.node.mzxid = node->mzxid;
  undo.node.mtime_ms = node->mtime_ms;
  undo.node.version = node->version;
  step.undo.push_back(std::move(undo));
  node->data = op.data;
  node->mzxid = step.zxid;
  node->mtime_ms = step.time_ms;
  ++node->version;
  step.events.push_back({{EventType::kDataChanged, op.path}, false});
  return WriteResult{op.path, node->stat()};
}

StoreResult<WriteResult> DataTree::apply_op(Step& step, const DeleteOp& op) {
  const auto found = nodes_.find(op.path);
  if (found == nodes_.end()) {
    return refuse(StoreErrorCode::kNoNode, op.path);
  }
  if (op.path == "/") {
    return refuse(StoreErrorCode::kBadArguments, op.path, "the root stays");
  }
  TreeNode& node = found->second;
  if (op.version != kAnyVersion && op.version.value() != node.version) {
    return refuse(StoreErrorCode::kBadVersion, op.path);
  }
  if (!node.children.empty()) {
    return refuse(StoreErrorCode::kNotEmpty, op.path);
  }
  const std::string_view parent_path = parent_of(op.path);
  TreeNode* const parent = find_mutable(parent_path);
  BARNABAS_CHECK(parent != nullptr);
  if (node.ephemeral_owner != kNoSession) {
    auto& owned = ephemerals_[node.ephemeral_owner];
    owned.erase(op.path);
    if (owned.empty()) {
      ephemerals_.erase(node.ephemeral_owner);
    }
  }
  step.undo.push_back(
      {Undo::Kind::kUndelete, op.path, std::move(node), parent->pzxid, parent->creates});
  nodes_.erase(found);
  parent->children.erase(parent->children.find(name_of(op.path)));
  parent->pzxid = step.zxid;
  step.events.push_back({{EventType::kDeleted, op.path}, false});
  step.events.push_back({{EventType::kDeleted, op.path}, true});
  step.events.push_back({{EventType::kChildrenChanged, std::string(parent_path)}, true});
  return WriteResult{op.path, {}};
}

StoreResult<WriteResult> DataTree::apply_op(Step& /*step*/, const CheckOp& op) {
  const TreeNode* const node = find(op.path);
  if (node == nullptr) {
    return refuse(StoreErrorCode::kNoNode, op.path);
  }
  if (op.version != kAnyVersion && op.version.value() != node->version) {
    return refuse(StoreErrorCode::kBadVersion, op.path);
  }
  return WriteResult{op.path, node->stat()};
}

void DataTree::take_back(std::vector<Undo>& undo) {
  for (auto step = undo.rbegin(); step != undo.rend(); ++step) {
    if (step->kind == Undo::Kind::kUnset) {
      TreeNode* const node = find_mutable(step->path);
      BARNABAS_CHECK(node != nullptr);
      node->data = std::move(step->node.data);
      node->mzxid = step->node.mzxid;
      node->mtime_ms = step->node.mtime_ms;
      node->version = step->node.version;
      continue;
    }
    TreeNode* const parent = find_mutable(parent_of(step->path));
    BARNABAS_CHECK(parent != nullptr);
    parent->pzxid = step->parent_pzxid;
    parent->creates = step->parent_creates;
    if (step->kind == Undo::Kind::kUncreate) {
      const auto found = nodes_.find(step->path);
      if (const SessionId owner = found->second.ephemeral_owner; owner != kNoSession) {
        ephemerals_[owner].erase(step->path);
        if (ephemerals_[owner].empty()) {
          ephemerals_.erase(owner);
        }
      }
      parent->children.erase(parent->children.find(name_of(step->path)));
      nodes_.erase(found);
    } else {
      parent->children.emplace(name_of(step->path));
      if (step->node.ephemeral_owner != kNoSession) {
        ephemerals_[step->node.ephemeral_owner].insert(step->path);
      }
      nodes_.emplace(step->path, std::move(step->node));
    }
  }
}

std::vector<WriteOp> DataTree::ops_to_close(SessionId session) const {
  std::vector<WriteOp> ops;
  const auto found = ephemerals_.find(session);
  if (found != ephemerals_.end()) {
    for (const std::string& path : found->second) {
      ops.emplace_back(DeleteOp{path, kAnyVersion});
    }
  }
  return ops;
}

std::vector<SessionId> DataTree::sessions_with_ephemerals() const {
  std::vector<SessionId> sessions;
  for (const auto& [session, paths] : ephemerals_) {
    sessions.push_back(session);
  }
  return sessions;
}

bool DataTree::restore(std::string path, TreeNode node) {
  if (path == "/") {
    node.children.clear();
    nodes_["/"] = std::move(node);
    return true;
  }
  if (!check_path(path)) {
    return false;
  }
  TreeNode* const parent = find_mutable(parent_of(path));
  if (parent == nullptr || nodes_.contains(path)) {
    return false;
  }
  parent->children.emplace(name_of(path));
  if (node.ephemeral_owner != kNoSession) {
    ephemerals_[node.ephemeral_owner].insert(path);
  }
  nodes_.emplace(std::move(path), std::move(node));
  return true;
}

}  // namespace barnabas::zk
