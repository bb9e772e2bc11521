#include "barnabas/protocol/reader.h"

#include <gmock/gmock.h>

#include <initializer_list>

namespace barnabas::protocol {
namespace {

using ::testing::HasSubstr;

ByteVector bytes(std::initializer_list<int> values) {
  ByteVector result;
  for (const int value : values) {
    result.push_back(static_cast<std::byte>(value));
  }
  return result;
}

TEST(Reader, FixedNumbersAreBigEndian) {
  const ByteVector data = bytes({0x80, 0xff, 0xfe, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 1, 0, 2});
  Reader in(data);
  EXPECT_EQ(in.read<std::int8_t>(), -128);
  EXPECT_EQ(in.read<std::int16_t>(), -2);
  EXPECT_EQ(in.read<std::int32_t>(), 0x01020304);
  EXPECT_EQ(in.read<std::int64_t>(), 256);
  EXPECT_TRUE(in.read_bool());
  EXPECT_EQ(in.remaining(), 0U);
  EXPECT_TRUE(in.status());
}

TEST(Reader, AnEarlyEndFailsAndStaysFailed) {
  const ByteVector data = bytes({1, 2, 3});
  Reader in(data);
  EXPECT_EQ(in.read<std::int32_t>(), 0);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.read<std::int8_t>(), 0);  // the bytes that are left are gone too
  EXPECT_EQ(in.remaining(), 0U);
  EXPECT_EQ(in.status().error().code, ErrorCode::kInvalidRequest);
}

TEST(Reader, VarintsOfFiveBytesAndNoMore) {
  struct Case {
    ByteVector data;
    bool good;
    std::uint32_t value;
  };
  for (const Case& c : {Case{bytes({0x00}), true, 0}, Case{bytes({0x7f}), true, 127},
                        Case{bytes({0x80, 0x01}), true, 128},
                        Case{bytes({0xff, 0xff, 0xff, 0xff, 0x0f}), true, 0xffffffffU},
                        Case{bytes({0xff, 0xff, 0xff, 0xff, 0x1f}), false, 0},
                        Case{bytes({0x80, 0x80, 0x80, 0x80, 0x80, 0x01}), false, 0},
                        Case{bytes({0xff, 0xff}), false, 0}, Case{bytes({}), false, 0}}) {
    Reader in(c.data);
    EXPECT_EQ(in.read_uvarint(), c.value);
    EXPECT_EQ(in.ok(), c.good);
  }
}

TEST(Reader, StringsInBothForms) {
  std::string value = "before";
  const ByteVector old_form = bytes({0, 2, 'h', 'i'});
  Reader old_in(old_form);
  old_in.read_string(value, false, "f");
  EXPECT_EQ(value, "hi");
  const ByteVector compact = bytes({3, 'h', 'o'});
  Reader compact_in(compact);
  compact_in.read_string(value, true, "f");
  EXPECT_EQ(value, "ho");
  EXPECT_TRUE(compact_in.ok());
}

TEST(Reader, NegativeLengthsAreNullWhereNullMayBe) {
  for (const auto& [data, flexible] :
       {std::pair{bytes({0xff, 0xff}), false}, std::pair{bytes({0xff, 0xf9}), false},
        std::pair{bytes({0}), true}}) {
    std::optional<std::string> nullable = "before";
    Reader in(data);
    in.read_nullable_string(nullable, flexible, true, "f");
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(nullable, std::nullopt);

    Reader strict(data);
    strict.read_nullable_string(nullable, flexible, false, "Some.Field");
    EXPECT_THAT(strict.status().error().message, HasSubstr("Some.Field is null"));
    std::string plain;
    Reader plain_in(data);
    plain_in.read_string(plain, flexible, "f");
    EXPECT_FALSE(plain_in.ok());
  }
}

TEST(Reader, AStringThatIsLongerThanTheRestIsRefused) {
  const ByteVector data = bytes({0x7f, 0xff, 'x'});
  std::string value;
  Reader in(data);
  in.read_string(value, false, "Some.Field");
  EXPECT_THAT(in.status().error().message, HasSubstr("Some.Field"));
}

TEST(Reader, ACompactStringOverTheLimitOfTheOldFormIsRefused) {
  ByteVector data = bytes({0x81, 0x80, 0x02});  // 32768 bytes
  data.resize(data.size() + 32768, std::byte{'x'});
  std::string value;
  Reader in(data);
  in.read_string(value, true, "f");
  EXPECT_FALSE(in.ok());
}

TEST(Reader, CountsAreCheckedAgainstTheLeastSizeOfElements) {
  const ByteVector data = bytes({0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7});
  Reader fits(data);
  EXPECT_EQ(fits.read_array_length(false, false, 3, "f"), 2);
  EXPECT_TRUE(fits.ok());
  Reader too_many(data);
  EXPECT_EQ(too_many.read_array_length(false, false, 4, "f"), 0);
  EXPECT_FALSE(too_many.ok());
}

TEST(Reader, HugeCountsAreRefusedInBothForms) {
  const ByteVector old_form = bytes({0x7f, 0xff, 0xff, 0xff, 0, 0});
  Reader old_in(old_form);
  EXPECT_EQ(old_in.read_array_length(false, true, 1, "f"), 0);
  EXPECT_FALSE(old_in.ok());
  // 2^32 - 1: Kafka's arithmetic makes null of it, here it is what it says.
  const ByteVector compact = bytes({0xff, 0xff, 0xff, 0xff, 0x0f, 0});
  Reader compact_in(compact);
  EXPECT_EQ(compact_in.read_array_length(true, true, 1, "f"), 0);
  EXPECT_FALSE(compact_in.ok());
}

TEST(Reader, RecordsAreAViewIntoTheFrame) {
  ByteVector frame = bytes({0, 0, 0, 3, 'a', 'b', 'c', 'd'});
  Reader in(frame);
  Records records;
  in.read_records(records, false, true, "f");
  EXPECT_EQ(records.bytes().data(), frame.data() + 4);
  EXPECT_EQ(records.size(), 3U);
  const MutableBytes writable = writable_part(frame, records.bytes());
  writable[0] = std::byte{'x'};
  EXPECT_EQ(frame[4], std::byte{'x'});
}

TEST(Reader, NullAndNegativeRecordsAreNullAndNotEmpty) {
  for (const ByteVector& data :
       {bytes({0xff, 0xff, 0xff, 0xff}), bytes({0xff, 0xff, 0xff, 0xfb})}) {
    Reader in(data);
    Records records{ByteView(data)};
    in.read_records(records, false, true, "f");
    EXPECT_TRUE(in.ok());
    EXPECT_TRUE(records.is_null());
  }
}

TEST(Reader, UnknownTaggedFieldsAreSkipped) {
  const ByteVector data = bytes({2, 0, 1, 0xaa, 9, 2, 0xbb, 0xcc, 0x55});
  Reader in(data);
  in.skip_tagged_fields();
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.read<std::int8_t>(), 0x55);
}

TEST(Reader, TaggedFieldsThatAnnounceTooMuchAreRefused) {
  for (const ByteVector& data :
       {bytes({0xff, 0xff, 0xff, 0xff, 0x0f}), bytes({3, 0, 1, 0xaa}), bytes({1, 0, 5, 1, 2})}) {
    Reader in(data);
    in.skip_tagged_fields();
    EXPECT_FALSE(in.ok());
  }
}

TEST(Reader, AKnownTaggedFieldCannotReadBeyondItsSize) {
  const ByteVector data = bytes({0, 2, 1, 2, 3, 4});
  Reader in(data);
  const Reader::TagMark mark = in.begin_tagged();
  EXPECT_EQ(in.read<std::int32_t>(), 0);
  in.end_tagged(mark);
  EXPECT_FALSE(in.ok());
}

TEST(Reader, AKnownTaggedFieldMustUseAllOfItsSize) {
  const ByteVector data = bytes({0, 3, 1, 2, 3, 4});
  Reader in(data);
  const Reader::TagMark mark = in.begin_tagged();
  (void)in.read<std::int16_t>();
  in.end_tagged(mark);
  EXPECT_THAT(in.status().error().message, HasSubstr("tagged"));
}

}  // namespace
}  // namespace barnabas::protocol
