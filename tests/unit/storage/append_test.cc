// What an append does to offsets, files and indexes.
#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;

std::string be(std::initializer_list<std::pair<std::int64_t, int>> fields) {
  std::string out;
  for (const auto& [value, bytes] : fields) {
    for (int i = bytes - 1; i >= 0; --i) {
      out +=
          static_cast<char>(static_cast<std::uint64_t>(value) >> (8U * static_cast<unsigned>(i)));
    }
  }
  return out;
}

class AppendTest : public StorageTest {};

TEST_F(AppendTest, ANewLogHasKafkasFiles) {
  open_log();
  EXPECT_EQ(log_files(), (std::vector<std::string>{
                             "00000000000000000000.index", "00000000000000000000.log",
                             "00000000000000000000.timeindex", "leader-epoch-checkpoint"}));
  // Room for segment.index.bytes, in whole entries of 8 and 12 bytes.
  EXPECT_EQ(vfs_.stat("/data/logs/t-0/00000000000000000000.index")->size, 10485760U);
  EXPECT_EQ(vfs_.stat("/data/logs/t-0/00000000000000000000.timeindex")->size, 10485756U);
  EXPECT_EQ(content("leader-epoch-checkpoint"), "");
}

TEST_F(AppendTest, OffsetsAndEpochAreStampedAndNothingElseChanges) {
  open_log();
  const ByteVector first = make_batch({.records = 3});
  const ByteVector second = make_batch({.records = 2, .value_bytes = 100});
  EXPECT_EQ(append_bytes(first, LeaderEpoch(5)).base_offset, Offset(0));
  const auto result = append_bytes(second, LeaderEpoch(5));
  EXPECT_EQ(result.base_offset, Offset(3));
  EXPECT_EQ(result.last_offset, Offset(4));
  EXPECT_EQ(result.log_start_offset, Offset(0));
  EXPECT_EQ(log_->end_offset(), Offset(5));

  std::string expected;
  Offset base{0};
  for (ByteVector batch : {first, second}) {
    record::stamp_base_offset(batch, base);
    record::stamp_leader_epoch(batch, LeaderEpoch(5));
    base = record::BatchView(batch).next_offset();
    expected += as_text(batch);
  }
  EXPECT_EQ(content("00000000000000000000.log"), expected);
  EXPECT_EQ(read_all(), expected);
}

TEST_F(AppendTest, TheIndexHasAnEntryWhenMoreThanTheIntervalWasWritten) {
  config_.index_interval_bytes = 200;
  open_log();
  const std::size_t size = make_batch({}).size();
  ASSERT_GT(size, 80U);
  ASSERT_LT(size, 100U);
  for (int i = 0; i < 7; ++i) {
    append({.timestamp_ms = 1000 + i});
  }
  stop_cleanly();
  // Before the fourth and the seventh append more than 200 bytes had been written.
  const auto position = [&](int n) { return static_cast<std::int64_t>(size) * n; };
  EXPECT_EQ(content("00000000000000000000.index"),
            be({{3, 4}, {position(3), 4}, {6, 4}, {position(6), 4}}));
  EXPECT_EQ(content("00000000000000000000.timeindex"), be({{1003, 8}, {3, 4}, {1006, 8}, {6, 4}}));
}

TEST_F(AppendTest, SealingAddsTheLargestTimestampToTheTimeIndex) {
  open_log();
  append({.timestamp_ms = 5000});
  append({.timestamp_ms = 4000});
  ASSERT_TRUE(log_->roll());
  EXPECT_EQ(content("00000000000000000000.timeindex"), be({{5000, 8}, {0, 4}}));
  EXPECT_EQ(content("00000000000000000000.index"), "");
}

// The heart of the hot path: what is written together must be what Kafka would have written singly.
TEST_F(AppendTest, AGatheredAppendLeavesTheSameFilesAsSingleOnes) {
  config_.segment_bytes = 2000;
  config_.index_interval_bytes = 300;
  std::vector<ByteVector> batches;
  for (int i = 0; i < 60; ++i) {
    batches.push_back(make_batch({.records = 1 + i % 3,
                                  .value_bytes = static_cast<std::size_t>(10 + 7 * (i % 11)),
                                  .timestamp_ms = 1'000'000 + (i * 37) % 50,
                                  .producer = ProducerId(9 + i % 4),
                                  .epoch = ProducerEpoch(0),
                                  .sequence = SequenceNumber(0)}));
    if (i >= 4) {  // in sequence with the batch four before it
      const record::BatchView before(batches[static_cast<std::size_t>(i) - 4]);
      store_be(batches.back().data() + record::kBaseSequenceAt,
               record::increment_sequence(before.last_sequence(), 1).value());
      record::stamp_crc(batches.back());
    }
  }
  const auto run = [&](std::size_t at_once) {
    vfs_.crash(CrashMode::kProcess);
    EXPECT_TRUE(vfs_.remove_tree(kDir));
    open_log();
    auto copies = batches;
    std::vector<LeaderAppend> appends(copies.size());
    for (std::size_t i = 0; i < copies.size(); ++i) {
      appends[i].records = copies[i];
    }
    for (std::size_t i = 0; i < appends.size(); i += at_once) {
      log_->append_as_leader(std::span(appends).subspan(i, std::min(at_once, appends.size() - i)),
                             LeaderEpoch(3));
    }
    for (const auto& append : appends) {
      EXPECT_EQ(append.error, ErrorCode::kNone) << append.message;
    }
    stop_cleanly();
    std::map<std::string, std::string> files;
    for (const auto& name : log_files()) {
      files[name] = content(name);
    }
    return files;
  };
  const auto singly = run(1);
  EXPECT_GT(singly.size(), 12U);
  EXPECT_EQ(run(60), singly);
  EXPECT_EQ(run(7), singly);
}

TEST_F(AppendTest, AGatheredAppendIsOneWrite) {
  open_log();
  std::vector<ByteVector> batches(100, make_batch({}));
  std::vector<LeaderAppend> appends(100);
  for (std::size_t i = 0; i < 100; ++i) {
    appends[i].records = batches[i];
  }
  const auto before = vfs_.changes();
  log_->append_as_leader(appends, LeaderEpoch(0));
  EXPECT_EQ(vfs_.changes() - before, 1U);
  EXPECT_EQ(log_->end_offset(), Offset(100));
}

TEST_F(AppendTest, RollsBySize) {
  const std::size_t size = make_batch({}).size();
  config_.segment_bytes = static_cast<std::int32_t>(size * 3);
  open_log();
  for (int i = 0; i < 4; ++i) {
    append({});
  }
  EXPECT_EQ(log_->view().segment_count(), 2U);
  EXPECT_EQ(content("00000000000000000000.log").size(), size * 3);
  EXPECT_EQ(content("00000000000000000003.log").size(), size);
  EXPECT_EQ(content("00000000000000000003.snapshot").size(), 10U);  // no producer in it
}

TEST_F(AppendTest, RollsByTheTimeBetweenRecords) {
  config_.segment_ms = 1000;
  open_log();
  append({.timestamp_ms = 50'000});
  append({.timestamp_ms = 51'000});
  EXPECT_EQ(log_->view().segment_count(), 1U);
  append({.timestamp_ms = 51'001});
  EXPECT_EQ(log_->view().segment_count(), 2U);
}

TEST_F(AppendTest, RollsByTheClockWhereRecordsHaveNoTime) {
  config_.segment_ms = 1000;
  open_log();
  append({.timestamp_ms = kNoTimestamp});
  time_.advance(std::chrono::milliseconds(1001));
  append({.timestamp_ms = kNoTimestamp});
  EXPECT_EQ(log_->view().segment_count(), 2U);
}

TEST_F(AppendTest, RollsWhenTheIndexIsFull) {
  config_.segment_index_bytes = 24;  // three offset entries, two time entries and one in reserve
  config_.index_interval_bytes = 0;
  open_log();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(append({.timestamp_ms = 1000 + i}).error, ErrorCode::kNone);
  }
  EXPECT_GT(log_->view().segment_count(), 2U);
  EXPECT_EQ(log_->end_offset(), Offset(10));
}

TEST_F(AppendTest, ASegmentHoldsOffsetsUpToTwoToTheThirtyOne) {
  open_log();
  append({});
  ByteVector far = make_batch({});
  record::stamp_base_offset(far, Offset(INT32_MAX));
  ASSERT_TRUE(log_->append_as_follower(far));
  EXPECT_EQ(log_->view().segment_count(), 1U);
  record::stamp_base_offset(far, Offset(std::int64_t{INT32_MAX} + 1));
  ASSERT_TRUE(log_->append_as_follower(far));
  EXPECT_EQ(log_->view().segment_count(), 2U);
  EXPECT_EQ(content("00000000002147483648.log").size(), far.size());
}

TEST_F(AppendTest, JitterMakesRollsEarlier) {
  config_.segment_ms = 1000;
  config_.segment_jitter_ms = 900;
  open_log();
  int rolls_before_time = 0;
  std::int64_t now = 1000;
  for (int i = 0; i < 40; ++i) {
    const auto segments = log_->view().segment_count();
    append({.timestamp_ms = now});
    const bool rolled = log_->view().segment_count() > segments;
    rolls_before_time += rolled ? 1 : 0;
    now += 400;  // three of these are more than segment.ms
  }
  EXPECT_GT(rolls_before_time, 40 / 3);
}

TEST_F(AppendTest, MoreThanASegmentIsRefusedAndTheRestGoesOn) {
  config_.segment_bytes = 300;
  open_log();
  ByteVector large = make_batch({.value_bytes = 400});
  ByteVector small = make_batch({});
  ByteVector other = small;
  std::vector<LeaderAppend> appends(3);
  appends[0].records = small;
  appends[1].records = large;
  appends[2].records = other;
  log_->append_as_leader(appends, LeaderEpoch(0));
  EXPECT_EQ(appends[0].error, ErrorCode::kNone);
  EXPECT_EQ(appends[1].error, ErrorCode::kRecordListTooLarge);
  EXPECT_EQ(appends[2].error, ErrorCode::kNone);
  EXPECT_EQ(appends[2].base_offset, Offset(1));
}

TEST_F(AppendTest, PreallocatedSegmentsAreTrimmed) {
  config_.preallocate = true;
  config_.segment_bytes = 4096;
  open_log();
  append({});
  EXPECT_EQ(content("00000000000000000000.log").size(), 4096U);
  ASSERT_TRUE(log_->roll());
  EXPECT_EQ(content("00000000000000000000.log").size(), make_batch({}).size());
  stop_cleanly();
  EXPECT_EQ(content("00000000000000000001.log").size(), 0U);
}

TEST_F(AppendTest, FollowersKeepTheLeadersOffsetsAndCheckThem) {
  open_log();
  ByteVector batch = make_batch({.records = 2});
  record::stamp_base_offset(batch, Offset(10));
  record::stamp_leader_epoch(batch, LeaderEpoch(4));
  const auto appended = log_->append_as_follower(batch);
  ASSERT_TRUE(appended) << appended.error().message;
  EXPECT_EQ(appended->last_offset, Offset(11));
  EXPECT_EQ(log_->end_offset(), Offset(12));
  EXPECT_EQ(log_->epoch_entries(), (std::vector<EpochEntry>{{LeaderEpoch(4), Offset(10)}}));
  EXPECT_EQ(log_->append_as_follower(batch).error().code, ErrorCode::kOffsetOutOfRange);
  record::stamp_base_offset(batch, Offset(12));
  batch.back() ^= std::byte{1};
  EXPECT_EQ(log_->append_as_follower(batch).error().code, ErrorCode::kCorruptMessage);
  EXPECT_EQ(log_->end_offset(), Offset(12));
}

TEST_F(AppendTest, AFollowersPartialLastBatchIsDropped) {
  open_log();
  ByteVector bytes = make_batch({});
  const std::size_t whole = bytes.size();
  bytes.insert(bytes.end(), bytes.begin(), bytes.begin() + 30);
  const auto appended = log_->append_as_follower(bytes);
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->valid_bytes, whole);
  EXPECT_EQ(content("00000000000000000000.log").size(), whole);
}

TEST_F(AppendTest, FlushMessagesSyncsBeforeTheAnswer) {
  config_.flush_messages = 2;
  open_log();
  append({});
  EXPECT_EQ(log_->recovery_point(), Offset(0));
  append({});
  EXPECT_EQ(log_->recovery_point(), Offset(2));
  EXPECT_EQ(vfs_.syncs_of("/data/logs/t-0/00000000000000000000.log"), 1U);
}

TEST_F(AppendTest, ARollMovesTheRecoveryPointOnTheDiskExecutor) {
  open_log();
  append({});
  ASSERT_TRUE(log_->roll());
  EXPECT_EQ(log_->recovery_point(), Offset(0));
  time_.run_all();
  EXPECT_EQ(log_->recovery_point(), Offset(1));
  crash(CrashMode::kLoseUnsynced);
  EXPECT_EQ(log_->end_offset(), Offset(1));
}

TEST_F(AppendTest, EpochsAreWrittenToTheCheckpoint) {
  open_log();
  append({}, LeaderEpoch(0));
  append({}, LeaderEpoch(0));
  append({}, LeaderEpoch(2));
  EXPECT_EQ(log_->latest_epoch()->epoch, LeaderEpoch(2));
  time_.run_all();
  EXPECT_EQ(content("leader-epoch-checkpoint"), "0\n2\n0 0\n2 2\n");
  EXPECT_EQ(log_->end_offset_for_epoch(LeaderEpoch(0)).end_offset, Offset(2));
  EXPECT_EQ(log_->end_offset_for_epoch(LeaderEpoch(1)).epoch, LeaderEpoch(0));
  EXPECT_EQ(log_->end_offset_for_epoch(LeaderEpoch(2)).end_offset, Offset(3));
  EXPECT_EQ(log_->end_offset_for_epoch(LeaderEpoch(3)).end_offset, kNoOffset);
}

}  // namespace
}  // namespace barnabas::storage
