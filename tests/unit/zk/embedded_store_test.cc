#include "barnabas/zk/embedded_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "barnabas/base/random.h"
#include "support/manual_executor.h"
#include "support/memory_vfs.h"
#include "zk/journal.h"
#include "zk/journal_format.h"

namespace barnabas::zk {
namespace {

using testing::CrashMode;
using testing::Fault;
using testing::FileOp;
using testing::ManualExecutor;
using testing::ManualTime;
using testing::MemoryVfs;

constexpr const char* kDirectory = "/data.metadata";

class EmbeddedStoreTest : public ::testing::Test {
 protected:
  void open(std::uint64_t compact_at = std::uint64_t{16} << 20U) {
    auto opened = open_embedded_store({kDirectory, compact_at}, vfs_, time_, home_, disk_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void close() {
    bool closed = false;
    store_->close([&](StoreResult<SessionId> result) { closed = result.has_value(); });
    time_.run_all();
    EXPECT_TRUE(closed);
    store_.reset();
  }
  StoreResult<WriteResult> write(WriteOp op) {
    StoreResult<WriteResult> result = std::unexpected(StoreError{});
    std::vector<WriteOp> ops;
    ops.push_back(std::move(op));
    store_->multi(std::move(ops), [&](StoreResult<std::vector<WriteResult>> answer) {
      result = answer ? StoreResult<WriteResult>(answer->front())
                      : StoreResult<WriteResult>(std::unexpected(answer.error()));
    });
    time_.run_all();
    return result;
  }
  StoreResult<Node> read(const std::string& path) {
    StoreResult<Node> result = std::unexpected(StoreError{});
    store_->get(path, {}, [&](StoreResult<Node> answer) { result = std::move(answer); });
    time_.run_all();
    return result;
  }
  std::string journal_name() {
    for (const std::string& name : vfs_.files(kDirectory)) {
      if (name.starts_with("journal.")) {
        return std::string(kDirectory) + "/" + name;
      }
    }
    return {};
  }

  ManualTime time_;
  ManualExecutor home_{time_};
  ManualExecutor disk_{time_};
  MemoryVfs vfs_;
  std::shared_ptr<MetadataStore> store_;
};

TEST_F(EmbeddedStoreTest, LiesBesideTheLogDirectory) {
  EXPECT_EQ(metadata_directory("/var/lib/barnabas"), "/var/lib/barnabas.metadata");
  EXPECT_EQ(metadata_directory("/var/lib/barnabas//"), "/var/lib/barnabas.metadata");
}

TEST_F(EmbeddedStoreTest, KeepsWhatWasWrittenAndDropsEphemeralsOfEarlierRuns) {
  open();
  ASSERT_TRUE(write(CreateOp{"/a", "1"}));
  ASSERT_TRUE(write(CreateOp{"/e", "1", CreateMode::kEphemeral}));
  const auto set = write(SetOp{"/a", "2"});
  ASSERT_TRUE(set);
  store_.reset();  // no orderly close: the ephemeral node is still in the journal
  const auto left = dump_embedded_store(kDirectory, vfs_);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->size(), 3U);
  open();
  EXPECT_EQ(read("/a")->data, "2");
  EXPECT_EQ(read("/a")->stat, set->stat);
  ASSERT_FALSE(read("/e"));
  const auto next = write(CreateOp{"/b", std::nullopt});
  ASSERT_TRUE(next);
  EXPECT_GT(next->stat.czxid, set->stat.mzxid) << "zxids never go back";
  close();
}

TEST_F(EmbeddedStoreTest, AnOrderlyCloseEndsTheSession) {
  open();
  ASSERT_TRUE(write(CreateOp{"/e", "1", CreateMode::kEphemeral}));
  auto* const store = store_.get();
  bool late_refused = false;
  store->close([](StoreResult<SessionId>) {});
  store->get("/e", {}, [&](StoreResult<Node> late) {
    late_refused = !late && late.error().code == StoreErrorCode::kClosed;
  });
  time_.run_all();
  EXPECT_TRUE(late_refused);
  store_.reset();
  EXPECT_EQ(dump_embedded_store(kDirectory, vfs_)->size(), 1U);
}

TEST_F(EmbeddedStoreTest, AnswersOnlyWhatIsOnDisk) {
  open();
  bool written = false;
  bool seen = false;
  store_->create({"/a", "1", CreateMode::kPersistent}, [&](StoreResult<WriteResult> result) {
    written = result.has_value();
    EXPECT_NE(vfs_.content(journal_name())->find("/a"), std::string::npos);
  });
  store_->get("/a", {}, [&](StoreResult<Node> node) {
    seen = node.has_value();
    EXPECT_TRUE(written) << "a read overtook the write that it saw";
  });
  EXPECT_FALSE(written) << "a callback ran inside the call";
  const std::uint64_t syncs = vfs_.syncs_of(journal_name());
  time_.run_all();
  EXPECT_TRUE(written && seen);
  EXPECT_EQ(vfs_.syncs_of(journal_name()), syncs + 1);
}

TEST_F(EmbeddedStoreTest, ManyWritesShareOneSync) {
  open();
  const std::uint64_t before = vfs_.syncs_of(journal_name());
  int done = 0;
  for (int i = 0; i < 3000; ++i) {
    store_->create({fmt::format("/n{}", i), "x", CreateMode::kPersistent},
                   [&](StoreResult<WriteResult> result) { done += result ? 1 : 0; });
  }
  time_.run_all();
  EXPECT_EQ(done, 3000);
  EXPECT_LE(vfs_.syncs_of(journal_name()) - before, 2U);
}

TEST_F(EmbeddedStoreTest, AWatchIsHeardBeforeTheAnswerThatShowsTheChange) {
  open();
  std::vector<std::string> order;
  store_->exists(
      "/a", [&](const WatchEvent&) { order.emplace_back("watch"); },
      [&](StoreResult<std::optional<Stat>> stat) {
        EXPECT_FALSE(*stat);
        order.emplace_back("exists");
      });
  store_->create({"/a", "1", CreateMode::kPersistent},
                 [&](StoreResult<WriteResult>) { order.emplace_back("create"); });
  store_->get("/a", {}, [&](StoreResult<Node>) { order.emplace_back("get"); });
  time_.run_all();
  EXPECT_EQ(order, (std::vector<std::string>{"exists", "watch", "create", "get"}));
}

TEST_F(EmbeddedStoreTest, IsLocked) {
  open();
  const auto second = open_embedded_store({kDirectory}, vfs_, time_, home_, disk_);
  EXPECT_FALSE(second);
  store_.reset();
  open();
}

TEST_F(EmbeddedStoreTest, AFailedSyncIsFinal) {
  for (const FileOp op : {FileOp::kSync, FileOp::kWrite}) {
    open();
    std::vector<SessionState> heard;
    store_->add_session_listener([&](SessionState state) { heard.push_back(state); });
    vfs_.add_fault({.op = op, .path_contains = "journal", .error = 28});
    const auto failed = write(CreateOp{fmt::format("/f{}", static_cast<int>(op)), "1"});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, StoreErrorCode::kFailed);
    EXPECT_EQ(heard, std::vector{SessionState::kFailed});
    EXPECT_EQ(read("/").error().code, StoreErrorCode::kFailed) << "retried as though it had worked";
    store_.reset();
    vfs_.clear_faults();
  }
}

TEST_F(EmbeddedStoreTest, CompactionKeepsTheTreeAndDropsOldFiles) {
  open(2000);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(
        write(i == 0 ? WriteOp{CreateOp{"/a", "0"}} : WriteOp{SetOp{"/a", std::to_string(i)}}));
  }
  const auto files = vfs_.files(kDirectory);
  EXPECT_EQ(files.size(), 3U) << "a lock, one snapshot, one journal";
  close();
  open(2000);
  EXPECT_EQ(read("/a")->data, "499");
  EXPECT_EQ(read("/a")->stat.version, NodeVersion{499});
}

TEST_F(EmbeddedStoreTest, ATornTailIsCutAnythingElseIsRefused) {
  open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(write(CreateOp{fmt::format("/n{}", i), "data"}));
  }
  store_.reset();
  const std::string name = journal_name();
  const std::string whole = *vfs_.content(name);
  // Every cut is a torn tail.
  for (std::size_t cut = 0; cut < whole.size(); cut += 13) {
    vfs_.set_content(name, whole.substr(0, cut));
    const auto dump = dump_embedded_store(kDirectory, vfs_);
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_LT(dump->size(), 21U);
  }
  // Every changed byte before the last entry is corruption of what was acknowledged.
  const std::size_t last = whole.rfind("/n19") - 60;
  for (std::size_t at = 0; at < last; at += 11) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    vfs_.set_content(name, changed);
    const auto opened = open_embedded_store({kDirectory}, vfs_, time_, home_, disk_);
    ASSERT_FALSE(opened) << at;
    EXPECT_NE(opened.error().message.find(name), std::string::npos);
  }
  // A torn tail is cut for good: what follows is written in its place.
  vfs_.set_content(name, whole.substr(0, whole.size() - 3));
  open();
  EXPECT_FALSE(read("/n19"));
  ASSERT_TRUE(write(CreateOp{"/again", "x"}));
  store_.reset();
  open();
  EXPECT_TRUE(read("/again"));
  EXPECT_TRUE(read("/n18"));
}

TEST_F(EmbeddedStoreTest, AMissingFileIsRefused) {
  open(2000);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(write(CreateOp{fmt::format("/n{}", i), "data"}));
  }
  store_.reset();
  for (const std::string& file : vfs_.files(kDirectory)) {
    if (file.starts_with("snapshot.")) {
      ASSERT_TRUE(vfs_.remove(std::string(kDirectory) + "/" + file));
    }
  }
  EXPECT_FALSE(open_embedded_store({kDirectory}, vfs_, time_, home_, disk_));
}

// Whatever the moment of the crash and whatever of the unsynced bytes survives: the tree that is
// found is the one after some write not earlier than the last one acknowledged.
TEST_F(EmbeddedStoreTest, AcknowledgedWritesSurviveEveryCrash) {
  const std::uint64_t seed = 20240817;
  SCOPED_TRACE(seed);
  auto random = make_seeded_random(seed);
  for (int round = 0; round < 400; ++round) {
    MemoryVfs vfs;
    DataTree twin;
    std::vector<std::string> images{encode_snapshot(twin)};
    std::int64_t acknowledged = 0;
    std::int64_t known = 0;
    for (int run = 0; run < 4; ++run) {
      // Crash within the opening of the store too.
      vfs.power_off_after(random->below(60));
      auto opened = open_embedded_store({kDirectory, 1500}, vfs, time_, home_, disk_);
      if (opened) {
        auto store = std::move(*opened);
        const int turns = static_cast<int>(random->below(12));
        for (int turn = 0; turn < turns; ++turn) {
          for (std::uint64_t i = random->below(6); i > 0; --i) {
            std::vector<WriteOp> ops;
            const std::string path = fmt::format("/n{}", random->below(8));
            ops.emplace_back(random->below(3) == 0
                                 ? WriteOp{DeleteOp{path}}
                                 : WriteOp{CreateOp{path, std::to_string(known)}});
            ops.emplace_back(CreateOp{"/s", "", CreateMode::kPersistentSequential});
            if (!twin.apply(store->session_id(), time_.wall_ms(), ops)) {
              continue;
            }
            images.push_back(encode_snapshot(twin));
            const auto zxid = static_cast<std::int64_t>(images.size()) - 1;
            store->multi(std::move(ops), [&, zxid](StoreResult<std::vector<WriteResult>> result) {
              if (result) {
                EXPECT_GT(zxid, acknowledged) << "answers out of order";
                acknowledged = zxid;
              }
            });
          }
          time_.run_all();
        }
        store.reset();
      }
      time_.run_all();
      vfs.crash(static_cast<CrashMode>(random->below(3)), random.get());
      const auto recovered =
          vfs.exists(kDirectory) ? recover_tree(vfs, kDirectory) : Result<Recovered>(Recovered{});
      ASSERT_TRUE(recovered) << round << ": " << recovered.error().message;
      known = recovered->tree.last_zxid().value();
      ASSERT_GE(known, acknowledged) << round;
      ASSERT_EQ(encode_snapshot(recovered->tree), images.at(static_cast<std::size_t>(known)));
      // Go on from what was found. It counts as acknowledged only once a run has answered on it.
      images.resize(static_cast<std::size_t>(known) + 1);
      twin = recovered->tree;
    }
  }
}

}  // namespace
}  // namespace barnabas::zk
