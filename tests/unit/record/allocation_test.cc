// The hot path allocates nothing. Counts every call of operator new in this program.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "batches.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace barnabas::record {
namespace {

std::size_t allocations_of_validating(CompressionType codec, int count) {
  ByteVector batch = make_batch({.compression = codec}, count);
  RecordValidator validator;
  ValidateOptions options;
  EXPECT_TRUE(validator.validate(batch, options));  // warm
  const std::size_t before = allocations.load();
  const auto single = single_batch(batch, 11);
  const bool accepted = single && validator.validate(*single, options);
  const std::size_t after = allocations.load();
  EXPECT_TRUE(accepted);
  return after - before;
}

TEST(Allocation, TheCounterCounts) {
  const std::size_t before = allocations.load();
  const ByteVector bytes(1000);
  EXPECT_GT(allocations.load(), before);
}

TEST(Allocation, ValidatingAPlainBatchAllocatesNothing) {
  EXPECT_EQ(allocations_of_validating(CompressionType::kNone, 1), 0U);
  EXPECT_EQ(allocations_of_validating(CompressionType::kNone, 1000), 0U);
}

TEST(Allocation, AWarmDecompressorAllocatesNothing) {
  for (const CompressionType codec : kRealCodecs) {
    EXPECT_EQ(allocations_of_validating(codec, 1000), 0U) << codec_name(codec);
  }
}

}  // namespace
}  // namespace barnabas::record
