// Batches that Kafka's own MemoryRecordsBuilder wrote: see tests/golden/record/README.md.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "batch_text.h"
#include "batches.h"

namespace barnabas::record {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::filesystem::path> recorded() {
  std::set<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(BARNABAS_GOLDEN_DIR)) {
    if (entry.path().extension() == ".batch") {
      paths.insert(entry.path());
    }
  }
  return {paths.begin(), paths.end()};
}

TEST(Golden, HoldsEveryCodecThreeTimes) {
  EXPECT_EQ(recorded().size(), 3 * kCodecCount + 2);
}

TEST(Golden, WeReadWhatKafkaReads) {
  for (const auto& path : recorded()) {
    const std::string bytes = read_file(path);
    const auto text = batches_text(as_bytes(bytes));
    ASSERT_TRUE(text) << path << ": " << text.error().message;
    EXPECT_EQ(*text, read_file(std::filesystem::path(path).replace_extension(".txt"))) << path;
  }
}

TEST(Golden, WeAcceptWhatAKafkaProducerSends) {
  RecordValidator validator;
  for (const auto& path : recorded()) {
    const std::string bytes = read_file(path);
    ByteVector batch(as_bytes(bytes).begin(), as_bytes(bytes).end());
    const bool from_producer = BatchView(batch).timestamp_type() == TimestampType::kCreateTime &&
                               !BatchView(batch).is_control();
    const ByteVector before = batch;
    const auto result = validator.validate(batch, {});
    if (from_producer) {
      ASSERT_TRUE(result) << path << ": " << result.error().message;
      EXPECT_EQ(batch, before) << path;
    }
  }
}

}  // namespace
}  // namespace barnabas::record
