// The store for coroutines, in batches, and fenced: every write carries a check of the version of
// /controller_epoch that this controller was elected with.
// THREAD: home
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "async.h"
#include "barnabas/zk/metadata_store.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::controller {

// A step of the controller's work: done, or the error that ends the whole event.
using Step = zk::StoreResult<void>;
using WriteAnswer = zk::StoreResult<std::vector<zk::WriteResult>>;
using WatcherFor = std::function<zk::Watcher(const std::string& path)>;

// Another broker has become controller: the check of the epoch failed.
[[nodiscard]] bool is_moved(const zk::StoreError& error);
// Errors that say something of one node (missing, there already, changed, not empty, too large):
// the one who asked deals with them. All others end the event.
[[nodiscard]] bool is_about_node(const zk::StoreError& error);

class StoreCalls {
 public:
  explicit StoreCalls(zk::MetadataStore& store) : store_(store) {}

  [[nodiscard]] zk::MetadataStore& store() { return store_; }
  void fence_with(zk::NodeVersion epoch_version) { epoch_version_ = epoch_version; }

  Async<zk::StoreResult<zk::Node>> get(std::string path, zk::Watcher watcher = {});
  Async<zk::StoreResult<std::optional<zk::Stat>>> exists(std::string path,
                                                         zk::Watcher watcher = {});
  Async<zk::StoreResult<zk::Children>> children(std::string path, zk::Watcher watcher = {});
  // Without the check, for what is done before there is an epoch.
  Async<WriteAnswer> write_unfenced(std::vector<zk::WriteOp> ops);
  // The answer leaves the check out.
  Async<WriteAnswer> write(std::vector<zk::WriteOp> ops);

  // All at once, answers in order. `watcher_for` may be empty.
  Async<std::vector<zk::StoreResult<zk::Node>>> get_all(std::vector<std::string> paths,
                                                        WatcherFor watcher_for = {});
  Async<std::vector<WriteAnswer>> write_all(std::vector<std::vector<zk::WriteOp>> writes);
  // One fenced write for each operation.
  Async<std::vector<WriteAnswer>> write_each(std::vector<zk::WriteOp> ops);

 private:
  [[nodiscard]] std::vector<zk::WriteOp> fenced(std::vector<zk::WriteOp> ops) const;

  zk::MetadataStore& store_;
  zk::NodeVersion epoch_version_;
};

}  // namespace barnabas::controller
