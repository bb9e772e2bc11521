#include "barnabas/record/batch.h"

#include <gtest/gtest.h>

#include "barnabas/base/crc32c.h"
#include "batches.h"

namespace barnabas::record {
namespace {

TEST(BatchView, ReadsEveryField) {
  const ByteVector batch = make_batch({.base_offset = Offset(1234567890123),
                                       .leader_epoch = LeaderEpoch(7),
                                       .producer_id = ProducerId(42),
                                       .producer_epoch = ProducerEpoch(3),
                                       .base_sequence = SequenceNumber(99),
                                       .is_transactional = true},
                                      5);
  const BatchView view(batch);
  EXPECT_EQ(view.base_offset(), Offset(1234567890123));
  EXPECT_EQ(view.last_offset(), Offset(1234567890127));
  EXPECT_EQ(view.next_offset(), Offset(1234567890128));
  EXPECT_EQ(view.size_bytes(), static_cast<std::int64_t>(batch.size()));
  EXPECT_EQ(view.leader_epoch(), LeaderEpoch(7));
  EXPECT_EQ(view.magic(), 2);
  EXPECT_EQ(view.compression(), CompressionType::kNone);
  EXPECT_EQ(view.timestamp_type(), TimestampType::kCreateTime);
  EXPECT_TRUE(view.is_transactional());
  EXPECT_FALSE(view.is_control());
  EXPECT_EQ(view.delete_horizon_ms(), std::nullopt);
  EXPECT_EQ(view.base_timestamp_ms(), kT0);
  EXPECT_EQ(view.max_timestamp_ms(), kT0 + 4);
  EXPECT_EQ(view.producer_id(), ProducerId(42));
  EXPECT_EQ(view.producer_epoch(), ProducerEpoch(3));
  EXPECT_EQ(view.base_sequence(), SequenceNumber(99));
  EXPECT_EQ(view.last_sequence(), SequenceNumber(103));
  EXPECT_EQ(view.record_count(), 5);
  EXPECT_EQ(view.records().size(), batch.size() - 61);
  EXPECT_EQ(view.crc(), crc32c(ByteView(batch).subspan(21)));
  EXPECT_TRUE(view.crc_is_valid());
}

TEST(BatchView, KnowsTheDeleteHorizon) {
  const ByteVector batch = make_batch({.is_control = true, .delete_horizon_ms = kT0 + 55});
  EXPECT_EQ(BatchView(batch).delete_horizon_ms(), kT0 + 55);
  EXPECT_TRUE(BatchView(batch).is_control());
}

TEST(BatchView, ACrcOverBytesThatAreNotThereIsNotValid) {
  const ByteVector batch = make_batch();
  EXPECT_FALSE(BatchView(ByteView(batch).first(batch.size() - 1)).crc_is_valid());
}

TEST(Stamps, BaseOffsetAndEpochLeaveTheCrcAlone) {
  ByteVector batch = make_batch({}, 3);
  stamp_base_offset(batch, Offset(500));
  stamp_leader_epoch(batch, LeaderEpoch(12));
  EXPECT_EQ(BatchView(batch).last_offset(), Offset(502));
  EXPECT_EQ(BatchView(batch).leader_epoch(), LeaderEpoch(12));
  EXPECT_TRUE(BatchView(batch).crc_is_valid());
}

TEST(Stamps, MaxTimestampIsWrittenOnlyWhereItDiffers) {
  ByteVector batch = make_batch();
  patch(batch, kAttributesAt, std::uint16_t{0xff90});  // transactional and bits nobody knows
  const ByteVector before = batch;
  EXPECT_FALSE(stamp_max_timestamp(batch, TimestampType::kCreateTime, kT0));
  EXPECT_EQ(batch, before);
  EXPECT_TRUE(stamp_max_timestamp(batch, TimestampType::kLogAppendTime, kT0));
  EXPECT_EQ(BatchView(batch).attributes(), 0x18);
  EXPECT_TRUE(BatchView(batch).crc_is_valid());
  EXPECT_TRUE(stamp_max_timestamp(batch, TimestampType::kCreateTime, kT0 + 1));
  EXPECT_EQ(BatchView(batch).attributes(), 0x10);
  EXPECT_EQ(BatchView(batch).max_timestamp_ms(), kT0 + 1);
}

TEST(Sequence, WrapsToZeroBehindTheLargest) {
  EXPECT_EQ(increment_sequence(SequenceNumber(INT32_MAX), 1), SequenceNumber(0));
  EXPECT_EQ(increment_sequence(SequenceNumber(INT32_MAX - 1), 3), SequenceNumber(1));
  EXPECT_EQ(increment_sequence(SequenceNumber(0), 0), SequenceNumber(0));
}

TEST(BatchCursor, WalksTheBatchesOfABuffer) {
  ByteVector buffer;
  for (int i = 0; i < 4; ++i) {
    const ByteVector batch = make_batch({.base_offset = Offset(i * 10)}, i + 1);
    buffer.insert(buffer.end(), batch.begin(), batch.end());
  }
  buffer.resize(buffer.size() - 1);
  BatchCursor cursor(buffer);
  for (int i = 0; i < 3; ++i) {
    const std::size_t at = cursor.position();
    ASSERT_EQ(cursor.next(), BatchStep::kBatch);
    EXPECT_EQ(cursor.batch().base_offset(), Offset(i * 10));
    EXPECT_EQ(cursor.batch().bytes().data(), buffer.data() + at);
    EXPECT_EQ(cursor.position(), at + cursor.batch().bytes().size());
  }
  const std::size_t end = cursor.position();
  EXPECT_EQ(cursor.next(), BatchStep::kEnd) << "the last batch is cut off";
  EXPECT_EQ(cursor.position(), end);
}

TEST(BatchCursor, TellsAnEndFromCorruption) {
  const ByteVector batch = make_batch();
  for (std::size_t size = 0; size < batch.size(); ++size) {
    EXPECT_EQ(BatchCursor(ByteView(batch).first(size)).next(), BatchStep::kEnd) << size;
  }
  EXPECT_EQ(BatchCursor(ByteVector(16)).next(), BatchStep::kCorrupt) << "zeroes behind the data";
  ByteVector wrong = batch;
  store_be(wrong.data() + kMagicAt, std::int8_t{3});
  EXPECT_EQ(BatchCursor(wrong).next(), BatchStep::kCorrupt);
  wrong = batch;
  store_be(wrong.data() + kLengthAt, std::int32_t{48});
  EXPECT_EQ(BatchCursor(wrong).next(), BatchStep::kCorrupt) << "shorter than its own header";
}

}  // namespace
}  // namespace barnabas::record
