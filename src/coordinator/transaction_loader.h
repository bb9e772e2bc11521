// Reads a partition of __transaction_state from its start to its end into transactions, as the
// coordinator that takes the partition over. The last record of a key holds. Records that cannot be
// read are skipped, counted and said: they must not keep the others from being served.
// THREAD: one at a time (a load runs on the disk pool, its result belongs to the shard)
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/reader.h"
#include "transaction.h"

namespace barnabas::coordinator {

class TransactionLoader {
 public:
  using Loaded = std::map<std::string, TransactionData>;

  // The whole batches of `bytes`; returns the offset after the last one, or `from` unless there is
  // one. CORRUPT_MESSAGE where the bytes are no batches.
  [[nodiscard]] Result<Offset> add(ByteView bytes, Offset from);

  // By transactional id. Spent afterwards.
  [[nodiscard]] Loaded take() { return std::move(transactions_); }

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 private:
  void add_batch(const record::BatchView& batch);
  [[nodiscard]] Status add_record(const record::RecordView& record);
  void skip(const record::BatchView& batch, const Error& why);

  record::RecordReader reader_;
  Loaded transactions_;
  std::uint64_t records_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace barnabas::coordinator
