// The ZooKeeper store against a real ZooKeeper, whose address stands in BARNABAS_ZOOKEEPER: the
// contract of all stores, and what only a real session can show. store_test.py starts both.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "barnabas/base/vfs.h"
#include "barnabas/zk/membership.h"
#include "barnabas/zk/zookeeper_store.h"
#include "support/memory_vfs.h"
#include "support/queue_executor.h"
#include "support/store_contract.h"

namespace barnabas::testing {
namespace {

using zk::BrokerZNode;
using zk::CreateMode;
using zk::CreateOp;
using zk::SessionId;
using zk::SessionRecord;
using zk::SessionState;
using zk::StoreErrorCode;
using zk::StoreResult;

constexpr std::chrono::seconds kLimit{30};
constexpr int kMaxAttempts = 100;
// What the process of KilledRun is told.
constexpr const char* kKilledLogDir = "BARNABAS_KILLED_LOG_DIR";
constexpr const char* kKilledChroot = "BARNABAS_KILLED_CHROOT";

std::string own_chroot() {
  const char* const given = std::getenv(kKilledChroot);
  return given != nullptr
             ? given
             : fmt::format("/{}", ::testing::UnitTest::GetInstance()->current_test_info()->name());
}

zk::ZooKeeperOptions options_under(const std::string& chroot) {
  const char* const address = std::getenv("BARNABAS_ZOOKEEPER");
  EXPECT_NE(address, nullptr) << "store_test.py starts a ZooKeeper and this program";
  zk::ZooKeeperOptions options;
  options.connect.hosts = address != nullptr ? address : "";
  options.connect.chroot = chroot;
  options.session_timeout = std::chrono::milliseconds(4000);
  return options;
}

// One home on the test's thread that all sessions share; the blocking calls run there too.
class ZooKeeperWorld final : public StoreWorld {
 public:
  explicit ZooKeeperWorld(std::string chroot) : options_(options_under(chroot)) {
    if (!chroot.empty()) {
      std::optional<StoreResult<SessionId>> made;
      zk::make_chroot(options_, kLimit, home_, home_,
                      [&](StoreResult<SessionId> result) { made = std::move(result); });
      run_until([&] { return made.has_value(); });
      EXPECT_TRUE(made && *made);
    }
    first_ = connect();
  }
  [[nodiscard]] zk::MetadataStore& session() override { return *first_; }
  [[nodiscard]] zk::MetadataStore* second_session() override {
    if (second_ == nullptr) {
      second_ = connect();
    }
    return second_.get();
  }
  void run_until(const std::function<bool()>& done) override {
    ASSERT_TRUE(home_.run_until(done, kLimit)) << "it never came about";
  }
  [[nodiscard]] bool tells_all_of_created() const override { return false; }

  std::shared_ptr<zk::ZooKeeperStore> connect() {
    auto store = zk::make_zookeeper_store(options_, home_, home_);
    EXPECT_TRUE(wait<SessionId>([&](auto done) { store->connect(kLimit, std::move(done)); }));
    return store;
  }
  template <typename T>
  StoreResult<T> wait(std::move_only_function<void(zk::Callback<T>)> start) {
    std::optional<StoreResult<T>> answer;
    start([&](StoreResult<T> result) { answer = std::move(result); });
    run_until([&] { return answer.has_value(); });
    return answer ? std::move(*answer) : std::unexpected(zk::StoreError{});
  }
  // Ends a session as nobody but its owner can: with its password, from elsewhere. The owner seeks
  // its connection back meanwhile, so that the order to close may find the session gone from its
  // connection: then once more, until there is no such session.
  void end_session(const zk::SessionCredentials& session) {
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      auto thief = zk::make_zookeeper_store(options_, home_, home_);
      const auto taken =
          wait<SessionId>([&](auto done) { thief->take_over(session, kLimit, std::move(done)); });
      const bool over = !taken && taken.error().code == StoreErrorCode::kSessionExpired;
      static_cast<void>(wait<SessionId>([&](auto done) { thief->close(std::move(done)); }));
      if (over) {
        return;
      }
    }
    FAIL() << "the session does not end";
  }

  QueueExecutor home_;
  zk::ZooKeeperOptions options_;
  std::shared_ptr<zk::ZooKeeperStore> first_;
  std::shared_ptr<zk::ZooKeeperStore> second_;
};

std::unique_ptr<StoreWorld> make_bare() {
  return std::make_unique<ZooKeeperWorld>("");
}
std::unique_ptr<StoreWorld> make_under_chroot() {
  return std::make_unique<ZooKeeperWorld>("/deep/chroot");
}

INSTANTIATE_TEST_SUITE_P(ZooKeeper, StoreContract, ::testing::Values(&make_bare));
INSTANTIATE_TEST_SUITE_P(UnderChroot, StoreContract, ::testing::Values(&make_under_chroot));

class ZooKeeperStoreTest : public ::testing::Test {
 protected:
  zk::MetadataStore& store() { return *world_.first_; }
  StoreResult<zk::WriteResult> write(zk::WriteOp op, zk::MetadataStore* where = nullptr) {
    auto results = world_.wait<std::vector<zk::WriteResult>>([&](auto done) {
      std::vector<zk::WriteOp> ops;
      ops.push_back(std::move(op));
      (where != nullptr ? *where : store()).multi(std::move(ops), std::move(done));
    });
    if (!results) {
      return std::unexpected(results.error());
    }
    return results->front();
  }
  bool exists(const std::string& path) {
    return world_
        .wait<std::optional<zk::Stat>>(
            [&](auto done) { store().exists(path, {}, std::move(done)); })
        .value()
        .has_value();
  }

  ZooKeeperWorld world_{own_chroot()};
};

TEST_F(ZooKeeperStoreTest, AnExpiredSessionIsToldAndAnotherOneFollows) {
  ASSERT_TRUE(write(CreateOp{"/e", "x", CreateMode::kEphemeral}));
  std::vector<SessionState> states;
  store().add_session_listener([&](SessionState state) { states.push_back(state); });
  bool heard = false;
  ASSERT_TRUE(world_.wait<zk::Node>([&](auto done) {
    store().get("/e", [&](const zk::WatchEvent&) { heard = true; }, std::move(done));
  }));
  const SessionId before = store().session_id();
  world_.end_session(world_.first_->credentials());
  world_.run_until([&] { return store().session_state() == SessionState::kExpired; });
  const auto refused = write(CreateOp{"/p", "x"});
  EXPECT_EQ(refused.error().code, StoreErrorCode::kSessionExpired);
  const auto renewed =
      world_.wait<SessionId>([&](auto done) { store().renew_session(std::move(done)); });
  ASSERT_TRUE(renewed);
  EXPECT_NE(*renewed, before);
  EXPECT_EQ(store().session_id(), *renewed);
  EXPECT_FALSE(exists("/e"));
  ASSERT_TRUE(write(CreateOp{"/e", "y", CreateMode::kEphemeral}));
  EXPECT_EQ(states.back(), SessionState::kConnected);
  EXPECT_NE(std::ranges::find(states, SessionState::kExpired), states.end());
  EXPECT_FALSE(heard) << "watches of a session that has ended are dropped";
}

TEST_F(ZooKeeperStoreTest, WhatWaitsWhenTheSessionExpiresIsAnswered) {
  int answered = 0;
  world_.end_session(world_.first_->credentials());
  for (int i = 0; i < 50; ++i) {
    store().get("/", {}, [&](StoreResult<zk::Node>) { ++answered; });
  }
  world_.run_until([&] { return answered == 50; });
}

TEST_F(ZooKeeperStoreTest, AnotherPasswordTakesNothingOver) {
  ASSERT_TRUE(write(CreateOp{"/e", "x", CreateMode::kEphemeral}));
  auto session = world_.first_->credentials();
  session.password[3] = static_cast<char>(session.password[3] + 1);
  auto thief = zk::make_zookeeper_store(world_.options_, world_.home_, world_.home_);
  const auto taken = world_.wait<SessionId>(
      [&](auto done) { thief->take_over(session, kLimit, std::move(done)); });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, StoreErrorCode::kSessionExpired);
  EXPECT_TRUE(exists("/e"));
}

TEST_F(ZooKeeperStoreTest, NobodyThereIsSaidInTime) {
  auto options = world_.options_;
  options.connect.hosts = "127.0.0.1:1";
  auto store = zk::make_zookeeper_store(options, world_.home_, world_.home_);
  const auto connected = world_.wait<SessionId>(
      [&](auto done) { store->connect(std::chrono::milliseconds(300), std::move(done)); });
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, StoreErrorCode::kConnectionLoss);
  options.connect.hosts = "no-such-host.invalid:2181";
  store = zk::make_zookeeper_store(options, world_.home_, world_.home_);
  EXPECT_FALSE(world_.wait<SessionId>(
      [&](auto done) { store->connect(std::chrono::milliseconds(300), std::move(done)); }));
}

// ---- Registration ------------------------------------------------------------------------------

std::optional<SessionRecord> only_record(const Vfs& vfs, const std::string& log_dir) {
  auto records = zk::read_session_files(vfs, {log_dir});
  return records.size() == 1 ? std::optional(std::move(records.front())) : std::nullopt;
}

class MembershipTest : public ZooKeeperStoreTest {
 protected:
  MembershipTest() {
    EXPECT_TRUE(vfs_.create_directories("/logs"));
    for (const char* path : {"/brokers", "/brokers/ids"}) {
      static_cast<void>(write(CreateOp{path, std::nullopt}));
    }
    node_.endpoints.push_back({"PLAINTEXT", "PLAINTEXT", "here.example", 9092});
  }
  Result<BrokerEpoch> join(zk::ZooKeeperStore& store, const std::string& log_dir,
                           Vfs* vfs = nullptr) {
    Vfs& files = vfs != nullptr ? *vfs : vfs_;
    zk::Membership membership({world_.options_, kLimit, {log_dir}, "cluster", BrokerId{1}}, store,
                              files, world_.home_);
    std::optional<Result<BrokerEpoch>> epoch;
    membership.join(zk::read_session_files(files, {log_dir}), node_,
                    [&](Result<BrokerEpoch> answer) { epoch = std::move(answer); });
    world_.run_until([&] { return epoch.has_value(); });
    return std::move(*epoch);
  }

  MemoryVfs vfs_;
  BrokerZNode node_;
};

// A run of its own process: joins, takes the controller's seat and dies without a word.
class KilledRun : public MembershipTest {};

TEST_F(KilledRun, JoinsAndDies) {
  const char* const log_dir = std::getenv(kKilledLogDir);
  if (log_dir == nullptr) {
    GTEST_SKIP() << "a part of MembershipTest.ARunThatWasKilledIsFollowedAtOnce";
  }
  const auto vfs = make_posix_vfs();
  const auto epoch = join(*world_.first_, log_dir, vfs.get());
  EXPECT_TRUE(epoch);
  EXPECT_TRUE(write(CreateOp{"/controller", "x", CreateMode::kEphemeral}));
  ::_exit(epoch ? 0 : 1);
}

TEST_F(MembershipTest, ARunThatWasKilledIsFollowedAtOnce) {
  std::string log_dir = ::testing::TempDir() + "killed-XXXXXX";
  ASSERT_NE(::mkdtemp(log_dir.data()), nullptr);
  const std::string command = fmt::format(
      "{}={} {}={} /proc/{}/exe --gtest_filter=KilledRun.* >/dev/null 2>&1", kKilledLogDir, log_dir,
      kKilledChroot, world_.options_.connect.chroot, ::getpid());
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const auto vfs = make_posix_vfs();
  const auto record = only_record(*vfs, log_dir);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->broker, BrokerId{1});
  struct stat file{};
  ASSERT_EQ(::stat(zk::session_file_path(log_dir).c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
  EXPECT_TRUE(exists("/brokers/ids/1")) << "the session of the dead must still stand";
  EXPECT_TRUE(exists("/controller"));
  const auto epoch = join(*world_.first_, log_dir, vfs.get());
  ASSERT_TRUE(epoch) << epoch.error().message;
  EXPECT_FALSE(exists("/controller")) << "all of the old session's nodes went with it";
  EXPECT_EQ(only_record(*vfs, log_dir)->session, world_.first_->credentials());
  const auto node =
      world_.wait<zk::Node>([&](auto done) { store().get("/brokers/ids/1", {}, std::move(done)); });
  ASSERT_TRUE(node);
  EXPECT_EQ(node->stat.version, zk::NodeVersion{1});
  EXPECT_EQ(node->stat.czxid.value(), epoch->value());
  EXPECT_EQ(node->stat.ephemeral_owner, store().session_id());
  EXPECT_TRUE(vfs->remove_tree(log_dir));
}

TEST_F(MembershipTest, AnotherOwnerIsAClashThatNamesIt) {
  auto other = world_.connect();
  ASSERT_TRUE(join(*other, "/logs"));
  ASSERT_TRUE(vfs_.create_directories("/elsewhere"));
  const auto clash = join(*world_.first_, "/elsewhere");
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code, ErrorCode::kDuplicateBrokerRegistration);
  EXPECT_NE(clash.error().message.find("here.example:9092"), std::string::npos)
      << clash.error().message;
  EXPECT_NE(clash.error().message.find(zk::session_name(other->session_id())), std::string::npos)
      << clash.error().message;
  EXPECT_TRUE(exists("/brokers/ids/1"));
  EXPECT_EQ(other->session_state(), SessionState::kConnected);
}

TEST_F(MembershipTest, ARecordOfAnotherClusterOrBrokerProvesNothing) {
  auto other = world_.connect();
  ASSERT_TRUE(join(*other, "/logs"));
  SessionRecord record = only_record(vfs_, "/logs").value();
  ASSERT_TRUE(vfs_.create_directories("/copy"));
  record.cluster_id = "another";
  ASSERT_TRUE(zk::write_session_files(vfs_, {"/copy"}, record));
  EXPECT_FALSE(join(*world_.first_, "/copy"));
  record.cluster_id = "cluster";
  record.broker = BrokerId{2};
  ASSERT_TRUE(zk::write_session_files(vfs_, {"/copy"}, record));
  EXPECT_FALSE(join(*world_.first_, "/copy"));
  EXPECT_TRUE(exists("/brokers/ids/1"));
}

}  // namespace
}  // namespace barnabas::testing
