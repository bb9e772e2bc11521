#include "barnabas/zk/broker_registration.h"

#include <gtest/gtest.h>

#include "support/manual_executor.h"
#include "support/memory_tree.h"

namespace barnabas::zk {
namespace {

using testing::ManualExecutor;
using testing::ManualTime;
using testing::MemorySession;
using testing::MemoryTree;

class BrokerRegistrationTest : public ::testing::Test {
 protected:
  Result<std::string> prepare(MemorySession& session) {
    Result<std::string> id = fail(ErrorCode::kUnknownServerError, "no answer");
    prepare_tree(session, *random_, [&](Result<std::string> answer) { id = std::move(answer); });
    time_.run_all();
    return id;
  }
  Result<BrokerEpoch> add(MemorySession& session, BrokerId id) {
    BrokerZNode node;
    node.endpoints.push_back({"PLAINTEXT", "PLAINTEXT", "localhost", 9092});
    Result<BrokerEpoch> epoch = fail(ErrorCode::kUnknownServerError, "no answer");
    register_broker(session, id, node,
                    [&](Result<BrokerEpoch> answer) { epoch = std::move(answer); });
    time_.run_all();
    return epoch;
  }

  ManualTime time_;
  ManualExecutor home_{time_};
  MemoryTree tree_{time_};
  std::unique_ptr<Random> random_ = make_seeded_random(1);
};

TEST_F(BrokerRegistrationTest, MakesTheTreeInKafkasOrder) {
  std::vector<std::string> made;
  tree_.on_write([&](const std::vector<WriteOp>& ops) { made.push_back(path_of(ops.front())); });
  auto session = tree_.connect(home_);
  const auto id = prepare(*session);
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_TRUE(Uuid::parse(*id));
  const std::vector<std::string> expected{"/consumers",
                                          "/brokers",
                                          "/brokers/ids",
                                          "/brokers/topics",
                                          "/config",
                                          "/config/changes",
                                          "/admin",
                                          "/admin/delete_topics",
                                          "/brokers/seqid",
                                          "/isr_change_notification",
                                          "/latest_producer_id_block",
                                          "/log_dir_event_notification",
                                          "/config/topics",
                                          "/config/clients",
                                          "/config/users",
                                          "/config/brokers",
                                          "/config/ips",
                                          "/cluster",
                                          "/cluster/id"};
  EXPECT_EQ(made, expected);
  EXPECT_EQ(tree_.data("/cluster/id"), R"({"version":"1","id":")" + *id + R"("})");
  EXPECT_EQ(tree_.data("/brokers/ids"), std::nullopt);
}

TEST_F(BrokerRegistrationTest, ASecondBrokerTakesTheClusterIdThatIsThere) {
  auto first = tree_.connect(home_);
  auto second = tree_.connect(home_);
  const auto id = prepare(*first);
  const auto same = prepare(*second);
  ASSERT_TRUE(id && same);
  EXPECT_EQ(*id, *same);
}

TEST_F(BrokerRegistrationTest, TwoThatStartTogetherAgreeOnTheClusterId) {
  auto first = tree_.connect(home_);
  auto second = tree_.connect(home_);
  std::vector<std::string> ids;
  for (MemorySession* session : {first.get(), second.get()}) {
    prepare_tree(*session, *random_, [&](Result<std::string> id) { ids.push_back(id.value()); });
  }
  time_.run_all();
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], ids[1]);
}

TEST_F(BrokerRegistrationTest, EpochIsTheZxidOfTheRegistration) {
  auto session = tree_.connect(home_);
  ASSERT_TRUE(prepare(*session));
  const auto epoch = add(*session, BrokerId{1});
  ASSERT_TRUE(epoch) << epoch.error().message;
  const Stat stat = tree_.tree().find("/brokers/ids/1")->stat();
  EXPECT_EQ(epoch->value(), stat.czxid.value());
  EXPECT_EQ(stat.version, NodeVersion{1});
  EXPECT_EQ(stat.ephemeral_owner, session->session_id());
  EXPECT_EQ(add(*session, BrokerId{1}).value(), *epoch);
}

TEST_F(BrokerRegistrationTest, AnotherSessionsNodeIsAClash) {
  auto session = tree_.connect(home_);
  auto other = tree_.connect(home_);
  ASSERT_TRUE(prepare(*session));
  const auto first = add(*session, BrokerId{1});
  ASSERT_TRUE(first);
  const auto clash = add(*other, BrokerId{1});
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code, ErrorCode::kDuplicateBrokerRegistration);
  session->expire();
  const auto second = add(*other, BrokerId{1});
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
}

TEST_F(BrokerRegistrationTest, ADeathAtAnyStepIsMadeGoodByTheNextStart) {
  for (std::uint64_t step = 0; step < 20; ++step) {
    MemoryTree tree(time_);
    auto first = tree.connect(home_);
    if (step % 2 == 0) {
      first->die_before_write(step);
    } else {
      first->die_after_write(step);
    }
    prepare_tree(*first, *random_, [](Result<std::string>) {});
    time_.run_all();
    auto second = tree.connect(home_);
    ASSERT_TRUE(prepare(*second)) << step;
    for (const std::string& path : start_up_paths()) {
      EXPECT_TRUE(tree.exists(path)) << path;
    }
  }
}

}  // namespace
}  // namespace barnabas::zk
