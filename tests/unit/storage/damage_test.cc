// Files that were damaged while nobody looked: what is found, what is built anew, what goes on.
#include <map>

#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::FileOp;

class DamageTest : public StorageTest {
 protected:
  void fill(int batches) {
    config_.segment_bytes = static_cast<std::int32_t>(10 * size_);
    config_.index_interval_bytes = static_cast<std::int32_t>(2 * size_);
    open_log();
    for (int i = 0; i < batches; ++i) {
      ASSERT_EQ(append({.timestamp_ms = kBegin + 10 * i}, LeaderEpoch(i / 10)).error,
                ErrorCode::kNone);
    }
    log_->update_high_watermark(log_->end_offset());
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return std::string(kLogDir) + "/" + name;
  }
  void damage(const std::string& name, std::size_t at, char bits) {
    std::string bytes = content(name);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ bits);
    vfs_.set_content(path(name), bytes);
  }
  // The first batch that a read at `offset` gives; -1: an error.
  Offset first_at(Offset offset) {
    const LogView view = log_->view();
    const auto slice = log_->read(view, offset, 1 << 20, view.end_offset(), true);
    if (!slice) {
      EXPECT_EQ(slice.error().code, ErrorCode::kCorruptMessage);
      return kNoOffset;
    }
    std::array<std::byte, record::kBatchOverhead> header{};
    EXPECT_TRUE(slice->file->read_at(slice->position, header));
    return record::BatchView(header).base_offset();
  }
  static constexpr std::int64_t kBegin = testing::ManualTime::kStartWallMs;
  const std::size_t size_ = make_batch({}).size();
};

TEST_F(DamageTest, AnIndexFullOfSenseIsNotBelievedWhereTheBatchesSayOtherwise) {
  for (const int shift : {1, -1, 3}) {
    ASSERT_TRUE(vfs_.remove_tree(kDir));
    fill(35);
    stop_cleanly();
    const std::string index = content("00000000000000000010.index");
    std::string shifted = index;
    for (std::size_t at = 4; at < shifted.size(); at += 8) {  // each leads to another batch
      auto* position = reinterpret_cast<std::byte*>(shifted.data()) + at;
      store_be(position, static_cast<std::int32_t>(load_be<std::int32_t>(position) +
                                                   shift * static_cast<std::int32_t>(size_)));
    }
    vfs_.set_content(path("00000000000000000010.index"), shifted);
    open_log();
    for (int offset = 0; offset < 35; ++offset) {
      ASSERT_EQ(first_at(Offset(offset)), Offset(offset)) << "shifted by " << shift;
    }
    if (shift > 0) {  // one that leads too far to the front costs time and nothing else
      time_.run_all();
      EXPECT_EQ(content("00000000000000000010.index"), index);
    }
  }
}

TEST_F(DamageTest, TheIndexOfTheActiveSegmentIsRepairedWhileItGrows) {
  fill(35);
  stop_cleanly();
  const std::string index = content("00000000000000000030.index");
  std::string zeroed = index;
  std::fill(zeroed.begin(), zeroed.end() - 8, '\x11');
  vfs_.set_content(path("00000000000000000030.index"), zeroed);
  open_log();
  EXPECT_EQ(first_at(Offset(32)), Offset(32));
  append({.timestamp_ms = kBegin + 350});  // before the repair has run
  time_.run_all();
  append({.timestamp_ms = kBegin + 360});
  for (int offset = 30; offset < 37; ++offset) {
    ASSERT_EQ(first_at(Offset(offset)), Offset(offset));
  }
  stop_cleanly();
  EXPECT_EQ(content("00000000000000000030.index").substr(0, index.size()), index);
}

TEST_F(DamageTest, IndexesThatSomebodyDeletesWhileItRunsAreMadeAgain) {
  fill(35);
  stop_cleanly();
  const std::string index = content("00000000000000000010.index");
  open_log();
  for (const auto* name : {"00000000000000000010.index", "00000000000000000010.timeindex"}) {
    ASSERT_TRUE(vfs_.remove(path(name)));
  }
  EXPECT_EQ(first_at(Offset(17)), Offset(17));
  EXPECT_EQ(log_->offset_for_timestamp(kBegin + 155).value()->offset, Offset(16));
  EXPECT_FALSE(log_->offline());
  time_.run_all();
  EXPECT_EQ(content("00000000000000000010.index"), index);
  EXPECT_FALSE(log_->offline());
}

TEST_F(DamageTest, RetentionDeletesNothingOnTheWordOfADamagedTimeIndex) {
  fill(35);
  stop_cleanly();
  const std::string index = content("00000000000000000000.timeindex");
  for (const std::string& bytes : {std::string(index.size(), '\0'), std::string(),
                                   index.substr(0, 12), std::string(index.size(), '\1')}) {
    vfs_.set_content(path("00000000000000000000.timeindex"), bytes);
    config_.retention_ms = 1000;
    open_log();
    log_->update_high_watermark(Offset(35));
    EXPECT_EQ(log_->delete_old_segments(), 0) << bytes.size();
    EXPECT_EQ(log_->offset_for_timestamp(kBegin + 55).value()->offset, Offset(6));
    time_.run_all();
    EXPECT_EQ(content("00000000000000000000.timeindex"), index);
    stop_cleanly();
  }
}

TEST_F(DamageTest, OffsetsBesideADamagedHeaderStayReadable) {
  for (const std::size_t at :
       {record::kLengthAt, record::kLengthAt + 3, record::kMagicAt, record::kLastOffsetDeltaAt}) {
    ASSERT_TRUE(vfs_.remove_tree(kDir));
    fill(35);
    stop_cleanly();
    const char bit = at == record::kLengthAt + 3 ? '\1' : '\x80';
    damage("00000000000000000010.log", 4 * size_ + at, bit);
    open_log();
    for (int offset = 0; offset < 35; ++offset) {
      const Offset found = first_at(Offset(offset));
      if (offset != 14) {
        ASSERT_EQ(found, Offset(offset)) << "damaged at " << at;
      } else {
        ASSERT_TRUE(found == kNoOffset || found == Offset(14));
      }
    }
    time_.run_all();
    EXPECT_EQ(first_at(Offset(19)), Offset(19));  // a repair has not made it worse
    stop_cleanly();
  }
}

TEST_F(DamageTest, AnEmptyEpochCheckpointBesideBatchesIsBuiltAnew) {
  fill(35);
  stop_cleanly();
  const std::string before = content("leader-epoch-checkpoint");
  for (const char* bytes : {"", "0\n0\n"}) {
    vfs_.set_content(path("leader-epoch-checkpoint"), bytes);
    open_log();
    EXPECT_EQ(log_->epoch_entries().size(), 4U);
    stop_cleanly();
    EXPECT_EQ(content("leader-epoch-checkpoint"), before);
  }
}

TEST_F(DamageTest, SnapshotsThatAreAllGoneAreBuiltFromTheLog) {
  config_.segment_bytes = static_cast<std::int32_t>(10 * size_);
  open_log();
  const auto send = [&](int sequence) {
    return append({.producer = ProducerId(4),
                   .epoch = ProducerEpoch(0),
                   .sequence = SequenceNumber(sequence)});
  };
  for (int i = 0; i < 35; ++i) {
    ASSERT_EQ(send(i).error, ErrorCode::kNone);
  }
  stop_cleanly();
  for (const auto& name : log_files()) {
    if (name.ends_with(".snapshot")) {
      ASSERT_TRUE(vfs_.remove(path(name)));
    }
  }
  open_log();
  EXPECT_TRUE(send(34).duplicate);
  EXPECT_EQ(send(36).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(35).error, ErrorCode::kNone);
}

TEST_F(DamageTest, ASnapshotThatFindsNoRoomStopsNoStart) {
  fill(35);
  drop_manager();
  vfs_.crash(testing::CrashMode::kProcess);
  vfs_.add_fault({.op = FileOp::kWrite,
                  .path_contains = ".snapshot",
                  .error = ENOSPC,
                  .partial_bytes = 3,
                  .for_ever = true});
  open_log();
  EXPECT_EQ(log_->end_offset(), Offset(35));
  EXPECT_GT(vfs_.faults_hit(), 0);
  EXPECT_FALSE(log_->offline());
}

class TxnIndexTest : public DamageTest {
 protected:
  void write_transactions() {
    config_.segment_bytes = static_cast<std::int32_t>(6 * size_);
    open_log();
    // Producer 2 begins two segments before it aborts; producer 1 aborts every other time.
    send(2, 0);
    for (int i = 0; i < 12; ++i) {
      send(1, i);
      end(1, i % 2 == 0);
    }
    end(2, false);
    send(1, 12);  // still open
    log_->update_high_watermark(log_->end_offset());
  }
  void send(std::int64_t id, int sequence) {
    ASSERT_EQ(append({.producer = ProducerId(id),
                      .epoch = ProducerEpoch(0),
                      .sequence = SequenceNumber(sequence),
                      .transactional = true})
                  .error,
              ErrorCode::kNone);
  }
  void end(std::int64_t id, bool commit) {
    ASSERT_EQ(append_bytes(make_marker(ProducerId(id), ProducerEpoch(0), commit), LeaderEpoch(0),
                           AppendOrigin::kCoordinator)
                  .error,
              ErrorCode::kNone);
  }
  std::map<std::string, std::string> indexes() {
    std::map<std::string, std::string> found;
    for (const auto& name : log_files()) {
      if (name.ends_with(".txnindex")) {
        found[name] = content(name);
      }
    }
    return found;
  }
};

TEST_F(TxnIndexTest, OneThatCannotBeRightIsBuiltFromTheBatches) {
  write_transactions();
  stop_cleanly();
  const auto before = indexes();
  ASSERT_GE(before.size(), 3U);
  for (const std::string& bytes :
       {std::string(34, '\0'), std::string(34, '\x7f'), std::string("short"),
        std::string(7, '\0') + before.begin()->second, before.rbegin()->second}) {
    for (const bool snapshots : {true, false}) {
      for (const auto& [name, index] : before) {
        if (bytes != index) {
          vfs_.set_content(path(name), bytes);
        }
      }
      for (const auto& name : log_files()) {
        if (!snapshots && name.ends_with(".snapshot")) {
          ASSERT_TRUE(vfs_.remove(path(name)));
        }
      }
      open_log();
      EXPECT_EQ(indexes(), before);
      const auto view = log_->view();
      EXPECT_EQ(log_->aborted_transactions(view, Offset(0), view.end_offset()).value().size(), 7U);
      stop_cleanly();
    }
  }
}

TEST_F(TxnIndexTest, ABatchBeforeTheMarkerIsNoDuplicateAfterARestartEither) {
  open_log();
  send(1, 0);
  end(1, true);
  for (const bool clean : {true, false}) {
    if (clean) {
      stop_cleanly();
      open_log();
    } else {
      crash(testing::CrashMode::kProcess);
    }
    const auto late = append({.producer = ProducerId(1),
                              .epoch = ProducerEpoch(0),
                              .sequence = SequenceNumber(0),
                              .transactional = true});
    EXPECT_FALSE(late.duplicate);
    EXPECT_EQ(late.error, ErrorCode::kOutOfOrderSequenceNumber);
  }
  send(1, 1);
  stop_cleanly();
  open_log();
  const auto again = append({.producer = ProducerId(1),
                             .epoch = ProducerEpoch(0),
                             .sequence = SequenceNumber(1),
                             .transactional = true});
  EXPECT_TRUE(again.duplicate);  // of the open transaction
}

class ClockTest : public DamageTest {
 protected:
  static constexpr std::int64_t kDayMs = 86'400'000;
};

TEST_F(ClockTest, AJumpForwardDeletesNothingUntilItHasStoodForADay) {
  constexpr std::int64_t kOften = 1'800'000;
  options_.retention_check_interval_ms = kOften;
  options_.recovery_point_checkpoint_interval_ms = kOften;
  options_.log_start_checkpoint_interval_ms = kOften;
  options_.high_watermark_checkpoint_interval_ms = kOften;
  options_.initial_task_delay_ms = 1;
  options_.producer_id_expiration_ms = kDayMs;
  options_.producer_id_expiration_check_interval_ms = kOften;
  config_.retention_ms = 10 * kDayMs;
  fill(35);
  append({.timestamp_ms = kBegin,
          .producer = ProducerId(1),
          .epoch = ProducerEpoch(0),
          .sequence = SequenceNumber(0)});
  manager_->start();
  const auto hours = [](int count) { return std::chrono::hours(count); };
  time_.advance(hours(1));
  time_.jump_wall_ms(400 * kDayMs);
  time_.advance(hours(20));
  EXPECT_EQ(log_->start_offset(), Offset(0));
  EXPECT_EQ(log_->active_producers().size(), 1U);
  time_.jump_wall_ms(-400 * kDayMs);  // and back
  time_.advance(hours(2));
  time_.jump_wall_ms(-400 * kDayMs);  // the other way
  time_.advance(hours(20));
  EXPECT_EQ(log_->start_offset(), Offset(0));
  time_.jump_wall_ms(800 * kDayMs);
  time_.advance(hours(23));
  EXPECT_EQ(log_->start_offset(), Offset(0));
  time_.advance(hours(2));  // it has stood for a day: that is what the time is
  EXPECT_GT(log_->start_offset(), Offset(0));
}

TEST_F(ClockTest, FlushMsGoesByTheMonotonicClock) {
  options_.initial_task_delay_ms = 0;
  options_.flush_scheduler_interval_ms = 100;
  options_.flush_behind_bytes = 1;  // and each flush asks for a checkpoint
  config_.flush_ms = 1000;
  open_log();
  manager_->start();
  append({});
  time_.jump_wall_ms(-400 * kDayMs);
  time_.advance(std::chrono::milliseconds(1300));
  EXPECT_EQ(log_->recovery_point(), Offset(1));
}

TEST_F(DamageTest, FlushMessagesHoldsForFollowersToo) {
  config_.flush_messages = 2;
  open_log();
  for (int i = 0; i < 4; ++i) {
    ByteVector bytes = make_batch({});
    record::stamp_base_offset(bytes, Offset(i));
    record::stamp_leader_epoch(bytes, LeaderEpoch(0));
    ASSERT_TRUE(log_->append_as_follower(bytes));
    EXPECT_EQ(log_->recovery_point(), Offset((i + 1) / 2 * 2));
  }
}

}  // namespace
}  // namespace barnabas::storage
