// Kafka's own codec: the Java program of this folder as a child process, spoken to over pipes.
// Anything that goes wrong with it throws std::runtime_error, which fails the test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"

namespace barnabas::oracle {

// THREAD: home (the test's)
class KafkaCodec {
 public:
  // Starts the child as run.sh says in the environment.
  KafkaCodec();
  ~KafkaCodec();
  KafkaCodec(const KafkaCodec&) = delete;
  KafkaCodec& operator=(const KafkaCodec&) = delete;

  struct Answer {
    std::optional<ByteVector> bytes;  // none: refused
    std::string reason;               // why it was
    std::uint64_t digest = 0;         // of the fields as Kafka sees them; reencode() only
  };
  struct Sample {
    ByteVector bytes;  // a random value, encoded
    std::uint64_t digest = 0;
    std::int16_t other_version = 0;
    Answer other;  // the same value in another version
  };
  struct Marker {
    ByteVector key;
    ByteVector value;
  };

  [[nodiscard]] std::string facts();
  [[nodiscard]] std::string apis();
  [[nodiscard]] std::vector<Answer> reencode(std::string_view message, std::int16_t version,
                                             const std::vector<ByteVector>& values);
  // The fields as Kafka sees them, in the form of describer.h.
  [[nodiscard]] std::string describe(std::string_view message, std::int16_t version,
                                     ByteView value);
  [[nodiscard]] std::vector<Sample> generate(std::string_view message, std::int16_t version,
                                             std::uint64_t seed, std::int32_t count);
  // For each epoch the marker of an aborted and of a committed transaction.
  [[nodiscard]] std::vector<Marker> markers(const std::vector<std::int32_t>& epochs);

 private:
  template <typename T>
  void put(T value);
  void put_bytes(ByteView bytes);
  void send(char command);
  template <typename T>
  T get();
  ByteVector get_bytes();
  Answer get_answer();
  void get_exactly(MutableBytes bytes);

  pid_t child_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
  ByteVector request_;
};

}  // namespace barnabas::oracle
