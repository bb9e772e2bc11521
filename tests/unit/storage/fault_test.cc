// Disks that are full, fail or lack descriptors: what takes a log dir offline, and what does not.
#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;
using testing::Fault;
using testing::FileOp;

class FaultTest : public StorageTest, public LogDirFailureListener {
 protected:
  void on_log_dir_failure(const std::string& log_dir, const Error& /*error*/) override {
    failed_.push_back(log_dir);
  }
  Log& open_and_listen() {
    open_log();
    manager_->set_failure_listener(this);
    return *log_;
  }
  std::vector<std::string> failed_;
  const std::size_t size_ = make_batch({}).size();
};

TEST_F(FaultTest, AFullDiskRefusesTheAppendAndNothingElse) {
  open_and_listen();
  append({});
  const std::string before = content("00000000000000000000.log");
  vfs_.add_fault(
      {.op = FileOp::kWrite, .path_contains = ".log", .error = ENOSPC, .partial_bytes = 40});
  const auto refused = append({});
  EXPECT_EQ(refused.error, ErrorCode::kKafkaStorageError);
  EXPECT_NE(refused.message.find("No space left"), std::string::npos);
  EXPECT_EQ(content("00000000000000000000.log"), before);  // cut back to the last whole batch
  EXPECT_EQ(read_all(), before);
  EXPECT_FALSE(log_->offline());
  EXPECT_EQ(append({}).base_offset, Offset(1));  // as soon as there is room again
  EXPECT_TRUE(failed_.empty());
}

TEST_F(FaultTest, ADiskThatFillsUpForGoodKeepsServingReads) {
  open_and_listen();
  vfs_.set_capacity(20 * size_);
  int stored = 0;
  for (int i = 0; i < 40; ++i) {
    stored += append({}).error == ErrorCode::kNone ? 1 : 0;
  }
  EXPECT_GT(stored, 10);
  EXPECT_LT(stored, 40);
  EXPECT_EQ(log_->end_offset(), Offset(stored));
  EXPECT_EQ(read_all().size(), static_cast<std::size_t>(stored) * size_);
  EXPECT_TRUE(failed_.empty());
  vfs_.set_capacity(UINT64_MAX);
  EXPECT_EQ(append({}).base_offset, Offset(stored));
  stop_cleanly();
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(stored + 1));
}

TEST_F(FaultTest, AllOfAGatheredWriteIsRefusedTogether) {
  config_.index_interval_bytes = 0;
  open_and_listen();
  append({});
  std::vector<ByteVector> batches(5, make_batch({}));
  std::vector<LeaderAppend> appends(5);
  for (std::size_t i = 0; i < 5; ++i) {
    appends[i].records = batches[i];
  }
  vfs_.add_fault({.op = FileOp::kWrite,
                  .path_contains = ".log",
                  .error = ENOSPC,
                  .partial_bytes = 2 * size_ + 7});
  log_->append_as_leader(appends, LeaderEpoch(0));
  for (const auto& one : appends) {
    EXPECT_EQ(one.error, ErrorCode::kKafkaStorageError);
    EXPECT_EQ(one.base_offset, kNoOffset);
  }
  EXPECT_EQ(log_->end_offset(), Offset(1));
  append({});
  stop_cleanly();
  EXPECT_EQ(content("00000000000000000000.log").size(), 2 * size_);
  EXPECT_EQ(content("00000000000000000000.index").size(), 8U);  // the refused ones left none
}

TEST_F(FaultTest, NoRoomForANewSegmentIsNoDiskFailureEither) {
  config_.segment_bytes = static_cast<std::int32_t>(2 * size_);
  open_and_listen();
  append({});
  append({});
  vfs_.add_fault({.op = FileOp::kOpen, .path_contains = "0002.log", .error = ENOSPC});
  EXPECT_EQ(append({}).error, ErrorCode::kKafkaStorageError);
  EXPECT_FALSE(log_->offline());
  EXPECT_EQ(append({}).base_offset, Offset(2));
  EXPECT_EQ(log_->view().segment_count(), 2U);
}

TEST_F(FaultTest, OutOfDescriptorsIsNeverADiskFailure) {
  config_.segment_bytes = static_cast<std::int32_t>(2 * size_);
  open_and_listen();
  append({});
  append({});
  vfs_.add_fault({.op = FileOp::kOpen, .path_contains = "", .error = EMFILE, .for_ever = true});
  EXPECT_EQ(append({}).error, ErrorCode::kKafkaStorageError);
  time_.run_all();
  EXPECT_FALSE(log_->offline());
  EXPECT_TRUE(failed_.empty());
  vfs_.clear_faults();
  EXPECT_EQ(append({}).base_offset, Offset(2));
}

TEST_F(FaultTest, AnIoErrorOnAppendTakesTheDirectoryOffline) {
  for (const int error : {EIO, EROFS}) {
    ASSERT_TRUE(vfs_.remove_tree(kDir));
    failed_.clear();
    open_and_listen();
    append({});
    vfs_.add_fault({.op = FileOp::kWrite, .path_contains = ".log", .error = error});
    EXPECT_EQ(append({}).error, ErrorCode::kKafkaStorageError);
    EXPECT_TRUE(log_->offline());
    EXPECT_EQ(failed_, std::vector<std::string>{kDir});
    EXPECT_EQ(append({}).error, ErrorCode::kKafkaStorageError);  // though the disk would write
    EXPECT_EQ(log_->end_offset(), Offset(1));
    EXPECT_FALSE(manager_->is_online(kDir));
    drop_manager();
  }
}

TEST_F(FaultTest, AFailedFsyncTakesTheDirectoryOfflineAndIsNotTriedAgain) {
  open_and_listen();
  append({});
  vfs_.add_fault({.op = FileOp::kSync, .path_contains = ".log", .error = EDQUOT});
  EXPECT_FALSE(log_->flush());
  EXPECT_TRUE(log_->offline());
  EXPECT_EQ(log_->recovery_point(), Offset(0));
  EXPECT_FALSE(log_->flush());
  EXPECT_EQ(vfs_.syncs_of("/data/logs/t-0/00000000000000000000.log"), 0U);
  EXPECT_EQ(failed_.size(), 1U);
}

TEST_F(FaultTest, FlushMessagesRefusesWhatItCouldNotSync) {
  config_.flush_messages = 1;
  open_and_listen();
  vfs_.add_fault({.op = FileOp::kSync, .path_contains = ".log"});
  EXPECT_EQ(append({}).error, ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(log_->offline());
}

TEST_F(FaultTest, AFailedFlushAfterARollTakesTheDirectoryOffline) {
  open_and_listen();
  append({});
  vfs_.add_fault({.op = FileOp::kSync, .path_contains = "0000.log"});
  ASSERT_TRUE(log_->roll());
  EXPECT_TRUE(failed_.empty());
  time_.run_all();
  EXPECT_EQ(failed_, std::vector<std::string>{kDir});
}

TEST_F(FaultTest, ACheckpointThatCannotBeWrittenTakesTheDirectoryOfflineUnlessTheDiskIsFull) {
  open_and_listen();
  vfs_.add_fault({.op = FileOp::kWrite, .path_contains = "recovery-point", .error = ENOSPC});
  manager_->checkpoint_recovery_points();
  EXPECT_TRUE(failed_.empty());
  vfs_.add_fault({.op = FileOp::kRename, .path_contains = "recovery-point"});
  manager_->checkpoint_recovery_points();
  EXPECT_EQ(failed_.size(), 1U);
}

TEST_F(FaultTest, OneDirectoryFailsAndTheOtherServes) {
  options_.log_dirs = {"/data/a", "/data/b"};
  ASSERT_TRUE(start_manager());
  manager_->set_failure_listener(this);
  const auto first =
      manager_->get_or_create({"t", PartitionId(0)}, std::nullopt, config_, true).value();
  const auto second =
      manager_->get_or_create({"t", PartitionId(1)}, std::nullopt, config_, true).value();
  ASSERT_NE(first->log_dir(), second->log_dir());
  vfs_.add_fault({.op = FileOp::kWrite, .path_contains = first->log_dir()});
  log_ = first;
  EXPECT_EQ(append({}).error, ErrorCode::kKafkaStorageError);
  log_ = second;
  EXPECT_EQ(append({}).error, ErrorCode::kNone);
  EXPECT_EQ(manager_->live_log_dirs(), std::vector<std::string>{second->log_dir()});
  EXPECT_EQ(manager_->offline_log_dirs(), std::vector<std::string>{first->log_dir()});
  // What may lie in the offline directory is not made a second time.
  EXPECT_EQ(
      manager_->get_or_create({"u", PartitionId(0)}, std::nullopt, config_, false).error().code,
      ErrorCode::kKafkaStorageError);
  const auto fresh =
      manager_->get_or_create({"u", PartitionId(0)}, std::nullopt, config_, true).value();
  EXPECT_EQ(fresh->log_dir(), second->log_dir());
}

TEST_F(FaultTest, AnIndexThatCannotBeWrittenDoesNotStopAppends) {
  config_.index_interval_bytes = 0;
  open_and_listen();
  vfs_.add_fault(
      {.op = FileOp::kWrite, .path_contains = "index", .error = ENOSPC, .for_ever = true});
  for (int i = 0; i < 1200; ++i) {
    ASSERT_EQ(append({.timestamp_ms = 1000 + i}).error, ErrorCode::kNone);
  }
  EXPECT_GT(vfs_.faults_hit(), 0);
  EXPECT_EQ(log_->offset_for_timestamp(1700).value()->offset, Offset(700));
  vfs_.clear_faults();
  stop_cleanly();
  EXPECT_EQ(content("00000000000000000000.index").size(), 8U * 1199U);
}

TEST_F(FaultTest, AfterAnUncleanStopOfOneLogThereIsNoMarker) {
  open_and_listen();
  append({});
  vfs_.add_fault({.op = FileOp::kSync, .path_contains = ".log"});
  time_.run_all();
  EXPECT_FALSE(manager_->stop(BrokerEpoch(1)));
  EXPECT_FALSE(vfs_.exists("/data/logs/.kafka_cleanshutdown"));
}

}  // namespace
}  // namespace barnabas::storage
