// The partitioner that the console producer asks librdkafka for, against 10,000 hashes of Kafka's
// own.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace {

TEST(Murmur2, PicksThePartitionsOfJavasProducer) {
  std::ifstream file(GOLDEN_DIR "/murmur2/keys.txt");
  ASSERT_TRUE(file.is_open());
  int keys = 0;
  for (std::string line; std::getline(file, line); ++keys) {
    const std::size_t tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos) << line;
    const std::int64_t hash = std::stoll(line.substr(0, tab));
    const std::string key = line.substr(tab + 1);
    for (const std::int32_t partitions : {1, 3, 50, 1000003}) {
      ASSERT_EQ(rd_kafka_msg_partitioner_murmur2_random(nullptr, key.data(), key.size(), partitions,
                                                        nullptr, nullptr),
                hash % partitions)
          << key;
    }
  }
  EXPECT_EQ(keys, 10000);
}

}  // namespace
