// Makes random batches as they lie in logs, for record_convert_test.py.
//   down_cases <seed> <count> <file>    the cases into the file, our outcomes to the output
#include <fmt/format.h>

#include <fstream>
#include <random>
#include <string>

#include "barnabas/base/crc32c.h"
#include "barnabas/record/builder.h"
#include "barnabas/record/down_convert.h"

namespace {

using namespace barnabas;
using namespace barnabas::record;

constexpr std::int64_t kT0 = 1'700'000'000'000;

struct Case {
  std::int8_t magic = 0;
  Offset from;
  ByteVector batches;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_(seed) {}

  Case next() {
    Case made;
    made.magic = static_cast<std::int8_t>(below(2));
    next_offset_ = static_cast<std::int64_t>(below(3) * 1000);
    const std::int64_t begin = next_offset_;
    const std::uint64_t count = 1 + below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      const ByteVector batch = chance(4) ? old_batch() : new_batch();
      made.batches.insert(made.batches.end(), batch.begin(), batch.end());
    }
    made.from = Offset(begin + static_cast<std::int64_t>(below(6)));
    return made;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool chance(std::uint64_t in) { return below(in) == 0; }
  std::int64_t timestamp() {
    return chance(15) ? std::int64_t{-1} : kT0 + static_cast<std::int64_t>(below(5000));
  }
  std::optional<ByteView> bytes() {
    static const std::string text(90'000, 'q');
    if (chance(5)) {
      return std::nullopt;
    }
    return as_bytes(text).first(below(chance(40) ? text.size() : 30));
  }

  ByteVector new_batch() {
    BatchOptions options;
    options.compression = static_cast<CompressionType>(below(chance(10) ? 5 : 4));
    options.base_offset = Offset(next_offset_);
    options.leader_epoch = LeaderEpoch(3);
    if (chance(4)) {
      options.timestamp_type = TimestampType::kLogAppendTime;
      options.log_append_time_ms = timestamp();
    }
    if (chance(4)) {
      options.producer_id = ProducerId(7);
      options.producer_epoch = ProducerEpoch(0);
      options.base_sequence = SequenceNumber(0);
      options.is_transactional = chance(2);
      options.is_control = chance(2);
    }
    BatchBuilder builder(options);
    const std::uint64_t count = options.is_control ? 1 : 1 + below(5);
    std::int32_t delta = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const HeaderView headers[] = {{as_bytes("h"), bytes()}};
      builder.add_at(delta, timestamp(), options.is_control ? as_bytes({"\0\0\0\0", 4}) : bytes(),
                     bytes(), std::span(headers).first(chance(3) ? 1 : 0));
      delta += chance(8) ? 2 : 1;  // compaction leaves gaps
    }
    next_offset_ += delta;
    ByteVector batch;
    return builder.finish(batch) ? batch : ByteVector{};
  }

  ByteVector old_batch() {
    LegacyOptions options;
    options.magic = static_cast<std::int8_t>(below(2));
    options.compression = static_cast<CompressionType>(below(4));
    if (chance(4)) {
      options.timestamp_type = TimestampType::kLogAppendTime;
      options.log_append_time_ms = timestamp();
    }
    LegacyBuilder builder(options);
    const std::uint64_t count = 1 + below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      builder.add(Offset(next_offset_), timestamp(), bytes(), bytes());
      next_offset_ += chance(8) ? 2 : 1;
    }
    ByteVector set;
    return builder.finish(set) ? set : ByteVector{};
  }

  std::mt19937_64 engine_;
  std::int64_t next_offset_ = 0;
};

void write_case(std::ofstream& out, const Case& made) {
  std::byte head[13];
  store_be(head, made.magic);
  store_be(head + 1, made.from.value());
  store_be(head + 9, static_cast<std::int32_t>(made.batches.size()));
  out << as_text(head) << as_text(made.batches);
}

std::string hex(ByteView bytes) {
  std::string text = "x";
  for (const std::byte byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  return text;
}

// The inner messages as they lie in the wrapper, with the offsets that they stand for.
std::string inside(LegacyView message) {
  std::string text;
  ByteVector plain;
  const auto fields = message.parse();
  Decompressors decompressors;
  auto stream = decompressors.start(
      message.compression(), *fields->value,
      message.magic() == kMagicV0 ? Lz4Header::kIgnoreChecksum : Lz4Header::kCheck);
  while (stream) {
    const auto chunk = (*stream)->next();
    if (!chunk || chunk->empty()) {
      break;
    }
    plain.insert(plain.end(), chunk->begin(), chunk->end());
  }
  LegacyReader reader;
  static_cast<void>(reader.start(message, true));
  BatchCursor cursor(plain);
  while (cursor.next() == BatchStep::kBatch) {
    const auto record = reader.next();
    if (!record || *record == nullptr) {
      return "unreadable";
    }
    text += fmt::format(" {} {}", (*record)->offset.value(),
                        hex(cursor.batch().bytes().subspan(kLogOverhead)));
  }
  return text;
}

std::string outcome(const Case& made) {
  DownConverter converter;
  ByteVector converted;
  BatchCursor batches(made.batches);
  while (batches.next() == BatchStep::kBatch) {
    if (const Status done = converter.convert(batches.batch(), made.magic, made.from, converted);
        !done) {
      return fmt::format("{}", static_cast<int>(done.error().code));
    }
  }
  std::string text;
  BatchCursor cursor(converted);
  while (cursor.next() == BatchStep::kBatch) {
    const LegacyView message(cursor.batch().bytes());
    if (message.compression() == CompressionType::kNone) {
      text += hex(message.bytes());
    } else {
      const bool magic0 = message.magic() == kMagicV0;
      text += fmt::format("{} {} {} {} {}", message.offset().value(), int{message.magic()},
                          static_cast<int>(message.compression()),
                          magic0 ? -1 : static_cast<int>(message.timestamp_type()),
                          message.timestamp_ms()) +
              inside(message);
    }
    text += "\n";
  }
  return fmt::format("0 {:08x}", crc32c(as_bytes(text)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "down_cases <seed> <count> <file>\n");
    return 2;
  }
  Generator generator(std::stoull(argv[1]));
  const long count = std::stol(argv[2]);
  std::ofstream out(argv[3], std::ios::binary);
  for (long i = 0; i < count; ++i) {
    const Case made = generator.next();
    write_case(out, made);
    fmt::print("{} {}\n", i, outcome(made));
  }
  return out.good() ? 0 : 1;
}
