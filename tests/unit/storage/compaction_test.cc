// Compaction: against a model, through crashes at every change to the disk, and the rules that
// Kafka's Cleaner has for tombstones, transactions and producers.
#include <map>
#include <set>

#include "barnabas/record/reader.h"
#include "fixture.h"
#include "storage/key_offsets.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;

constexpr std::int64_t kStart = testing::ManualTime::kStartWallMs;

struct KeyValue {
  std::string key;
  std::optional<std::string> value;
  bool operator==(const KeyValue&) const = default;
};
using Records = std::map<std::int64_t, KeyValue>;

class CompactionTest : public StorageTest {
 protected:
  CompactionTest() {
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
    config_.min_cleanable_dirty_ratio = 0.0;
    config_.segment_bytes = 600;
    config_.index_interval_bytes = 150;
    config_.file_delete_delay_ms = 1;
    options_.default_config = config_;
  }

  struct Batch {
    std::vector<KeyValue> records;
    record::CompressionType codec = record::CompressionType::kNone;
    ProducerId producer = kNoProducerId;
    SequenceNumber sequence = kNoSequence;
    bool transactional = false;
  };
  bool put(const Batch& batch) {
    record::BatchOptions options;
    options.compression = batch.codec;
    options.producer_id = batch.producer;
    options.producer_epoch = batch.producer == kNoProducerId ? kNoProducerEpoch : ProducerEpoch(0);
    options.base_sequence = batch.sequence;
    options.is_transactional = batch.transactional;
    record::BatchBuilder builder(options);
    for (const KeyValue& each : batch.records) {
      builder.add(kStart + log_->end_offset().value(), as_bytes(each.key),
                  each.value ? std::optional(as_bytes(*each.value)) : std::nullopt);
    }
    ByteVector bytes;
    EXPECT_TRUE(builder.finish(bytes));
    const auto sent = append_bytes(std::move(bytes));
    if (sent.error != ErrorCode::kNone) {
      return false;
    }
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      written_[sent.base_offset.value() + static_cast<std::int64_t>(i)] = batch.records[i];
    }
    log_->update_high_watermark(log_->end_offset());
    return true;
  }
  bool put(std::string key, std::optional<std::string> value) {
    return put({.records = {{std::move(key), std::move(value)}}});
  }
  bool end_transaction(ProducerId producer, bool commit) {
    const bool ended = append_bytes(make_marker(producer, ProducerEpoch(0), commit), LeaderEpoch(0),
                                    AppendOrigin::kCoordinator)
                           .error == ErrorCode::kNone;
    log_->update_high_watermark(log_->end_offset());
    return ended;
  }
  void compact() {
    ASSERT_TRUE(log_->roll());
    manager_->run_compaction();
  }

  // Every record that is there now, markers apart.
  Records stored() {
    Records records;
    for_each_batch([&records](record::BatchView batch) {
      if (batch.is_control()) {
        return;
      }
      record::RecordReader reader;
      if (batch.record_count() == 0) {
        return;
      }
      ASSERT_TRUE(reader.start(batch));
      while (true) {
        const auto next = reader.next();
        ASSERT_TRUE(next) << next.error().message;
        if (*next == nullptr) {
          break;
        }
        KeyValue& each = records[(*next)->offset.value()];
        each.key = text((*next)->key.value());
        if ((*next)->value) {
          each.value = text(*(*next)->value);
        }
      }
    });
    return records;
  }
  template <typename Visit>
  void for_each_batch(Visit visit) {
    const std::string bytes = read_all(log_->start_offset());
    record::BatchCursor cursor(as_bytes(bytes));
    std::int64_t last = -1;
    while (cursor.next() == record::BatchStep::kBatch) {
      ASSERT_GT(cursor.batch().base_offset().value(), last);
      last = cursor.batch().last_offset().value();
      visit(cursor.batch());
    }
  }
  [[nodiscard]] std::vector<std::int64_t> offsets() {
    std::vector<std::int64_t> found;
    for (const auto& [offset, record] : stored()) {
      found.push_back(offset);
    }
    return found;
  }
  static std::string text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // How far the checkpoint says that the log is clean.
  [[nodiscard]] std::int64_t clean_up_to() const {
    const std::string file = vfs_.content(std::string(kDir) + "/cleaner-offset-checkpoint").value();
    const auto at = file.find("t 0 ");
    return at == std::string::npos ? 0 : std::stoll(file.substr(at + 4));
  }

  Records written_;
};

TEST_F(CompactionTest, KeepsTheLastRecordOfEachKeyAtItsOffset) {
  open_log();
  put("a", "1");
  put("b", "1");
  put("a", "2");
  put("c", "1");
  put("b", "2");
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(stored().at(2), (KeyValue{"a", "2"}));
  EXPECT_EQ(clean_up_to(), 5);
  EXPECT_EQ(log_->start_offset(), Offset(0));
  EXPECT_EQ(log_->end_offset(), Offset(5));
}

TEST_F(CompactionTest, TheActiveSegmentIsLeftAlone) {
  open_log();
  put("a", "1");
  ASSERT_TRUE(log_->roll());
  put("a", "2");
  manager_->run_compaction();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{0, 1}));
}

TEST_F(CompactionTest, SmallSegmentsBecomeOne) {
  open_log();
  for (int i = 0; i < 40; ++i) {
    put("k" + std::to_string(i % 3), std::string(60, 'v'));
  }
  compact();  // each was full, so that none could take in another
  EXPECT_EQ(log_->view().segment_count(), 11U);
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{37, 38, 39}));
  put("k0", "last");
  compact();
  EXPECT_EQ(log_->view().segment_count(), 2U);
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{37, 38, 40}));
  time_.advance(std::chrono::milliseconds(5));
  EXPECT_EQ(std::ranges::count_if(log_files(), [](const auto& n) { return n.ends_with(".log"); }),
            2);
  stop_cleanly();
  open_log();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{37, 38, 40}));
}

TEST_F(CompactionTest, InsideCompressedBatchesOffsetsStandAndTheCodecStays) {
  open_log();
  for (const auto codec : {record::CompressionType::kGzip, record::CompressionType::kSnappy,
                           record::CompressionType::kLz4, record::CompressionType::kZstd}) {
    put({.records = {{"a", "1"}, {"b", std::string(50, 'b')}, {"a", "2"}}, .codec = codec});
  }
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{10, 11}));
  int batches = 0;
  for_each_batch([&batches](record::BatchView batch) {
    ++batches;
    EXPECT_EQ(batch.compression(), record::CompressionType::kZstd);
    EXPECT_EQ(batch.base_offset(), Offset(9));
    EXPECT_EQ(batch.last_offset(), Offset(11));
    EXPECT_EQ(batch.record_count(), 2);
  });
  EXPECT_EQ(batches, 1);
}

TEST_F(CompactionTest, ATombstoneGoesOnlyAfterDeleteRetention) {
  config_.delete_retention_ms = 1000;
  open_log();
  put("a", "1");
  put("b", "1");
  put("a", std::nullopt);
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{1, 2}));
  put("c", "1");
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{1, 2, 3}));
  time_.advance(std::chrono::milliseconds(1001));
  put("d", "1");
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{1, 3, 4}));
}

TEST_F(CompactionTest, NothingYoungerThanTheLagGoesAndWhatIsOverdueDoes) {
  config_.min_compaction_lag_ms = 10'000;
  open_log();
  put("a", "1");
  put("a", "2");
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{0, 1}));
  time_.advance(std::chrono::milliseconds(10'010));
  manager_->run_compaction();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{1}));

  config_.min_compaction_lag_ms = 0;
  config_.min_cleanable_dirty_ratio = 1.0;
  config_.max_compaction_lag_ms = 60'000;
  log_->update_config(config_);
  put("a", "3");
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{1, 2}));
  time_.advance(std::chrono::milliseconds(60'001));
  manager_->run_compaction();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{2}));
}

TEST_F(CompactionTest, AProducersLastBatchLeavesItsHeader) {
  open_log();
  const ProducerId producer(7);
  put({.records = {{"a", "1"}}, .producer = producer, .sequence = SequenceNumber(0)});
  put({.records = {{"a", "2"}}, .producer = producer, .sequence = SequenceNumber(1)});
  put("a", "3");
  put("b", "1");
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{2, 3}));
  std::vector<std::int32_t> sequences;
  for_each_batch([&sequences](record::BatchView batch) {
    if (batch.has_producer_id()) {
      sequences.push_back(batch.base_sequence().value());
      EXPECT_EQ(batch.record_count(), 0);
    }
  });
  EXPECT_EQ(sequences, std::vector<std::int32_t>{1});
  // After a crash the producer is known by it.
  crash(CrashMode::kProcess);
  EXPECT_EQ(append_bytes(make_batch({.producer = producer,
                                     .epoch = ProducerEpoch(0),
                                     .sequence = SequenceNumber(3)}))
                .error,
            ErrorCode::kOutOfOrderSequenceNumber);
}

TEST_F(CompactionTest, AnAbortedTransactionGoesAndItsMarkerLater) {
  config_.delete_retention_ms = 1000;
  open_log();
  put("a", "committed");
  const ProducerId producer(7);
  put({.records = {{"a", "aborted"}},
       .producer = producer,
       .sequence = SequenceNumber(0),
       .transactional = true});
  ASSERT_TRUE(end_transaction(producer, false));
  put({.records = {{"b", "kept"}},
       .producer = producer,
       .sequence = SequenceNumber(1),
       .transactional = true});
  ASSERT_TRUE(end_transaction(producer, true));
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{0, 3}));
  const auto markers = [this] {
    std::vector<std::int64_t> found;
    for_each_batch([&found](record::BatchView batch) {
      if (batch.is_control() && batch.record_count() > 0) {
        found.push_back(batch.base_offset().value());
      }
    });
    return found;
  };
  EXPECT_EQ(markers(), (std::vector<std::int64_t>{2, 4}));
  auto aborted = log_->aborted_transactions(log_->view(), Offset(0), Offset(5));
  ASSERT_TRUE(aborted);
  EXPECT_EQ(aborted->size(), 1U) << "its marker stays, and so does its entry";
  put("c", "1");
  compact();  // no batch of the aborted one is left: the clock of its marker starts
  EXPECT_EQ(markers(), (std::vector<std::int64_t>{2, 4}));
  time_.advance(std::chrono::milliseconds(1001));
  put("d", "1");
  compact();
  EXPECT_EQ(markers(), (std::vector<std::int64_t>{4}));
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{0, 3, 5, 6}));
}

TEST_F(CompactionTest, AnOpenTransactionStopsIt) {
  open_log();
  put("a", "1");
  put("a", "2");
  put({.records = {{"a", "open"}},
       .producer = ProducerId(7),
       .sequence = SequenceNumber(0),
       .transactional = true});
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{0, 1, 2}));
  ASSERT_TRUE(end_transaction(ProducerId(7), false));
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{1}));
}

TEST_F(CompactionTest, AFullTableTakesSeveralPasses) {
  options_.cleaner.dedupe_buffer_bytes = 1;  // the smallest there is
  open_log();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 400; ++i) {
      put("key-" + std::to_string(i), std::to_string(round));
    }
  }
  compact();
  const Records left = stored();
  EXPECT_EQ(left.size(), 400U);
  for (const auto& [offset, record] : left) {
    EXPECT_GE(offset, 800);
    EXPECT_EQ(record.value, "2");
  }
}

TEST_F(CompactionTest, ADamagedLogIsLeftAsItIs) {
  open_log();
  put("a", "1");
  put("a", "2");
  ASSERT_TRUE(log_->roll());
  stop_cleanly();
  std::string bytes = content("00000000000000000000.log");
  bytes[bytes.size() - 3] ^= 1;
  vfs_.set_content(std::string(kLogDir) + "/00000000000000000000.log", bytes);
  open_log();
  log_->update_high_watermark(log_->end_offset());
  manager_->run_compaction();
  EXPECT_EQ(content("00000000000000000000.log"), bytes);
  EXPECT_TRUE(manager_->is_online(kDir));
  for (const auto& name : log_files()) {
    EXPECT_FALSE(name.ends_with(".cleaned")) << name;
  }
}

TEST_F(CompactionTest, CompactAndDeleteDeletesToo) {
  config_.cleanup_delete = true;
  config_.retention_ms = 10'000;
  open_log();
  put("a", "1");
  put("b", "1");
  ASSERT_TRUE(log_->roll());
  time_.advance(std::chrono::milliseconds(20'000));
  manager_->run_retention();
  EXPECT_EQ(log_->start_offset(), Offset(0)) << "the cleaner's, not retention's";
  manager_->run_compaction();
  EXPECT_EQ(log_->start_offset(), Offset(2));
}

TEST_F(CompactionTest, ThrottledItGoesOnLater) {
  options_.cleaner.max_bytes_per_second = 1000;
  options_.cleaner.io_buffer_bytes = 4096;
  config_.segment_bytes = 20'000;
  open_log();
  for (int i = 0; i < 300; ++i) {
    put("k" + std::to_string(i % 2), std::string(100, 'v'));
  }
  ASSERT_TRUE(log_->roll());
  manager_->start();
  time_.advance(std::chrono::seconds(10));
  EXPECT_EQ(stored().size(), 300U) << "50 KB at 1 KB a second";
  time_.advance(std::chrono::seconds(100));
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{298, 299}));
}

TEST_F(CompactionTest, ATopicMadeAnewIsDirtyFromItsStart) {
  open_log();
  put("a", "1");
  put("a", "2");
  compact();
  ASSERT_EQ(clean_up_to(), 2);
  log_.reset();
  const TopicPartition partition{"t", PartitionId(0)};
  ASSERT_TRUE(manager_->delete_logs({&partition, 1}));
  EXPECT_EQ(clean_up_to(), 0) << "the name is out of the checkpoint at once, as with Kafka";
  log_ = manager_->get_or_create(partition, std::nullopt, config_, true).value();
  put("b", "1");
  put("b", "2");
  put("b", "3");
  compact();
  EXPECT_EQ(offsets(), std::vector<std::int64_t>{2});
}

TEST_F(CompactionTest, ADamagedLogThatIsMadeAnewIsCompactedAgain) {
  open_log();
  put("a", "1");
  put("a", "2");
  ASSERT_TRUE(log_->roll());
  stop_cleanly();
  std::string bytes = content("00000000000000000000.log");
  bytes[bytes.size() - 3] ^= 1;
  vfs_.set_content(std::string(kLogDir) + "/00000000000000000000.log", bytes);
  open_log();
  log_->update_high_watermark(log_->end_offset());
  manager_->run_compaction();
  log_.reset();
  const TopicPartition partition{"t", PartitionId(0)};
  ASSERT_TRUE(manager_->delete_logs({&partition, 1}));
  log_ = manager_->get_or_create(partition, std::nullopt, config_, true).value();
  put("b", "1");
  put("b", "2");
  compact();
  EXPECT_EQ(offsets(), std::vector<std::int64_t>{1});
}

TEST_F(CompactionTest, WhatIsWrittenAfterATruncationIsDirty) {
  open_log();
  put("a", "1");
  put("b", "1");
  put("c", "1");
  compact();
  ASSERT_EQ(clean_up_to(), 3);
  ASSERT_TRUE(log_->truncate_to(Offset(1)));
  EXPECT_LE(clean_up_to(), 1);
  written_.clear();
  put("d", "1");
  put("d", "2");
  put("d", "3");
  compact();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{0, 3}));
}

TEST_F(CompactionTest, OtherWorkersTakeOverWhenItIsReconfigured) {
  options_.cleaner.max_bytes_per_second = 1000;
  options_.cleaner.io_buffer_bytes = 4096;
  config_.segment_bytes = 20'000;
  open_log();
  for (int i = 0; i < 300; ++i) {
    put("k" + std::to_string(i % 2), std::string(100, 'v'));
  }
  ASSERT_TRUE(log_->roll());
  manager_->start();
  time_.advance(std::chrono::seconds(10));
  EXPECT_EQ(stored().size(), 300U) << "50 KB at 1 KB a second";
  CleanerOptions options = options_.cleaner;
  options.max_bytes_per_second = 1e9;
  options.threads = 2;
  manager_->update_cleaner(options);
  time_.advance(std::chrono::milliseconds(100));
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{298, 299}));
  put("k0", "again");
  ASSERT_TRUE(log_->roll());
  options.backoff_ms = 1;
  manager_->update_cleaner(options);
  time_.advance(std::chrono::milliseconds(100));
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{299, 300}));
}

// Random batches of few keys; after each compaction exactly the last records are left.
class CompactionModelTest : public CompactionTest, public ::testing::WithParamInterface<int> {
 protected:
  void write_some() {
    for (int i = 0; i < 12; ++i) {
      Batch batch;
      batch.codec = static_cast<record::CompressionType>(random_->next() % 5);
      for (std::uint64_t n = random_->next() % 4 + 1; n > 0; --n) {
        KeyValue& each = batch.records.emplace_back();
        each.key = "k" + std::to_string(random_->next() % 6);
        if (random_->next() % 5 != 0) {
          each.value = std::to_string(random_->next() % 1000);
        }
      }
      if (!put(batch)) {
        return;
      }
    }
  }
  // What may be there once the log is clean up to `clean`: everything after it, and before it the
  // last of each key up to there; a tombstone among them may be gone.
  void check_against_model(std::int64_t clean) {
    std::map<std::string, std::int64_t> last;
    for (const auto& [offset, record] : written_) {
      if (offset < clean) {
        last[record.key] = offset;
      }
    }
    const Records now = stored();
    for (const auto& [offset, record] : now) {
      ASSERT_TRUE(written_.contains(offset));
      ASSERT_EQ(record, written_.at(offset));
      ASSERT_TRUE(offset >= clean || last.at(record.key) == offset) << offset;
    }
    for (const auto& [offset, record] : written_) {
      if (offset >= clean || (last.at(record.key) == offset && record.value)) {
        ASSERT_TRUE(now.contains(offset)) << offset;
      }
    }
  }
};

TEST_P(CompactionModelTest, LeavesExactlyTheLastRecords) {
  random_ = make_seeded_random(static_cast<std::uint64_t>(GetParam()));
  config_.delete_retention_ms = 1000;
  open_log();
  for (int round = 0; round < 6; ++round) {
    write_some();
    compact();
    check_against_model(clean_up_to());
    ASSERT_EQ(clean_up_to(), log_->end_offset().value());
    time_.advance(std::chrono::milliseconds(random_->next() % 1500));
    if (round % 2 == 1) {
      stop_cleanly();
      open_log();
      log_->update_high_watermark(log_->end_offset());
      check_against_model(clean_up_to());
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, CompactionModelTest, ::testing::Range(1, 21));

// The process or the machine stops after every single change that a compaction makes to the disk.
class CompactionCrashTest : public CompactionModelTest {};

TEST_P(CompactionCrashTest, LosesNothingAtAnyChange) {
  const auto mode = static_cast<CrashMode>(GetParam());
  for (std::uint64_t until = 0;; ++until) {
    SCOPED_TRACE("stopped after change " + std::to_string(until));
    drop_manager();
    time_.run_all();
    ASSERT_TRUE(vfs_.remove_tree("/data"));
    vfs_.crash(CrashMode::kProcess);
    written_.clear();
    random_ = make_seeded_random(11);
    open_log();
    for (int i = 0; i < 3; ++i) {
      write_some();
    }
    ASSERT_TRUE(log_->roll());
    ASSERT_TRUE(log_->flush());
    manager_->checkpoint_recovery_points();
    time_.run_all();
    random_ = make_seeded_random(until);
    vfs_.power_off_after(until, until % 2 == 0 ? 33 : 0);
    manager_->run_compaction();
    time_.advance(std::chrono::milliseconds(3));
    const bool finished = !vfs_.powered_off();
    const std::int64_t end = written_.rbegin()->first + 1;
    crash(mode);
    ASSERT_EQ(log_->end_offset(), Offset(end));
    log_->update_high_watermark(Offset(end));
    // What is left is what was, or what compaction makes of it: the last of each key is there.
    const Records now = stored();
    std::map<std::string, std::int64_t> last;
    for (const auto& [offset, record] : written_) {
      last[record.key] = offset;
    }
    for (const auto& [offset, record] : now) {
      ASSERT_EQ(record, written_.at(offset));
    }
    for (const auto& [key, offset] : last) {
      ASSERT_TRUE(now.contains(offset)) << key;
    }
    // And the next compaction brings it to the end.
    manager_->run_compaction();
    check_against_model(end);
    time_.advance(std::chrono::milliseconds(5));
    for (const auto& name : log_files()) {
      ASSERT_FALSE(name.ends_with(".cleaned") || name.ends_with(".swap") ||
                   name.ends_with(".deleted"))
          << name;
    }
    if (finished) {
      ASSERT_GT(until, 20U);
      break;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Modes, CompactionCrashTest,
                         ::testing::Values(static_cast<int>(CrashMode::kProcess),
                                           static_cast<int>(CrashMode::kLoseUnsynced),
                                           static_cast<int>(CrashMode::kRandom)));

TEST(KeyOffsetsTest, HoldsTheLastOffsetOfEachKeyWithinItsMemory) {
  KeyOffsets table(std::size_t{24} * 3000, 0.9);
  int held = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "key " + std::to_string(i);
    if (!table.put(as_bytes(key), Offset(i))) {
      break;
    }
    ++held;
  }
  EXPECT_EQ(held, 1800);  // two thirds of the room, nine tenths full
  EXPECT_EQ(table.latest_offset(), Offset(1799));
  EXPECT_EQ(table.get(as_bytes("key 17")), Offset(17));
  EXPECT_EQ(table.get(as_bytes("key 4000")), kNoOffset);
}

}  // namespace
}  // namespace barnabas::storage
