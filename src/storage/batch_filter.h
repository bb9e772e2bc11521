// One batch under compaction: which of its records stay, and the bytes that come of it. Kafka's
// MemoryRecords.filterTo and Cleaner.cleanInto.
//
// A batch of which every record stays is copied as it lies there. One that loses records is written
// anew in its own codec, with its base offset, last offset, producer and sequence, so that offsets
// and producers' state stand; one that loses all of them goes, or leaves an empty header where its
// producer's last sequence or the end of the pass would be lost. The first pass that finds a
// tombstone, or the marker of a transaction without batches, stamps the time from which it may go
// (the delete horizon, KIP-534): it takes the place of the base timestamp.
//
// How it fails: CORRUPT_MESSAGE and INVALID_RECORD for a batch that cannot be read.
// THREAD: home
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/legacy.h"
#include "barnabas/record/reader.h"
#include "cleaned_transactions.h"
#include "key_offsets.h"
#include "producer_state.h"

namespace barnabas::storage {

struct FilterOptions {
  std::int64_t now_ms = 0;
  std::int64_t delete_retention_ms = 0;  // delete.retention.ms
  Offset end_of_pass;                    // the batch that ends here stays, if only as a header
};

class BatchFilter {
 public:
  BatchFilter(const FilterOptions& options, KeyOffsets& latest,
              const std::unordered_map<ProducerId, LastOfProducer>& producers)
      : options_(options), latest_(latest), producers_(producers) {}

  // Aborted transactions that end in the next segment; `keep_legacy_tombstones`: the segment was
  // written lately, which is all that tells the age of a tombstone of magic 0 or 1.
  void begin_segment(const std::vector<AbortedTxn>& aborted, bool keep_legacy_tombstones) {
    transactions_.add_aborted(aborted);
    keep_legacy_tombstones_ = keep_legacy_tombstones;
  }
  // Appends what stays of a whole, checked batch to `out`; nothing where it goes.
  [[nodiscard]] Status filter(ByteView batch, ByteVector& out);
  // Transactions for the index of the segment that is being written, since the last call.
  [[nodiscard]] std::vector<AbortedTxn> take_aborted() { return std::exchange(aborted_, {}); }

 private:
  enum class Fate : std::uint8_t { kGoes, kGoesIfEmpty, kStays };
  struct Decision {
    Fate fate = Fate::kGoesIfEmpty;
    bool drops_records = false;
    bool marks_empty_transaction = false;
  };
  [[nodiscard]] Result<Decision> decide(record::BatchView batch);
  [[nodiscard]] bool holds_last_of_producer(record::BatchView batch) const;
  [[nodiscard]] bool stays(const record::RecordView& record, bool tombstones_stay);
  [[nodiscard]] Status rewrite(record::BatchView batch, std::int64_t delete_horizon_ms,
                               ByteVector& out);
  [[nodiscard]] Status filter_legacy(ByteView message, ByteVector& out);

  FilterOptions options_;
  KeyOffsets& latest_;
  const std::unordered_map<ProducerId, LastOfProducer>& producers_;
  CleanedTransactions transactions_;
  std::vector<AbortedTxn> aborted_;
  bool keep_legacy_tombstones_ = false;
  record::RecordReader reader_;
  record::LegacyReader legacy_reader_;
  std::vector<bool> kept_;  // of the batch at hand, record by record
};

}  // namespace barnabas::storage
