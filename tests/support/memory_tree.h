// A metadata tree in memory that any number of sessions share, with faults: the tree of a cluster
// whose brokers are tests. The same DataTree as the embedded store; every answer is posted to the
// session's home, so a ManualExecutor decides when it arrives.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/zk/metadata_store.h"
#include "zk/data_tree.h"
#include "zk/watch_table.h"

namespace barnabas::testing {

class MemoryTree;

// THREAD: the test's one thread
class MemorySession final : public zk::MetadataStore {
 public:
  MemorySession(MemoryTree& tree, Executor& home, zk::SessionId id);
  ~MemorySession() override;

  // Faults. From the n-th write on (0: the next one) nothing is carried out and nothing answered,
  // as when the process dies there; its ephemeral nodes stay until expire().
  void die_before_write(std::uint64_t n) { writes_left_ = n; }
  // The n-th write (0: the next one) is still carried out, its answer never comes.
  void die_after_write(std::uint64_t n) {
    writes_left_ = n;
    carry_out_last_ = true;
  }
  [[nodiscard]] bool dead() const { return dead_; }
  // The session's time is up: ephemeral nodes go, watches are dropped, the listeners hear it.
  void expire();
  // A broker that does not know yet: its ephemeral nodes go, its requests fail from now on, but it
  // is told only by call_expired().
  void expire_silently();
  void tell_expired();
  [[nodiscard]] std::uint64_t writes() const { return writes_; }

  [[nodiscard]] Executor& home() override { return home_; }
  void get(std::string path, zk::Watcher watcher, zk::Callback<zk::Node> done) override;
  void exists(std::string path, zk::Watcher watcher,
              zk::Callback<std::optional<zk::Stat>> done) override;
  void children(std::string path, zk::Watcher watcher, zk::Callback<zk::Children> done) override;
  void multi(std::vector<zk::WriteOp> ops,
             zk::Callback<std::vector<zk::WriteResult>> done) override;
  [[nodiscard]] zk::SessionId session_id() const override { return id_; }
  [[nodiscard]] zk::SessionState session_state() const override { return state_; }
  void add_session_listener(zk::SessionListener listener) override;
  void renew_session(zk::Callback<zk::SessionId> done) override;
  void close(zk::Callback<zk::SessionId> done) override;

 private:
  friend class MemoryTree;
  template <typename T>
  bool refused(zk::Callback<T>& done);
  template <typename T>
  void answer(zk::Callback<T> done, zk::StoreResult<T> result);
  void post(Task task);
  void tell(zk::SessionState state);
  void end_session();

  MemoryTree& tree_;
  Executor& home_;
  zk::SessionId id_;
  zk::SessionState state_ = zk::SessionState::kConnected;
  std::vector<zk::SessionListener> listeners_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::uint64_t writes_ = 0;
  std::uint64_t writes_left_ = UINT64_MAX;
  bool carry_out_last_ = false;
  bool dead_ = false;
};

class MemoryTree {
 public:
  explicit MemoryTree(const Clock& clock) : clock_(clock) {}

  [[nodiscard]] std::unique_ptr<MemorySession> connect(Executor& home);

  // For tests that look or act as somebody else, such as an old tool. Fires watches.
  [[nodiscard]] bool exists(std::string_view path) const { return tree_.find(path) != nullptr; }
  [[nodiscard]] zk::NodeData data(std::string_view path) const;  // fails the test when missing
  [[nodiscard]] std::vector<std::string> children(std::string_view path) const;
  [[nodiscard]] const zk::DataTree& tree() const { return tree_; }
  zk::StoreResult<zk::Applied> write(std::vector<zk::WriteOp> ops,
                                     zk::SessionId session = zk::kNoSession);
  // The session hears of nothing any more that it waits for now; it may ask for more.
  void deafen(const MemorySession& session) { watches_.drop_session(session.session_id()); }
  // Every path of the tree, sorted.
  [[nodiscard]] std::vector<std::string> paths() const;
  // Sees every write that was carried out, for tests of the order of writes.
  void on_write(std::function<void(const std::vector<zk::WriteOp>&)> observer) {
    observer_ = std::move(observer);
  }

 private:
  friend class MemorySession;

  const Clock& clock_;
  zk::DataTree tree_;
  zk::WatchTable watches_;
  std::vector<MemorySession*> sessions_;
  std::int64_t next_session_ = 1;
  std::function<void(const std::vector<zk::WriteOp>&)> observer_;
};

}  // namespace barnabas::testing
