// Generated messages: what bad-input asks of them, defaults, and that memory is used again.
#include <gmock/gmock.h>

#include <cstdlib>
#include <new>

#include "any_message.h"
#include "barnabas/base/random.h"
#include "barnabas/protocol/gen/api_versions.h"
#include "barnabas/protocol/gen/fetch.h"
#include "barnabas/protocol/gen/metadata.h"
#include "barnabas/protocol/gen/produce.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace {
// Counts what this program allocates, on this thread alone.
thread_local std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace barnabas::protocol {
namespace {

ByteVector bytes(std::initializer_list<int> values) {
  ByteVector result;
  for (const int value : values) {
    result.push_back(static_cast<std::byte>(value));
  }
  return result;
}

TEST(Messages, AnyNegativeCountIsNullWhereNullMayBe) {
  const ByteVector data = bytes({0xff, 0xff, 0xff, 0xf7});  // -9
  MetadataRequest request;
  Reader in(data);
  ASSERT_TRUE(request.decode(in, 1));
  EXPECT_FALSE(request.topics.has_value());
  Reader version_0(data);
  EXPECT_FALSE(request.decode(version_0, 0));
}

TEST(Messages, HugeCountsAllocateNothing) {
  MetadataRequest request;
  request.topics.reset();
  for (const auto& [data, version] :
       {std::pair{bytes({0x7f, 0xff, 0xff, 0xff, 0, 1, 'a'}), 1},
        std::pair{bytes({0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0}), 9},
        std::pair{bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}),
                  9}}) {
    Reader in(data);
    allocations = 0;
    const bool decoded = request.decode(in, static_cast<std::int16_t>(version)).has_value();
    const std::size_t made = allocations;
    EXPECT_FALSE(decoded);
    EXPECT_LE(made, 4U);  // the text of the error
  }
}

TEST(Messages, ElementsThatTakeFarMoreMemoryThanBytesAreBounded) {
  // Empty names: two bytes each, sixteen times that in memory.
  constexpr std::size_t kNames = Reader::kMaxArrayMemory / sizeof(std::string);
  ByteVector data(4 + 2 * (kNames + 1));
  MetadataRequest request;
  store_be(data.data(), static_cast<std::int32_t>(kNames + 1));
  Reader too_many(data);
  allocations = 0;
  EXPECT_FALSE(request.decode(too_many, 1));
  EXPECT_LE(allocations, 4U);
  ProduceRequest produce;
  ByteVector topics(2 + 2 + 4 + 4 + 6 * 2'000'000);
  store_be(topics.data(), std::int16_t{-1});
  store_be(topics.data() + 8, std::int32_t{2'000'000});
  Reader too_many_topics(topics);
  EXPECT_FALSE(produce.decode(too_many_topics, 8));
}

TEST(Messages, AnElementWithoutItsEndIsRefused) {
  // string -2 in an array, and a string past the end
  for (const ByteVector& data : {bytes({0, 0, 0, 1, 0xff, 0xfe}), bytes({0, 0, 0, 1, 0, 5, 'a'})}) {
    MetadataRequest request;
    Reader in(data);
    EXPECT_FALSE(request.decode(in, 1));
  }
}

TEST(Messages, NullRecordsOfAProduceRequestAreSeenByTheHandler) {
  for (const int last : {0xff, 0xfb}) {  // -1 and -5
    const ByteVector data = bytes({0xff, 0xff, 0, 1, 0, 0, 0, 10, 0, 0,    0,    1,    0,   1,
                                   't',  0,    0, 0, 1, 0, 0, 0,  3, 0xff, 0xff, 0xff, last});
    ProduceRequest request;
    Reader in(data);
    ASSERT_TRUE(request.decode(in, 7));
    EXPECT_EQ(request.topic_data.at(0).partition_data.at(0).index, 3);
    EXPECT_TRUE(request.topic_data[0].partition_data[0].records.is_null());
  }
}

TEST(Messages, AHugeCountOfTaggedFieldsIsRefused) {
  const ByteVector data = bytes({1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f});
  MetadataRequest request;
  Reader in(data);
  EXPECT_FALSE(request.decode(in, 12));
}

TEST(Messages, AnUnknownVersionIsRefusedByItsOwnCode) {
  ApiVersionsRequest request;
  const ByteVector data = bytes({1, 1, 0});
  Reader in(data);
  const Status status = request.decode(in, 99);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupportedVersion);
  Writer out;
  EXPECT_EQ(request.encode(out, -1).error().code, ErrorCode::kUnsupportedVersion);
}

TEST(Messages, DefaultsAreKafkas) {
  const FetchRequest request;
  EXPECT_EQ(request.replica_id, -1);
  EXPECT_EQ(request.max_bytes, 2147483647);
  EXPECT_EQ(request.session_epoch, -1);
  EXPECT_FALSE(request.cluster_id.has_value());
  const MetadataRequest metadata;
  EXPECT_TRUE(metadata.allow_auto_topic_creation);
  EXPECT_TRUE(metadata.topics.has_value());
  const FetchResponse::PartitionData data;
  EXPECT_EQ(data.preferred_read_replica, -1);
  EXPECT_TRUE(data.records.is_null());
}

TEST(Messages, WhatAVersionLacksIsTheDefaultAfterDecoding) {
  FetchRequest full;
  full.rack_id = "rack";
  full.session_id = 5;
  full.max_bytes = 7;
  full.cluster_id = "c";
  Writer out;
  ASSERT_TRUE(full.encode(out, 12));
  FetchRequest request;
  Reader in(out.bytes());
  ASSERT_TRUE(request.decode(in, 12));
  EXPECT_EQ(request, full);
  out.clear();
  ASSERT_TRUE(FetchRequest().encode(out, 0));
  Reader old(out.bytes());
  ASSERT_TRUE(request.decode(old, 0));
  EXPECT_EQ(request, FetchRequest());
}

ByteVector produce_frame(std::int16_t version) {
  static const ByteVector kRecords(200, std::byte{1});
  ProduceRequest request;
  request.acks = 1;
  request.topic_data.resize(1);
  request.topic_data[0].name = "a-topic-whose-name-is-long-enough-to-be-on-the-heap";
  request.topic_data[0].partition_data.resize(2);
  request.topic_data[0].partition_data[1].records = Records(kRecords);
  Writer out;
  EXPECT_TRUE(request.encode(out, version));
  return {out.bytes().begin(), out.bytes().end()};
}

TEST(Messages, InSteadyStateNothingIsAllocated) {
  for (const std::int16_t version : {std::int16_t{7}, std::int16_t{11}}) {
    const ByteVector frame = produce_frame(version);
    ProduceRequest request;
    ProduceResponse response;
    Writer out;
    const auto turn = [&] {
      Reader in(frame);
      const bool decoded = request.decode(in, version).has_value();
      response.responses.resize(1);
      response.responses[0].name.assign(request.topic_data[0].name);
      response.responses[0].partition_responses.resize(2);
      out.clear();
      return decoded && response.encode(out, version).has_value();
    };
    ASSERT_TRUE(turn());
    allocations = 0;
    bool good = true;
    for (int i = 0; i < 100; ++i) {
      good &= turn();
    }
    EXPECT_EQ(allocations, 0U);
    EXPECT_TRUE(good);
  }
}

// Every message in every version: what is written is read back, also into an object that held
// something else before.
TEST(Messages, AllOfThemComeBackAsTheyWere) {
  const auto random = make_seeded_random(20251122);
  std::size_t versions = 0;
  for (const testing::MessageType& type : testing::all_messages()) {
    const auto read = type.make();
    for (std::int16_t version = type.min_version; version <= type.max_version; ++version) {
      ++versions;
      for (int i = 0; i < 5; ++i) {
        testing::Filler filler(*random);
        const auto message = type.make();
        message->randomize(filler, version);
        Writer out;
        ASSERT_TRUE(message->encode(out, version)) << type.name << " v" << version;
        Reader in(out.bytes());
        ASSERT_TRUE(read->decode(in, version)) << type.name << " v" << version;
        EXPECT_EQ(in.remaining(), 0U) << type.name << " v" << version;
        EXPECT_TRUE(read->equals(*message)) << type.name << " v" << version;
      }
    }
  }
  EXPECT_GT(versions, 600U);
}

}  // namespace
}  // namespace barnabas::protocol
