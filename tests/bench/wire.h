// Kafka's requests as the load generator sends them, encoded by hand once and sent many times, and
// the little of the answers that it looks at. Deliberately not the broker's own codec: a fault
// there would otherwise look like agreement.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"

namespace barnabas::bench {

class Encoder {
 public:
  template <typename T>
  Encoder& put(T value) {
    std::byte raw[sizeof(T)];
    store_be(raw, value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof(T));
    return *this;
  }
  Encoder& raw(ByteView bytes);
  Encoder& string(std::string_view text);          // int16 length
  Encoder& compact_string(std::string_view text);  // uvarint length + 1
  Encoder& uvarint(std::uint32_t value);
  Encoder& varint(std::int32_t value);  // zig-zag
  [[nodiscard]] ByteVector& bytes() { return bytes_; }

 private:
  ByteVector bytes_;
};

// One request frame with its length in front. `correlation` comes back in the answer.
struct Produced {
  std::string topic;
  std::vector<std::int32_t> partitions;  // each gets one batch
};
[[nodiscard]] ByteVector record_batch(int records, std::size_t value_bytes);
// A batch of about `batch_bytes` of records of `value_bytes`; returns how many records it holds.
[[nodiscard]] ByteVector batch_of_size(std::size_t batch_bytes, std::size_t value_bytes,
                                       int& records);
[[nodiscard]] ByteVector produce_request(const Produced& to, ByteView batch, std::int16_t acks,
                                         std::int32_t correlation);  // version 9
struct Fetched {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int32_t max_wait_ms = 500;
  std::int32_t min_bytes = 1;
  std::int32_t max_bytes = 1 << 20;
};
[[nodiscard]] ByteVector fetch_request(const Fetched& from,
                                       std::int32_t correlation);         // version 11
[[nodiscard]] ByteVector api_versions_request(std::int32_t correlation);  // version 3
[[nodiscard]] ByteVector create_topic_request(const std::string& topic, int partitions,
                                              std::int32_t correlation);  // version 2
[[nodiscard]] ByteVector metadata_request(const std::string& topic,
                                          std::int32_t correlation);  // version 4

// Answers: the payload after the frame length. All throw on an error code or a malformed answer.
// The base offset of the first partition.
std::int64_t check_produce_answer(ByteView answer);
void check_api_versions_answer(ByteView answer);
// TOPIC_ALREADY_EXISTS is fine.
void check_create_topic_answer(ByteView answer);
// Whether every partition of the one topic has a leader.
[[nodiscard]] bool topic_is_ready(ByteView answer, int partitions);

// How far into a fetch answer (frame length included) its records begin: the rest is not parsed.
[[nodiscard]] std::size_t fetch_prefix_bytes(const std::string& topic);
struct FetchAnswer {
  std::int64_t high_watermark = 0;
  std::int32_t record_bytes = 0;
};
// `prefix` is fetch_prefix_bytes() long.
[[nodiscard]] FetchAnswer check_fetch_prefix(ByteView prefix, const std::string& topic);

}  // namespace barnabas::bench
