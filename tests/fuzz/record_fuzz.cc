// Arbitrary bytes as the record set of a Produce request, with a right CRC, so that what lies
// behind it is reached. Besides not crashing it must hold: what validation accepts, the reader
// reads to the end, with the offsets and the count that validation promised.
#include <cstdlib>

#include "barnabas/record/builder.h"
#include "barnabas/record/reader.h"
#include "barnabas/record/validate.h"

namespace {

using namespace barnabas;
using namespace barnabas::record;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void read_back(BatchView batch, const ValidatedBatch& validated) {
  RecordReader reader;
  require(reader.start(batch).has_value());
  for (std::int32_t i = 0; i < validated.record_count; ++i) {
    const auto record = reader.next();
    require(record.has_value() && *record != nullptr);
    require((*record)->offset == Offset(i));
  }
  const auto end = reader.next();
  require(end.has_value() && *end == nullptr);
}

void walk(ByteView bytes) {
  BatchCursor cursor(bytes);
  RecordReader reader;
  while (cursor.next() == BatchStep::kBatch) {
    if (!reader.start(cursor.batch())) {
      continue;
    }
    while (true) {
      const auto record = reader.next();
      if (!record || *record == nullptr) {
        break;
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  ByteVector bytes(begin, begin + size);
  if (bytes.size() >= kBatchOverhead) {
    // Let length and CRC hold most of the time; the first byte decides.
    if ((bytes[0] & std::byte{3}) != std::byte{3}) {
      store_be(bytes.data() + kLengthAt, static_cast<std::int32_t>(bytes.size() - kLogOverhead));
      bytes[kMagicAt] = std::byte{kMagicV2};
      stamp_crc(bytes);
    }
    store_be(bytes.data() + kBaseOffsetAt, std::int64_t{0});
  }
  walk(bytes);
  auto batch = single_batch(bytes, 11);
  if (!batch) {
    return 0;
  }
  static RecordValidator validator;
  ValidateOptions options;
  options.max_message_bytes = 1 << 20;
  options.compact = (size & 1U) != 0;
  const auto validated = validator.validate(*batch, options);
  if (validated) {
    require(BatchView(*batch).crc_is_valid());
    read_back(BatchView(*batch), *validated);
  }
  return 0;
}
