// The stores that need nothing but memory, held to the contract of all stores.
#include "support/store_contract.h"

#include <gtest/gtest.h>

#include "barnabas/zk/embedded_store.h"
#include "support/manual_executor.h"
#include "support/memory_tree.h"
#include "support/memory_vfs.h"

namespace barnabas::testing {
namespace {

class EmbeddedWorld final : public StoreWorld {
 public:
  EmbeddedWorld() {
    store_ = zk::open_embedded_store({"/tree", std::uint64_t{16} << 20U}, vfs_, time_, home_, disk_)
                 .value();
  }
  [[nodiscard]] zk::MetadataStore& session() override { return *store_; }
  [[nodiscard]] zk::MetadataStore* second_session() override { return nullptr; }
  void run_until(const std::function<bool()>& done) override {
    time_.run_all();
    ASSERT_TRUE(done()) << "it never came about";
  }
  [[nodiscard]] bool tells_all_of_created() const override { return true; }

 private:
  ManualTime time_;
  ManualExecutor home_{time_};
  ManualExecutor disk_{time_};
  MemoryVfs vfs_;
  std::shared_ptr<zk::MetadataStore> store_;
};

class MemoryWorld final : public StoreWorld {
 public:
  [[nodiscard]] zk::MetadataStore& session() override { return *first_; }
  [[nodiscard]] zk::MetadataStore* second_session() override { return second_.get(); }
  void run_until(const std::function<bool()>& done) override {
    time_.run_all();
    ASSERT_TRUE(done()) << "it never came about";
  }
  [[nodiscard]] bool tells_all_of_created() const override { return true; }

 private:
  ManualTime time_;
  ManualExecutor home_{time_};
  MemoryTree tree_{time_};
  std::unique_ptr<MemorySession> first_ = tree_.connect(home_);
  std::unique_ptr<MemorySession> second_ = tree_.connect(home_);
};

std::unique_ptr<StoreWorld> make_embedded() {
  return std::make_unique<EmbeddedWorld>();
}
std::unique_ptr<StoreWorld> make_memory() {
  return std::make_unique<MemoryWorld>();
}

INSTANTIATE_TEST_SUITE_P(Embedded, StoreContract, ::testing::Values(&make_embedded));
INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, ::testing::Values(&make_memory));

}  // namespace
}  // namespace barnabas::testing
