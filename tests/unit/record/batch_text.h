// The text that tests/golden/record/BatchOracle.java makes of batches, made by our reader.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "barnabas/base/crc32c.h"
#include "barnabas/record/reader.h"

namespace barnabas::record {

inline std::string bytes_text(const std::optional<ByteView>& bytes) {
  return bytes ? fmt::format("{}:{:08x}", bytes->size(), crc32c(*bytes)) : "null";
}

inline Result<std::string> batches_text(ByteView buffer) {
  std::string out;
  RecordReader reader;
  BatchCursor cursor(buffer);
  while (cursor.next() == BatchStep::kBatch) {
    const BatchView batch = cursor.batch();
    if (!batch.crc_is_valid()) {
      return fail(ErrorCode::kCorruptMessage, "bad CRC");
    }
    out += fmt::format(
        "batch {}-{} epoch {} codec {} type {} max {} producer {} {} {} txn {} control {} horizon "
        "{}\n",
        batch.base_offset().value(), batch.last_offset().value(), batch.leader_epoch().value(),
        codec_name(batch.compression()), static_cast<int>(batch.timestamp_type()),
        batch.max_timestamp_ms(), batch.producer_id().value(), batch.producer_epoch().value(),
        batch.base_sequence().value(), batch.is_transactional(), batch.is_control(),
        batch.delete_horizon_ms().value_or(-1));
    TRY_STATUS(reader.start(batch));
    while (true) {
      TRY(const RecordView* record, reader.next());
      if (record == nullptr) {
        break;
      }
      out +=
          fmt::format("{} {} {} {} {}", record->offset.value(), record->timestamp_ms,
                      record->sequence.value(), bytes_text(record->key), bytes_text(record->value));
      for (const HeaderView& header : record->headers) {
        out += fmt::format(" {}={}", bytes_text(header.key), bytes_text(header.value));
      }
      out += "\n";
    }
  }
  if (!cursor.rest().empty()) {
    return fail(ErrorCode::kCorruptMessage, "bytes behind the last batch");
  }
  return out;
}

}  // namespace barnabas::record
