// The orders of Java's and Scala's hash tables, against what those gave themselves.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apps/java_hash_order.h"

namespace barnabas::apps {
namespace {

using Order = std::vector<std::size_t>;
using Names = std::vector<std::string>;

TEST(HashOrder, JavaKeepsTheOrderOfInsertionWithinASlot) {
  EXPECT_EQ(java_hash_order(Names{"q", "a", "b"}), (Order{0, 1, 2}));
}

TEST(HashOrder, ScalaSortsASlotByHash) {
  EXPECT_EQ(scala_hash_order(Names{"q", "a", "Aa", "BB", "polygenelubricants"}),
            (Order{4, 2, 3, 1, 0}));
}

TEST(HashOrder, AFewOfScala) {
  const Names names{"mbaf79be5", "mb6f46298", "m6d66a02f", "m36c92e87", "ma126df22", "m663b6d36",
                    "m6c1f8f8",  "me8f7cafb", "m30639763", "m49354e47", "mb23771d"};
  EXPECT_EQ(scala_hash_order(names), (Order{1, 7, 3, 4, 2, 5, 10, 0, 9, 6, 8}));
}

TEST(HashOrder, ScalaGrowsWithTheTwelfth) {
  const Names names{"mbada4145", "mf50dcb8",  "m466aeef9", "m382fdaaa", "m7b21ee41", "m90758c6",
                    "mf0137edd", "m9e8caf3f", "ma423559",  "mee97332b", "m6872f081", "md634da1"};
  EXPECT_EQ(scala_hash_order(names), (Order{0, 5, 10, 11, 8, 9, 6, 4, 2, 1, 7, 3}));
}

TEST(HashOrder, AndWithTheTwentyFourth) {
  const Names names{"mbb4fabc7", "maddef438", "me259b3d0", "m32952a21", "m1335b1c4", "m7dd7aa87",
                    "m4acd6749", "mc8391e30", "ma2c7bd81", "m590f9f9a", "mf3350af1", "md97b211",
                    "mc1cef568", "m3d9e57c8", "m583b0705", "m69ad12f8", "m55c805c3", "meb8dd163",
                    "mf97e6f3d", "mafe546a3", "m4c14b682", "m8135612d", "m61431830", "m97d1ef3"};
  EXPECT_EQ(scala_hash_order(names), (Order{15, 1, 4,  14, 23, 10, 17, 8,  20, 5,  11, 6,
                                            3,  2, 18, 7,  16, 0,  21, 12, 9,  13, 19, 22}));
}

}  // namespace
}  // namespace barnabas::apps
