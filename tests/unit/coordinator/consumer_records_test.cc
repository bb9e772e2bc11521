// Records of groups of the consumer protocol: the bytes that Kafka 3.9.1 wrote in KRaft mode when
// it was asked the same, and what is read of them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "consumer_player.h"
#include "coordinator/consumer_group_records.h"

namespace barnabas::coordinator {
namespace {

constexpr Uuid kTopic{0xfc1a877bd37340a5U, 0xa46c6ee11295df1aU};
const std::string kClassic = "hIYj7IORSuqDDu_F00RTYg";

std::string hex(ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  return text;
}

ByteVector bytes(std::string_view text) {
  ByteVector result;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    result.push_back(
        static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return result;
}

struct Row {
  std::string key;
  std::string value;  // "-": a tombstone
};

// m1 joins; m2 joins, static and with all it can say; m1 reports; a classic member joins; m2 goes
// away for a while; m1 leaves.
const std::vector<Row>& recorded() {
  static const std::vector<Row> kRows = {
      {"000500016700026d31", "0000000005746573740b2f3132372e302e302e3102027401000493e00001000100"},
      {"0004000167", "000002fc1a877bd37340a5a46c6ee11295df1a027400000003010000"},
      {"0003000167", "00000000000100"},
      {"000700016700026d31",
       "000002fc1a877bd37340a5a46c6ee11295df1a040000000000000001000000020000"},
      {"0006000167", "00000000000100"},
      {"000800016700026d31",
       "000000000001000000000002fc1a877bd37340a5a46c6ee11295df1a04000000000000000100000002000100"},
      {"000500016700026d32",
       "00000269027205746573740b2f3132372e302e302e31030261027401000493e00672616e676501000100"},
      {"0003000167", "00000000000200"},
      {"000700016700026d31", "000002fc1a877bd37340a5a46c6ee11295df1a02000000020000"},
      {"000700016700026d32", "000002fc1a877bd37340a5a46c6ee11295df1a0300000000000000010000"},
      {"0006000167", "00000000000200"},
      {"000800016700026d32", "0000000000020000000002010100"},
      {"000800016700026d31",
       "000000000001000000010102fc1a877bd37340a5a46c6ee11295df1a02000000020002fc1a877bd37340a5a46c6"
       "ee11295df1a0300000000000000010000"},
      {"000500016700166849596a37494f525375714444755f46303052545967",
       "0000026a0005746573740b2f3132372e302e302e31020274010000ea6000010020010000ea60020672616e67651"
       "2"
       "000100000001000174ffffffff000000000000"},
      {"0003000167", "00000000000300"},
      {"000700016700026d32", "000002fc1a877bd37340a5a46c6ee11295df1a02000000000000"},
      {"000700016700166849596a37494f525375714444755f46303052545967",
       "000002fc1a877bd37340a5a46c6ee11295df1a02000000010000"},
      {"0006000167", "00000000000300"},
      {"000800016700166849596a37494f525375714444755f46303052545967",
       "0000000000030000000002010100"},
      {"000800016700026d32", "0000fffffffe0000000002010100"},
      {"000800016700026d31", "-"},
      {"000700016700026d31", "-"},
      {"000500016700026d31", "-"},
      {"0003000167", "00000000000400"},
  };
  return kRows;
}

void play(ConsumerPlayer& p) {
  p.topics.set("t", 3, {}, kTopic);
  p.join("m1", {"t"});
  p.join("m2", {"t", "a"}, {.instance = "i", .assignor = "range", .rack = "r"});
  p.beat("m1", 1);
  JoinEvent classic;
  classic.new_consumer_member_id = kClassic;
  classic.instance_id = "j";
  classic.client_id = "test";
  classic.client_host = "/127.0.0.1";
  classic.session_timeout_ms = 60000;
  classic.rebalance_timeout_ms = 60000;
  classic.protocol_type = "consumer";
  classic.protocols = {{"range", bytes("000100000001000174ffffffff00000000")}};
  const auto joined = p.group.join(classic, p.context());
  ASSERT_TRUE(joined.has_value());
  p.apply(joined->records);
  p.beat("m2", -2, {.instance = "i"});
  p.beat("m1", -1);
}

TEST(ConsumerRecords, AreKafkasByteForByte) {
  ConsumerPlayer p;
  play(p);
  ASSERT_EQ(p.written.size(), recorded().size());
  for (std::size_t i = 0; i < p.written.size(); ++i) {
    const auto encoded = encode_consumer_record("g", p.written[i]);
    ASSERT_TRUE(encoded.has_value());
    EXPECT_EQ(hex(encoded->key), recorded()[i].key) << i;
    EXPECT_EQ(encoded->value ? hex(*encoded->value) : "-", recorded()[i].value) << i;
  }
}

TEST(ConsumerRecords, ReadBackTheyMakeTheSameGroup) {
  ConsumerPlayer p;
  play(p);
  ConsumerGroup read("g");
  for (const auto& row : recorded()) {
    const ByteVector key = bytes(row.key);
    const ByteVector value = bytes(row.value);
    auto decoded = decode_consumer_record(
        key, row.value == "-" ? std::nullopt : std::optional<ByteView>(value));
    ASSERT_TRUE(decoded.has_value()) << row.key;
    EXPECT_EQ(decoded->group, "g");
    const auto again = encode_consumer_record(decoded->group, decoded->record);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(hex(again->key), row.key);
    EXPECT_EQ(again->value ? hex(*again->value) : "-", row.value);
    read.apply(decoded->record);
  }
  read.loaded(p.options, p.now);
  EXPECT_EQ(read.members(), p.group.members());
  EXPECT_EQ(read.targets(), p.group.targets());
  EXPECT_EQ(read.epoch(), 4);
}

// As compaction leaves it: of each key the last record, so a member's partitions may come first.
TEST(ConsumerRecords, InAnyOrderOfKeysTheyMakeTheSameGroup) {
  ConsumerPlayer p;
  play(p);
  for (const bool turned : {false, true}) {
    std::map<std::string, const Row*> last;
    for (const auto& row : recorded()) {
      last[row.key] = &row;
    }
    std::vector<const Row*> rows;
    for (const auto& [key, row] : last) {
      rows.push_back(row);
    }
    if (turned) {
      std::ranges::reverse(rows);
    }
    ConsumerGroup read("g");
    for (const auto* const row : rows) {
      const ByteVector key = bytes(row->key);
      const ByteVector value = bytes(row->value);
      const auto decoded = decode_consumer_record(
          key, row->value == "-" ? std::nullopt : std::optional<ByteView>(value));
      ASSERT_TRUE(decoded.has_value());
      read.apply(decoded->record);
    }
    read.loaded(p.options, p.now);
    EXPECT_EQ(read.members(), p.group.members());
    EXPECT_EQ(read.targets(), p.group.targets());
  }
}

TEST(ConsumerRecords, WhatIsLeftHalfIsTakenOut) {
  ConsumerGroup read("g");
  ConsumerMember member{.id = "ghost", .epoch = 3};
  member.assigned[kTopic] = {PartitionId(0)};
  read.apply(CurrentRecord{"ghost", member});
  read.apply(TargetRecord{"ghost", member.assigned});
  read.apply(CurrentRecord{"nobody", std::nullopt});
  read.loaded({}, {});
  EXPECT_TRUE(read.empty());
  EXPECT_TRUE(read.targets().empty());
}

TEST(ConsumerRecords, BrokenBytesAreRefused) {
  for (const auto& row : recorded()) {
    const ByteVector key = bytes(row.key);
    const ByteVector value = bytes(row.value == "-" ? "00" : row.value);
    EXPECT_FALSE(decode_consumer_record(ByteView(key).first(key.size() - 1), ByteView(value)));
    EXPECT_FALSE(decode_consumer_record(key, ByteView(value).first(value.size() - 1))) << row.key;
  }
  EXPECT_FALSE(decode_consumer_record(bytes("0009000167"), std::nullopt));
  EXPECT_FALSE(decode_consumer_record(bytes("00"), std::nullopt));
}

TEST(ConsumerRecords, RacksAreKept) {
  TableTopics topics;
  topics.set("t", 2, "east");
  const SubscriptionRecord record{SubscriptionMetadata{{"t", *topics.find("t")}}};
  const auto encoded = encode_consumer_record("g", record);
  ASSERT_TRUE(encoded.has_value());
  const auto decoded = decode_consumer_record(encoded->key, ByteView(*encoded->value));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(std::get<SubscriptionRecord>(decoded->record).topics, record.topics);
}

}  // namespace
}  // namespace barnabas::coordinator
