// The log dirs: locks, identities, creation, deletion, the periodic work.
#include <map>

#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;
using testing::FileOp;

class ManagerTest : public StorageTest {
 protected:
  std::shared_ptr<Log> create(const std::string& topic, int partition,
                              std::optional<Uuid> id = std::nullopt) {
    auto log = manager_->get_or_create({topic, PartitionId(partition)}, id, config_, true);
    EXPECT_TRUE(log) << log.error().message;
    return *log;
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return vfs_.content(std::string(kDir) + "/" + name).value_or("(missing)");
  }
};

TEST_F(ManagerTest, ADirectoryIsLockedAgainstASecondBroker) {
  ASSERT_TRUE(start_manager());
  StorageEnvironment env;
  env.vfs = &vfs_;
  env.clock = &time_;
  env.disk = &disk_;
  env.random = random_.get();
  const auto second = LogManager::open(options_, env);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("/data/logs"), std::string::npos);
  EXPECT_NE(second.error().message.find("pid"), std::string::npos);
  stop_cleanly();
  EXPECT_TRUE(LogManager::open(options_, env));
}

TEST_F(ManagerTest, AForeignDirectoryIsRefused) {
  for (const char* name :
       {"lost+found", "topic", "topic-x", "-1", "t-0.abc-deletes", "t-0-delete"}) {
    ASSERT_TRUE(vfs_.remove_tree(kDir));
    ASSERT_TRUE(vfs_.create_directories(std::string(kDir) + "/" + name));
    const Status started = start_manager();
    ASSERT_FALSE(started) << name;
    EXPECT_NE(started.error().message.find(name), std::string::npos);
    drop_manager();
  }
}

TEST_F(ManagerTest, TopicsMayHaveDotsAndDashes) {
  ASSERT_TRUE(start_manager());
  for (const char* name : {"a.b-c_d", "x-1", "-"}) {
    create(name, 3);
  }
  stop_cleanly();
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(manager_->logs().size(), 3U);
  EXPECT_NE(manager_->get({"x-1", PartitionId(3)}), nullptr);
}

TEST_F(ManagerTest, MetaPropertiesAreWrittenAndHeldAgainstTheNextStart) {
  ASSERT_TRUE(start_manager());
  EXPECT_FALSE(manager_->meta_properties().broker_id);
  ASSERT_TRUE(manager_->write_meta_properties("bt0Uo8zHTSGKVxIPSrK0Zg", BrokerId(3)));
  const std::string written = file("meta.properties");
  EXPECT_TRUE(written.starts_with("#\n#"));
  for (const char* line : {"cluster.id=bt0Uo8zHTSGKVxIPSrK0Zg\n", "broker.id=3\n", "version=0\n"}) {
    EXPECT_NE(written.find(line), std::string::npos) << written;
  }
  stop_cleanly();
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(manager_->meta_properties().broker_id, BrokerId(3));
  EXPECT_EQ(manager_->meta_properties().cluster_id, "bt0Uo8zHTSGKVxIPSrK0Zg");
  EXPECT_TRUE(manager_->write_meta_properties("bt0Uo8zHTSGKVxIPSrK0Zg", BrokerId(3)));
  EXPECT_EQ(file("meta.properties"), written);  // untouched
  const Status other_broker =
      manager_->write_meta_properties("bt0Uo8zHTSGKVxIPSrK0Zg", BrokerId(4));
  ASSERT_FALSE(other_broker);
  EXPECT_NE(other_broker.error().message.find("doesn't match stored broker.id 3"),
            std::string::npos);
  EXPECT_EQ(manager_->write_meta_properties("AAAAo8zHTSGKVxIPSrK0Zg", BrokerId(3)).error().code,
            ErrorCode::kInconsistentClusterId);
}

TEST_F(ManagerTest, KafkasMetaPropertiesKeepWhatWeDoNotKnow) {
  ASSERT_TRUE(vfs_.create_directories(kDir));
  vfs_.set_content(std::string(kDir) + "/meta.properties",
                   "#\n#Mon Jan 01 00:00:00 UTC 2024\nbroker.id=1\nversion=0\n"
                   "directory.id=abc\\:def\n");
  ASSERT_TRUE(start_manager());
  ASSERT_TRUE(manager_->write_meta_properties("c", BrokerId(1)));
  EXPECT_NE(file("meta.properties").find("directory.id=abc\\:def\n"), std::string::npos);
}

TEST_F(ManagerTest, LogDirsOfDifferentBrokersAreRefused) {
  options_.log_dirs = {"/data/a", "/data/b"};
  for (const auto& [dir, id] : {std::pair{"/data/a", 1}, std::pair{"/data/b", 2}}) {
    ASSERT_TRUE(vfs_.create_directories(dir));
    vfs_.set_content(std::string(dir) + "/meta.properties",
                     "version=0\nbroker.id=" + std::to_string(id) + "\n");
  }
  const Status started = start_manager();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("/data/b/meta.properties"), std::string::npos);
}

TEST_F(ManagerTest, AKraftDirectoryIsRefused) {
  ASSERT_TRUE(vfs_.create_directories(kDir));
  vfs_.set_content(std::string(kDir) + "/meta.properties", "version=1\nnode.id=1\ncluster.id=x\n");
  const Status started = start_manager();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("KRaft"), std::string::npos);
}

TEST_F(ManagerTest, NewLogsGoWhereTheFewestAre) {
  options_.log_dirs = {"/data/a", "/data/b", "/data/c"};
  ASSERT_TRUE(start_manager());
  std::map<std::string, int> counts;
  for (int i = 0; i < 9; ++i) {
    ++counts[create("t", i)->log_dir()];
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"/data/a", 3}, {"/data/b", 3}, {"/data/c", 3}}));
  stop_cleanly();
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(manager_->logs().size(), 9U);
}

TEST_F(ManagerTest, TheSameLogInTwoDirectoriesIsAnError) {
  options_.log_dirs = {"/data/a", "/data/b"};
  ASSERT_TRUE(vfs_.create_directories("/data/a/t-0"));
  ASSERT_TRUE(vfs_.create_directories("/data/b/t-0"));
  const Status started = start_manager();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("/data/b/t-0"), std::string::npos);
}

TEST_F(ManagerTest, TheTopicIdIsKeptInPartitionMetadata) {
  const Uuid id = random_->uuid();
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(create("t", 0, id)->topic_id(), id);
  EXPECT_EQ(content("partition.metadata"), "version: 0\ntopic_id: " + id.to_string());
  time_.run_all();
  EXPECT_EQ(vfs_.syncs_of("/data/logs/t-0/partition.metadata"), 1U);
  drop_manager();
  vfs_.crash(CrashMode::kProcess);
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(create("t", 0, id)->topic_id(), id);
  EXPECT_EQ(
      manager_->get_or_create({"t", PartitionId(0)}, random_->uuid(), config_, true).error().code,
      ErrorCode::kInconsistentTopicId);
}

TEST_F(ManagerTest, DeletionRenamesAtOnceAndRemovesLater) {
  options_.default_config.file_delete_delay_ms = 5000;
  open_log();
  append({});
  const std::vector<TopicPartition> doomed = {{"t", PartitionId(0)}, {"none", PartitionId(1)}};
  const auto kept = log_;  // somebody still holds it
  ASSERT_TRUE(manager_->delete_logs(doomed));
  EXPECT_EQ(manager_->get(doomed[0]), nullptr);
  EXPECT_FALSE(vfs_.exists(kLogDir));
  const std::string renamed = kept->directory();
  EXPECT_TRUE(renamed.starts_with("/data/logs/t-0.") && renamed.ends_with("-delete")) << renamed;
  EXPECT_EQ(renamed.size(), std::string("/data/logs/t-0.").size() + 32 + 7);
  EXPECT_TRUE(vfs_.exists(renamed + "/00000000000000000000.log"));
  EXPECT_EQ(append({}).error, ErrorCode::kKafkaStorageError);
  // The same name can be used again at once, and begins at 0.
  EXPECT_EQ(create("t", 0)->end_offset(), Offset(0));
  time_.advance(std::chrono::milliseconds(4999));
  EXPECT_TRUE(vfs_.exists(renamed));
  time_.advance(std::chrono::milliseconds(1));
  EXPECT_FALSE(vfs_.exists(renamed));
  EXPECT_TRUE(vfs_.exists(kLogDir));
}

TEST_F(ManagerTest, ADeletionThatACrashInterruptedIsFinished) {
  open_log();
  append({});
  const std::vector<TopicPartition> doomed = {{"t", PartitionId(0)}};
  ASSERT_TRUE(manager_->delete_logs(doomed));
  drop_manager();
  vfs_.crash(CrashMode::kProcess);
  ASSERT_TRUE(start_manager());
  EXPECT_TRUE(manager_->logs().empty());
  time_.advance(std::chrono::hours(1));
  for (const auto& name : vfs_.files(kDir)) {
    EXPECT_EQ(name.find('/'), std::string::npos) << name;
  }
}

TEST_F(ManagerTest, ALongTopicNameIsCutForTheDeletedDirectory) {
  const std::string topic(249, 'x');
  ASSERT_TRUE(start_manager());
  const auto log = create(topic, 12345);
  const std::vector<TopicPartition> doomed = {{topic, PartitionId(12345)}};
  ASSERT_TRUE(manager_->delete_logs(doomed));
  const std::string directory = log->directory();
  EXPECT_EQ(directory.size() - directory.rfind('/') - 1, 255U);
}

TEST_F(ManagerTest, ThePeriodicWorkIsDone) {
  options_.initial_task_delay_ms = 100;
  options_.retention_check_interval_ms = 1000;
  options_.high_watermark_checkpoint_interval_ms = 500;
  config_.segment_bytes = 100;
  config_.retention_ms = 5000;
  open_log();
  manager_->start();
  append({});
  append({});
  log_->update_high_watermark(Offset(2));
  time_.advance(std::chrono::milliseconds(700));
  EXPECT_EQ(file("replication-offset-checkpoint"), "0\n1\nt 0 2\n");
  EXPECT_EQ(log_->view().segment_count(), 2U);
  time_.advance(std::chrono::seconds(10));
  EXPECT_EQ(log_->start_offset(), Offset(2));
  time_.advance(std::chrono::seconds(60));
  EXPECT_EQ(file("recovery-point-offset-checkpoint"), "0\n1\nt 0 2\n");
  stop_cleanly();
  EXPECT_EQ(time_.run_all(), 0U);
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(manager_->checkpointed_high_watermark({"t", PartitionId(0)}), Offset(2));
  EXPECT_EQ(manager_->checkpointed_high_watermark({"u", PartitionId(0)}), Offset(0));
}

TEST_F(ManagerTest, FlushMsFlushesInTheBackground) {
  options_.initial_task_delay_ms = 0;
  options_.flush_scheduler_interval_ms = 100;
  config_.flush_ms = 1000;
  open_log();
  manager_->start();
  append({});
  time_.advance(std::chrono::milliseconds(900));
  EXPECT_EQ(log_->recovery_point(), Offset(0));
  time_.advance(std::chrono::milliseconds(300));
  EXPECT_EQ(log_->recovery_point(), Offset(1));
}

TEST_F(ManagerTest, ACrashWhileLoadingIsACrash) {
  open_log();
  append({});
  stop_cleanly();
  ASSERT_TRUE(start_manager());  // takes the marker away, durably
  drop_manager();
  vfs_.crash(CrashMode::kLoseUnsynced);
  ASSERT_TRUE(start_manager());
  EXPECT_FALSE(manager_->had_clean_shutdown());
}

TEST_F(ManagerTest, ADirectoryThatCannotBeMadeIsOfflineUnlessItIsTheOnlyOne) {
  options_.log_dirs = {"/data/a", "/data/b"};
  vfs_.add_fault({.op = FileOp::kCreateDirectory, .path_contains = "/data/a", .error = EACCES});
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(manager_->offline_log_dirs(), std::vector<std::string>{"/data/a"});
  drop_manager();
  options_.log_dirs = {"/data/c"};
  vfs_.add_fault({.op = FileOp::kCreateDirectory, .path_contains = "/data/c", .error = EACCES});
  const Status started = start_manager();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("/data/c"), std::string::npos);
}

TEST_F(ManagerTest, ADirectoryThatFailsWhileLoadingIsOffline) {
  options_.log_dirs = {"/data/a", "/data/b"};
  ASSERT_TRUE(start_manager());
  create("t", 0);
  create("t", 1);
  stop_cleanly();
  vfs_.add_fault({.op = FileOp::kRead, .path_contains = "/data/a/t-0"});
  ASSERT_TRUE(start_manager());
  EXPECT_EQ(manager_->offline_log_dirs(), std::vector<std::string>{"/data/a"});
  EXPECT_EQ(manager_->logs().size(), 1U);
}

}  // namespace
}  // namespace barnabas::storage
