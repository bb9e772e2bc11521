#include "transaction_loader.h"

#include <fmt/format.h>

#include <utility>

#include "barnabas/base/logging.h"
#include "transaction_records.h"

namespace barnabas::coordinator {
namespace {

constexpr std::uint64_t kMaxLoggedSkips = 10;  // of one load; the rest is only counted

}  // namespace

void TransactionLoader::skip(const record::BatchView& batch, const Error& why) {
  if (++skipped_ <= kMaxLoggedSkips) {
    logging::logger("coordinator")
        .error("a record of __transaction_state at offset {} or behind is skipped: {}",
               batch.base_offset().value(), why.message);
  }
}

Result<Offset> TransactionLoader::add(ByteView bytes, Offset from) {
  record::BatchCursor cursor(bytes);
  Offset next = from;
  while (true) {
    switch (cursor.next()) {
      case record::BatchStep::kEnd:
        return next;
      case record::BatchStep::kCorrupt:
        return fail(ErrorCode::kCorruptMessage,
                    fmt::format("no record batch after offset {}", next.value()));
      case record::BatchStep::kBatch:
        break;
    }
    const record::BatchView batch = cursor.batch();
    if (batch.magic() != record::kMagicV2) {
      return fail(ErrorCode::kUnsupportedForMessageFormat,
                  fmt::format("a batch of magic {} at offset {}", batch.magic(),
                              batch.base_offset().value()));
    }
    if (batch.last_offset() >= from && !batch.is_control()) {
      add_batch(batch);
    }
    next = batch.next_offset();
  }
}

void TransactionLoader::add_batch(const record::BatchView& batch) {
  if (!batch.crc_is_valid()) {
    skip(batch, {ErrorCode::kCorruptMessage, "the batch has a wrong checksum"});
    return;
  }
  if (const auto started = reader_.start(batch); !started) {
    skip(batch, started.error());
    return;
  }
  while (true) {
    const auto record = reader_.next();
    if (!record) {
      skip(batch, record.error());
      return;
    }
    if (*record == nullptr) {
      return;
    }
    ++records_;
    if (const Status added = add_record(**record); !added) {
      skip(batch, added.error());
    }
  }
}

Status TransactionLoader::add_record(const record::RecordView& record) {
  if (!record.key) {
    return fail(ErrorCode::kCorruptMessage, "a record without a key");
  }
  TRY(auto id, decode_transaction_key(*record.key));
  if (!id) {
    return fail(ErrorCode::kCorruptMessage, "a key of a version that is not known");
  }
  if (!record.value) {
    transactions_.erase(*id);
    return {};
  }
  TRY(auto data, decode_transaction_value(*record.value));
  transactions_.insert_or_assign(std::move(*id), std::move(data));
  return {};
}

}  // namespace barnabas::coordinator
