// Idempotent and transactional producers: sequences, duplicates, snapshots.
#include "barnabas/base/crc32c.h"
#include "fixture.h"

namespace barnabas::storage {
namespace {

using testing::CrashMode;
using testing::FileOp;

class ProducerTest : public StorageTest {
 protected:
  LeaderAppend send(int sequence, int epoch = 0, std::int64_t id = 42, int records = 1) {
    return append({.records = records,
                   .producer = ProducerId(id),
                   .epoch = ProducerEpoch(static_cast<std::int16_t>(epoch)),
                   .sequence = SequenceNumber(sequence)});
  }
  LeaderAppend send_transactional(int sequence, std::int64_t id = 42) {
    return append({.producer = ProducerId(id),
                   .epoch = ProducerEpoch(0),
                   .sequence = SequenceNumber(sequence),
                   .transactional = true});
  }
  LeaderAppend end_transaction(bool commit, std::int64_t id = 42) {
    return append_bytes(make_marker(ProducerId(id), ProducerEpoch(0), commit), LeaderEpoch(0),
                        AppendOrigin::kCoordinator);
  }
};

TEST_F(ProducerTest, SequencesMustFollowEachOther) {
  open_log();
  EXPECT_EQ(send(0).error, ErrorCode::kNone);
  EXPECT_EQ(send(1, 0, 42, 3).error, ErrorCode::kNone);
  EXPECT_EQ(send(5).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(4).error, ErrorCode::kNone);
  EXPECT_EQ(log_->end_offset(), Offset(5));
  EXPECT_EQ(send(0, 0, 43).error, ErrorCode::kNone);
}

TEST_F(ProducerTest, ADuplicateOfTheLastFiveBatchesIsAnsweredWithItsOffset) {
  open_log();
  for (int i = 0; i < 7; ++i) {
    ASSERT_EQ(send(2 * i, 0, 42, 2).error, ErrorCode::kNone);
  }
  for (int i = 2; i < 7; ++i) {
    const auto again = send(2 * i, 0, 42, 2);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.error, ErrorCode::kNone);
    EXPECT_EQ(again.base_offset, Offset(2 * i));
    EXPECT_EQ(again.last_offset, Offset(2 * i + 1));
  }
  EXPECT_EQ(send(2, 0, 42, 2).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log_->end_offset(), Offset(14));
}

TEST_F(ProducerTest, ADuplicateInsideOneGatheredAppendIsFoundToo) {
  open_log();
  ByteVector batch = make_batch(
      {.producer = ProducerId(1), .epoch = ProducerEpoch(0), .sequence = SequenceNumber(0)});
  ByteVector copy = batch;
  std::vector<LeaderAppend> appends(2);
  appends[0].records = batch;
  appends[1].records = copy;
  log_->append_as_leader(appends, LeaderEpoch(0));
  EXPECT_FALSE(appends[0].duplicate);
  EXPECT_TRUE(appends[1].duplicate);
  EXPECT_EQ(appends[1].base_offset, Offset(0));
  EXPECT_EQ(log_->end_offset(), Offset(1));
}

TEST_F(ProducerTest, TheSameSequenceWithOtherBytesIsNoDuplicate) {
  open_log();
  send(0);
  const auto other = append({.value_bytes = 33,
                             .producer = ProducerId(42),
                             .epoch = ProducerEpoch(0),
                             .sequence = SequenceNumber(0)});
  EXPECT_FALSE(other.duplicate);
  EXPECT_EQ(other.error, ErrorCode::kOutOfOrderSequenceNumber);
}

TEST_F(ProducerTest, TheFirstBatchOfALogBeginsAtSequenceZero) {
  open_log();
  EXPECT_EQ(send(3).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(0).error, ErrorCode::kNone);
}

TEST_F(ProducerTest, AnUnknownProducerMayGoOnWhereRecordsWereBefore) {
  open_log();
  append({});
  EXPECT_EQ(send(3).error, ErrorCode::kNone);  // KIP-360
  EXPECT_EQ(send(4).error, ErrorCode::kNone);
}

TEST_F(ProducerTest, ANewEpochBeginsAtZeroAndAnOldOneIsFenced) {
  open_log();
  send(0);
  EXPECT_EQ(send(7, 1).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(0, 1).error, ErrorCode::kNone);
  EXPECT_EQ(send(1, 0).error, ErrorCode::kInvalidProducerEpoch);
}

TEST_F(ProducerTest, SequencesWrapAround) {
  open_log();
  append({});
  EXPECT_EQ(send(INT32_MAX - 1, 0, 42, 3).error, ErrorCode::kNone);  // the last has sequence 0
  EXPECT_TRUE(send(INT32_MAX - 1, 0, 42, 3).duplicate);
  EXPECT_EQ(send(1).error, ErrorCode::kNone);
}

TEST_F(ProducerTest, StateSurvivesACleanStopAndACrash) {
  open_log();
  send(0);
  send(1);
  stop_cleanly();
  open_log();
  EXPECT_TRUE(send(1).duplicate);
  EXPECT_EQ(send(2).error, ErrorCode::kNone);
  crash(CrashMode::kProcess);
  EXPECT_TRUE(send(2).duplicate);
  EXPECT_EQ(send(4).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(3).error, ErrorCode::kNone);
}

TEST_F(ProducerTest, WhatAFailedWriteBroughtIsForgotten) {
  open_log();
  send(0);
  vfs_.add_fault({.op = FileOp::kWrite, .path_contains = ".log", .error = ENOSPC});
  EXPECT_EQ(send(1).error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(log_->end_offset(), Offset(1));
  const auto retried = send(1);
  EXPECT_EQ(retried.error, ErrorCode::kNone);
  EXPECT_FALSE(retried.duplicate);
  EXPECT_EQ(retried.base_offset, Offset(1));
}

TEST_F(ProducerTest, IdleProducersExpire) {
  options_.producer_id_expiration_ms = 1000;
  open_log();
  send(0);
  log_->remove_expired_producers(time_.wall_ms() + 999);
  EXPECT_EQ(log_->active_producers().size(), 1U);
  log_->remove_expired_producers(time_.wall_ms() + 1000);
  EXPECT_TRUE(log_->active_producers().empty());
}

// Version, CRC-32C of what follows it, count, then an entry for each producer.
TEST_F(ProducerTest, ASnapshotHasKafkasBytes) {
  open_log();
  send(0, 3, 42, 2);
  ASSERT_TRUE(log_->roll());
  const std::string bytes = content("00000000000000000002.snapshot");
  ASSERT_EQ(bytes.size(), 10U + 46U);
  const std::byte* at = as_bytes(bytes).data();
  EXPECT_EQ(load_be<std::int16_t>(at), 1);
  EXPECT_EQ(load_be<std::uint32_t>(at + 2), crc32c(as_bytes(bytes).subspan(6)));
  EXPECT_EQ(load_be<std::int32_t>(at + 6), 1);
  EXPECT_EQ(load_be<std::int64_t>(at + 10), 42);  // producer id
  EXPECT_EQ(load_be<std::int16_t>(at + 18), 3);   // epoch
  EXPECT_EQ(load_be<std::int32_t>(at + 20), 1);   // last sequence
  EXPECT_EQ(load_be<std::int64_t>(at + 24), 1);   // last offset
  EXPECT_EQ(load_be<std::int32_t>(at + 32), 1);   // offset delta
  EXPECT_EQ(load_be<std::int64_t>(at + 36), testing::ManualTime::kStartWallMs + 1);
  EXPECT_EQ(load_be<std::int32_t>(at + 44), -1);  // coordinator epoch
  EXPECT_EQ(load_be<std::int64_t>(at + 48), -1);  // first offset of an open transaction
}

// Kafka writes the entries as its java.util.HashMap lists them: by bucket, and there by arrival.
TEST_F(ProducerTest, SnapshotEntriesHaveTheOrderOfJavasHashMap) {
  open_log();
  for (const std::int64_t id : {16, 0, 5, 3, 32, 1}) {  // 0, 16 and 32 share a bucket of 16
    ASSERT_EQ(
        append(
            {.producer = ProducerId(id), .epoch = ProducerEpoch(0), .sequence = SequenceNumber(0)})
            .error,
        ErrorCode::kNone);
  }
  ASSERT_TRUE(log_->roll());
  const std::string bytes = content("00000000000000000006.snapshot");
  std::vector<std::int64_t> ids;
  for (std::size_t at = 10; at < bytes.size(); at += 46) {
    ids.push_back(load_be<std::int64_t>(as_bytes(bytes).data() + at));
  }
  EXPECT_EQ(ids, (std::vector<std::int64_t>{16, 0, 32, 1, 3, 5}));
}

TEST_F(ProducerTest, ADamagedSnapshotIsPassedOverAndTheLogReadInstead) {
  open_log();
  send(0);
  ASSERT_TRUE(log_->roll());
  send(1);
  stop_cleanly();
  for (const auto* name : {"00000000000000000001.snapshot", "00000000000000000002.snapshot"}) {
    std::string bytes = content(name);
    bytes[20] = static_cast<char>(bytes[20] ^ 1);
    vfs_.set_content(std::string(kLogDir) + "/" + name, bytes);
  }
  open_log();
  EXPECT_TRUE(send(0).duplicate);
  EXPECT_TRUE(send(1).duplicate);
}

TEST_F(ProducerTest, AnOpenTransactionHoldsTheStableOffsetBack) {
  open_log();
  send(0, 0, 7);
  send_transactional(0);
  append({});
  EXPECT_EQ(log_->view().first_unstable_offset(), Offset(1));
  EXPECT_EQ(end_transaction(true).error, ErrorCode::kNone);
  // Until the marker itself is replicated.
  EXPECT_EQ(log_->view().first_unstable_offset(), Offset(1));
  log_->update_high_watermark(Offset(4));
  EXPECT_EQ(log_->view().first_unstable_offset(), kNoOffset);
}

TEST_F(ProducerTest, AbortedTransactionsStandInTheIndex) {
  open_log();
  EXPECT_EQ(content("00000000000000000000.txnindex"), "(missing)");
  send_transactional(0);
  send_transactional(0, 43);
  end_transaction(false);
  end_transaction(true, 43);
  const std::string index = content("00000000000000000000.txnindex");
  ASSERT_EQ(index.size(), 34U);
  const std::byte* at = as_bytes(index).data();
  EXPECT_EQ(load_be<std::int16_t>(at), 0);
  EXPECT_EQ(load_be<std::int64_t>(at + 2), 42);
  EXPECT_EQ(load_be<std::int64_t>(at + 10), 0);
  EXPECT_EQ(load_be<std::int64_t>(at + 18), 2);
  EXPECT_EQ(load_be<std::int64_t>(at + 26), 1);  // the other one was open from offset 1
  for (const auto mode : {CrashMode::kProcess, CrashMode::kProcess}) {
    const auto aborted = log_->aborted_transactions(log_->view(), Offset(0), Offset(4)).value();
    ASSERT_EQ(aborted.size(), 1U);
    EXPECT_EQ(aborted[0].producer_id, ProducerId(42));
    EXPECT_EQ(aborted[0].first_offset, Offset(0));
    EXPECT_TRUE(log_->aborted_transactions(log_->view(), Offset(3), Offset(4)).value().empty());
    crash(mode);
    EXPECT_EQ(content("00000000000000000000.txnindex"), index);
  }
}

TEST_F(ProducerTest, AReadIsToldOfTheAbortedTransactionsInItsReach) {
  config_.index_interval_bytes = 1;  // an entry for every append but the first
  open_log();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(send_transactional(i).error, ErrorCode::kNone);
    ASSERT_EQ(end_transaction(false).error, ErrorCode::kNone);
  }
  const LogView view = log_->view();
  const auto told = [&](int from, std::size_t max_bytes) {
    const auto slice = log_->read(view, Offset(from), max_bytes, view.end_offset(), true).value();
    std::vector<std::int64_t> firsts;
    const auto aborted = log_->aborted_transactions(view, slice).value();
    for (const auto& txn : aborted) {
      firsts.push_back(txn.first_offset.value());
    }
    return firsts;
  };
  EXPECT_EQ(told(4, 1), std::vector<std::int64_t>{4});
  EXPECT_EQ(told(5, 1), std::vector<std::int64_t>{4});  // its marker
  EXPECT_EQ(told(6, 1), std::vector<std::int64_t>{6});
  EXPECT_EQ(told(0, std::size_t{1} << 20U).size(), 10U);
  EXPECT_EQ(told(18, std::size_t{1} << 20U), std::vector<std::int64_t>{18});
}

// KIP-890, first part: only what the coordinator has said yes to opens a transaction.
TEST_F(ProducerTest, ATransactionIsOpenedWithAGuardOnly) {
  config_.verify_transactions = true;
  open_log();
  const auto guard = [&](int epoch = 0, int sequence = 0) {
    return log_->begin_verification(ProducerId(42), ProducerEpoch(static_cast<std::int16_t>(epoch)),
                                    SequenceNumber(sequence));
  };
  const auto send_with = [&](VerificationGuard with, int sequence, int epoch = 0) {
    ByteVector batch = make_batch({.producer = ProducerId(42),
                                   .epoch = ProducerEpoch(static_cast<std::int16_t>(epoch)),
                                   .sequence = SequenceNumber(sequence),
                                   .transactional = true});
    LeaderAppend one;
    one.records = batch;
    one.guard = with;
    log_->append_as_leader({&one, 1}, LeaderEpoch(0));
    return one.error;
  };
  constexpr VerificationGuard kNone{0};
  EXPECT_EQ(send_with(kNone, 0), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(send_with(VerificationGuard(99), 0), ErrorCode::kInvalidTxnState);
  const auto first = guard();
  EXPECT_EQ(guard(), first);
  EXPECT_EQ(send_with(first, 0), ErrorCode::kNone);
  EXPECT_EQ(guard(), kNone);  // it is open
  EXPECT_EQ(send_with(kNone, 1), ErrorCode::kNone);
  EXPECT_NE(guard(1), kNone);  // not for a newer producer
  end_transaction(true);
  EXPECT_EQ(send_with(kNone, 2), ErrorCode::kInvalidTxnState);
  // A yes that comes after the marker was meant for the transaction before.
  const auto late = guard(0, 2);
  end_transaction(false);
  EXPECT_EQ(send_with(late, 2), ErrorCode::kInvalidTxnState);
  const auto next = guard(0, 2);
  EXPECT_NE(next, late);
  EXPECT_EQ(send_with(late, 2), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(send_with(next, 2), ErrorCode::kNone);
}

TEST_F(ProducerTest, WhatIsVerifiedFirstIsAppendedFirst) {
  config_.verify_transactions = true;
  open_log();
  const auto ask = [&](int sequence, int epoch) {
    return log_->begin_verification(ProducerId(42), ProducerEpoch(static_cast<std::int16_t>(epoch)),
                                    SequenceNumber(sequence));
  };
  const auto send_with = [&](VerificationGuard with, int sequence, int epoch) {
    ByteVector batch = make_batch({.producer = ProducerId(42),
                                   .epoch = ProducerEpoch(static_cast<std::int16_t>(epoch)),
                                   .sequence = SequenceNumber(sequence),
                                   .transactional = true});
    LeaderAppend one;
    one.records = batch;
    one.guard = with;
    log_->append_as_leader({&one, 1}, LeaderEpoch(0));
    return one.error;
  };
  append({});  // so that any first sequence may be right
  const auto guard = ask(5, 0);
  EXPECT_EQ(ask(3, 0), guard);
  EXPECT_EQ(send_with(guard, 5, 0), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(ask(0, 1), guard);  // a newer epoch begins anew
  EXPECT_EQ(send_with(guard, 1, 1), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send_with(guard, 0, 1), ErrorCode::kNone);
}

TEST_F(ProducerTest, NothingAcrossAMarkerIsADuplicate) {
  open_log();
  send_transactional(0);
  end_transaction(true);
  const auto late = send_transactional(0);
  EXPECT_FALSE(late.duplicate);
  EXPECT_EQ(late.error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send_transactional(1).error, ErrorCode::kNone);
}

TEST_F(ProducerTest, AMarkerOfAnOldCoordinatorIsRefused) {
  open_log();
  send_transactional(0);
  ASSERT_EQ(append_bytes(make_marker(ProducerId(42), ProducerEpoch(0), true, 5), LeaderEpoch(0),
                         AppendOrigin::kCoordinator)
                .error,
            ErrorCode::kNone);
  send_transactional(1);
  EXPECT_EQ(append_bytes(make_marker(ProducerId(42), ProducerEpoch(0), true, 4), LeaderEpoch(0),
                         AppendOrigin::kCoordinator)
                .error,
            ErrorCode::kTransactionCoordinatorFenced);
}

TEST_F(ProducerTest, TruncationTakesProducersBackToo) {
  open_log();
  for (int i = 0; i < 6; ++i) {
    send(i);
    if (i == 2) {
      ASSERT_TRUE(log_->roll());
    }
  }
  ASSERT_TRUE(log_->truncate_to(Offset(4)).value());
  EXPECT_EQ(send(5).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(send(3).duplicate);
  EXPECT_EQ(send(4).error, ErrorCode::kNone);
}

}  // namespace
}  // namespace barnabas::storage
