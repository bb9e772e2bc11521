// Writes batches with the record module, and says what it reads in batches, for
// record_java_test.py.
//   record_batches write <folder>    <name>.batch for every codec
//   record_batches read <file>...    the text of tests/unit/record/batch_text.h
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "barnabas/base/random.h"
#include "barnabas/record/builder.h"
#include "unit/record/batch_text.h"

namespace {

using namespace barnabas;
using namespace barnabas::record;

constexpr std::int64_t kT0 = 1'700'000'000'000;

bool write_file(const std::filesystem::path& path, const BatchBuilder& filled) {
  BatchBuilder builder = filled;
  ByteVector batch;
  if (const Status done = builder.finish(batch); !done) {
    fmt::print(stderr, "{}: {}\n", path.string(), done.error().message);
    return false;
  }
  std::ofstream out(path, std::ios::binary);
  out << as_text(batch);
  return out.good();
}

BatchBuilder small(const BatchOptions& options) {
  BatchBuilder builder(options);
  const HeaderView headers[] = {{as_bytes("first"), as_bytes("one")},
                                {as_bytes(""), std::nullopt},
                                {as_bytes("\xc3\xa4"), as_bytes("")}};
  builder.add(kT0 + 3, as_bytes("key"), as_bytes("value"), headers);
  builder.add(kT0, std::nullopt, as_bytes(""));
  builder.add(kT0 + 100'000, as_bytes(""), std::nullopt);
  builder.add(kT0 + 1, as_bytes("k"), as_bytes("last"));
  return builder;
}

// Values that lie across the blocks of every codec: some that compress, some that do not.
BatchBuilder large(const BatchOptions& options) {
  BatchBuilder builder(options);
  auto random = make_seeded_random(3);
  for (const std::size_t size : {1U, 70'000U, 10U, 33'000U, 0U, 65'536U, 300'000U, 5'000U}) {
    std::string value(size, 'x');
    for (std::size_t i = 0; i + 36 < size; i += size > 60'000 ? 40 : 400) {
      value.replace(i, 36, random->uuid().to_string() + std::string(14, 'y'));
    }
    value.resize(size);
    builder.add(kT0 - static_cast<std::int64_t>(size), as_bytes(std::to_string(size)),
                as_bytes(value));
  }
  return builder;
}

bool write_all(const std::filesystem::path& folder) {
  bool good = true;
  for (const auto codec : {CompressionType::kNone, CompressionType::kGzip, CompressionType::kSnappy,
                           CompressionType::kLz4, CompressionType::kZstd}) {
    BatchOptions options{.compression = codec, .base_offset = Offset(1000)};
    const std::string name(codec_name(codec));
    good &= write_file(folder / (name + "-small.batch"), small(options));
    options.producer_id = ProducerId(4711);
    options.producer_epoch = ProducerEpoch(2);
    options.base_sequence = SequenceNumber(INT32_MAX - 2);
    options.leader_epoch = LeaderEpoch(6);
    options.is_transactional = true;
    good &= write_file(folder / (name + "-large.batch"), large(options));
    options.timestamp_type = TimestampType::kLogAppendTime;
    options.log_append_time_ms = kT0 + 77;
    good &= write_file(folder / (name + "-append-time.batch"), small(options));
  }
  good &= write_file(folder / "delete-horizon.batch", small({.delete_horizon_ms = kT0 + 50}));
  return good;
}

bool read_one(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const auto text = batches_text(as_bytes(bytes));
  if (!text) {
    fmt::print(stderr, "{}: {}\n", path, text.error().message);
    return false;
  }
  fmt::print("{}", *text);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 3 && std::string(argv[1]) == "write") {
    return write_all(argv[2]) ? 0 : 1;
  }
  bool good = argc >= 3;
  for (int i = 2; i < argc; ++i) {
    good &= read_one(argv[i]);
  }
  return good ? 0 : 1;
}
