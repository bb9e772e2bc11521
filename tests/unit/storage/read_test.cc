// Reads by offset and lookups by time.
#include "fixture.h"

namespace barnabas::storage {
namespace {

class ReadTest : public StorageTest {
 protected:
  // `count` batches of two records in segments of about five batches.
  void fill(int count) {
    config_.segment_bytes = static_cast<std::int32_t>(5 * make_batch({.records = 2}).size());
    config_.index_interval_bytes = 150;
    config_.retention_ms = -1;
    open_log();
    for (int i = 0; i < count; ++i) {
      append({.records = 2, .timestamp_ms = 1000 + 10 * i});
    }
  }
  Result<LogSlice> read(Offset from, std::size_t max_bytes, Offset upper, bool at_least_one) {
    return log_->read(log_->view(), from, max_bytes, upper, at_least_one);
  }
  static record::BatchView first_batch(const LogSlice& slice, ByteVector& bytes) {
    bytes.resize(slice.length);
    EXPECT_EQ(slice.file->read_at(slice.position, bytes).value(), slice.length);
    return record::BatchView(bytes);
  }
  std::size_t batch_bytes_ = make_batch({.records = 2}).size();
};

TEST_F(ReadTest, EveryOffsetLeadsToTheBatchThatHoldsIt) {
  fill(40);
  for (const bool reopened : {false, true}) {
    if (reopened) {
      stop_cleanly();
      open_log();
    }
    for (int offset = 0; offset < 80; ++offset) {
      const auto slice = read(Offset(offset), 1 << 20, Offset(80), true);
      ASSERT_TRUE(slice) << slice.error().message;
      ByteVector bytes;
      EXPECT_EQ(first_batch(*slice, bytes).base_offset(), Offset(offset / 2 * 2));
      EXPECT_EQ(slice->start.offset, Offset(offset));
      EXPECT_EQ(slice->start.position, static_cast<std::int64_t>(slice->position));
    }
  }
}

TEST_F(ReadTest, AReadNeverCrossesASegment) {
  fill(12);
  const auto slice = read(Offset(2), 1 << 20, Offset(24), true);
  EXPECT_EQ(slice->length, batch_bytes_ * 4);
  EXPECT_EQ(slice->start.segment_base_offset, Offset(0));
}

TEST_F(ReadTest, TheSizeIsBoundedButOneBatchCanBeAskedFor) {
  fill(5);
  EXPECT_EQ(read(Offset(0), 10, Offset(10), false)->length, 10U);
  EXPECT_TRUE(read(Offset(0), 10, Offset(10), false)->first_batch_incomplete);
  EXPECT_EQ(read(Offset(0), 10, Offset(10), true)->length, batch_bytes_);
  EXPECT_FALSE(read(Offset(0), 10, Offset(10), true)->first_batch_incomplete);
  EXPECT_EQ(read(Offset(0), 0, Offset(10), false)->length, 0U);
}

TEST_F(ReadTest, NothingAtOrAboveTheUpperBoundIsShown) {
  fill(12);
  EXPECT_EQ(read(Offset(0), 1 << 20, Offset(4), true)->length, batch_bytes_ * 2);
  EXPECT_EQ(read(Offset(4), 1 << 20, Offset(4), true)->length, 0U);
  EXPECT_EQ(read(Offset(6), 1 << 20, Offset(4), true)->length, 0U);
  EXPECT_EQ(read(Offset(0), 1 << 20, Offset(10), true)->length, batch_bytes_ * 5);
}

TEST_F(ReadTest, OutsideTheLogIsOutOfRangeAndItsEndIsEmpty) {
  fill(6);
  log_->update_high_watermark(Offset(12));
  ASSERT_TRUE(log_->delete_records_before(Offset(3)));
  EXPECT_EQ(read(Offset(2), 100, Offset(12), true).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(read(Offset(13), 100, Offset(12), true).error().code, ErrorCode::kOffsetOutOfRange);
  const auto end = read(Offset(12), 100, Offset(12), true);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->length, 0U);
  EXPECT_EQ(end->start.offset, Offset(12));
  EXPECT_EQ(end->start.segment_base_offset, Offset(10));
}

TEST_F(ReadTest, AViewShowsTheLogAsItWas) {
  fill(2);
  const LogView before = log_->view();
  append({.records = 2});
  const auto slice = log_->read(before, Offset(0), 1 << 20, Offset(100), true);
  EXPECT_EQ(slice->length, batch_bytes_ * 2);
  EXPECT_EQ(log_->read(before, Offset(4), 100, Offset(100), true)->length, 0U);
}

TEST_F(ReadTest, ADeletedSegmentStaysReadableInAnOldView) {
  fill(12);
  const LogView before = log_->view();
  ASSERT_TRUE(log_->read(before, Offset(0), 1 << 20, Offset(24), true));
  log_->update_high_watermark(Offset(24));
  ASSERT_TRUE(log_->delete_records_before(Offset(10)));
  ASSERT_EQ(log_->delete_old_segments().value(), 1);
  const auto slice = log_->read(before, Offset(0), 1 << 20, Offset(24), true);
  ASSERT_TRUE(slice) << slice.error().message;
  EXPECT_EQ(slice->length, batch_bytes_ * 5);
}

TEST_F(ReadTest, ASearchNeedsNoMoreThanAFewReads) {
  config_.index_interval_bytes = 4096;
  open_log();
  for (int i = 0; i < 3000; ++i) {
    append({.value_bytes = 500});
  }
  stop_cleanly();
  open_log();
  const auto before = vfs_.bytes_read(".log");
  ASSERT_TRUE(read(Offset(1500), 1 << 20, Offset(3000), true));
  EXPECT_LE(vfs_.bytes_read(".log") - before, 3U * 4096U);
}

TEST_F(ReadTest, AnIndexThatLeadsAstrayIsNotTrusted) {
  fill(12);
  stop_cleanly();
  // The index of the sealed first segment points into the middle of a batch.
  std::string path(kLogDir);  // appended: g++-12 warns of an overlong copy in a +
  path += "/00000000000000000000.index";
  std::string index = vfs_.content(path).value();
  ASSERT_GE(index.size(), 8U);
  index[7] = static_cast<char>(index[7] + 1);
  vfs_.set_content(path, index);
  open_log();
  ByteVector bytes;
  const auto slice = read(Offset(8), 1 << 20, Offset(24), true);
  ASSERT_TRUE(slice) << slice.error().message;
  EXPECT_EQ(first_batch(*slice, bytes).base_offset(), Offset(8));
}

TEST_F(ReadTest, OffsetsAreFoundByTime) {
  fill(12);  // batch i holds 1000+10i and 1001+10i at offsets 2i and 2i+1
  const auto at = [&](std::int64_t ms) { return log_->offset_for_timestamp(ms).value(); };
  EXPECT_EQ(at(0)->offset, Offset(0));
  EXPECT_EQ(at(1000)->offset, Offset(0));
  EXPECT_EQ(at(1001)->offset, Offset(1));
  EXPECT_EQ(at(1002)->offset, Offset(2));
  EXPECT_EQ(at(1070)->offset, Offset(14));
  EXPECT_EQ(at(1070)->timestamp_ms, 1070);
  EXPECT_EQ(at(1070)->leader_epoch, LeaderEpoch(0));
  EXPECT_EQ(at(1111)->offset, Offset(23));
  EXPECT_FALSE(at(1112));
  stop_cleanly();
  open_log();
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(at(1001 + 10 * i)->offset, Offset(2 * i + 1));
  }
}

TEST_F(ReadTest, NoOffsetBelowTheStartIsFoundByTime) {
  fill(12);
  log_->update_high_watermark(Offset(24));
  ASSERT_TRUE(log_->delete_records_before(Offset(5)));
  EXPECT_EQ(log_->offset_for_timestamp(1000).value()->offset, Offset(5));
  EXPECT_EQ(log_->earliest().offset, Offset(5));
}

TEST_F(ReadTest, TheLargestTimestampIsFound) {
  fill(3);
  append({.records = 3, .timestamp_ms = 9000});
  append({.timestamp_ms = 500});
  const auto found = log_->max_timestamp().value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->timestamp_ms, 9002);
  EXPECT_EQ(found->offset, Offset(8));
  EXPECT_EQ(log_->latest().offset, Offset(10));
  EXPECT_EQ(log_->latest().leader_epoch, LeaderEpoch(0));
}

TEST_F(ReadTest, AnEmptyLogHasNoTimes) {
  open_log();
  EXPECT_FALSE(log_->offset_for_timestamp(0).value());
  EXPECT_FALSE(log_->max_timestamp().value());
  EXPECT_EQ(log_->earliest().offset, Offset(0));
  EXPECT_EQ(read(Offset(0), 100, Offset(0), true)->length, 0U);
}

TEST_F(ReadTest, AFailedReadTakesTheDirectoryOffline) {
  fill(3);
  vfs_.add_fault({.op = testing::FileOp::kRead, .path_contains = ".log"});
  EXPECT_EQ(read(Offset(3), 100, Offset(6), true).error().sys_errno, EIO);
  EXPECT_EQ(manager_->offline_log_dirs(), std::vector<std::string>{kDir});
}

}  // namespace
}  // namespace barnabas::storage
