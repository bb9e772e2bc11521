#include "store_calls.h"

#include <utility>

namespace barnabas::controller {
namespace {

using zk::StoreErrorCode;
using zk::StoreResult;
using zk::WriteOp;

// Starts `count` calls in order and answers when the last of them has been answered.
template <typename T>
CallbackAwaiter<std::vector<T>> all_of(
    std::size_t count,
    std::move_only_function<void(std::size_t, std::move_only_function<void(T)>)> start) {
  return CallbackAwaiter<std::vector<T>>(
      [count,
       start = std::move(start)](std::move_only_function<void(std::vector<T>)> done) mutable {
        struct Gathered {
          std::vector<T> answers;
          std::size_t left = 0;
          std::move_only_function<void(std::vector<T>)> done;
        };
        auto gathered = std::make_shared<Gathered>();
        gathered->answers.reserve(count);
        gathered->left = count;
        gathered->done = std::move(done);
        for (std::size_t i = 0; i < count; ++i) {
          // The store answers in the order of calling.
          start(i, [gathered](T answer) {
            gathered->answers.push_back(std::move(answer));
            if (--gathered->left == 0) {
              gathered->done(std::move(gathered->answers));
            }
          });
        }
      });
}

void drop_check(WriteAnswer& answer) {
  if (answer) {
    answer->erase(answer->begin());
  }
}

}  // namespace

bool is_moved(const zk::StoreError& error) {
  return error.path == zk::kControllerEpochPath &&
         (error.code == StoreErrorCode::kBadVersion || error.code == StoreErrorCode::kNoNode);
}

bool is_about_node(const zk::StoreError& error) {
  if (is_moved(error)) {
    return false;
  }
  switch (error.code) {
    case StoreErrorCode::kNoNode:
    case StoreErrorCode::kNodeExists:
    case StoreErrorCode::kBadVersion:
    case StoreErrorCode::kNotEmpty:
    case StoreErrorCode::kBadArguments:
      return true;
    default:
      return false;
  }
}

std::vector<WriteOp> StoreCalls::fenced(std::vector<WriteOp> ops) const {
  ops.insert(ops.begin(), zk::CheckOp{std::string(zk::kControllerEpochPath), epoch_version_});
  return ops;
}

Async<StoreResult<zk::Node>> StoreCalls::get(std::string path, zk::Watcher watcher) {
  CallbackAwaiter<StoreResult<zk::Node>> call(
      [this, path = std::move(path), watcher = std::move(watcher)](auto done) mutable {
        store_.get(std::move(path), std::move(watcher), std::move(done));
      });
  co_return co_await call;
}

Async<StoreResult<std::optional<zk::Stat>>> StoreCalls::exists(std::string path,
                                                               zk::Watcher watcher) {
  CallbackAwaiter<StoreResult<std::optional<zk::Stat>>> call(
      [this, path = std::move(path), watcher = std::move(watcher)](auto done) mutable {
        store_.exists(std::move(path), std::move(watcher), std::move(done));
      });
  co_return co_await call;
}

Async<StoreResult<zk::Children>> StoreCalls::children(std::string path, zk::Watcher watcher) {
  CallbackAwaiter<StoreResult<zk::Children>> call(
      [this, path = std::move(path), watcher = std::move(watcher)](auto done) mutable {
        store_.children(std::move(path), std::move(watcher), std::move(done));
      });
  co_return co_await call;
}

Async<WriteAnswer> StoreCalls::write_unfenced(std::vector<WriteOp> ops) {
  CallbackAwaiter<WriteAnswer> call([this, ops = std::move(ops)](auto done) mutable {
    store_.multi(std::move(ops), std::move(done));
  });
  co_return co_await call;
}

Async<WriteAnswer> StoreCalls::write(std::vector<WriteOp> ops) {
  WriteAnswer answer = co_await write_unfenced(fenced(std::move(ops)));
  drop_check(answer);
  co_return answer;
}

Async<std::vector<StoreResult<zk::Node>>> StoreCalls::get_all(std::vector<std::string> paths,
                                                              WatcherFor watcher_for) {
  std::vector<StoreResult<zk::Node>> answers;
  if (!paths.empty()) {
    auto calls = all_of<StoreResult<zk::Node>>(
        paths.size(), [this, &paths, &watcher_for](std::size_t i, auto done) {
          zk::Watcher watcher = watcher_for ? watcher_for(paths[i]) : zk::Watcher{};
          store_.get(paths[i], std::move(watcher), std::move(done));
        });
    answers = co_await calls;
  }
  co_return answers;
}

Async<std::vector<WriteAnswer>> StoreCalls::write_all(std::vector<std::vector<WriteOp>> writes) {
  std::vector<WriteAnswer> answers;
  if (!writes.empty()) {
    auto calls = all_of<WriteAnswer>(writes.size(), [this, &writes](std::size_t i, auto done) {
      store_.multi(fenced(std::move(writes[i])), std::move(done));
    });
    answers = co_await calls;
    for (WriteAnswer& answer : answers) {
      drop_check(answer);
    }
  }
  co_return answers;
}

Async<std::vector<WriteAnswer>> StoreCalls::write_each(std::vector<WriteOp> ops) {
  std::vector<std::vector<WriteOp>> writes;
  writes.reserve(ops.size());
  for (WriteOp& op : ops) {
    writes.emplace_back().push_back(std::move(op));
  }
  return write_all(std::move(writes));
}

}  // namespace barnabas::controller
