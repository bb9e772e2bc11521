#include <gtest/gtest.h>

#include "barnabas/base/bytes.h"
#include "barnabas/base/crc32c.h"
#include "barnabas/base/random.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/base/varint.h"

namespace barnabas {
namespace {

TEST(Crc32c, KnownCheckValue) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
}

TEST(Crc32c, GoesOnFromAnEarlierResult) {
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), 0xe3069283U);
}

TEST(Uuid, TextIsTheOneThatKafkaWrites) {
  // java: new org.apache.kafka.common.Uuid(0x0123456789abcdefL, 0xfedcba9876543210L).toString()
  const Uuid id{0x0123456789abcdefU, 0xfedcba9876543210U};
  EXPECT_EQ(id.to_string(), "ASNFZ4mrze_-3LqYdlQyEA");
  EXPECT_EQ(Uuid::parse("ASNFZ4mrze_-3LqYdlQyEA"), id);
  EXPECT_FALSE(Uuid::parse("ASNFZ4mrze_-3LqYdlQyE"));
  EXPECT_FALSE(Uuid::parse("ASNFZ4mrze!-3LqYdlQyEA"));
}

TEST(Random, UuidsAreVersionFourAndRepeatFromTheSeed) {
  auto first = make_seeded_random(7);
  auto second = make_seeded_random(7);
  for (int i = 0; i < 1000; ++i) {
    const Uuid id = first->uuid();
    EXPECT_EQ(id, second->uuid());
    EXPECT_EQ((id.high >> 12U) & 0xfU, 4U);
    EXPECT_NE(id.to_string().front(), '-');
  }
}

TEST(Varint, RoundTripsAndRefusesWhatIsTooLong) {
  for (const std::uint64_t value : {0ULL, 1ULL, 127ULL, 128ULL, 300ULL, 0xffffffffULL, ~0ULL}) {
    std::byte buffer[10];
    const std::size_t n = write_uvarint(buffer, value);
    EXPECT_EQ(n, uvarint_size(value));
    std::uint64_t read = 0;
    EXPECT_EQ(read_uvarint(buffer, n, 10, read), n);
    EXPECT_EQ(read, value);
    EXPECT_EQ(read_uvarint(buffer, n - 1, 10, read), 0U);
  }
  for (const std::int64_t value : {0L, -1L, 1L, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(zigzag_decode(zigzag_encode(value)), value);
  }
}

TEST(ErrorCode, NamesAreKafkas) {
  EXPECT_EQ(error_name(ErrorCode::kOffsetOutOfRange), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(static_cast<int>(ErrorCode::kInvalidRecord), 87);
  EXPECT_EQ(static_cast<int>(ErrorCode::kUnknownTopicId), 100);
  EXPECT_EQ(static_cast<int>(ErrorCode::kTransactionAbortable), 120);
}

}  // namespace
}  // namespace barnabas
