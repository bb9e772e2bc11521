#include "support/memory_tree.h"

#include <algorithm>

#include "barnabas/base/check.h"

namespace barnabas::testing {

using zk::Callback;
using zk::SessionState;
using zk::StoreError;
using zk::StoreErrorCode;
using zk::StoreResult;

MemorySession::MemorySession(MemoryTree& tree, Executor& home, zk::SessionId id)
    : tree_(tree), home_(home), id_(id) {
  tree_.sessions_.push_back(this);
}

MemorySession::~MemorySession() {
  *alive_ = false;
  tree_.watches_.drop_session(id_);
  std::erase(tree_.sessions_, this);
}

void MemorySession::post(Task task) {
  home_.post([alive = alive_, this, task = std::move(task)]() mutable {
    if (*alive && !dead_) {
      task();
    }
  });
}

template <typename T>
void MemorySession::answer(Callback<T> done, StoreResult<T> result) {
  if (done) {
    post([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  }
}

template <typename T>
bool MemorySession::refused(Callback<T>& done) {
  BARNABAS_CHECK(home_.is_current());
  if (dead_) {
    return true;  // never answered
  }
  const bool gone = state_ == SessionState::kExpired || id_ == zk::kNoSession;
  if (!gone && state_ == SessionState::kConnected) {
    return false;
  }
  const auto code = gone ? StoreErrorCode::kSessionExpired : StoreErrorCode::kClosed;
  answer(std::move(done), StoreResult<T>(std::unexpected(StoreError{code, {}, 0, {}})));
  return true;
}

void MemorySession::get(std::string path, zk::Watcher watcher, Callback<zk::Node> done) {
  if (refused(done)) {
    return;
  }
  const zk::TreeNode* const node = tree_.tree_.find(path);
  if (node == nullptr) {
    return answer(std::move(done), StoreResult<zk::Node>(std::unexpected(zk::not_found(path))));
  }
  tree_.watches_.watch_data(path, id_, std::move(watcher));
  answer(std::move(done), StoreResult<zk::Node>(zk::Node{node->data, node->stat()}));
}

void MemorySession::exists(std::string path, zk::Watcher watcher,
                           Callback<std::optional<zk::Stat>> done) {
  if (refused(done)) {
    return;
  }
  tree_.watches_.watch_data(path, id_, std::move(watcher));
  const zk::TreeNode* const node = tree_.tree_.find(path);
  std::optional<zk::Stat> stat;
  if (node != nullptr) {
    stat = node->stat();
  }
  answer(std::move(done), StoreResult<std::optional<zk::Stat>>(stat));
}

void MemorySession::children(std::string path, zk::Watcher watcher, Callback<zk::Children> done) {
  if (refused(done)) {
    return;
  }
  const zk::TreeNode* const node = tree_.tree_.find(path);
  if (node == nullptr) {
    return answer(std::move(done), StoreResult<zk::Children>(std::unexpected(zk::not_found(path))));
  }
  tree_.watches_.watch_children(path, id_, std::move(watcher));
  answer(std::move(done), StoreResult<zk::Children>(zk::Children{
                              {node->children.begin(), node->children.end()}, node->stat()}));
}

void MemorySession::multi(std::vector<zk::WriteOp> ops,
                          Callback<std::vector<zk::WriteResult>> done) {
  if (refused(done)) {
    return;
  }
  if (writes_left_ == 0) {
    if (carry_out_last_) {
      static_cast<void>(tree_.write(std::move(ops), id_));
    }
    dead_ = true;
    tree_.watches_.drop_session(id_);
    return;
  }
  --writes_left_;
  ++writes_;
  auto applied = tree_.write(std::move(ops), id_);
  if (!applied) {
    return answer(std::move(done), StoreResult<std::vector<zk::WriteResult>>(
                                       std::unexpected(std::move(applied).error())));
  }
  answer(std::move(done), StoreResult<std::vector<zk::WriteResult>>(std::move(applied->results)));
}

void MemorySession::add_session_listener(zk::SessionListener listener) {
  listeners_.push_back(std::move(listener));
}

void MemorySession::tell(SessionState state) {
  state_ = state;
  post([this, state] {
    const auto listeners = listeners_;
    for (const auto& listener : listeners) {
      listener(state);
    }
  });
}

void MemorySession::end_session() {
  tree_.watches_.drop_session(id_);
  if (auto ops = tree_.tree_.ops_to_close(id_); !ops.empty()) {
    BARNABAS_CHECK(tree_.write(std::move(ops), id_).has_value());
  }
}

void MemorySession::expire() {
  end_session();
  id_ = zk::kNoSession;
  tell(SessionState::kExpired);
}

void MemorySession::expire_silently() {
  end_session();
  id_ = zk::kNoSession;
}

void MemorySession::tell_expired() {
  tell(SessionState::kExpired);
}

void MemorySession::renew_session(Callback<zk::SessionId> done) {
  BARNABAS_CHECK(state_ == SessionState::kExpired);
  id_ = zk::SessionId{tree_.next_session_++};
  answer(std::move(done), StoreResult<zk::SessionId>(id_));
  tell(SessionState::kConnected);
}

void MemorySession::close(Callback<zk::SessionId> done) {
  if (refused(done)) {
    return;
  }
  end_session();
  state_ = SessionState::kClosed;
  answer(std::move(done), StoreResult<zk::SessionId>(id_));
}

std::unique_ptr<MemorySession> MemoryTree::connect(Executor& home) {
  return std::make_unique<MemorySession>(*this, home, zk::SessionId{next_session_++});
}

zk::NodeData MemoryTree::data(std::string_view path) const {
  const zk::TreeNode* const node = tree_.find(path);
  BARNABAS_CHECK_MSG(node != nullptr, path);
  return node->data;
}

std::vector<std::string> MemoryTree::children(std::string_view path) const {
  const zk::TreeNode* const node = tree_.find(path);
  BARNABAS_CHECK_MSG(node != nullptr, path);
  return {node->children.begin(), node->children.end()};
}

std::vector<std::string> MemoryTree::paths() const {
  std::vector<std::string> all;
  tree_.for_each([&](const std::string& path, const zk::TreeNode&) { all.push_back(path); });
  return all;
}

zk::StoreResult<zk::Applied> MemoryTree::write(std::vector<zk::WriteOp> ops,
                                               zk::SessionId session) {
  auto applied = tree_.apply(session, clock_.wall_ms(), ops);
  if (!applied) {
    return applied;
  }
  if (observer_) {
    observer_(ops);
  }
  for (auto& call : watches_.take(applied->events)) {
    const auto owner = std::ranges::find(sessions_, call.owner, &MemorySession::id_);
    if (owner != sessions_.end()) {
      (*owner)->post([call = std::move(call)]() mutable { call.watcher(call.event); });
    }
  }
  return applied;
}

}  // namespace barnabas::testing
