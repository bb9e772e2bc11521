// Makes random record sets of Produce requests, whole and broken, for record_validate_test.py.
//   record_cases <seed> <count> <file>    the cases into the file, our outcomes to the output
#include <fmt/format.h>

#include <fstream>
#include <random>
#include <string>

#include "barnabas/base/crc32c.h"
#include "barnabas/record/builder.h"
#include "barnabas/record/validate.h"

namespace {

using namespace barnabas;
using namespace barnabas::record;

constexpr std::int64_t kT0 = 1'700'000'000'000;

struct Case {
  std::int16_t version = 11;
  ValidateOptions options;
  ByteVector records;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_(seed) {}

  Case next() {
    Case made;
    made.version = chance(8) ? static_cast<std::int16_t>(3 + below(9)) : std::int16_t{11};
    made.options.topic_partition = "t-0";
    made.options.now_ms = kT0;
    made.options.timestamp_type =
        chance(6) ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
    made.options.compact = chance(6);
    if (chance(4)) {
      made.options.timestamp_before_max_ms = 1000;
      made.options.timestamp_after_max_ms = 500;
    }
    if (chance(20)) {
      made.options.max_message_bytes = static_cast<std::int32_t>(100 + below(200));
    }
    made.records = batch();
    if (chance(2)) {
      break_header(made.records);
    }
    if (chance(8)) {
      break_bytes(made.records);
    }
    if (chance(12)) {
      break_end(made.records);
    }
    return made;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool chance(std::uint64_t in) { return below(in) == 0; }

  std::int64_t timestamp() {
    static constexpr std::int64_t kOdd[] = {-1,        0,         -2,          INT64_MAX,
                                            INT64_MIN, 1LL << 62, -(1LL << 60)};
    return chance(20) ? kOdd[below(std::size(kOdd))]
                      : kT0 - 900 + static_cast<std::int64_t>(below(1500));
  }

  std::optional<ByteView> bytes(std::uint64_t null_in) {
    static const std::string text(300, 'q');
    if (chance(null_in)) {
      return std::nullopt;
    }
    return as_bytes(text).first(below(chance(5) ? 300 : 20));
  }

  // The records are built plain and broken before they are compressed, so that what is wrong lies
  // inside the compressed stream, too.
  ByteVector batch() {
    BatchOptions options;
    if (chance(4)) {
      options.producer_id = ProducerId(static_cast<std::int64_t>(below(3)) - 1);
      options.producer_epoch = ProducerEpoch(static_cast<std::int16_t>(below(3)) - 1);
      options.base_sequence = SequenceNumber(static_cast<std::int32_t>(below(3)) - 1);
    }
    if (chance(12)) {
      options.timestamp_type = TimestampType::kLogAppendTime;
      options.log_append_time_ms = timestamp();
    }
    BatchBuilder builder(options);
    const auto count = static_cast<std::int32_t>(1 + below(6));
    const std::uint64_t null_in = chance(2) ? 1'000'000 : 4;
    for (std::int32_t i = 0; i < count; ++i) {
      const HeaderView headers[] = {{as_bytes("h"), bytes(3)}, {as_bytes(""), bytes(3)}};
      const auto used = std::span(headers).first(chance(4) ? 2 : 0);
      const bool odd = chance(60);
      builder.add_at(odd ? static_cast<std::int32_t>(below(9)) - 2 : i, timestamp(), bytes(null_in),
                     bytes(3), used);
    }
    ByteVector plain;
    if (!builder.finish(plain)) {
      return plain;
    }
    patch(plain, kLastOffsetDeltaAt, count - 1);
    const auto codec = static_cast<CompressionType>(below(kCodecCount));
    ByteVector inside(plain.begin() + kBatchOverhead, plain.end());
    if (chance(4)) {
      break_records(inside);
    }
    plain.resize(kBatchOverhead);
    if (!compress(codec, inside, plain)) {
      return plain;
    }
    if (codec != CompressionType::kNone && chance(10)) {
      plain[kBatchOverhead + below(plain.size() - kBatchOverhead)] ^=
          static_cast<std::byte>(1U << below(8));
    }
    const auto attributes = load_be<std::uint16_t>(plain.data() + kAttributesAt);
    store_be(plain.data() + kAttributesAt,
             static_cast<std::uint16_t>(attributes | static_cast<std::uint16_t>(codec)));
    store_be(plain.data() + kLengthAt, static_cast<std::int32_t>(plain.size() - kLogOverhead));
    stamp_crc(plain);
    return plain;
  }

  void break_records(ByteVector& records) {
    switch (below(4)) {
      case 0:
        records[below(records.size())] ^= static_cast<std::byte>(1U << below(8));
        break;
      case 1:
        records.resize(below(records.size()));
        break;
      case 2:
        records.resize(records.size() + 1 + below(5));
        break;
      default:
        records[below(records.size())] = std::byte{0xff};
    }
  }

  template <typename T>
  static void patch(ByteVector& batch, std::size_t at, T value) {
    store_be(batch.data() + at, value);
    stamp_crc(batch);
  }

  void break_header(ByteVector& batch) {
    static constexpr std::int32_t kOdd[] = {0, 1, -1, 2, 3, 5, INT32_MAX, INT32_MIN};
    const std::int32_t odd = kOdd[below(std::size(kOdd))];
    switch (below(10)) {
      case 0:
        return patch(batch, kRecordCountAt, odd);
      case 1:
        return patch(batch, kLastOffsetDeltaAt, odd);
      case 2:
        return patch(batch, kMaxTimestampAt, timestamp());
      case 3:
        return patch(batch, kAttributesAt, static_cast<std::uint16_t>(below(1U << 8)));
      case 4:
        return patch(batch, kAttributesAt,
                     static_cast<std::uint16_t>(load_be<std::uint16_t>(&batch[kAttributesAt]) |
                                                below(1U << 16)));
      case 5:
        return store_be(batch.data() + kBaseOffsetAt, chance(2) ? std::int64_t{0} : odd);
      case 6:
        return patch(batch, kProducerIdAt, std::int64_t{odd});
      case 7:
        return patch(batch, kBaseSequenceAt, odd);
      case 8:
        return store_be(batch.data() + kMagicAt, static_cast<std::int8_t>(odd));
      default:
        return patch(batch, kBaseTimestampAt, timestamp());
    }
  }

  void break_bytes(ByteVector& batch) {
    batch[below(batch.size())] ^= static_cast<std::byte>(1U << below(8));
  }

  void break_end(ByteVector& batch) {
    if (chance(2)) {
      batch.resize(below(batch.size()));
    } else {
      const ByteVector more = chance(2) ? ByteVector(1 + below(40)) : batch;
      batch.insert(batch.end(), more.begin(), more.end());
    }
  }

  std::mt19937_64 engine_;
};

void write_case(std::ofstream& out, const Case& made) {
  std::byte head[36];
  store_be(head, made.version);
  store_be(head + 2,
           static_cast<std::int8_t>(made.options.timestamp_type == TimestampType::kLogAppendTime));
  store_be(head + 3, static_cast<std::int8_t>(made.options.compact));
  store_be(head + 4, made.options.now_ms);
  store_be(head + 12, made.options.timestamp_before_max_ms);
  store_be(head + 20, made.options.timestamp_after_max_ms);
  store_be(head + 28, made.options.max_message_bytes);
  store_be(head + 32, static_cast<std::int32_t>(made.records.size()));
  out << as_text(head) << as_text(made.records);
}

std::string outcome(Case& made, RecordValidator& validator) {
  auto batch = single_batch(made.records, made.version);
  if (!batch) {
    return fmt::format("{}", static_cast<int>(batch.error().code));
  }
  const auto result = validator.validate(*batch, made.options);
  if (!result) {
    const int code = static_cast<int>(result.error().code);
    if (validator.record_errors().empty()) {
      return fmt::format("{}", code);
    }
    std::string text = fmt::format("{} {}", code, result.error().message);
    for (const RecordError& error : validator.record_errors()) {
      text += fmt::format(" | {}: {}", error.batch_index, error.message);
    }
    return text;
  }
  stamp_base_offset(*batch, Offset(0));
  stamp_leader_epoch(*batch, LeaderEpoch(0));
  return fmt::format("0 {} {} {:08x}", result->size_bytes, result->max_timestamp_ms,
                     crc32c(*batch));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "record_cases <seed> <count> <file>\n");
    return 2;
  }
  Generator generator(std::stoull(argv[1]));
  const long count = std::stol(argv[2]);
  std::ofstream out(argv[3], std::ios::binary);
  RecordValidator validator;
  for (long i = 0; i < count; ++i) {
    Case made = generator.next();
    write_case(out, made);
    fmt::print("{} {}\n", i, outcome(made, validator));
  }
  return out.good() ? 0 : 1;
}
