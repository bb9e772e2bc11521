// Records and markers against bytes that Kafka 3.9.1 wrote, and a partition read back.
#include "coordinator/transaction_records.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "barnabas/coordinator/transaction_marker.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/builder.h"
#include "coordinator/transaction_loader.h"

namespace barnabas::coordinator {
namespace {

std::string hex(ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  return text;
}

// As it lies in the log: the leader stamps offset and epoch, which no checksum covers.
std::string stored(ByteVector batch, std::int64_t offset) {
  record::stamp_base_offset(batch, Offset(offset));
  record::stamp_leader_epoch(batch, LeaderEpoch(0));
  return hex(batch);
}

constexpr std::int64_t kStart = 0x1a22ce98e8b;

TransactionData data(TransactionState state, std::int64_t update_ms, std::int64_t start_ms) {
  TransactionData result;
  result.producer = {ProducerId(0), ProducerEpoch(0)};
  result.timeout_ms = 60000;
  result.state = state;
  result.update_ms = update_ms;
  result.start_ms = start_ms;
  return result;
}

TEST(TransactionRecords, AreKafkasBytes) {
  EXPECT_EQ(hex(encode_transaction_key("golden")), "00000006676f6c64656e");
  EXPECT_EQ(
      hex(*encode_transaction_value(data(TransactionState::kEmpty, 0x1a22ce98e66, kNoTimestamp))),
      "0000000000000000000000000000ea6000ffffffff000001a22ce98e66ffffffffffffffff");
  auto open = data(TransactionState::kOngoing, kStart, kStart);
  open.partitions = {{"data", PartitionId(0)}};
  EXPECT_EQ(hex(*encode_transaction_value(open)),
            "0000000000000000000000000000ea6001000000010004646174610000000100000000000001a22ce98e8b"
            "000001a22ce98e8b");
  EXPECT_EQ(hex(*encode_transaction_value(
                data(TransactionState::kCompleteCommit, 0x1a22ce98eb7, kStart))),
            "0000000000000000000000000000ea600400000000000001a22ce98eb7000001a22ce98e8b");
}

TEST(TransactionRecords, ABatchIsKafkas) {
  const auto value = data(TransactionState::kCompleteCommit, 0x1a22ce98eb7, kStart);
  EXPECT_EQ(stored(*build_transaction_batch("golden", &value, 0x1a22ce98edc), 3),
            "000000000000000300000067"
            "0000000002a06227b7000000000000000001a22ce98edc000001a22ce98edcffffffffffffffffffffffff"
            "ffff000000016a0000001400000006676f6c64656e4a0000000000000000000000000000ea600400000000"
            "000001a22ce98eb7000001a22ce98e8b00");
}

TEST(TransactionRecords, MarkersAreKafkas) {
  const ProducerIdAndEpoch producer{ProducerId(0), ProducerEpoch(0)};
  EXPECT_EQ(
      stored(*build_marker_batch(producer, true, LeaderEpoch(0), {.now_ms = 0x1a22ce98ec3}), 1),
      "0000000000000001000000420000000002"
      "8fe92730003000000000000001a22ce98ec3000001a22ce98ec300000000000000000000ffffffff000000"
      "012000000008000000010c00000000000000");
  EXPECT_EQ(
      stored(*build_marker_batch(producer, false, LeaderEpoch(0), {.now_ms = 0x1a22ce98ef4}), 3),
      "000000000000000300000042"
      "0000000002b867a60f003000000000000001a22ce98ef4000001a22ce98ef400000000000000000000ffff"
      "ffff000000012000000008000000000c00000000000000");
}

TEST(TransactionRecords, ComeBackAsTheyWere) {
  for (const auto state : {TransactionState::kEmpty, TransactionState::kOngoing,
                           TransactionState::kPrepareCommit, TransactionState::kPrepareAbort,
                           TransactionState::kCompleteCommit, TransactionState::kCompleteAbort}) {
    auto written = data(state, 5, 3);
    if (state == TransactionState::kOngoing) {
      written.partitions = {{"a", PartitionId(3)}, {"a", PartitionId(1)}, {"b", PartitionId(0)}};
    }
    EXPECT_EQ(decode_transaction_value(*encode_transaction_value(written)).value(), written);
  }
  EXPECT_EQ(decode_transaction_key(encode_transaction_key("x")).value(), "x");
}

TEST(TransactionRecords, RefuseWhatDoesNotHold) {
  const auto value = *encode_transaction_value(data(TransactionState::kEmpty, 5, 3));
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(decode_transaction_value(ByteView(value).first(size)));
  }
  ByteVector state = value;
  state[16] = std::byte{6};
  EXPECT_FALSE(decode_transaction_value(state));
  ByteVector version = value;
  version[1] = std::byte{2};
  EXPECT_FALSE(decode_transaction_value(version));
  EXPECT_FALSE(decode_transaction_key({}));
  const ByteVector other{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}};
  EXPECT_EQ(decode_transaction_key(other).value(), std::nullopt);
}

TEST(TransactionLoader, TheLastRecordHoldsAndABadOneIsPassedOver) {
  TransactionLoader loader;
  Offset next{0};
  const auto add = [&](ByteVector batch) {
    record::stamp_base_offset(batch, next);
    next = loader.add(batch, next).value();
  };
  const auto first = data(TransactionState::kEmpty, 1, kNoTimestamp);
  const auto second = data(TransactionState::kOngoing, 2, 2);
  add(*build_transaction_batch("kept", &first, 1));
  add(*build_transaction_batch("gone", &first, 1));
  add(*build_transaction_batch("kept", &second, 1));
  add(*build_transaction_batch("gone", nullptr, 1));
  ByteVector torn = *build_transaction_batch("kept", &first, 1);
  torn.back() = std::byte{9};
  add(torn);
  record::BatchBuilder keyless(record::BatchOptions{});
  keyless.add(0, std::nullopt, std::nullopt);
  ByteVector batch;
  ASSERT_TRUE(keyless.finish(batch));
  add(batch);
  EXPECT_EQ(loader.skipped(), 2U);
  EXPECT_EQ(next, Offset(6));
  EXPECT_EQ(loader.take(), (TransactionLoader::Loaded{{"kept", second}}));
  EXPECT_FALSE(loader.add(ByteVector(100, std::byte{7}), next));
}

}  // namespace
}  // namespace barnabas::coordinator
