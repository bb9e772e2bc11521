#include "zk/data_tree.h"

#include <gtest/gtest.h>

#include "barnabas/base/random.h"
#include "zk/journal_format.h"
#include "zk/watch_table.h"

namespace barnabas::zk {
namespace {

constexpr SessionId kMe{7};

class DataTreeTest : public ::testing::Test {
 protected:
  StoreResult<Applied> write(std::vector<WriteOp> ops) { return tree_.apply(kMe, now_, ops); }
  WriteResult ok(WriteOp op) {
    auto applied = write({std::move(op)});
    EXPECT_TRUE(applied) << to_string(applied.error());
    return applied ? applied->results.front() : WriteResult{};
  }
  StoreErrorCode error(std::vector<WriteOp> ops) {
    const Zxid before = tree_.last_zxid();
    const std::string image = encode_snapshot(tree_);
    auto applied = write(std::move(ops));
    EXPECT_FALSE(applied);
    EXPECT_EQ(tree_.last_zxid(), before);
    EXPECT_EQ(encode_snapshot(tree_), image) << "a refused write left something behind";
    return applied ? StoreErrorCode::kFailed : applied.error().code;
  }
  Stat stat(std::string_view path) { return tree_.find(path)->stat(); }

  DataTree tree_;
  std::int64_t now_ = 1000;
};

TEST_F(DataTreeTest, CreateSetDeleteKeepZooKeepersCounters) {
  ok(CreateOp{"/a", std::nullopt});
  ok(CreateOp{"/a/b", "x"});
  now_ = 2000;
  ok(SetOp{"/a/b", "yy"});
  Stat b = stat("/a/b");
  EXPECT_EQ(b.czxid, Zxid{2});
  EXPECT_EQ(b.mzxid, Zxid{3});
  EXPECT_EQ(b.version, NodeVersion{1});
  EXPECT_EQ(b.ctime_ms, 1000);
  EXPECT_EQ(b.mtime_ms, 2000);
  EXPECT_EQ(b.data_length, 2);
  EXPECT_EQ(stat("/a").num_children, 1);
  EXPECT_EQ(stat("/a").cversion, 1);
  EXPECT_EQ(stat("/a").pzxid, Zxid{2});
  ok(DeleteOp{"/a/b", NodeVersion{1}});
  EXPECT_EQ(stat("/a").cversion, 2);
  EXPECT_EQ(stat("/a").pzxid, Zxid{4});
  EXPECT_EQ(stat("/a").version, NodeVersion{0});
  EXPECT_EQ(stat("/a").data_length, 0);
}

TEST_F(DataTreeTest, NullIsNotTheEmptyString) {
  ok(CreateOp{"/null", std::nullopt});
  ok(CreateOp{"/empty", ""});
  EXPECT_EQ(tree_.find("/null")->data, std::nullopt);
  EXPECT_EQ(tree_.find("/empty")->data, "");
}

TEST_F(DataTreeTest, SequenceNumbersCountCreationsAndNothingElse) {
  ok(CreateOp{"/s", std::nullopt});
  const auto next = [&] {
    return ok(CreateOp{"/s/n_", "", CreateMode::kPersistentSequential}).path;
  };
  EXPECT_EQ(next(), "/s/n_0000000000");
  EXPECT_EQ(next(), "/s/n_0000000001");
  ok(DeleteOp{"/s/n_0000000000"});
  EXPECT_EQ(next(), "/s/n_0000000002");
  ok(CreateOp{"/s/plain", ""});
  EXPECT_EQ(next(), "/s/n_0000000004");
}

TEST_F(DataTreeTest, EveryRefusalHasItsCodeAndLeavesNothing) {
  ok(CreateOp{"/a", "1"});
  ok(CreateOp{"/a/b", "1"});
  ok(CreateOp{"/e", "1", CreateMode::kEphemeral});
  EXPECT_EQ(error({CreateOp{"/a", ""}}), StoreErrorCode::kNodeExists);
  EXPECT_EQ(error({CreateOp{"/", ""}}), StoreErrorCode::kNodeExists);
  EXPECT_EQ(error({CreateOp{"/x/y", ""}}), StoreErrorCode::kNoNode);
  EXPECT_EQ(error({CreateOp{"/e/x", ""}}), StoreErrorCode::kNoChildrenForEphemerals);
  EXPECT_EQ(error({SetOp{"/x", ""}}), StoreErrorCode::kNoNode);
  EXPECT_EQ(error({SetOp{"/a", "", NodeVersion{1}}}), StoreErrorCode::kBadVersion);
  EXPECT_EQ(error({DeleteOp{"/x"}}), StoreErrorCode::kNoNode);
  EXPECT_EQ(error({DeleteOp{"/a"}}), StoreErrorCode::kNotEmpty);
  EXPECT_EQ(error({DeleteOp{"/a/b", NodeVersion{4}}}), StoreErrorCode::kBadVersion);
  EXPECT_EQ(error({CheckOp{"/a", NodeVersion{4}}}), StoreErrorCode::kBadVersion);
  EXPECT_EQ(error({CheckOp{"/x", kAnyVersion}}), StoreErrorCode::kNoNode);
  EXPECT_EQ(error({CreateOp{"/big", std::string(kMaxDataBytes + 1, 'x')}}),
            StoreErrorCode::kBadArguments);
  for (const char* path : {"", "a", "/a/", "//a", "/a//b", "/a/../b", "/.", "/a\n"}) {
    EXPECT_EQ(error({CreateOp{path, ""}}), StoreErrorCode::kBadArguments) << path;
  }
}

TEST_F(DataTreeTest, AMultiIsAllOrNothingWhateverItDidBefore) {
  ok(CreateOp{"/a", "1"});
  ok(CreateOp{"/a/b", "1"});
  ok(CreateOp{"/e", "1", CreateMode::kEphemeral});
  const std::vector<WriteOp> ops{
      SetOp{"/a", "2"},   CreateOp{"/a/c", "3", CreateMode::kEphemeral},
      DeleteOp{"/e"},     DeleteOp{"/a/b"},
      SetOp{"/a/c", "4"}, CreateOp{"/a/n_", "", CreateMode::kPersistentSequential},
      DeleteOp{"/a/c"},   CheckOp{"/a", NodeVersion{9}}};
  auto failed = write(ops);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().operation, 7U);
  EXPECT_EQ(error(ops), StoreErrorCode::kBadVersion);
  EXPECT_EQ(tree_.ops_to_close(kMe).size(), 1U);
  auto applied = write({ops.begin(), ops.end() - 1});
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->results.size(), 7U);
  EXPECT_EQ(applied->results[4].stat.version, NodeVersion{1});
  EXPECT_EQ(applied->results[4].stat.czxid, applied->zxid);
  EXPECT_TRUE(tree_.ops_to_close(kMe).empty());
}

TEST_F(DataTreeTest, EphemeralsGoWithTheirSession) {
  ok(CreateOp{"/a", ""});
  ok(CreateOp{"/a/e1", "", CreateMode::kEphemeral});
  ok(CreateOp{"/a/e2", "", CreateMode::kEphemeral});
  EXPECT_EQ(stat("/a/e1").ephemeral_owner, kMe);
  EXPECT_TRUE(tree_.ops_to_close(SessionId{8}).empty());
  ASSERT_TRUE(tree_.apply(kMe, 0, tree_.ops_to_close(kMe)));
  EXPECT_TRUE(tree_.find("/a")->children.empty());
  EXPECT_TRUE(tree_.sessions_with_ephemerals().empty());
}

TEST_F(DataTreeTest, WatchesFireOnceAndAsInZooKeeper) {
  WatchTable watches;
  std::vector<std::string> heard;
  const auto listen = [&](std::string name) {
    return [&heard, name](const WatchEvent& event) {
      heard.push_back(name + ":" + std::to_string(static_cast<int>(event.type)) + event.path);
    };
  };
  const auto fire = [&](WriteOp op) {
    heard.clear();
    auto applied = write({std::move(op)});
    EXPECT_TRUE(applied);
    for (auto& call : watches.take(applied->events)) {
      call.watcher(call.event);
    }
    return heard;
  };
  using Heard = std::vector<std::string>;
  watches.watch_children("/", kMe, listen("root"));
  watches.watch_data("/a", kMe, listen("a"));
  EXPECT_EQ(fire(CreateOp{"/a", ""}), (Heard{"a:0/a", "root:3/"}));
  EXPECT_EQ(fire(SetOp{"/a", "1"}), Heard{});
  watches.watch_data("/a", kMe, listen("a"));
  watches.watch_children("/a", kMe, listen("kids"));
  EXPECT_EQ(fire(SetOp{"/a", "2"}), Heard{"a:2/a"});
  EXPECT_EQ(fire(CreateOp{"/a/b", ""}), Heard{"kids:3/a"});
  watches.watch_children("/a/b", kMe, listen("b-kids"));
  watches.watch_data("/a/b", kMe, listen("b"));
  watches.watch_data("/a/b", SessionId{8}, listen("other"));
  watches.drop_session(SessionId{8});
  EXPECT_EQ(fire(DeleteOp{"/a/b"}), (Heard{"b:1/a/b", "b-kids:1/a/b"}));
}

TEST_F(DataTreeTest, TheSameWritesMakeTheSameTreeAndASnapshotKeepsIt) {
  auto random = make_seeded_random(42);
  DataTree twin;
  for (int i = 0; i < 3000; ++i) {
    const std::string path = "/n" + std::to_string(random->below(20)) +
                             (random->below(2) == 0 ? "" : "/k" + std::to_string(random->below(5)));
    std::vector<WriteOp> ops;
    switch (random->below(4)) {
      case 0:
        ops.emplace_back(DeleteOp{path});
        break;
      case 1:
        ops.emplace_back(SetOp{path, std::to_string(i)});
        break;
      default:
        ops.emplace_back(
            CreateOp{path, std::to_string(i), static_cast<CreateMode>(random->below(4))});
    }
    ops.emplace_back(CheckOp{"/", random->below(10) == 0 ? NodeVersion{5} : kAnyVersion});
    const auto first = tree_.apply(kMe, i, ops);
    const auto second = twin.apply(kMe, i, ops);
    ASSERT_EQ(first.has_value(), second.has_value());
  }
  EXPECT_GT(tree_.last_zxid(), Zxid{300});
  const std::string image = encode_snapshot(tree_);
  EXPECT_EQ(encode_snapshot(twin), image);
  const auto restored = decode_snapshot(image);
  ASSERT_TRUE(restored);
  EXPECT_EQ(encode_snapshot(*restored), image);
  EXPECT_EQ(restored->sessions_with_ephemerals(), tree_.sessions_with_ephemerals());
  for (std::size_t cut = 0; cut < image.size(); cut += 97) {
    EXPECT_FALSE(decode_snapshot(image.substr(0, cut)));
  }
}

}  // namespace
}  // namespace barnabas::zk
