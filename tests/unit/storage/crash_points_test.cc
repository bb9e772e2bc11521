// The power goes off at every single change that a scenario makes to the disk: writes (also in the
// middle of one), truncations, syncs, renames, removals, new files. After it the log opens, holds
// everything that was acknowledged and synced, and is sound; and where the power goes off again at
// any change of that recovery, the next one succeeds all the same.
#include <functional>
#include <map>

#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;

constexpr std::uint64_t kTornBytes = 33;

// How a scenario is run and what it leaves behind.
class CrashPoints : public StorageTest {
 protected:
  CrashPoints() {
    config_.segment_bytes = static_cast<std::int32_t>(5 * size_);
    config_.index_interval_bytes = 150;
    config_.file_delete_delay_ms = 1;
    options_.snapshot_behind_bytes = 3 * size_;
    options_.default_config = config_;
  }

  // What must still be there.
  struct Promise {
    Offset acknowledged{0};  // survives the death of the process
    Offset durable{0};       // survives the loss of power
    Offset start{0};         // records below it may come back, but need not
  };

  using Scenario = std::function<void()>;

  // Runs the scenario once for each change it makes, and once more to its end.
  void at_every_change(CrashMode mode, const Scenario& scenario) {
    const std::uint64_t changes = begin(mode, scenario, UINT64_MAX, 0);
    ASSERT_GT(changes, 10U);
    for (std::uint64_t until = 0; until < changes; ++until) {
      SCOPED_TRACE("power off after change " + std::to_string(until));
      begin(mode, scenario, until, until % 2 == 0 ? kTornBytes : 0);
      check(mode);
      if (HasFatalFailure()) {
        return;
      }
    }
  }

  // The same, and the first recovery is cut off at each of its changes, too. `step`: how many
  // changes of the scenario lie between two that are tried.
  void and_within_recovery(CrashMode mode, const Scenario& scenario, std::uint64_t step) {
    const std::uint64_t changes = begin(mode, scenario, UINT64_MAX, 0);
    for (std::uint64_t until = step / 2; until < changes; until += step) {
      for (std::uint64_t within = 0;; ++within) {
        SCOPED_TRACE("power off after change " + std::to_string(until) + ", then after " +
                     std::to_string(within) + " of the recovery");
        begin(mode, scenario, until, until % 2 == 0 ? kTornBytes : 0);
        vfs_.power_off_after(within, within % 2 == 0 ? kTornBytes : 0);
        static_cast<void>(start_manager());  // it may fail now
        const bool cut_off = vfs_.powered_off();
        drop_manager();
        time_.run_all();
        vfs_.crash(mode, random_.get());
        check(mode);
        if (HasFatalFailure() || !cut_off) {
          break;
        }
      }
      if (HasFatalFailure()) {
        return;
      }
    }
  }

  // Returns how many changes there were; the machine is up again and nothing is open.
  std::uint64_t begin(CrashMode mode, const Scenario& scenario, std::uint64_t until,
                      std::uint64_t torn) {
    drop_manager();
    EXPECT_TRUE(vfs_.remove_tree("/data"));
    vfs_.crash(CrashMode::kProcess);
    random_ = make_seeded_random(until);
    promise_ = {};
    sequence_ = 0;
    config_.retention_bytes = -1;
    open_log();
    time_.run_all();
    const std::uint64_t before = vfs_.changes();
    if (until != UINT64_MAX) {
      vfs_.power_off_after(until, torn);
    }
    scenario();
    const std::uint64_t made = vfs_.changes() - before;
    drop_manager();
    time_.run_all();
    vfs_.crash(mode, random_.get());
    return made;
  }

  bool send(LeaderEpoch epoch = LeaderEpoch(0), bool transactional = false) {
    const auto sent = append({.timestamp_ms = testing::ManualTime::kStartWallMs + sequence_,
                              .producer = ProducerId(1),
                              .epoch = ProducerEpoch(0),
                              .sequence = SequenceNumber(sequence_),
                              .transactional = transactional},
                             epoch);
    if (sent.error == ErrorCode::kNone) {
      ++sequence_;
      note_end();
    }
    return sent.error == ErrorCode::kNone;
  }
  bool end_transaction(bool commit) {
    const bool ended = append_bytes(make_marker(ProducerId(1), ProducerEpoch(0), commit),
                                    LeaderEpoch(0), AppendOrigin::kCoordinator)
                           .error == ErrorCode::kNone;
    note_end();
    return ended;
  }
  void note_end() {
    promise_.acknowledged = log_->end_offset();
    log_->update_high_watermark(promise_.acknowledged);
  }
  // Lets the disk executor work; what it has synced is promised from now on.
  void settle() {
    time_.advance(std::chrono::milliseconds(2));
    if (log_ && !log_->offline()) {
      promise_.durable = std::max(promise_.durable, log_->recovery_point());
    }
  }

  void check(CrashMode mode) {
    open_log();
    const Offset end = log_->end_offset();
    const Offset start = log_->start_offset();
    ASSERT_GE(end, mode == CrashMode::kProcess ? promise_.acknowledged : promise_.durable);
    ASSERT_LE(start, std::max(promise_.start, promise_.durable));
    check_batches(start, end);
    check_transactions(start, end);
    check_leftovers();
    // It goes on, is closed, and opens again as it was.
    ASSERT_EQ(append({}, LeaderEpoch(9)).base_offset, end);
    stop_cleanly();
    open_log();
    ASSERT_TRUE(manager_->had_clean_shutdown());
    ASSERT_EQ(log_->end_offset(), end + 1);
    ASSERT_EQ(log_->start_offset(), start);
  }

  // Every offset between start and end, once, by the index and by walking.
  void check_batches(Offset start, Offset end) {
    const std::string bytes = read_all(start);
    record::BatchCursor cursor(as_bytes(bytes));
    std::optional<Offset> next;
    LeaderEpoch epoch = kNoLeaderEpoch;
    while (cursor.next() == record::BatchStep::kBatch) {
      const record::BatchView batch = cursor.batch();
      ASSERT_TRUE(!next || batch.base_offset() == *next);
      ASSERT_GE(batch.leader_epoch(), epoch);
      epoch = batch.leader_epoch();
      next = batch.next_offset();
      const LogView view = log_->view();
      const auto slice = log_->read(view, batch.base_offset(), 1, view.end_offset(), true);
      ASSERT_TRUE(slice) << slice.error().message;
      ASSERT_EQ(log_->end_offset_for_epoch(epoch).epoch, epoch);
    }
    ASSERT_EQ(next.value_or(end), end);
  }

  // The transaction index and the stable offset say what the batches say.
  void check_transactions(Offset start, Offset end) {
    std::map<ProducerId, Offset> open;
    std::map<ProducerId, std::vector<Offset>> aborted;
    const std::string bytes = read_all(start);
    record::BatchCursor cursor(as_bytes(bytes));
    while (cursor.next() == record::BatchStep::kBatch) {
      const record::BatchView batch = cursor.batch();
      if (batch.is_transactional() && !batch.is_control()) {
        open.try_emplace(batch.producer_id(), batch.base_offset());
      } else if (batch.is_control() && open.contains(batch.producer_id())) {
        if (marker_is_abort(batch)) {
          aborted[batch.producer_id()].push_back(open.at(batch.producer_id()));
        }
        open.erase(batch.producer_id());
      }
    }
    std::map<ProducerId, std::vector<Offset>> indexed;
    const auto found = log_->aborted_transactions(log_->view(), start, end);
    ASSERT_TRUE(found) << found.error().message;
    for (const auto& transaction : *found) {
      indexed[transaction.producer_id].push_back(transaction.first_offset);
    }
    ASSERT_EQ(indexed, aborted);
    log_->update_high_watermark(end);
    ASSERT_EQ(log_->view().first_unstable_offset() != kNoOffset, !open.empty());
  }
  static bool marker_is_abort(const record::BatchView& batch) {
    // length, attributes, two deltas, the key's length, version, type
    return batch.records()[8] == std::byte{0};
  }

  // Nothing half done is left once the deletion delay is over.
  void check_leftovers() {
    time_.advance(std::chrono::milliseconds(5));
    for (const auto& name : vfs_.files(kDir)) {
      EXPECT_FALSE(name.ends_with(".deleted") || name.find("-delete/") != std::string::npos)
          << name;
    }
  }

  const std::size_t size_ = make_batch({}).size();
  Promise promise_;
  int sequence_ = 0;
};

class CrashPointsTest : public CrashPoints, public ::testing::WithParamInterface<CrashMode> {
 protected:
  void append_and_roll() {
    for (int i = 0; i < 12; ++i) {
      send(LeaderEpoch(i / 5));
      if (i % 4 == 3) {
        static_cast<void>(log_->flush());
        manager_->checkpoint_recovery_points();
        manager_->checkpoint_high_watermarks();
      }
      settle();
    }
  }
};

TEST_P(CrashPointsTest, AppendsRollsFlushesAndCheckpoints) {
  at_every_change(GetParam(), [this] { append_and_roll(); });
}

TEST_P(CrashPointsTest, TheRecoveryAfterThemIsCutOffAsWell) {
  and_within_recovery(GetParam(), [this] { append_and_roll(); }, 23);
}

TEST_P(CrashPointsTest, Transactions) {
  at_every_change(GetParam(), [this] {
    for (int i = 0; i < 10; ++i) {
      send(LeaderEpoch(0), true);
      end_transaction(i % 3 == 0);
      if (i == 5) {
        static_cast<void>(log_->flush());
        manager_->checkpoint_recovery_points();
      }
      settle();
    }
    send(LeaderEpoch(0), true);
  });
}

TEST_P(CrashPointsTest, RetentionAndDeleteRecords) {
  at_every_change(GetParam(), [this] {
    for (int i = 0; i < 14; ++i) {
      send();
      settle();
      if (i == 6 && log_->delete_records_before(Offset(3))) {
        promise_.start = Offset(3);
        manager_->checkpoint_log_starts();
      }
      if (i == 11) {
        auto config = config_;
        config.retention_bytes = static_cast<std::int64_t>(6 * size_);
        log_->update_config(config);
        promise_.start = Offset(14);
        static_cast<void>(log_->delete_old_segments());
        manager_->checkpoint_log_starts();
        manager_->checkpoint_recovery_points();
      }
    }
  });
}

TEST_P(CrashPointsTest, TruncationAndWhatIsAppendedAfterIt) {
  at_every_change(GetParam(), [this] {
    for (int i = 0; i < 12; ++i) {
      send();
    }
    static_cast<void>(log_->flush());
    manager_->checkpoint_recovery_points();
    settle();
    // From here on the end may be on either side of the cut.
    promise_.acknowledged = std::min(promise_.acknowledged, Offset(4));
    promise_.durable = std::min(promise_.durable, Offset(4));
    if (log_->truncate_to(Offset(4))) {
      for (int i = 0; i < 4; ++i) {
        append({.timestamp_ms = testing::ManualTime::kStartWallMs}, LeaderEpoch(2));
      }
      static_cast<void>(log_->flush());
      manager_->checkpoint_recovery_points();
    }
    time_.advance(std::chrono::milliseconds(2));
  });
}

TEST_P(CrashPointsTest, ACleanStop) {
  at_every_change(GetParam(), [this] {
    for (int i = 0; i < 8; ++i) {
      send(LeaderEpoch(i / 5), true);
    }
    settle();
    if (manager_->stop(BrokerEpoch(7)) && manager_->is_online(kDir)) {
      promise_.durable = promise_.acknowledged;
    }
  });
}

TEST_P(CrashPointsTest, ADeletedTopicThatIsMadeAgain) {
  at_every_change(GetParam(), [this] {
    for (int i = 0; i < 8; ++i) {
      send();
    }
    settle();
    const std::vector<TopicPartition> doomed = {{"t", PartitionId(0)}};
    promise_ = {};  // it may be gone from here on
    if (manager_->delete_logs(doomed)) {
      log_.reset();
      const auto made =
          manager_->get_or_create({"t", PartitionId(0)}, random_->uuid(), config_, true);
      if (made) {
        log_ = *made;
        EXPECT_EQ(log_->end_offset(), Offset(0));
        sequence_ = 0;
        send();
      }
    }
    time_.advance(std::chrono::milliseconds(2));
    log_.reset();
  });
}

INSTANTIATE_TEST_SUITE_P(Modes, CrashPointsTest,
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

// Checkpoints and identities are the old ones or the new ones, never neither.
TEST_F(CrashPoints, MetaPropertiesAreTheOldOnesOrTheNewOnes) {
  for (std::uint64_t until = 0;; ++until) {
    drop_manager();
    ASSERT_TRUE(vfs_.remove_tree("/data"));
    vfs_.crash(CrashMode::kProcess);
    ASSERT_TRUE(vfs_.create_directories(kDir));
    vfs_.set_content(std::string(kDir) + "/meta.properties", "version=0\nbroker.id=3\nkept=yes\n");
    ASSERT_TRUE(start_manager());
    vfs_.power_off_after(until, kTornBytes);
    const bool written =
        manager_->write_meta_properties("bt0Uo8zHTSGKVxIPSrK0Zg", BrokerId(3)).has_value() &&
        manager_->is_online(kDir);
    const bool finished = !vfs_.powered_off();
    drop_manager();
    vfs_.crash(CrashMode::kLoseUnsynced);
    ASSERT_TRUE(start_manager());
    EXPECT_EQ(manager_->meta_properties().broker_id, BrokerId(3));
    EXPECT_TRUE(!written || manager_->meta_properties().cluster_id == "bt0Uo8zHTSGKVxIPSrK0Zg");
    EXPECT_NE(vfs_.content(std::string(kDir) + "/meta.properties")->find("kept=yes"),
              std::string::npos);
    if (finished) {
      break;
    }
  }
}

}  // namespace
}  // namespace barnabas::storage
