// What of the ZooKeeper store needs no ZooKeeper: the connect string, the session file, and the
// judgement of writes whose answer was lost.
#include <gtest/gtest.h>

#include "barnabas/zk/session_file.h"
#include "barnabas/zk/zookeeper_store.h"
#include "support/memory_vfs.h"
#include "zk/zookeeper_requests.h"

namespace barnabas::zk {
namespace {

using testing::MemoryVfs;

TEST(ConnectStringTest, HostsPortsAndChroot) {
  const auto whole = parse_connect_string("a:2181, b:2182,c/kafka/x/");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->hosts, "a:2181,b:2182,c:2181");
  EXPECT_EQ(whole->chroot, "/kafka/x");
  EXPECT_EQ(parse_connect_string("localhost:2181/")->chroot, "");
  EXPECT_EQ(parse_connect_string("[::1]:2181")->hosts, "[::1]:2181");
}

TEST(ConnectStringTest, WhatIsRefusedIsNamed) {
  for (const char* text : {"", "/kafka", "a:0", "a:x", "a:99999", ":2181", "a:2181//x"}) {
    const auto refused = parse_connect_string(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidConfig);
  }
  for (const char* text : {"tls://a:2181", "a:2181/kafka?ssl=true"}) {
    const auto refused = parse_connect_string(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_NE(refused.error().message.find("without TLS"), std::string::npos);
  }
}

class SessionFileTest : public ::testing::Test {
 protected:
  SessionFileTest() {
    EXPECT_TRUE(vfs_.create_directories("/logs"));
    for (std::size_t i = 0; i < record_.session.password.size(); ++i) {
      record_.session.password.at(i) = static_cast<char>(i * 17);
    }
  }
  MemoryVfs vfs_;
  SessionRecord record_{"wC-cWcDRQaWlm9tGiyMyrQ", BrokerId{7}, {SessionId{INT64_MIN + 0x1234}, {}}};
};

TEST_F(SessionFileTest, ComesBackAsItWasWritten) {
  EXPECT_TRUE(read_session_files(vfs_, {"/logs"}).empty());
  ASSERT_TRUE(write_session_files(vfs_, {"/logs"}, record_));
  EXPECT_EQ(read_session_files(vfs_, {"/logs"}), std::vector<SessionRecord>{record_});
  EXPECT_EQ(vfs_.files("/logs"), std::vector<std::string>{"barnabas.zookeeper-session"});
}

TEST_F(SessionFileTest, OneDirectoryThatTakesItIsEnough) {
  ASSERT_TRUE(write_session_files(vfs_, {"/missing", "/logs"}, record_));
  EXPECT_EQ(read_session_files(vfs_, {"/missing", "/logs"}), std::vector<SessionRecord>{record_});
  EXPECT_FALSE(write_session_files(vfs_, {"/missing"}, record_));
}

TEST_F(SessionFileTest, WhatIsNotWholeProvesNothing) {
  ASSERT_TRUE(write_session_files(vfs_, {"/logs"}, record_));
  const std::string path = session_file_path("/logs");
  const std::string whole = read_file(vfs_, path, 4096).value();
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    ASSERT_TRUE(write_file_atomically(vfs_, path, whole.substr(0, size)));
    EXPECT_TRUE(read_session_files(vfs_, {"/logs"}).empty()) << size;
  }
}

class DoubtTest : public ::testing::Test {
 protected:
  static constexpr SessionId kOwn{5};

  void ask(std::vector<WriteOp> ops) {
    request_.kind = Request::Kind::kMulti;
    request_.ops = std::move(ops);
  }
  void see(NodeData data, std::int32_t version, SessionId owner = kNoSession) {
    ClientReply look;
    look.data = std::move(data);
    look.stat.version = NodeVersion{version};
    look.stat.ephemeral_owner = owner;
    request_.looks.push_back(std::move(look));
  }
  void see_nothing() { request_.looks.emplace_back().code = StoreErrorCode::kNoNode; }
  bool done() { return done_before(request_, kOwn).has_value(); }

  Request request_;
};

TEST_F(DoubtTest, AnEphemeralNodeIsOnesOwnByItsSession) {
  ask({CreateOp{"/controller", "me", CreateMode::kEphemeral}});
  see("me", 0, kOwn);
  EXPECT_TRUE(done());
  request_.looks.clear();
  see("me", 0, SessionId{6});
  EXPECT_FALSE(done());
  request_.looks.clear();
  see("you", 0, kOwn);
  EXPECT_FALSE(done());
  request_.looks.clear();
  see_nothing();
  EXPECT_FALSE(done());
}

TEST_F(DoubtTest, ASetIsDoneWhenTheNextVersionHoldsItsData) {
  ask({CheckOp{"/controller_epoch", NodeVersion{3}}, SetOp{"/a", "2", NodeVersion{7}}});
  see("9", 3);
  see("2", 8);
  const auto done = done_before(request_, kOwn);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->outcomes.at(1).stat.version, NodeVersion{8});
  request_.looks.back().stat.version = NodeVersion{9};
  EXPECT_FALSE(done_before(request_, kOwn)) << "somebody has written after it, or instead of it";
}

TEST_F(DoubtTest, ADeletionIsDoneWhenNothingIsThere) {
  ask({DeleteOp{"/a"}, DeleteOp{"/b"}});
  see_nothing();
  see_nothing();
  EXPECT_TRUE(done());
  request_.looks.pop_back();
  see("x", 0);
  EXPECT_FALSE(done());
}

TEST_F(DoubtTest, AFencingCheckThatFailsIsNeverOnesOwnDoing) {
  ask({CheckOp{"/controller_epoch", NodeVersion{3}}, CreateOp{"/a", "1"}});
  ClientReply refused;
  refused.code = StoreErrorCode::kBadVersion;
  refused.outcomes.resize(2);
  refused.outcomes[0].code = StoreErrorCode::kBadVersion;
  refused.outcomes[1].code = StoreErrorCode::kRolledBack;
  EXPECT_FALSE(may_be_own_doing(request_, refused));
  refused.code = StoreErrorCode::kNodeExists;
  refused.outcomes[0].code.reset();
  refused.outcomes[1].code = StoreErrorCode::kNodeExists;
  EXPECT_TRUE(may_be_own_doing(request_, refused));
}

TEST_F(DoubtTest, AWriteThatZooKeeperWouldNotTakeIsNotSent) {
  ask({CreateOp{"/a", std::string(600'000, 'x')}, CreateOp{"/b", std::string(600'000, 'x')}});
  const auto sound = check_request(request_);
  ASSERT_FALSE(sound);
  EXPECT_EQ(sound.error().code, StoreErrorCode::kBadArguments);
  EXPECT_EQ(sound.error().operation, 1U);
}

}  // namespace
}  // namespace barnabas::zk
