#include "support/store_contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace barnabas::testing {

using zk::CheckOp;
using zk::CreateMode;
using zk::CreateOp;
using zk::DeleteOp;
using zk::EventType;
using zk::NodeVersion;
using zk::SetOp;
using zk::StoreErrorCode;
using zk::StoreResult;
using zk::WatchEvent;

void StoreContract::SetUp() {
  world_ = GetParam()();
  store_ = &world_->session();
  std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ranges::replace(name, '/', '_');
  root_ = "/" + name;
  ASSERT_TRUE(write(CreateOp{root_, std::nullopt, CreateMode::kPersistent}));
}

template <typename T>
StoreResult<T> StoreContract::ask(std::move_only_function<void(zk::Callback<T>)> start) {
  std::optional<StoreResult<T>> answer;
  bool inside = true;
  start([&](StoreResult<T> result) {
    EXPECT_FALSE(inside) << "a callback ran inside the call";
    answer = std::move(result);
  });
  inside = false;
  world_->run_until([&] { return answer.has_value(); });
  return answer ? std::move(*answer) : std::unexpected(zk::StoreError{});
}

StoreResult<zk::Node> StoreContract::get(const std::string& path, zk::Watcher watcher) {
  return ask<zk::Node>([&](auto done) { store_->get(path, std::move(watcher), std::move(done)); });
}
StoreResult<std::optional<zk::Stat>> StoreContract::exists(const std::string& path,
                                                           zk::Watcher watcher) {
  return ask<std::optional<zk::Stat>>(
      [&](auto done) { store_->exists(path, std::move(watcher), std::move(done)); });
}
StoreResult<zk::Children> StoreContract::children(const std::string& path, zk::Watcher watcher) {
  return ask<zk::Children>(
      [&](auto done) { store_->children(path, std::move(watcher), std::move(done)); });
}
StoreResult<std::vector<zk::WriteResult>> StoreContract::multi(std::vector<zk::WriteOp> ops) {
  return ask<std::vector<zk::WriteResult>>(
      [&](auto done) { store_->multi(std::move(ops), std::move(done)); });
}
StoreResult<zk::WriteResult> StoreContract::write(zk::WriteOp op) {
  auto results = multi(ops_of({std::move(op)}));
  if (!results) {
    return std::unexpected(std::move(results).error());
  }
  return std::move(results->front());
}

namespace {

// Remembers what a watch has heard.
struct Heard {
  std::vector<WatchEvent> events;
  zk::Watcher watcher() {
    return [this](const WatchEvent& event) { events.push_back(event); };
  }
};

TEST_P(StoreContract, KeepsDataWithVersionsAndTellsNullFromEmpty) {
  const auto made = write(CreateOp{at("a"), "one"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->path, at("a"));
  EXPECT_EQ(made->stat.version, NodeVersion{0});
  EXPECT_EQ(made->stat.data_length, 3);
  const auto first = get(at("a"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->data, "one");
  EXPECT_EQ(first->stat.czxid, first->stat.mzxid);
  EXPECT_GT(first->stat.ctime_ms, 0);
  if (world_->tells_all_of_created()) {
    EXPECT_EQ(made->stat, first->stat);
  }
  const auto set = write(SetOp{at("a"), std::nullopt, NodeVersion{0}});
  ASSERT_TRUE(set);
  EXPECT_EQ(set->stat.version, NodeVersion{1});
  EXPECT_EQ(set->stat.czxid, first->stat.czxid);
  EXPECT_GT(set->stat.mzxid, first->stat.mzxid);
  EXPECT_EQ(get(at("a"))->data, std::nullopt);
  EXPECT_EQ(get(at("a"))->stat, set->stat);
  ASSERT_TRUE(write(SetOp{at("a"), std::string{}}));
  EXPECT_EQ(get(at("a"))->data, "");
  ASSERT_TRUE(write(DeleteOp{at("a"), NodeVersion{2}}));
  EXPECT_EQ(exists(at("a")).value(), std::nullopt);
}

TEST_P(StoreContract, BinaryDataComesBackAsItWas) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) {
    bytes.push_back(static_cast<char>(i * 7));
  }
  ASSERT_TRUE(write(CreateOp{at("a"), bytes}));
  EXPECT_EQ(get(at("a"))->data, bytes);
}

TEST_P(StoreContract, EveryRefusalHasItsCodeAndPath) {
  ASSERT_TRUE(write(CreateOp{at("a"), "x"}));
  ASSERT_TRUE(write(CreateOp{at("a/b"), "x"}));
  ASSERT_TRUE(write(CreateOp{at("e"), "x", CreateMode::kEphemeral}));
  const auto refused = [&](zk::WriteOp op, StoreErrorCode code, const std::string& path) {
    const auto result = write(std::move(op));
    ASSERT_FALSE(result) << path;
    EXPECT_EQ(result.error().code, code) << path << " " << to_string(result.error());
    EXPECT_EQ(result.error().path, path);
  };
  refused(CreateOp{at("a"), "y"}, StoreErrorCode::kNodeExists, at("a"));
  refused(CreateOp{at("none/b"), "y"}, StoreErrorCode::kNoNode, at("none/b"));
  refused(CreateOp{at("e/b"), "y"}, StoreErrorCode::kNoChildrenForEphemerals, at("e/b"));
  refused(SetOp{at("a"), "y", NodeVersion{4}}, StoreErrorCode::kBadVersion, at("a"));
  refused(SetOp{at("none"), "y"}, StoreErrorCode::kNoNode, at("none"));
  refused(DeleteOp{at("a")}, StoreErrorCode::kNotEmpty, at("a"));
  refused(DeleteOp{at("a/b"), NodeVersion{1}}, StoreErrorCode::kBadVersion, at("a/b"));
  refused(DeleteOp{at("none")}, StoreErrorCode::kNoNode, at("none"));
  refused(CheckOp{at("a"), NodeVersion{1}}, StoreErrorCode::kBadVersion, at("a"));
  refused(CheckOp{at("none")}, StoreErrorCode::kNoNode, at("none"));
  refused(CreateOp{at("a/"), "y"}, StoreErrorCode::kBadArguments, at("a/"));
  refused(CreateOp{at("a//c"), "y"}, StoreErrorCode::kBadArguments, at("a//c"));
  refused(CreateOp{"a", "y"}, StoreErrorCode::kBadArguments, "a");
  EXPECT_EQ(get(at("a//c")).error().code, StoreErrorCode::kBadArguments);
  refused(CreateOp{at("big"), std::string(std::size_t{2} << 20U, 'x')},
          StoreErrorCode::kBadArguments, at("big"));
  EXPECT_EQ(get(at("none")).error().code, StoreErrorCode::kNoNode);
  EXPECT_EQ(get(at("none")).error().path, at("none"));
  EXPECT_EQ(children(at("none")).error().code, StoreErrorCode::kNoNode);
  EXPECT_EQ(get(at("a"))->data, "x");
}

TEST_P(StoreContract, AMultiIsAllOrNothing) {
  ASSERT_TRUE(write(CreateOp{at("a"), "1"}));
  const auto failed =
      multi(ops_of({CheckOp{at("a"), NodeVersion{0}}, SetOp{at("a"), "2"}, CreateOp{at("b"), "1"},
                    DeleteOp{at("none")}, CreateOp{at("c"), "1"}}));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, StoreErrorCode::kNoNode);
  EXPECT_EQ(failed.error().operation, 3U);
  EXPECT_EQ(failed.error().path, at("none"));
  EXPECT_EQ(get(at("a"))->data, "1");
  EXPECT_EQ(children(root_)->names, std::vector<std::string>{"a"});
  const auto done = multi(ops_of({CheckOp{at("a"), NodeVersion{0}}, CreateOp{at("b"), "1"},
                                  SetOp{at("b"), "2"}, SetOp{at("a"), "3", NodeVersion{0}}}));
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 4U);
  EXPECT_EQ(done->at(1).path, at("b"));
  EXPECT_EQ(done->at(2).stat.version, NodeVersion{1});
  EXPECT_EQ(done->at(2).stat.czxid, done->at(3).stat.mzxid) << "one write has one zxid";
  EXPECT_EQ(get(at("b"))->data, "2");
  EXPECT_EQ(get(at("b"))->stat, done->at(2).stat);
}

TEST_P(StoreContract, ChildrenAreSortedAndCounted) {
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_TRUE(write(CreateOp{at(name), std::nullopt}));
  }
  const auto listed = children(root_);
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(listed->stat.num_children, 3);
  EXPECT_EQ(listed->stat.cversion, 3);
  EXPECT_EQ(exists(root_).value()->pzxid, get(at("b"))->stat.czxid);
  EXPECT_TRUE(children(at("a"))->names.empty());
}

TEST_P(StoreContract, SequenceNumbersHaveTenDigitsAndRise) {
  const auto first = write(CreateOp{at("n_"), "x", CreateMode::kPersistentSequential});
  const auto second = write(CreateOp{at("n_"), "x", CreateMode::kEphemeralSequential});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->path, at("n_0000000000"));
  EXPECT_EQ(second->path, at("n_0000000001"));
  EXPECT_EQ(get(second->path)->stat.ephemeral_owner, store_->session_id());
  EXPECT_EQ(get(first->path)->stat.ephemeral_owner, zk::kNoSession);
}

TEST_P(StoreContract, WatchesAreHeardOnceAndBeforeTheAnswerThatShowsTheChange) {
  ASSERT_TRUE(write(CreateOp{at("a"), "1"}));
  Heard data;
  Heard absent;
  Heard listing;
  ASSERT_TRUE(get(at("a"), data.watcher()));
  ASSERT_TRUE(exists(at("b"), absent.watcher()));
  ASSERT_TRUE(children(root_, listing.watcher()));
  ASSERT_TRUE(write(SetOp{at("a"), "2"}));
  ASSERT_EQ(data.events.size(), 1U);
  EXPECT_EQ(data.events[0].type, EventType::kDataChanged);
  EXPECT_EQ(data.events[0].path, at("a"));
  ASSERT_TRUE(write(SetOp{at("a"), "3"}));
  EXPECT_EQ(data.events.size(), 1U);
  EXPECT_TRUE(listing.events.empty());
  ASSERT_TRUE(write(CreateOp{at("b"), "1"}));
  ASSERT_EQ(absent.events.size(), 1U);
  EXPECT_EQ(absent.events[0].type, EventType::kCreated);
  ASSERT_EQ(listing.events.size(), 1U);
  EXPECT_EQ(listing.events[0].type, EventType::kChildrenChanged);
  EXPECT_EQ(listing.events[0].path, root_);
  Heard deleted;
  Heard below;
  ASSERT_TRUE(get(at("b"), deleted.watcher()));
  ASSERT_TRUE(children(at("b"), below.watcher()));
  ASSERT_TRUE(write(DeleteOp{at("b")}));
  ASSERT_EQ(deleted.events.size(), 1U);
  EXPECT_EQ(deleted.events[0].type, EventType::kDeleted);
  ASSERT_EQ(below.events.size(), 1U);
  EXPECT_EQ(below.events[0].type, EventType::kDeleted);
}

TEST_P(StoreContract, AReadThatFailsLeavesNoWatch) {
  Heard heard;
  EXPECT_FALSE(get(at("a"), heard.watcher()));
  EXPECT_FALSE(children(at("a"), heard.watcher()));
  ASSERT_TRUE(write(CreateOp{at("a"), "1"}));
  ASSERT_TRUE(write(SetOp{at("a"), "2"}));
  EXPECT_TRUE(heard.events.empty());
}

TEST_P(StoreContract, AnswersComeInTheOrderOfAsking) {
  std::vector<int> order;
  constexpr int kRequests = 200;
  for (int i = 0; i < kRequests; ++i) {
    if (i % 3 == 0) {
      store_->create({at(fmt::format("n{}", i)), "x", CreateMode::kPersistent},
                     [&order, i](StoreResult<zk::WriteResult>) { order.push_back(i); });
    } else {
      store_->get(at(fmt::format("n{}", i - i % 3)), {}, [&order, i](StoreResult<zk::Node> node) {
        EXPECT_TRUE(node) << "a read overtook the write before it";
        order.push_back(i);
      });
    }
  }
  world_->run_until([&] { return order.size() == kRequests; });
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_P(StoreContract, ClosingEndsTheSessionAndItsNodes) {
  zk::MetadataStore* const other = world_->second_session();
  if (other == nullptr) {
    GTEST_SKIP() << "this store has one session only";
  }
  ASSERT_TRUE(write(CreateOp{at("e"), "x", CreateMode::kEphemeral}));
  ASSERT_TRUE(write(CreateOp{at("p"), "x", CreateMode::kPersistent}));
  bool gone = false;
  store_ = other;
  ASSERT_TRUE(exists(at("e"), [&](const WatchEvent& event) {
                gone = event.type == EventType::kDeleted;
              }).value());
  store_ = &world_->session();
  ASSERT_TRUE(ask<zk::SessionId>([&](auto done) { store_->close(std::move(done)); }));
  EXPECT_EQ(get(at("p")).error().code, StoreErrorCode::kClosed);
  store_ = other;
  EXPECT_EQ(exists(at("e")).value(), std::nullopt);
  world_->run_until([&] { return gone; });
  EXPECT_TRUE(exists(at("p")).value());
}

TEST_P(StoreContract, AnotherSessionsChangeIsHeard) {
  zk::MetadataStore* const other = world_->second_session();
  if (other == nullptr) {
    GTEST_SKIP() << "this store has one session only";
  }
  ASSERT_TRUE(write(CreateOp{at("a"), "1"}));
  Heard heard;
  ASSERT_TRUE(get(at("a"), heard.watcher()));
  store_ = other;
  ASSERT_TRUE(write(SetOp{at("a"), "2"}));
  world_->run_until([&] { return !heard.events.empty(); });
  EXPECT_EQ(heard.events.size(), 1U);
  const auto clash = write(CreateOp{at("a"), "3"});
  EXPECT_EQ(clash.error().code, StoreErrorCode::kNodeExists);
}

}  // namespace
}  // namespace barnabas::testing
