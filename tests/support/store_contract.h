// The contract of zk::MetadataStore as tests that every store must pass: the embedded store, the
// tree in memory and a real ZooKeeper. A test program names its stores with
//   INSTANTIATE_TEST_SUITE_P(Name, StoreContract, ::testing::Values(&make_my_store));
// Every test works below a path of its own, so that one ZooKeeper serves them all.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/zk/metadata_store.h"

namespace barnabas::testing {

// Sessions of one tree, and the work that makes them answer.
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  // A connected session; the embedded store has only one.
  [[nodiscard]] virtual zk::MetadataStore& session() = 0;
  // Another session of the same tree, or nothing where there cannot be one.
  [[nodiscard]] virtual zk::MetadataStore* second_session() = 0;
  // Runs what is posted until `done`, and fails the test when it does not come about.
  virtual void run_until(const std::function<bool()>& done) = 0;
  // Whether a multi tells the zxid and times of what it creates (ZooKeeper's does not).
  [[nodiscard]] virtual bool tells_all_of_created() const = 0;
};

using MakeStoreWorld = std::unique_ptr<StoreWorld> (*)();

class StoreContract : public ::testing::TestWithParam<MakeStoreWorld> {
 protected:
  void SetUp() override;

  zk::StoreResult<zk::Node> get(const std::string& path, zk::Watcher watcher = {});
  zk::StoreResult<std::optional<zk::Stat>> exists(const std::string& path,
                                                  zk::Watcher watcher = {});
  zk::StoreResult<zk::Children> children(const std::string& path, zk::Watcher watcher = {});
  zk::StoreResult<std::vector<zk::WriteResult>> multi(std::vector<zk::WriteOp> ops);
  zk::StoreResult<zk::WriteResult> write(zk::WriteOp op);
  template <typename T>
  zk::StoreResult<T> ask(std::move_only_function<void(zk::Callback<T>)> start);
  // Below this test's own node.
  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] static std::vector<zk::WriteOp> ops_of(std::initializer_list<zk::WriteOp> ops) {
    return ops;
  }

  std::unique_ptr<StoreWorld> world_;
  zk::MetadataStore* store_ = nullptr;
  std::string root_;
};

}  // namespace barnabas::testing
