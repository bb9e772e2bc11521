#include "barnabas/coordinator/key_partition.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace barnabas::coordinator {
namespace {

// The hashes are what java.lang.String.hashCode answers.
TEST(KeyPartition, HashesAsJavaDoes) {
  EXPECT_EQ(java_string_hash(""), 0);
  EXPECT_EQ(java_string_hash("g"), 103);
  EXPECT_EQ(java_string_hash("hello"), 99162322);
  EXPECT_EQ(java_string_hash("\u00e4"), 228);
  EXPECT_EQ(java_string_hash("\U0001f600"), 55357 * 31 + 56832);
  EXPECT_EQ(java_string_hash("polygenelubricants"), std::numeric_limits<std::int32_t>::min());
}

TEST(KeyPartition, WhatIsNotUtf8CountsAsReplacement) {
  EXPECT_EQ(java_string_hash("\xff"), 0xFFFD);
  EXPECT_EQ(java_string_hash("\xc3"), 0xFFFD);
  EXPECT_EQ(java_string_hash("\xc3g"), 0xFFFD * 31 + 'g');
}

TEST(KeyPartition, IsWithinTheTopic) {
  EXPECT_EQ(partition_of_key("g", 50), PartitionId(3));
  EXPECT_EQ(partition_of_key("polygenelubricants", 50), PartitionId(0));
  for (const std::int32_t count : {1, 3, 50}) {
    for (int i = 0; i < 500; ++i) {
      const auto id = partition_of_key("group-" + std::to_string(i), count).value();
      EXPECT_GE(id, 0);
      EXPECT_LT(id, count);
    }
  }
}

}  // namespace
}  // namespace barnabas::coordinator
