// Starting after a clean stop and after a crash.
#include <fmt/format.h>

#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;
using testing::FileOp;

class RecoveryTest : public StorageTest {
 protected:
  void fill(int batches) {
    config_.segment_bytes = static_cast<std::int32_t>(10 * size_);
    config_.index_interval_bytes = 200;
    open_log();
    for (int i = 0; i < batches; ++i) {
      ASSERT_EQ(append({.timestamp_ms = 1000 + i}, LeaderEpoch(i / 10)).error, ErrorCode::kNone);
    }
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return std::string(kLogDir) + "/" + name;
  }
  std::map<std::string, std::string> all_files() {
    std::map<std::string, std::string> files;
    for (const auto& name : log_files()) {
      files[name] = content(name);
    }
    return files;
  }
  const std::size_t size_ = make_batch({}).size();
};

TEST_F(RecoveryTest, ACleanStopIsMarkedAndNothingIsReadAgain) {
  fill(25);
  const std::string before = read_all();
  stop_cleanly();
  EXPECT_EQ(vfs_.content("/data/logs/.kafka_cleanshutdown"), R"({"version":0,"brokerEpoch":7})");
  EXPECT_EQ(vfs_.content("/data/logs/recovery-point-offset-checkpoint"), "0\n1\nt 0 25\n");
  const auto read_before = vfs_.bytes_read(".log");
  open_log();
  EXPECT_TRUE(manager_->had_clean_shutdown());
  EXPECT_FALSE(vfs_.exists("/data/logs/.kafka_cleanshutdown"));
  // The end of the active segment, from its last index entry on.
  EXPECT_LE(vfs_.bytes_read(".log") - read_before, 4 * size_);
  EXPECT_EQ(vfs_.bytes_read("00000000000000000000.log"), vfs_.bytes_read("0000.log"));
  EXPECT_EQ(log_->end_offset(), Offset(25));
  EXPECT_EQ(log_->recovery_point(), Offset(25));
  EXPECT_EQ(read_all(), before);
}

TEST_F(RecoveryTest, StoppingTwiceLeavesTheSameFiles) {
  fill(25);
  stop_cleanly();
  const auto first = all_files();
  open_log();
  stop_cleanly();
  EXPECT_EQ(all_files(), first);
}

TEST_F(RecoveryTest, OnlyWhatLiesPastTheRecoveryPointIsCheckedAfterACrash) {
  fill(25);
  time_.run_all();  // the flushes of the rolls: the recovery point is 20
  manager_->checkpoint_recovery_points();
  const auto sealed = vfs_.bytes_read("00000000000000000000.log");
  const std::string before = read_all();
  const auto read_by_test = vfs_.bytes_read("00000000000000000000.log") - sealed;
  crash(CrashMode::kProcess);
  EXPECT_FALSE(manager_->had_clean_shutdown());
  EXPECT_EQ(vfs_.bytes_read("00000000000000000000.log"), sealed + read_by_test);
  EXPECT_EQ(log_->end_offset(), Offset(25));
  EXPECT_EQ(read_all(), before);
}

TEST_F(RecoveryTest, InTheSegmentOfTheRecoveryPointOnlyWhatLiesBehindItIsChecked) {
  config_.index_interval_bytes = 200;
  open_log();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(append({.timestamp_ms = testing::ManualTime::kStartWallMs + i,
                      .producer = ProducerId(1),
                      .epoch = ProducerEpoch(0),
                      .sequence = SequenceNumber(i)})
                  .error,
              ErrorCode::kNone);
    if (i == 189) {
      ASSERT_TRUE(log_->flush());
      manager_->checkpoint_recovery_points();
    }
  }
  const std::string before = read_all();
  drop_manager();
  vfs_.crash(CrashMode::kProcess);
  std::string damaged = content("00000000000000000000.log");
  damaged[50 * size_ + 70] = static_cast<char>(damaged[50 * size_ + 70] ^ 1);
  vfs_.set_content(path("00000000000000000000.log"), damaged);
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(200));  // nobody has looked at batch 50
  vfs_.set_content(path("00000000000000000000.log"), before);
  stop_cleanly();
  const auto partly = all_files();
  vfs_.remove("/data/logs/.kafka_cleanshutdown").value();
  vfs_.remove("/data/logs/recovery-point-offset-checkpoint").value();
  open_log();  // of everything
  stop_cleanly();
  EXPECT_EQ(all_files(), partly);
  // Where the headers do not lead to the recovery point everything is checked.
  vfs_.remove("/data/logs/.kafka_cleanshutdown").value();
  vfs_.set_content("/data/logs/recovery-point-offset-checkpoint", "0\n1\nt 0 190\n");
  vfs_.set_content(path("00000000000000000000.log"), damaged.substr(0, 100 * size_ + 5));
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(50));
}

TEST_F(RecoveryTest, TheOffsetIndexIsNeverSavedAheadOfTheTimeIndex) {
  constexpr int kPastASave = 600;
  config_.index_interval_bytes = 1;
  open_log();
  vfs_.add_fault(
      {.op = FileOp::kWrite, .path_contains = ".timeindex", .error = ENOSPC, .for_ever = true});
  for (int i = 0; i < kPastASave; ++i) {
    ASSERT_EQ(append({.timestamp_ms = testing::ManualTime::kStartWallMs + i}).error,
              ErrorCode::kNone);
  }
  EXPECT_GT(vfs_.faults_hit(), 0);
  const auto saved = [this](const std::string& name) {
    return content(name).find_first_not_of('\0') != std::string::npos;
  };
  EXPECT_FALSE(saved("00000000000000000000.index"));
  vfs_.clear_faults();
  for (int i = 0; i < kPastASave; ++i) {
    ASSERT_EQ(append({.timestamp_ms = testing::ManualTime::kStartWallMs + kPastASave + i}).error,
              ErrorCode::kNone);
  }
  EXPECT_TRUE(saved("00000000000000000000.timeindex"));
  EXPECT_TRUE(saved("00000000000000000000.index"));
}

class SnapshotBehindTest : public RecoveryTest {
 protected:
  static constexpr int kBatches = 105;
  static constexpr std::size_t kLookAtOnce = 4096;  // what a look at a single header reads

  explicit SnapshotBehindTest(bool rising = true) : rising_(rising) {
    config_.index_interval_bytes = 200;
    options_.snapshot_behind_bytes = 20 * size_;
    open_log();
    for (int i = 0; i < kBatches; ++i) {
      EXPECT_EQ(send(i).error, ErrorCode::kNone);
      time_.run_all();
    }
    drop_manager();
    vfs_.crash(CrashMode::kProcess);
  }
  LeaderAppend send(int i) {
    return append({.timestamp_ms = testing::ManualTime::kStartWallMs + (rising_ ? i : 0),
                   .producer = ProducerId(1),
                   .epoch = ProducerEpoch(0),
                   .sequence = SequenceNumber(i)},
                  LeaderEpoch(i / 50));
  }
  // How many bytes of batches a start reads; every batch is there after it.
  std::uint64_t bytes_to_start() {
    const auto before = vfs_.bytes_read(".log");
    open_log();
    const auto read = vfs_.bytes_read(".log") - before;
    EXPECT_EQ(log_->end_offset(), Offset(kBatches));
    EXPECT_EQ(log_->epoch_entries().size(), 3U);
    return read;
  }
  const bool rising_;  // the timestamps
};

class StandingTimeTest : public SnapshotBehindTest {
 protected:
  StandingTimeTest() : SnapshotBehindTest(false) {}
};

// The time index has one entry at the log's beginning.
TEST_F(StandingTimeTest, AProcessThatDiesLeavesLittleToRead) {
  EXPECT_LT(bytes_to_start(), kLookAtOnce + 15 * size_);
}

TEST_F(SnapshotBehindTest, AProcessThatDiesLeavesLittleToRead) {
  EXPECT_EQ(vfs_.content("/data/logs/recovery-point-offset-checkpoint"), "");
  EXPECT_EQ(vfs_.content("/data/logs/barnabas.boot"), vfs_.boot_id());
  EXPECT_TRUE(vfs_.exists(path("00000000000000000100.snapshot")));
  EXPECT_FALSE(vfs_.exists(path("00000000000000000080.snapshot")));
  EXPECT_LT(bytes_to_start(), kLookAtOnce + 15 * size_);
}

TEST_F(SnapshotBehindTest, NorDoesOneThatDiesAgainSoonAfter) {
  open_log();
  EXPECT_TRUE(vfs_.exists(path("00000000000000000105.snapshot")));
  EXPECT_FALSE(vfs_.exists(path("00000000000000000100.snapshot")));
  crash(CrashMode::kProcess);
  drop_manager();
  EXPECT_LT(bytes_to_start(), kLookAtOnce + 15 * size_);
  EXPECT_TRUE(send(kBatches - 5).duplicate);
}

TEST_F(SnapshotBehindTest, TheRecoveryPointKeepsItsSnapshotForACrashOfTheMachine) {
  options_.flush_behind_bytes = 20 * size_;
  open_log();
  for (int i = kBatches; i < 150; ++i) {
    EXPECT_EQ(send(i).error, ErrorCode::kNone);
    time_.run_all();
  }
  const Offset synced = log_->recovery_point();
  ASSERT_GT(synced, Offset(0));
  ASSERT_LT(synced, Offset(150));
  const std::string snapshot = path(fmt::format("{:020}.snapshot", synced.value()));
  for (const auto mode : {CrashMode::kProcess, CrashMode::kProcess, CrashMode::kLoseUnsynced}) {
    EXPECT_TRUE(vfs_.exists(snapshot));
    const auto before = vfs_.bytes_read(".log");
    crash(mode);
    EXPECT_LT(vfs_.bytes_read(".log") - before, kLookAtOnce + 60 * size_);
    EXPECT_GE(log_->end_offset(), synced);
  }
}

TEST_F(SnapshotBehindTest, TheLastFiveBatchesAreStillKnown) {
  vfs_.set_content(path("00000000000000000000.log"),
                   content("00000000000000000000.log").substr(0, 100 * size_));
  open_log();
  ASSERT_EQ(log_->end_offset(), Offset(100));
  for (int i = 95; i < 100; ++i) {
    const auto again = send(i);
    EXPECT_TRUE(again.duplicate) << i;
    EXPECT_EQ(again.base_offset, Offset(i));
  }
  EXPECT_EQ(send(94).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(100).error, ErrorCode::kNone);
}

TEST_F(SnapshotBehindTest, OnAnotherBootEverythingUnsyncedIsRead) {
  vfs_.set_content("/data/logs/barnabas.boot", "another");
  EXPECT_GE(bytes_to_start(), kBatches * size_);
  EXPECT_EQ(vfs_.content("/data/logs/barnabas.boot"), vfs_.boot_id());
}

TEST_F(SnapshotBehindTest, EpochsThatWereNotWrittenAreFoundInTheBatches) {
  vfs_.set_content(path("leader-epoch-checkpoint"), "0\n1\n0 0\n");
  EXPECT_GE(bytes_to_start(), kBatches * size_);
}

TEST_F(SnapshotBehindTest, ADamagedSnapshotIsNotBelieved) {
  auto snapshot = content("00000000000000000100.snapshot");
  snapshot.back() = static_cast<char>(snapshot.back() ^ 1);
  vfs_.set_content(path("00000000000000000100.snapshot"), snapshot);
  EXPECT_GE(bytes_to_start(), kBatches * size_);
  EXPECT_TRUE(send(kBatches - 1).duplicate);
}

TEST_F(SnapshotBehindTest, ALogThatIsShorterThanItsSnapshotSaysIsReadWhole) {
  vfs_.set_content(path("00000000000000000000.log"),
                   content("00000000000000000000.log").substr(0, 90 * size_ + 7));
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(90));
  EXPECT_FALSE(vfs_.exists(path("00000000000000000100.snapshot")));
  EXPECT_TRUE(send(89).duplicate);
  EXPECT_EQ(send(90).error, ErrorCode::kNone);
}

TEST_F(RecoveryTest, AFlushFollowsTheAppendsSoThatACrashLeavesLittleToRead) {
  options_.flush_behind_bytes = 20 * size_;
  open_log();
  for (int i = 0; i < 105; ++i) {
    ASSERT_EQ(append({.timestamp_ms = testing::ManualTime::kStartWallMs + i,
                      .producer = ProducerId(1),
                      .epoch = ProducerEpoch(0),
                      .sequence = SequenceNumber(i)})
                  .error,
              ErrorCode::kNone);
    time_.run_all();
  }
  EXPECT_EQ(log_->recovery_point(), Offset(100));
  EXPECT_EQ(vfs_.content("/data/logs/recovery-point-offset-checkpoint"), "0\n1\nt 0 100\n");
  const std::string before = read_all();
  const auto snapshots = [this] {
    int count = 0;
    for (const auto& name : log_files()) {
      count += name.ends_with(".snapshot") ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(snapshots(), 1);  // each takes the place of the one before
  for (const auto mode : {CrashMode::kProcess, CrashMode::kLoseUnsynced}) {
    const auto read = vfs_.bytes_read(".log");
    crash(mode);
    EXPECT_LT(vfs_.bytes_read(".log") - read, 60 * size_);
    EXPECT_EQ(log_->end_offset(), Offset(mode == CrashMode::kProcess ? 105 : 100));
    const int next = static_cast<int>(log_->end_offset().value());
    EXPECT_TRUE(append({.timestamp_ms = testing::ManualTime::kStartWallMs + next - 1,
                        .producer = ProducerId(1),
                        .epoch = ProducerEpoch(0),
                        .sequence = SequenceNumber(next - 1)})
                    .duplicate);
    EXPECT_EQ(read_all(), before.substr(0, static_cast<std::size_t>(next) * size_));
  }
  stop_cleanly();
  EXPECT_LE(snapshots(), 2);
}

TEST_F(RecoveryTest, RecoveryBuildsTheIndexesThatAppendingWould) {
  fill(25);
  stop_cleanly();
  const auto clean = all_files();
  vfs_.remove("/data/logs/.kafka_cleanshutdown").value();
  vfs_.remove("/data/logs/recovery-point-offset-checkpoint").value();
  open_log();
  stop_cleanly();
  EXPECT_EQ(all_files(), clean);
}

TEST_F(RecoveryTest, ATornTailIsCutAfterTheLastWholeBatch) {
  for (const std::size_t cut : {std::size_t{1}, std::size_t{30}, size_ - 1}) {
    ASSERT_TRUE(vfs_.remove_tree(kDir));
    fill(5);
    const std::string whole = content("00000000000000000000.log");
    drop_manager();
    vfs_.crash(CrashMode::kProcess);
    vfs_.set_content(path("00000000000000000000.log"), whole.substr(0, whole.size() - cut));
    open_log();
    EXPECT_EQ(log_->end_offset(), Offset(4));
    EXPECT_EQ(read_all(), whole.substr(0, 4 * size_));
    EXPECT_EQ(append({}).base_offset, Offset(4));
  }
}

TEST_F(RecoveryTest, GarbageAndZeroesAtTheEndAreCut) {
  for (const std::string& tail : {std::string(300, '\0'), std::string(300, '\x7f'),
                                  std::string("\0\0\0\0\0\0\0\5\x7f\xff\xff\xff\0\0\0\0\2", 17)}) {
    ASSERT_TRUE(vfs_.remove_tree(kDir));
    fill(5);
    const std::string whole = content("00000000000000000000.log");
    drop_manager();
    vfs_.crash(CrashMode::kProcess);
    vfs_.set_content(path("00000000000000000000.log"), whole + tail);
    open_log();
    EXPECT_EQ(log_->end_offset(), Offset(5));
    EXPECT_EQ(content("00000000000000000000.log"), whole);
  }
}

TEST_F(RecoveryTest, AFlippedBitCutsTheLogThereAndLaterSegmentsGo) {
  fill(25);
  std::string bytes = content("00000000000000000010.log");
  bytes[3 * size_ + 70] = static_cast<char>(bytes[3 * size_ + 70] ^ 4);
  drop_manager();
  vfs_.crash(CrashMode::kProcess);
  vfs_.set_content(path("00000000000000000010.log"), bytes);
  open_log();  // no recovery point was written: everything is checked
  EXPECT_EQ(log_->end_offset(), Offset(13));
  EXPECT_EQ(log_->view().segment_count(), 2U);
  EXPECT_TRUE(vfs_.exists(path("00000000000000000020.log.deleted")));
  EXPECT_EQ(log_->epoch_entries().back().epoch, LeaderEpoch(1));
}

TEST_F(RecoveryTest, AMissingIndexIsBuiltAnew) {
  fill(25);
  stop_cleanly();
  const auto clean = all_files();
  for (const auto* name : {"00000000000000000000.index", "00000000000000000010.timeindex",
                           "00000000000000000020.index"}) {
    ASSERT_TRUE(vfs_.remove(path(name)));
  }
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(25));
  stop_cleanly();
  EXPECT_EQ(all_files(), clean);
}

TEST_F(RecoveryTest, AnIndexThatCannotBeRightIsBuiltAnew) {
  fill(25);
  stop_cleanly();
  const auto clean = all_files();
  vfs_.set_content(path("00000000000000000020.index"), std::string(64, '\0'));
  vfs_.set_content(path("00000000000000000020.timeindex"), "odd");
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(25));
  stop_cleanly();
  EXPECT_EQ(content("00000000000000000020.index"), clean.at("00000000000000000020.index"));
  EXPECT_EQ(content("00000000000000000020.timeindex"), clean.at("00000000000000000020.timeindex"));
}

TEST_F(RecoveryTest, AnIndexWithoutItsLogIsRemoved) {
  fill(5);
  stop_cleanly();
  vfs_.set_content(path("00000000000000000099.index"), "12345678");
  open_log();
  EXPECT_FALSE(vfs_.exists(path("00000000000000000099.index")));
  EXPECT_EQ(log_->end_offset(), Offset(5));
}

TEST_F(RecoveryTest, DamagedCheckpointsAreSaidAndDoneWithout) {
  fill(25);
  const auto epochs = log_->epoch_entries();
  stop_cleanly();
  for (const auto* name : {"recovery-point-offset-checkpoint", "log-start-offset-checkpoint",
                           "replication-offset-checkpoint"}) {
    vfs_.set_content(std::string(kDir) + "/" + name, "0\n3\nt 0");
  }
  vfs_.set_content(path("leader-epoch-checkpoint"), "what\nis this");
  vfs_.set_content(path("partition.metadata"), "");
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(25));
  EXPECT_EQ(log_->epoch_entries(), epochs);
  EXPECT_TRUE(log_->topic_id().is_zero());
}

TEST_F(RecoveryTest, EpochsThatWereNotYetWrittenAreFoundInTheBatches) {
  fill(25);
  const auto epochs = log_->epoch_entries();
  ASSERT_EQ(epochs.size(), 3U);
  drop_manager();  // before the disk executor came to write the checkpoint
  time_.run_all();
  vfs_.crash(CrashMode::kProcess);
  vfs_.set_content(path("leader-epoch-checkpoint"), "");
  open_log();
  EXPECT_EQ(log_->epoch_entries(), epochs);
}

TEST_F(RecoveryTest, AnInterruptedSwapIsFinished) {
  fill(25);
  stop_cleanly();
  // The cleaner had replaced segments 0 and 10 by one that kept the second of them.
  ByteVector kept = make_batch({});
  record::stamp_base_offset(kept, Offset(19));
  vfs_.set_content(path("00000000000000000000.log.swap"), as_text(kept));
  vfs_.set_content(path("00000000000000000000.index.swap"), "");
  vfs_.set_content(path("00000000000000000000.timeindex.swap"), "");
  vfs_.set_content(path("00000000000000000020.log.cleaned"), "unfinished");
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(25));
  EXPECT_EQ(content("00000000000000000000.log"), as_text(kept));
  EXPECT_EQ(content("00000000000000000010.log"), "(missing)");
  EXPECT_EQ(content("00000000000000000020.log.cleaned"), "(missing)");
}

TEST_F(RecoveryTest, ALogThatEndsBeforeItsStartBeginsAnew) {
  fill(5);
  log_->update_high_watermark(Offset(5));
  ASSERT_TRUE(log_->delete_records_before(Offset(5)));
  stop_cleanly();
  vfs_.set_content(path("00000000000000000000.log"), "");
  open_log();
  EXPECT_EQ(log_->start_offset(), Offset(5));
  EXPECT_EQ(append({}).base_offset, Offset(5));
}

// A disk that loses power at every single change: whatever was acknowledged and synced is there,
// nothing is there twice, and the log goes on.
class EveryCrashTest : public RecoveryTest, public ::testing::WithParamInterface<CrashMode> {};

TEST_P(EveryCrashTest, LeavesAWholeLogAtEveryStep) {
  config_.segment_bytes = static_cast<std::int32_t>(4 * size_);
  config_.index_interval_bytes = 150;
  config_.retention_bytes = static_cast<std::int64_t>(9 * size_);
  config_.file_delete_delay_ms = 1;
  int steps = 0;
  bool finished = false;
  for (std::uint64_t until = 0; !finished; ++until, ++steps) {
    ASSERT_TRUE(vfs_.remove_tree("/data"));
    vfs_.crash(CrashMode::kProcess);
    random_ = make_seeded_random(until);
    open_log();
    vfs_.power_off_after(until);
    Offset acknowledged{0};
    Offset durable{0};
    for (int i = 0; i < 18 && !vfs_.powered_off(); ++i) {
      const auto result = append({.timestamp_ms = testing::ManualTime::kStartWallMs + i,
                                  .producer = ProducerId(1),
                                  .epoch = ProducerEpoch(0),
                                  .sequence = SequenceNumber(i)},
                                 LeaderEpoch(i / 5));
      if (result.error == ErrorCode::kNone) {
        ASSERT_EQ(result.base_offset, Offset(i));
        acknowledged = Offset(i + 1);
        log_->update_high_watermark(acknowledged);
      }
      if (i % 5 == 4 && log_->flush()) {
        durable = std::max(durable, log_->recovery_point());
      }
      if (i % 7 == 6) {
        static_cast<void>(log_->delete_old_segments());
        manager_->checkpoint_recovery_points();
        manager_->checkpoint_log_starts();
      }
      time_.advance(std::chrono::milliseconds(2));
      durable = std::max(durable, log_->recovery_point());
    }
    if (!vfs_.powered_off()) {
      finished = true;
      EXPECT_EQ(acknowledged, Offset(18));
    }
    drop_manager();
    time_.run_all();
    const bool keeps_all = GetParam() == CrashMode::kProcess;
    vfs_.crash(GetParam(), random_.get());
    open_log();
    const Offset end = log_->end_offset();
    ASSERT_GE(end, keeps_all ? acknowledged : durable) << "crash at change " << until;
    ASSERT_LE(end, Offset(18));
    // Every offset between start and end, once.
    const std::string bytes = read_all(log_->start_offset());
    record::BatchCursor cursor(as_bytes(bytes));
    std::optional<Offset> next;
    while (cursor.next() == record::BatchStep::kBatch) {
      ASSERT_TRUE(!next || cursor.batch().base_offset() == *next) << "crash at change " << until;
      next = cursor.batch().next_offset();
    }
    ASSERT_EQ(next.value_or(end), end) << "crash at change " << until;
    // The producer goes on where the log ends, and its last batch is known.
    const int sequence = static_cast<int>(end.value());
    const auto further = append({.timestamp_ms = testing::ManualTime::kStartWallMs + sequence,
                                 .producer = ProducerId(1),
                                 .epoch = ProducerEpoch(0),
                                 .sequence = SequenceNumber(sequence)});
    ASSERT_EQ(further.error, ErrorCode::kNone)
        << "crash at change " << until << ": " << further.message;
    ASSERT_EQ(further.base_offset, end);
    ASSERT_FALSE(further.duplicate);
    if (sequence > 0 && log_->start_offset() < end) {
      const auto again = append({.timestamp_ms = testing::ManualTime::kStartWallMs + sequence - 1,
                                 .producer = ProducerId(1),
                                 .epoch = ProducerEpoch(0),
                                 .sequence = SequenceNumber(sequence - 1)});
      ASSERT_TRUE(again.duplicate) << "crash at change " << until;
    }
    // What was found is sound: the next start, a clean one, finds the same.
    stop_cleanly();
    open_log();
    ASSERT_EQ(log_->end_offset(), end + 1) << "crash at change " << until;
  }
  EXPECT_GT(steps, 100);
}

INSTANTIATE_TEST_SUITE_P(Modes, EveryCrashTest,
                         ::testing::Values(CrashMode::kProcess, CrashMode::kLoseUnsynced,
                                           CrashMode::kRandom),
                         [](const auto& info) {
                           switch (info.param) {
                             case CrashMode::kProcess:
                               return "ProcessDies";
                             case CrashMode::kLoseUnsynced:
                               return "PowerFailsAndTakesAllUnsynced";
                             case CrashMode::kRandom:
                               return "PowerFailsAndTakesSome";
                           }
                           return "";
                         });

}  // namespace
}  // namespace barnabas::storage
