#include "barnabas/zk/embedded_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"
#include "journal.h"
#include "journal_format.h"
#include "watch_table.h"

namespace barnabas::zk {
namespace {

constexpr std::string_view kLockName = "lock";

class EmbeddedStore final : public MetadataStore,
                            public std::enable_shared_from_this<EmbeddedStore> {
 public:
  EmbeddedStore(EmbeddedStoreOptions options, const Clock& clock, Executor& home, Executor& disk,
                DataTree tree, std::shared_ptr<Journal> journal, std::shared_ptr<FileLock> lock)
      : options_(std::move(options)),
        clock_(clock),
        home_(home),
        disk_(disk),
        lock_(std::move(lock)),
        journal_(std::move(journal)),
        tree_(std::move(tree)),
        durable_zxid_(tree_.last_zxid()),
        journal_bytes_(journal_->size()),
        session_(SessionId{tree_.last_zxid().value() + 1}) {}

  [[nodiscard]] Executor& home() override { return home_; }

  void get(std::string path, Watcher watcher, Callback<Node> done) override {
    home_.assert_here();
    if (refused(done)) {
      return;
    }
    const TreeNode* const node = tree_.find(path);
    if (node == nullptr) {
      return answer(std::move(done), StoreResult<Node>(std::unexpected(not_found(path))));
    }
    watches_.watch_data(path, session_, std::move(watcher));
    answer(std::move(done), StoreResult<Node>(Node{node->data, node->stat()}));
  }

  void exists(std::string path, Watcher watcher, Callback<std::optional<Stat>> done) override {
    home_.assert_here();
    if (refused(done)) {
      return;
    }
    const TreeNode* const node = tree_.find(path);
    watches_.watch_data(path, session_, std::move(watcher));
    std::optional<Stat> stat;
    if (node != nullptr) {
      stat = node->stat();
    }
    answer(std::move(done), StoreResult<std::optional<Stat>>(stat));
  }

  void children(std::string path, Watcher watcher, Callback<Children> done) override {
    home_.assert_here();
    if (refused(done)) {
      return;
    }
    const TreeNode* const node = tree_.find(path);
    if (node == nullptr) {
      return answer(std::move(done), StoreResult<Children>(std::unexpected(not_found(path))));
    }
    watches_.watch_children(path, session_, std::move(watcher));
    Children children{{node->children.begin(), node->children.end()}, node->stat()};
    answer(std::move(done), StoreResult<Children>(std::move(children)));
  }

  void multi(std::vector<WriteOp> ops, Callback<std::vector<WriteResult>> done) override {
    home_.assert_here();
    if (refused(done)) {
      return;
    }
    answer(std::move(done), write(std::move(ops)));
  }

  [[nodiscard]] SessionId session_id() const override {
    home_.assert_here();
    return session_;
  }
  [[nodiscard]] SessionState session_state() const override {
    home_.assert_here();
    return state_;
  }
  void add_session_listener(SessionListener listener) override {
    home_.assert_here();
    listeners_.push_back(std::move(listener));
  }

  void renew_session(Callback<SessionId> done) override {
    home_.assert_here();
    if (refused(done)) {
      return;
    }
    answer(std::move(done), StoreResult<SessionId>(session_));  // it never expires
  }

  void close(Callback<SessionId> done) override {
    home_.assert_here();
    if (refused(done)) {
      return;
    }
    watches_.drop_session(session_);
    StoreResult<SessionId> result(session_);
    if (auto ops = tree_.ops_to_close(session_); !ops.empty()) {
      auto written = write(std::move(ops));
      BARNABAS_CHECK(written.has_value());
    }
    state_ = SessionState::kClosed;
    answer(std::move(done), std::move(result));
  }

 private:
  // An answer or a watch call that waits until everything it has seen is durable.
  struct Waiting {
    Zxid needs;
    std::move_only_function<void(const StoreError*)> deliver;  // null: go ahead
  };

  // Answers a call on a store that is closed or broken.
  template <typename T>
  bool refused(Callback<T>& done) REQUIRES(home_) {
    if (state_ == SessionState::kConnected) {
      return false;
    }
    const auto code =
        state_ == SessionState::kClosed ? StoreErrorCode::kClosed : StoreErrorCode::kFailed;
    home_.post([done = std::move(done), code]() mutable {
      done(std::unexpected(StoreError{code, {}, 0, {}}));
    });
    return true;
  }

  template <typename T>
  void answer(Callback<T> done, StoreResult<T> result) REQUIRES(home_) {
    if (!done) {
      return;
    }
    waiting_.push_back(
        {tree_.last_zxid(),
         [done = std::move(done), result = std::move(result)](const StoreError* failed) mutable {
           done(failed == nullptr ? std::move(result) : StoreResult<T>(std::unexpected(*failed)));
         }});
    schedule();
  }

  StoreResult<std::vector<WriteResult>> write(std::vector<WriteOp> ops) REQUIRES(home_) {
    const std::int64_t now = clock_.wall_ms();
    auto applied = tree_.apply(session_, now, ops);
    if (!applied) {
      return std::unexpected(std::move(applied).error());
    }
    append_entry(buffer_, {applied->zxid, durable_zxid_, now, session_, std::move(ops)});
    for (WatchTable::Call& call : watches_.take(applied->events)) {
      waiting_.push_back(
          {applied->zxid, [call = std::move(call)](const StoreError* failed) mutable {
             if (failed == nullptr) {
               call.watcher(call.event);
             }
           }});
    }
    return std::move(applied->results);
  }

  // One task at home that starts a write of what has gathered and delivers what may be delivered.
  // Posted, so that writes made in one turn of the home share a sync.
  void schedule() REQUIRES(home_) {
    if (!scheduled_) {
      scheduled_ = true;
      home_.post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
          self->turn();
        }
      });
    }
  }

  void turn() {
    home_.assert_here();
    scheduled_ = false;
    while (!waiting_.empty() && waiting_.front().needs <= durable_zxid_) {
      auto deliver = std::move(waiting_.front().deliver);
      waiting_.pop_front();
      deliver(nullptr);
    }
    flush();
  }

  void flush() REQUIRES(home_) {
    if (writing_ || buffer_.empty()) {
      return;
    }
    writing_ = true;
    const Zxid upto = tree_.last_zxid();
    std::string snapshot;
    if (journal_bytes_ + buffer_.size() > options_.compact_at_bytes) {
      snapshot = encode_snapshot(tree_);
    }
    disk_.post([weak = weak_from_this(), journal = journal_, lock = lock_, &home = home_, upto,
                entries = std::exchange(buffer_, {}), snapshot = std::move(snapshot)]() mutable {
      Status status = journal->append(entries);
      if (status && !snapshot.empty()) {
        status = journal->compact(snapshot, upto);
      }
      const std::uint64_t size = journal->size();
      home.post([weak, upto, size, status = std::move(status)] {
        if (const auto self = weak.lock()) {
          self->written(upto, size, status);
        }
      });
    });
  }

  void written(Zxid upto, std::uint64_t size, const Status& status) {
    home_.assert_here();
    writing_ = false;
    if (!status) {
      return give_up(status.error());
    }
    durable_zxid_ = upto;
    journal_bytes_ = size;
    turn();
  }

  // What is in memory may be more than what is on disk: nothing is answered from it any more.
  void give_up(const Error& error) REQUIRES(home_) {
    logging::logger("zk").error("the metadata journal cannot be written: {}", error.message);
    state_ = SessionState::kFailed;
    buffer_.clear();
    const StoreError failed{StoreErrorCode::kFailed, {}, 0, error.message};
    while (!waiting_.empty()) {
      auto deliver = std::move(waiting_.front().deliver);
      waiting_.pop_front();
      deliver(&failed);
    }
    const auto listeners = listeners_;
    for (const SessionListener& listener : listeners) {
      listener(state_);
    }
  }

  const EmbeddedStoreOptions options_;
  const Clock& clock_;
  Executor& home_;
  Executor& disk_;
  const std::shared_ptr<FileLock> lock_;    // held until the last write has ended
  const std::shared_ptr<Journal> journal_;  // used on the disk executor, by one task at a time

  DataTree tree_ GUARDED_BY(home_);
  WatchTable watches_ GUARDED_BY(home_);
  std::deque<Waiting> waiting_ GUARDED_BY(home_);
  std::string buffer_ GUARDED_BY(home_);  // entries applied and not yet handed to the disk
  Zxid durable_zxid_ GUARDED_BY(home_);
  std::uint64_t journal_bytes_ GUARDED_BY(home_);
  SessionId session_ GUARDED_BY(home_);
  SessionState state_ GUARDED_BY(home_) = SessionState::kConnected;
  std::vector<SessionListener> listeners_ GUARDED_BY(home_);
  bool writing_ GUARDED_BY(home_) = false;
  bool scheduled_ GUARDED_BY(home_) = false;
};

}  // namespace

std::string metadata_directory(const std::string& first_log_dir) {
  std::string directory = first_log_dir;
  while (directory.size() > 1 && directory.ends_with('/')) {
    directory.pop_back();
  }
  return directory + ".metadata";
}

namespace {

// What earlier runs owned goes, before anybody reads.
Status drop_earlier_sessions(DataTree& tree, Journal& journal, std::int64_t now_ms) {
  std::vector<WriteOp> ops;
  for (const SessionId earlier : tree.sessions_with_ephemerals()) {
    std::ranges::move(tree.ops_to_close(earlier), std::back_inserter(ops));
  }
  if (ops.empty()) {
    return {};
  }
  const Zxid durable = tree.last_zxid();
  auto applied = tree.apply(kNoSession, now_ms, ops);
  BARNABAS_CHECK(applied.has_value());
  std::string entry;
  append_entry(entry, {applied->zxid, durable, now_ms, kNoSession, std::move(ops)});
  return journal.append(entry);
}

}  // namespace

Result<std::shared_ptr<MetadataStore>> open_embedded_store(EmbeddedStoreOptions options, Vfs& vfs,
                                                           const Clock& clock, Executor& home,
                                                           Executor& disk) {
  TRY_STATUS(vfs.create_directories(options.directory));
  TRY(auto lock, vfs.lock(fmt::format("{}/{}", options.directory, kLockName)));
  TRY(Recovered recovered, recover_tree(vfs, options.directory));
  TRY(std::shared_ptr<Journal> journal, Journal::open(vfs, options.directory, recovered));
  TRY_STATUS(drop_earlier_sessions(recovered.tree, *journal, clock.wall_ms()));
  return std::make_shared<EmbeddedStore>(std::move(options), clock, home, disk,
                                         std::move(recovered.tree), std::move(journal),
                                         std::move(lock));
}

Result<std::vector<DumpedNode>> dump_embedded_store(const std::string& directory, const Vfs& vfs) {
  // A compaction beside us may remove a file between the listing and the reading.
  constexpr int kAttempts = 5;
  Result<Recovered> recovered = fail(ErrorCode::kKafkaStorageError);
  for (int i = 0; i < kAttempts && !recovered; ++i) {
    recovered = recover_tree(vfs, directory);
  }
  if (!recovered) {
    return std::unexpected(std::move(recovered).error());
  }
  std::vector<DumpedNode> nodes;
  nodes.reserve(recovered->tree.node_count());
  recovered->tree.for_each([&](const std::string& path, const TreeNode& node) {
    nodes.push_back({path, node.data, node.stat()});
  });
  return nodes;
}

}  // namespace barnabas::zk
