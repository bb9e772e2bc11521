// Makes random record sets of Produce requests, whole and broken, for record_validate_test.py.
//   record_cases <seed> <count> <file>    the cases into the file, our outcomes to the output
#include <fmt/format.h>

#include <fstream>
#include <random>
#include <string>

#include "barnabas/base/crc32c.h"
#include "barnabas/record/builder.h"
#include "barnabas/record/legacy.h"
#include "barnabas/record/reader.h"
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
    if (chance(3)) {
      static constexpr CompressionType kTargets[] = {CompressionType::kNone, CompressionType::kGzip,
                                                     CompressionType::kSnappy,
                                                     CompressionType::kLz4, CompressionType::kZstd};
      made.options.compression = kTargets[below(std::size(kTargets))];
    }
    if (chance(3)) {
      made.version = static_cast<std::int16_t>(below(chance(9) ? 4 : 3));
      made.records = message_set();
    } else {
      made.records = batch();
      if (chance(2)) {
        break_header(made.records);
      }
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
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : engine_() % bound; }
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

  // Messages of magic 0 or 1, one after the other or in a wrapper.
  ByteVector message_set() {
    LegacyOptions options;
    options.magic = static_cast<std::int8_t>(below(2));
    static constexpr CompressionType kCodecs[] = {CompressionType::kNone, CompressionType::kGzip,
                                                  CompressionType::kSnappy, CompressionType::kLz4};
    options.compression = kCodecs[below(std::size(kCodecs))];
    if (chance(12)) {
      options.timestamp_type = TimestampType::kLogAppendTime;
      options.log_append_time_ms = timestamp();
    }
    LegacyBuilder builder(options);
    const std::uint64_t count = chance(30) ? 0 : 1 + below(6);
    const std::uint64_t null_in = chance(2) ? 1'000'000 : 4;
    const bool odd = chance(10);
    for (std::uint64_t i = 0; i < count; ++i) {
      builder.add(Offset(static_cast<std::int64_t>(odd ? i + below(9) : i)), timestamp(),
                  bytes(null_in), bytes(3));
    }
    ByteVector set;
    if (!builder.finish(set)) {
      return set;
    }
    if (options.compression != CompressionType::kNone) {
      break_wrapper(set, options);
    }
    if (chance(6)) {
      break_message(set);
    }
    if (chance(20)) {
      const ByteVector more = chance(2) ? batch() : message_set();
      set.insert(set.end(), more.begin(), more.end());
    }
    return set;
  }

  // What is wrong inside the compressed set, and the offsets of producers that count otherwise.
  void break_wrapper(ByteVector& set, const LegacyOptions& options) {
    if (chance(3)) {
      static constexpr std::int64_t kOffsets[] = {0, 0, 0, 1, 3, 77, -1, -9};
      store_be(set.data(), kOffsets[below(std::size(kOffsets))]);
    }
    if (!chance(4)) {
      return;
    }
    const std::size_t value_at = legacy_key_at(options.magic) + 8;
    Decompressors decompressors;
    ByteVector inside;
    auto stream = decompressors.start(options.compression, ByteView(set).subspan(value_at),
                                      Lz4Header::kIgnoreChecksum);
    while (stream) {
      const auto chunk = (*stream)->next();
      if (!chunk || chunk->empty()) {
        break;
      }
      inside.insert(inside.end(), chunk->begin(), chunk->end());
    }
    if (chance(2)) {
      break_records(inside);
    } else {
      break_message(inside);
    }
    set.resize(value_at);
    const auto header =
        options.magic == kMagicV0 && !chance(5) ? Lz4Header::kWithMagic : Lz4Header::kCheck;
    if (compress(options.compression, inside, set, kDefaultLevel, header)) {
      store_be(set.data() + value_at - 4, static_cast<std::int32_t>(set.size() - value_at));
      store_be(set.data() + kLengthAt, static_cast<std::int32_t>(set.size() - kLogOverhead));
      stamp_legacy_crc(set);
    }
  }

  // One field of the first message, whose CRC is right afterwards.
  void break_message(ByteVector& set) {
    static constexpr std::int32_t kOdd[] = {0, 1, -1, 2, 3, 5, INT32_MAX, INT32_MIN};
    const std::int32_t odd = kOdd[below(std::size(kOdd))];
    if (set.size() < 34) {
      return;
    }
    switch (below(5)) {
      case 0:
        set[kMagicAt] = static_cast<std::byte>(odd);
        break;
      case 1:
        set[kLegacyAttributesAt] = static_cast<std::byte>(below(256));
        break;
      case 2:
        store_be(set.data() + kLegacyTimestampAt, std::int64_t{odd});
        break;
      case 3:
        store_be(set.data() + 26, odd);
        break;
      default:
        store_be(set.data() + kLengthAt, static_cast<std::int32_t>(10 + below(40)));
    }
    const auto size = static_cast<std::size_t>(LegacyView(set).size_bytes());
    if (size >= 26 && size <= set.size() && !chance(4)) {
      stamp_legacy_crc(MutableBytes(set).first(size));
    }
  }

  void break_records(ByteVector& records) {
    if (records.empty()) {
      return;
    }
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
    if (!batch.empty()) {
      batch[below(batch.size())] ^= static_cast<std::byte>(1U << below(8));
    }
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
  std::byte head[37];
  store_be(head, made.version);
  store_be(head + 2,
           static_cast<std::int8_t>(made.options.timestamp_type == TimestampType::kLogAppendTime));
  store_be(head + 3, static_cast<std::int8_t>(made.options.compact));
  store_be(head + 4, made.options.now_ms);
  store_be(head + 12, made.options.timestamp_before_max_ms);
  store_be(head + 20, made.options.timestamp_after_max_ms);
  store_be(head + 28, made.options.max_message_bytes);
  store_be(head + 32, made.options.compression ? static_cast<std::int8_t>(*made.options.compression)
                                               : std::int8_t{-1});
  store_be(head + 33, static_cast<std::int32_t>(made.records.size()));
  out << as_text(head) << as_text(made.records);
}

std::string hex(const std::optional<ByteView>& bytes) {
  if (!bytes) {
    return "-";
  }
  std::string text = "x";
  for (const std::byte byte : *bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  return text;
}

// Header and records: where a codec is involved, bytes may differ.
std::string records_crc(BatchView batch) {
  std::string text = fmt::format(
      "{} {} {} {} {} {} {} {} {}", batch.base_offset().value(), batch.last_offset().value(),
      batch.max_timestamp_ms(), batch.producer_id().value(), batch.producer_epoch().value(),
      batch.base_sequence().value(), batch.record_count(), static_cast<int>(batch.compression()),
      static_cast<int>(batch.timestamp_type()));
  RecordReader reader;
  if (!reader.start(batch)) {
    return "unreadable";
  }
  for (auto record = reader.next(); !record || *record != nullptr; record = reader.next()) {
    if (!record) {
      return "unreadable";
    }
    text += fmt::format("\n{} {} {} {}", (*record)->offset.value(), (*record)->timestamp_ms,
                        hex((*record)->key), hex((*record)->value));
    for (const HeaderView& header : (*record)->headers) {
      text += " " + hex(header.key) + "=" + hex(header.value);
    }
  }
  return fmt::format("{:08x}", crc32c(as_bytes(text)));
}

std::string refusal(const Error& error, const RecordValidator& validator, std::int16_t version) {
  const int code = static_cast<int>(error.code);
  if (validator.record_errors().empty()) {
    return fmt::format("{}", code);
  }
  if (version < 3) {
    return fmt::format("{} records", code);
  }
  std::string text = fmt::format("{} {}", code, error.message);
  for (const RecordError& record : validator.record_errors()) {
    text += fmt::format(" | {}: {}", record.batch_index, record.message);
  }
  return text;
}

std::string outcome(Case& made, RecordValidator& validator) {
  auto records =
      made.version < 3 ? message_set(made.records) : single_batch(made.records, made.version);
  if (!records) {
    return fmt::format("{}", static_cast<int>(records.error().code));
  }
  if (records->empty()) {
    return "0 nothing";
  }
  ByteVector out;
  MutableBytes batch = *records;
  const bool convert = RecordValidator::must_convert(batch, made.options);
  const auto result = convert ? validator.convert(batch, made.options, out)
                              : validator.validate(batch, made.options);
  if (!result) {
    return refusal(result.error(), validator, made.version);
  }
  batch = convert ? MutableBytes(out) : batch;
  stamp_base_offset(batch, Offset(0));
  stamp_leader_epoch(batch, LeaderEpoch(0));
  if (convert && BatchView(batch).compression() != CompressionType::kNone) {
    return fmt::format("0 records {} {}", result->max_timestamp_ms, records_crc(BatchView(batch)));
  }
  return fmt::format("0 {} {} {:08x}", result->size_bytes, result->max_timestamp_ms, crc32c(batch));
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
