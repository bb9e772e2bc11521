// The tree of znodes as a value: applies whole transactions, answers reads, keeps no time and does
// no I/O. ZooKeeper's rules for versions, counters, sequence numbers and ephemeral nodes.
// Given the same transactions in the same order it becomes the same tree, which is what the journal
// rests on. THREAD: home (whoever owns it)
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "barnabas/zk/metadata_store.h"

namespace barnabas::zk {

// ZooKeeper's jute.maxbuffer: no node holds more.
inline constexpr std::size_t kMaxDataBytes = 0xfffff;

// OK, or kBadArguments when `path` is not one.
[[nodiscard]] StoreResult<void> check_path(std::string_view path);
// Why find() found nothing there: NO_NODE, or BAD_ARGUMENTS for a path that is none.
[[nodiscard]] StoreError not_found(std::string_view path);

// What a transaction did that a watch may wait for.
struct FiredEvent {
  WatchEvent event;
  bool to_child_watches = false;  // else to data and exists watches
};

struct Applied {
  Zxid zxid;
  std::vector<WriteResult> results;
  std::vector<FiredEvent> events;
};

struct TreeNode {
  NodeData data;
  Zxid czxid;
  Zxid mzxid;
  Zxid pzxid;
  std::int64_t ctime_ms = 0;
  std::int64_t mtime_ms = 0;
  std::int32_t version = 0;
  std::int32_t creates = 0;  // children ever made: the next sequence number
  SessionId ephemeral_owner;
  std::set<std::string, std::less<>> children;

  [[nodiscard]] Stat stat() const;
};

class DataTree {
 public:
  DataTree();

  // Carries out `ops` as one write of the next zxid, or changes nothing.
  [[nodiscard]] StoreResult<Applied> apply(SessionId session, std::int64_t time_ms,
                                           const std::vector<WriteOp>& ops);
  // The deletions that end a session, empty when it owns nothing.
  [[nodiscard]] std::vector<WriteOp> ops_to_close(SessionId session) const;
  [[nodiscard]] std::vector<SessionId> sessions_with_ephemerals() const;

  [[nodiscard]] const TreeNode* find(std::string_view path) const;
  [[nodiscard]] Zxid last_zxid() const { return last_zxid_; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }

  // Parents first, names sorted.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto& [path, node] : nodes_) {
      visit(path, node);
    }
  }

  // Rebuilding from a snapshot: nodes in the order of for_each, then the zxid.
  [[nodiscard]] bool restore(std::string path, TreeNode node);
  void restore_zxid(Zxid zxid) { last_zxid_ = zxid; }

 private:
  // What brings back the state before one operation.
  struct Undo {
    enum class Kind : std::uint8_t { kUncreate, kUnset, kUndelete } kind = Kind::kUnset;
    std::string path;
    TreeNode node;      // kUnset, kUndelete: as it was (without children: it had none, or keeps
                        // them)
    Zxid parent_pzxid;  // kUncreate, kUndelete
    std::int32_t parent_creates = 0;
  };
  struct Step;  // one transaction on its way

  [[nodiscard]] StoreResult<WriteResult> apply_op(Step& step, const CreateOp& op);
  [[nodiscard]] StoreResult<WriteResult> apply_op(Step& step, const SetOp& op);
  [[nodiscard]] StoreResult<WriteResult> apply_op(Step& step, const DeleteOp& op);
  [[nodiscard]] StoreResult<WriteResult> apply_op(Step& step, const CheckOp& op);
  void take_back(std::vector<Undo>& undo);
  [[nodiscard]] TreeNode* find_mutable(std::string_view path);

  // Sorted by path: a parent stands before its children.
  std::map<std::string, TreeNode, std::less<>> nodes_;
  std::map<SessionId, std::set<std::string>> ephemerals_;
  Zxid last_zxid_{0};
};

}  // namespace barnabas::zk
