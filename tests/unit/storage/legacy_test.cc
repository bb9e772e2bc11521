// Logs with messages of magic 0 and 1, as Kafka before 0.11 left them. The same beside Kafka
// itself: tests/integration/disk/legacy_log_test.py.
#include "barnabas/record/legacy.h"

#include "fixture.h"

namespace barnabas::storage {
namespace {

using record::CompressionType;
using record::LegacyBuilder;

constexpr std::int64_t kT0 = 1'700'000'000'000;

class LegacyLogTest : public StorageTest {
 protected:
  static ByteVector make_set(Offset first, int count, const record::LegacyOptions& options) {
    LegacyBuilder builder(options);
    for (int i = 0; i < count; ++i) {
      builder.add(first + i, kT0 + 10 * (first.value() + i), as_bytes("key"), as_bytes("value"));
    }
    ByteVector set;
    EXPECT_TRUE(builder.finish(set));
    return set;
  }
  // Offsets 0 to 3 of magic 0, 4 to 7 plain, 8 to 11 in a wrapper, 12 to 13 of magic 2.
  void fill() {
    config_.index_interval_bytes = 50;
    open_log();
    follow(make_set(Offset(0), 4, {.magic = record::kMagicV0}));
    follow(make_set(Offset(4), 4, {}));
    follow(make_set(Offset(8), 4, {.compression = CompressionType::kGzip}));
    EXPECT_EQ(append({.records = 2, .timestamp_ms = kT0 + 120}).base_offset, Offset(12));
  }
  void follow(const ByteVector& set) {
    const auto appended = log_->append_as_follower(set);
    ASSERT_TRUE(appended) << appended.error().message;
    EXPECT_EQ(appended->valid_bytes, set.size());
    EXPECT_EQ(appended->last_leader_epoch, kNoLeaderEpoch);
  }
  void expect_lookups() {
    EXPECT_EQ(log_->end_offset(), Offset(14));
    for (int offset = 4; offset < 14; ++offset) {
      const std::int64_t timestamp_ms = kT0 + 10 * std::min(offset, 12) + (offset == 13 ? 1 : 0);
      const auto found = log_->offset_for_timestamp(timestamp_ms);
      ASSERT_TRUE(found && *found) << offset;
      EXPECT_EQ((*found)->offset, Offset(offset));
      EXPECT_EQ((*found)->timestamp_ms, timestamp_ms);
      EXPECT_EQ((*found)->leader_epoch, offset < 12 ? kNoLeaderEpoch : LeaderEpoch(0));
    }
    // Messages of magic 0 have no time: the first one that has is found.
    EXPECT_EQ((*log_->offset_for_timestamp(0))->offset, Offset(4));
    EXPECT_FALSE(*log_->offset_for_timestamp(kT0 + 1000));
    EXPECT_EQ((*log_->max_timestamp())->offset, Offset(13));
    for (int offset = 0; offset < 14; ++offset) {
      const auto slice = log_->read(log_->view(), Offset(offset), 1 << 20, Offset(14), true);
      ASSERT_TRUE(slice);
      std::array<std::byte, 17> head{};
      ASSERT_TRUE(slice->file->read_at(slice->position, head));
      const record::BatchView first{ByteView(head)};
      EXPECT_EQ(first.base_offset(), Offset(offset < 8 ? offset : offset < 12 ? 11 : 12));
    }
  }
};

TEST_F(LegacyLogTest, LookupsLookIntoWrappers) {
  fill();
  expect_lookups();
  stop_cleanly();
  open_log();
  expect_lookups();
}

TEST_F(LegacyLogTest, ATornMessageIsCutOffAfterACrash) {
  fill();
  ASSERT_TRUE(log_->flush());
  const std::string before = content("00000000000000000000.log");
  const ByteVector torn = make_set(Offset(14), 2, {});
  follow(torn);
  crash(testing::CrashMode::kLoseUnsynced);
  EXPECT_EQ(content("00000000000000000000.log"), before);
  expect_lookups();
}

TEST_F(LegacyLogTest, AFollowerChecksWhatItIsSent) {
  open_log();
  ByteVector set = make_set(Offset(0), 2, {});
  set.back() ^= std::byte{1};
  EXPECT_EQ(log_->append_as_follower(set).error().code, ErrorCode::kCorruptMessage);
  EXPECT_EQ(log_->end_offset(), Offset(0));
  follow(make_set(Offset(5), 2, {}));
  EXPECT_EQ(log_->append_as_follower(make_set(Offset(6), 1, {})).error().code,
            ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(log_->end_offset(), Offset(7));
}

// Epochs that begin before old messages would lead truncation astray.
TEST_F(LegacyLogTest, OldMessagesFromALeaderEndTheEpochs) {
  open_log();
  append({.timestamp_ms = kT0}, LeaderEpoch(3));
  EXPECT_EQ(log_->epoch_entries().size(), 1U);
  follow(make_set(Offset(1), 1, {}));
  EXPECT_TRUE(log_->epoch_entries().empty());
}

}  // namespace
}  // namespace barnabas::storage
