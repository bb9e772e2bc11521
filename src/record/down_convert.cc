#include "barnabas/record/down_convert.h"

namespace barnabas::record {
namespace {

// Reads to the end; a compressed batch is kept whole, because old consumers skip for themselves.
template <typename Reader>
Status copy_records(Reader& reader, bool compressed, Offset from, LegacyBuilder& builder) {
  while (true) {
    TRY(const RecordView* record, reader.next());
    if (record == nullptr) {
      return {};
    }
    if (compressed || record->offset >= from) {
      builder.add(record->offset, record->timestamp_ms, record->key, record->value);
    }
  }
}

}  // namespace

Status DownConverter::convert(BatchView batch, std::int8_t to, Offset from, ByteVector& out) {
  const bool legacy = batch.magic() != kMagicV2;
  const LegacyView message(batch.bytes());
  if (!legacy && batch.is_control()) {
    return {};
  }
  LegacyOptions options;
  options.magic = to;
  options.compression = legacy ? message.compression() : batch.compression();
  if (options.compression == CompressionType::kZstd) {
    return fail(ErrorCode::kUnsupportedCompressionType,
                "Down-conversion of zstandard-compressed batches is not supported");
  }
  if (batch.magic() <= to) {
    const ByteView bytes = batch.bytes().first(static_cast<std::size_t>(batch.size_bytes()));
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  }
  const bool compressed = options.compression != CompressionType::kNone;
  options.timestamp_type = legacy ? message.timestamp_type() : batch.timestamp_type();
  if (options.timestamp_type == TimestampType::kLogAppendTime) {
    options.log_append_time_ms = legacy ? message.timestamp_ms() : batch.max_timestamp_ms();
  }
  LegacyBuilder builder(options);
  if (legacy) {
    TRY_STATUS(legacy_reader_.start(message));
    TRY_STATUS(copy_records(legacy_reader_, compressed, from, builder));
  } else {
    TRY_STATUS(reader_.start(batch, kMaxConvertedBytes));
    TRY_STATUS(copy_records(reader_, compressed, from, builder));
  }
  return builder.empty() ? Status{} : builder.finish(out);
}

}  // namespace barnabas::record
