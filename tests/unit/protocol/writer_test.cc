#include "barnabas/protocol/writer.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "barnabas/protocol/gen/fetch.h"
#include "barnabas/protocol/gen/group_metadata_key.h"
#include "barnabas/protocol/gen/offset_commit_value.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/versioned.h"

namespace barnabas::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int> written(const Writer& out) {
  std::vector<int> values;
  for (const std::byte byte : out.bytes()) {
    values.push_back(std::to_integer<int>(byte));
  }
  return values;
}

TEST(Writer, NumbersAreBigEndian) {
  Writer out;
  out.write<std::int16_t>(-2);
  out.write<std::int32_t>(0x01020304);
  out.write_bool(true);
  out.write_uvarint(300);
  EXPECT_THAT(written(out), ElementsAre(0xff, 0xfe, 1, 2, 3, 4, 1, 0xac, 0x02));
}

TEST(Writer, StringsAndNullsInBothForms) {
  Writer out;
  out.write_string("hi", false, "f");
  out.write_string("hi", true, "f");
  out.write_null(false, true, true, "f");
  out.write_null(true, true, true, "f");
  out.write_null(false, false, true, "f");
  EXPECT_THAT(written(out),
              ElementsAre(0, 2, 'h', 'i', 3, 'h', 'i', 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff));
}

TEST(Writer, TheSizeOfATaggedFieldGoesBeforeIt) {
  Writer out;
  const std::size_t mark = out.begin_tagged(5);
  out.write<std::int16_t>(7);
  out.end_tagged(mark);
  EXPECT_THAT(written(out), ElementsAre(5, 2, 0, 7));
}

TEST(Writer, ALargeTaggedFieldHasASizeOfSeveralBytes) {
  Writer out;
  const std::size_t mark = out.begin_tagged(0);
  for (int i = 0; i < 300; ++i) {
    out.write(static_cast<std::int8_t>(i));
  }
  out.end_tagged(mark);
  Reader in(out.bytes());
  const Reader::TagMark tag = in.begin_tagged();
  EXPECT_EQ(in.remaining(), 300U);
  EXPECT_EQ(in.read<std::int8_t>(), 0);
  in.skip_tagged(tag);
  EXPECT_EQ(in.remaining(), 0U);
}

TEST(Writer, MemoryIsKeptOverClearAndGivenBackOnDemand) {
  Writer out;
  out.write_raw(ByteVector(100000));
  const std::byte* const memory = out.bytes().data();
  out.clear();
  EXPECT_EQ(out.size(), 0U);
  out.write_raw(ByteVector(100000));
  EXPECT_EQ(out.bytes().data(), memory);
  out.clear();
  out.shrink(1000);
  out.write_raw(ByteVector(10));
  EXPECT_EQ(out.size(), 10U);
}

FetchResponse::PartitionData partition(std::int32_t index, Records records) {
  FetchResponse::PartitionData data;
  data.partition_index = index;
  data.records = records;
  return data;
}

// The bytes on the wire are the same whether records are copied or spliced in when sent.
TEST(Writer, ExternalRecordsAreSplicedWhereCopiedOnesWouldBe) {
  const ByteVector first(1000, std::byte{'a'});
  const ByteVector second(70000, std::byte{'b'});
  for (const std::int16_t version : {std::int16_t{4}, std::int16_t{12}, std::int16_t{17}}) {
    FetchResponse copied;
    copied.responses.resize(1);
    copied.responses[0].partitions = {partition(0, Records(first)), partition(1, Records(second))};
    FetchResponse spliced = copied;
    spliced.responses[0].partitions[0].records = Records::external(first.size(), 0);
    spliced.responses[0].partitions[1].records = Records::external(second.size(), 1);
    Writer whole;
    ASSERT_TRUE(copied.encode(whole, version));
    Writer parts;
    ASSERT_TRUE(spliced.encode(parts, version));
    EXPECT_EQ(parts.total_size(), whole.size());
    ASSERT_EQ(parts.splices().size(), 2U);

    ByteVector joined;
    std::size_t at = 0;
    for (const Splice& splice : parts.splices()) {
      const ByteView own = parts.bytes().subspan(at, splice.position - at);
      joined.insert(joined.end(), own.begin(), own.end());
      const ByteVector& part = splice.index == 0 ? first : second;
      EXPECT_EQ(splice.size, part.size());
      joined.insert(joined.end(), part.begin(), part.end());
      at = splice.position;
    }
    const ByteView rest = parts.bytes().subspan(at);
    joined.insert(joined.end(), rest.begin(), rest.end());
    EXPECT_TRUE(std::ranges::equal(joined, whole.bytes()));
  }
}

TEST(Writer, AFailedMessageLeavesNothingBehind) {
  FetchResponse good;
  good.responses.resize(1);
  good.responses[0].partitions = {partition(0, Records::external(10, 0))};
  FetchResponse bad = good;
  bad.responses[0].topic = std::string(32768, 'x');
  Writer out;
  ASSERT_TRUE(good.encode(out, 4));
  const ByteVector before(out.bytes().begin(), out.bytes().end());
  const std::size_t total = out.total_size();
  const Status status = bad.encode(out, 4);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("FetchResponse.Topic"));
  EXPECT_TRUE(std::ranges::equal(out.bytes(), before));
  EXPECT_EQ(out.total_size(), total);
  EXPECT_EQ(out.splices().size(), 1U);
  EXPECT_TRUE(good.encode(out, 4));  // and it writes on as if nothing had been
}

TEST(Writer, AFieldThatTheVersionLacksIsRefusedUnlessItMayBeDropped) {
  FetchRequest request;
  request.rack_id = "r1";  // version 11, ignorable
  Writer out;
  EXPECT_TRUE(request.encode(out, 4));
  request.forgotten_topics_data.resize(1);  // version 7, not ignorable
  const Status status = request.encode(out, 4);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupportedVersion);
  EXPECT_THAT(status.error().message, HasSubstr("ForgottenTopicsData"));
}

TEST(Versioned, RecordsCarryTheirVersionBeforeThem) {
  OffsetCommitValue value;
  value.offset = 42;
  value.metadata = "m";
  Writer out;
  ASSERT_TRUE(encode_versioned(out, value, 3));
  EXPECT_EQ(load_be<std::int16_t>(out.bytes().data()), 3);
  OffsetCommitValue read;
  Reader in(out.bytes());
  const auto version = decode_versioned(in, read);
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, 3);
  EXPECT_EQ(read, value);
}

TEST(Versioned, AVersionThatIsNotKnownIsRefused) {
  Writer out;
  out.write<std::int16_t>(7);
  out.write_string("g", false, "f");
  GroupMetadataKey key;
  Reader in(out.bytes());
  const auto version = decode_versioned(in, key);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, ErrorCode::kUnsupportedVersion);
  out.clear();
  EXPECT_FALSE(encode_versioned(out, key, 7));
  EXPECT_EQ(out.size(), 0U);
}

}  // namespace
}  // namespace barnabas::protocol
