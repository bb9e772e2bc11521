#include "fetch_convert.h"

#include <algorithm>

#include "barnabas/record/down_convert.h"

namespace barnabas::broker {
namespace {

// Offset -1 and a length: no message is that, so that its reader waits for the rest in vain.
ByteVector unreadable_message() {
  ByteVector message(record::kLogOverhead);
  store_be(message.data() + record::kBaseOffsetAt, std::int64_t{-1});
  store_be(message.data() + record::kLengthAt, static_cast<std::int32_t>(record::kBatchOverhead));
  return message;
}

}  // namespace

ErrorCode unreadable_for(std::int16_t fetch_version, bool from_follower,
                         const storage::LogConfig& config) {
  if (fetch_version < kFirstFetchWithZstd && config.compression == record::CompressionType::kZstd) {
    return ErrorCode::kUnsupportedCompressionType;
  }
  if (oldest_magic_of(fetch_version) && !from_follower && !config.message_downconversion) {
    return ErrorCode::kUnsupportedVersion;
  }
  return ErrorCode::kNone;
}

Result<ByteVector> convert_slice(const storage::LogSlice& slice, std::int8_t to, Offset from) {
  ByteVector bytes(slice.length);
  TRY(const std::size_t read, slice.file->read_at(slice.position, bytes));
  record::BatchCursor cursor({bytes.data(), read});
  record::DownConverter converter;
  ByteVector converted;
  std::size_t limit = slice.length;
  bool any = false;
  while (converted.size() < limit) {
    const record::BatchStep step = cursor.next();
    if (step == record::BatchStep::kCorrupt) {
      return fail(ErrorCode::kCorruptMessage, "a batch to be converted is none");
    }
    if (step == record::BatchStep::kEnd) {
      break;
    }
    any = true;
    const bool first = converted.empty();
    if (const Status done = converter.convert(cursor.batch(), to, from, converted); !done) {
      if (!first) {
        break;  // what stands before it can be read; the next fetch begins here
      }
      return std::unexpected(done.error());
    }
    if (first) {
      limit = std::max(limit, converted.size());
    }
  }
  if (any && converted.empty()) {
    return unreadable_message();
  }
  converted.resize(std::min(converted.size(), limit));
  return converted;
}

}  // namespace barnabas::broker
