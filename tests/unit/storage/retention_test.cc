// Retention, DeleteRecords and truncation.
#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;

constexpr std::int64_t kStart = testing::ManualTime::kStartWallMs;

class RetentionTest : public StorageTest {
 protected:
  // Segments of two batches of one record, a second apart; the last one has one.
  void fill(int batches) {
    config_.segment_bytes = static_cast<std::int32_t>(2 * size_);
    open_log();
    for (int i = 0; i < batches; ++i) {
      ASSERT_EQ(append({.timestamp_ms = kStart + 1000 * i}).error, ErrorCode::kNone);
    }
    log_->update_high_watermark(Offset(batches));
  }
  [[nodiscard]] bool has(const std::string& name) const {
    return vfs_.exists(std::string(kLogDir) + "/" + name);
  }
  const std::size_t size_ = make_batch({}).size();
};

TEST_F(RetentionTest, ByTimeWholeSegmentsGoOnceTheirLastRecordIsTooOld) {
  config_.retention_ms = 10'000;
  fill(5);
  time_.advance(std::chrono::milliseconds(11'000));  // the first segment's last is at 1000
  EXPECT_EQ(log_->delete_old_segments().value(), 0);
  time_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(log_->delete_old_segments().value(), 1);
  EXPECT_EQ(log_->start_offset(), Offset(2));
  EXPECT_EQ(log_->view().segment_count(), 2U);
}

TEST_F(RetentionTest, WhenAllIsTooOldANewSegmentIsMade) {
  config_.retention_ms = 10'000;
  fill(5);
  time_.advance(std::chrono::seconds(100));
  EXPECT_EQ(log_->delete_old_segments().value(), 3);
  EXPECT_EQ(log_->start_offset(), Offset(5));
  EXPECT_EQ(log_->end_offset(), Offset(5));
  EXPECT_EQ(append({}).base_offset, Offset(5));
  stop_cleanly();
  open_log();
  EXPECT_EQ(log_->start_offset(), Offset(5));
  EXPECT_EQ(log_->end_offset(), Offset(6));
}

TEST_F(RetentionTest, BySizeTheOldestGoAsLongAsEnoughIsLeft) {
  config_.retention_ms = -1;
  config_.retention_bytes = static_cast<std::int64_t>(3 * size_);
  fill(5);
  EXPECT_EQ(log_->delete_old_segments().value(), 1);
  EXPECT_EQ(log_->size_bytes(), 3 * size_);
  EXPECT_EQ(log_->delete_old_segments().value(), 0);
}

TEST_F(RetentionTest, ForEverMeansForEver) {
  config_.retention_ms = -1;
  fill(5);
  time_.advance(std::chrono::hours(24 * 10'000));
  EXPECT_EQ(log_->delete_old_segments().value(), 0);
}

TEST_F(RetentionTest, NothingAboveTheHighWatermarkGoes) {
  config_.retention_ms = 1;
  fill(5);
  log_->update_high_watermark(Offset(3));
  time_.advance(std::chrono::hours(1));
  EXPECT_EQ(log_->delete_old_segments().value(), 1);
  EXPECT_EQ(log_->start_offset(), Offset(2));
}

TEST_F(RetentionTest, WithoutDeleteInThePolicyOnlyTheStartOffsetCounts) {
  config_.retention_ms = 1;
  config_.cleanup_delete = false;
  fill(5);
  time_.advance(std::chrono::hours(1));
  EXPECT_EQ(log_->delete_old_segments().value(), 0);
  ASSERT_TRUE(log_->delete_records_before(Offset(4)));
  EXPECT_EQ(log_->delete_old_segments().value(), 2);
}

TEST_F(RetentionTest, ASegmentWithoutTimestampsIsAsOldAsItsFile) {
  config_.retention_ms = 10'000;
  open_log();
  append({.timestamp_ms = kNoTimestamp});
  log_->update_high_watermark(Offset(1));
  time_.advance(std::chrono::milliseconds(10'000));
  EXPECT_EQ(log_->delete_old_segments().value(), 0);
  time_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(log_->delete_old_segments().value(), 1);
}

TEST_F(RetentionTest, FilesAreRenamedAtOnceAndRemovedAfterTheDelay) {
  config_.retention_bytes = 0;
  config_.retention_ms = -1;
  config_.file_delete_delay_ms = 60'000;
  fill(3);
  ASSERT_EQ(log_->delete_old_segments().value(), 2);
  const std::vector<std::string> names = {
      "00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex",
      "00000000000000000002.log", "00000000000000000002.snapshot"};
  for (const auto& name : names) {
    EXPECT_FALSE(has(name)) << name;
    EXPECT_TRUE(has(name + ".deleted")) << name;
  }
  time_.advance(std::chrono::milliseconds(59'999));
  EXPECT_TRUE(has(names[0] + ".deleted"));
  time_.advance(std::chrono::milliseconds(1));
  for (const auto& name : names) {
    EXPECT_FALSE(has(name + ".deleted")) << name;
  }
}

TEST_F(RetentionTest, WhatACrashLeftRenamedIsRemovedAtStart) {
  config_.retention_bytes = 0;
  config_.retention_ms = -1;
  fill(3);
  ASSERT_EQ(log_->delete_old_segments().value(), 2);
  crash(CrashMode::kProcess);
  EXPECT_FALSE(has("00000000000000000000.log.deleted"));
  EXPECT_EQ(log_->start_offset(), Offset(3));
  EXPECT_EQ(log_->end_offset(), Offset(3));
}

TEST_F(RetentionTest, DeleteRecordsRaisesTheStartAndIsRemembered) {
  fill(5);
  EXPECT_EQ(log_->delete_records_before(Offset(6)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(log_->delete_records_before(Offset(3)).value(), Offset(3));
  EXPECT_EQ(log_->delete_records_before(Offset(1)).value(), Offset(3));
  stop_cleanly();
  open_log();
  EXPECT_EQ(log_->start_offset(), Offset(3));
  EXPECT_EQ(vfs_.content("/data/logs/log-start-offset-checkpoint"), "0\n1\nt 0 3\n");
}

TEST_F(RetentionTest, TruncationCutsSegmentsIndexesAndEpochs) {
  config_.index_interval_bytes = 0;
  fill(7);
  append({}, LeaderEpoch(4));
  EXPECT_EQ(log_->end_offset(), Offset(8));
  EXPECT_FALSE(log_->truncate_to(Offset(8)).value());
  EXPECT_TRUE(log_->truncate_to(Offset(3)).value());
  EXPECT_EQ(log_->end_offset(), Offset(3));
  EXPECT_EQ(log_->high_watermark(), Offset(3));
  EXPECT_EQ(log_->view().segment_count(), 2U);
  EXPECT_EQ(log_->epoch_entries(), (std::vector<EpochEntry>{{LeaderEpoch(0), Offset(0)}}));
  EXPECT_TRUE(has("00000000000000000004.log.deleted"));
  EXPECT_EQ(append({.timestamp_ms = kStart + 9999}).base_offset, Offset(3));
  stop_cleanly();
  EXPECT_EQ(content("00000000000000000002.log").size(), 2 * size_);
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(4));
  EXPECT_EQ(log_->offset_for_timestamp(kStart + 9999).value()->offset, Offset(3));
}

TEST_F(RetentionTest, TruncationInsideABatchCutsTheBatch) {
  open_log();
  append({.records = 3});
  append({.records = 3});
  EXPECT_TRUE(log_->truncate_to(Offset(4)).value());
  EXPECT_EQ(log_->end_offset(), Offset(4));  // as Kafka: the fetch goes on from there
  EXPECT_EQ(read_all().size(), make_batch({.records = 3}).size());
}

TEST_F(RetentionTest, TruncationBelowTheFirstSegmentBeginsAnew) {
  config_.retention_bytes = 0;
  config_.retention_ms = -1;
  fill(5);
  ASSERT_GT(log_->delete_old_segments().value(), 0);
  ASSERT_GT(log_->start_offset(), Offset(1));
  EXPECT_TRUE(log_->truncate_to(Offset(1)).value());
  EXPECT_EQ(log_->start_offset(), Offset(1));
  EXPECT_EQ(log_->end_offset(), Offset(1));
}

TEST_F(RetentionTest, AFollowerCanBeginAnewFarAhead) {
  fill(5);
  ASSERT_TRUE(log_->truncate_fully_and_start_at(Offset(100)));
  EXPECT_EQ(log_->start_offset(), Offset(100));
  EXPECT_EQ(log_->end_offset(), Offset(100));
  EXPECT_TRUE(log_->epoch_entries().empty());
  EXPECT_EQ(append({}).base_offset, Offset(100));
  crash(CrashMode::kProcess);
  EXPECT_EQ(log_->start_offset(), Offset(100));
  EXPECT_EQ(log_->end_offset(), Offset(101));
}

TEST_F(RetentionTest, AnEpochWithoutRecordsIsCutAtTheEndOfTheLog) {
  fill(2);
  log_->assign_epoch_start_offset(LeaderEpoch(9), Offset(2));
  EXPECT_EQ(log_->latest_epoch()->epoch, LeaderEpoch(9));
  EXPECT_FALSE(log_->truncate_to(Offset(2)).value());
  EXPECT_EQ(log_->latest_epoch()->epoch, LeaderEpoch(0));
}

}  // namespace
}  // namespace barnabas::storage
