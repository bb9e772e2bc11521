#include "apps/coordinator_records.h"

#include <gtest/gtest.h>

#include "apps/coordinator_formatter.h"
#include "apps/json_text.h"
#include "barnabas/protocol/gen/consumer_group_metadata_key.h"
#include "barnabas/protocol/gen/consumer_group_metadata_value.h"
#include "barnabas/protocol/gen/consumer_protocol_assignment.h"
#include "barnabas/protocol/gen/group_metadata_key.h"
#include "barnabas/protocol/gen/group_metadata_value.h"
#include "barnabas/protocol/gen/offset_commit_key.h"
#include "barnabas/protocol/gen/offset_commit_value.h"
#include "barnabas/protocol/gen/transaction_log_key.h"
#include "barnabas/protocol/gen/transaction_log_value.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::apps {
namespace {

template <typename Message>
std::string bytes_of(const Message& message, std::int16_t version) {
  protocol::Writer writer;
  writer.write<std::int16_t>(version);
  EXPECT_TRUE(message.encode(writer, version).has_value());
  const ByteView bytes = writer.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

DecodedRecord decoded(const std::string& key, const std::optional<std::string>& value) {
  std::optional<ByteView> bytes;
  if (value) {
    bytes = as_bytes(*value);
  }
  return decode_group_record(Offset(9), as_bytes(key), bytes).value();
}

std::string formatted(std::string_view name, const std::optional<std::string>& key,
                      const std::optional<std::string>& value) {
  std::string out;
  const auto format = coordinator_format(name);
  EXPECT_TRUE(format.has_value()) << name;
  const Status done = format_coordinator_record(*format, key, value, out);
  return done ? out : "!" + done.error().message;
}

const std::string kOffsetKey = bytes_of(protocol::OffsetCommitKey{"g", "t", 3}, 1);

std::string offset_value(std::int16_t version) {
  protocol::OffsetCommitValue value;
  value.offset = 5;
  value.metadata = "\"quoted\"";
  value.commit_timestamp = 1000;
  value.leader_epoch = version >= 3 ? 2 : -1;
  value.expire_timestamp = version == 1 ? 77 : -1;
  return bytes_of(value, version);
}

TEST(CoordinatorRecords, WritesOffsetsAsJson) {
  const DecodedRecord record = decoded(kOffsetKey, offset_value(3));
  EXPECT_EQ(record.key, R"({"type":"1","data":{"group":"g","topic":"t","partition":3}})");
  EXPECT_EQ(record.value,
            R"({"version":"3","data":{"offset":5,"leaderEpoch":2,"metadata":"\"quoted\"",)"
            R"("commitTimestamp":1000}})");
  EXPECT_EQ(decoded(kOffsetKey, offset_value(1)).value,
            R"({"version":"1","data":{"offset":5,"metadata":"\"quoted\"","commitTimestamp":1000,)"
            R"("expireTimestamp":77}})");
  EXPECT_EQ(decoded(kOffsetKey, std::nullopt).value, "<DELETE>");
}

TEST(CoordinatorRecords, ReadsWhatConsumersPutIntoAGroup) {
  protocol::GroupMetadataValue value;
  value.protocol_type = "consumer";
  value.protocol = std::nullopt;
  auto& member = value.members.emplace_back();
  member.member_id = "m";
  protocol::ConsumerProtocolAssignment assignment;
  assignment.assigned_partitions.push_back({"t", {0, 1}});
  const std::string bytes = bytes_of(assignment, 0);
  member.assignment.assign(as_bytes(bytes).begin(), as_bytes(bytes).end());
  const DecodedRecord record =
      decoded(bytes_of(protocol::GroupMetadataKey{"g"}, 2), bytes_of(value, 3));
  EXPECT_EQ(record.key, R"({"type":"2","data":{"group":"g"}})");
  EXPECT_EQ(record.value,
            R"({"version":"3","data":{"protocolType":"consumer","generation":0,"protocol":null,)"
            R"("leader":"","currentStateTimestamp":-1,"members":[{"memberId":"m",)"
            R"("groupInstanceId":null,"clientId":"","clientHost":"","rebalanceTimeout":-1,)"
            R"("sessionTimeout":0,"subscription":"","assignment":{"assignedPartitions":[)"
            R"({"topic":"t","partitions":[0,1]}],"userData":null}}]}})");
}

TEST(CoordinatorRecords, KnowsTheNewerProtocolAndSaysWhatItDoesNot) {
  protocol::ConsumerGroupMetadataValue value;
  value.epoch = 4;
  EXPECT_EQ(decoded(bytes_of(protocol::ConsumerGroupMetadataKey{"g"}, 3), bytes_of(value, 0)).value,
            R"({"version":"0","data":{"epoch":4}})");
  EXPECT_EQ(decoded(std::string("\0\x63", 2), std::nullopt).key,
            "Unknown record type 99 at offset 9, skipping.");
  EXPECT_TRUE(decoded(kOffsetKey, "\0").key->starts_with("Error at offset 9, skipping."));
  EXPECT_FALSE(decode_group_record(Offset(9), std::nullopt, std::nullopt).has_value());
}

TEST(CoordinatorRecords, WritesTransactions) {
  protocol::TransactionLogValue value;
  value.producer_id = 7;
  value.transaction_status = 1;
  value.transaction_timeout_ms = 60000;
  value.transaction_partitions->push_back({"t", {0}});
  const std::string key = bytes_of(protocol::TransactionLogKey{"id"}, 0);
  const std::string log = bytes_of(value, 0);
  const auto record = decode_transaction_record(as_bytes(key), as_bytes(log)).value();
  EXPECT_EQ(record.key, "transaction_metadata::transactionalId=id");
  EXPECT_EQ(record.value,
            "producerId:7,producerEpoch:0,state=Ongoing,partitions=[t-0],txnLastUpdateTimestamp=0,"
            "txnTimeoutMs=60000");
  EXPECT_EQ(formatted("TransactionLogMessageFormatter", key, std::nullopt),
            R"({"key":{"version":0,"data":{"transactionalId":"id"}},"value":null})");
  EXPECT_EQ(formatted("kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter",
                      key, log),
            "id::TransactionMetadata(transactionalId=id, producerId=7, producerEpoch=0, "
            "txnTimeoutMs=60000, state=Ongoing, pendingState=None, topicPartitions=HashSet(t-0), "
            "txnStartTimestamp=0, txnLastUpdateTimestamp=0)\n");
}

TEST(CoordinatorFormatter, LeavesOtherKindsOut) {
  const std::string group_key = bytes_of(protocol::GroupMetadataKey{"g"}, 2);
  EXPECT_EQ(formatted("OffsetsMessageFormatter", group_key, std::nullopt), "");
  EXPECT_EQ(formatted("GroupMetadataMessageFormatter", kOffsetKey, offset_value(3)), "");
  EXPECT_EQ(formatted("OffsetsMessageFormatter", kOffsetKey, offset_value(3)),
            R"({"key":{"version":1,"data":{"group":"g","topic":"t","partition":3}},"value":{)"
            R"("version":3,"data":{"offset":5,"leaderEpoch":2,"metadata":"\"quoted\"",)"
            R"("commitTimestamp":1000}}})");
  EXPECT_EQ(formatted("kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter",
                      kOffsetKey, offset_value(3)),
            "[g,t,3]::OffsetAndMetadata(offset=5, leaderEpoch=Optional[2], metadata=\"quoted\", "
            "commitTimestamp=1000, expireTimestamp=None)\n");
  const std::string newer = bytes_of(protocol::ConsumerGroupMetadataKey{"g"}, 3);
  EXPECT_EQ(formatted("OffsetsMessageFormatter", newer, std::string(6, '\0')),
            R"({"key":{"version":3,"data":"unknown"},"value":{"version":0,"data":"unknown"}})");
  EXPECT_FALSE(coordinator_format("FooFormatter").has_value());
}

TEST(JsonText, EscapesAsJackson) {
  EXPECT_EQ(json_string("a\"\\\n\x01/é"), "\"a\\\"\\\\\\n\\u0001/é\"");
  EXPECT_EQ(json_bytes(as_bytes("ab")), "\"YWI=\"");
  EXPECT_EQ(json_bytes(as_bytes("abc")), "\"YWJj\"");
  EXPECT_EQ(json_bytes(as_bytes("")), "\"\"");
}

}  // namespace
}  // namespace barnabas::apps
