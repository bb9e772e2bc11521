// Ten thousand partitions on the embedded store: the cost is counted, not timed.
#include "barnabas/zk/embedded_store.h"
#include "cluster_fixture.h"
#include "support/memory_vfs.h"

namespace barnabas::controller {
namespace {

TEST(ControllerScale, PartitionsShareTheStoresSyncs) {
  testing::ManualTime time;
  testing::ManualExecutor home(time);
  testing::ManualExecutor disk(time);
  testing::MemoryVfs vfs;
  auto random = make_seeded_random(3);
  zk::EmbeddedStoreOptions options;
  options.directory = "/data.metadata";
  auto opened = zk::open_embedded_store(options, vfs, time, home, disk);
  ASSERT_TRUE(opened);
  const auto store = *opened;
  std::map<BrokerId, FakeBroker> brokers;
  FakeChannel channel(home, brokers);
  FakeConfigs configs;
  ControllerOptions controller_options;
  controller_options.broker = BrokerId{1};
  auto controller =
      Controller::make(controller_options, {*store, channel, configs, time, *random, {}});
  zk::prepare_tree(*store, *random, [](Result<std::string> id) { ASSERT_TRUE(id); });
  time.run_all();
  zk::BrokerZNode znode;
  znode.endpoints.push_back({"PLAINTEXT", "PLAINTEXT", "h", 9092});
  zk::register_broker(*store, BrokerId{1}, znode, [&](Result<BrokerEpoch> epoch) {
    controller->start(*epoch, [](Status status) { ASSERT_TRUE(status); });
  });
  time.run_all();
  ASSERT_TRUE(controller->is_active());

  const std::string journal = "/data.metadata/journal.0000000000000000";
  const std::uint64_t before = vfs.syncs_of(journal);
  NewTopic topic;
  topic.name = "big";
  topic.num_partitions = 10'000;
  topic.replication_factor = 1;
  std::optional<ErrorCode> created;
  controller->admin().create_topics({topic}, {},
                                    [&](auto results) { created = results.at(0).error; });
  time.run_all();
  EXPECT_EQ(created, ErrorCode::kNone);
  EXPECT_EQ(brokers[BrokerId{1}].snapshot->partition_count(), 10'000U);
  EXPECT_LE(vfs.syncs_of(journal) - before, 6U);
  const std::size_t requests = brokers[BrokerId{1}].requests.size();
  EXPECT_LE(requests, 4U) << "one LeaderAndIsr, one UpdateMetadata";

  std::optional<ErrorCode> deleted;
  controller->admin().delete_topics({"big"}, 30000,
                                    [&](auto results) { deleted = results.at(0).error; });
  time.run_all();
  EXPECT_EQ(deleted, ErrorCode::kNone);
  EXPECT_EQ(brokers[BrokerId{1}].snapshot->partition_count(), 0U);
  controller->stop();
}

}  // namespace
}  // namespace barnabas::controller
