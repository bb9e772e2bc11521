// Which batches of a log under compaction belong to aborted transactions, and which markers end a
// transaction that has no batch left. Batches are shown in the order of the log. Kafka's
// CleanedTransactionMetadata.
// THREAD: home
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/record/batch.h"
#include "transaction_index.h"

namespace barnabas::storage {

// What the key of a control record says (its version, then its type; ControlRecordType).
enum class ControlType : std::int16_t { kAbort = 0, kCommit = 1, kOther = -1 };

// Of the one record in a control batch; null where it is empty, because it was cleaned before.
// INVALID_RECORD: it cannot be read.
[[nodiscard]] Result<std::optional<ControlType>> control_type(record::BatchView batch);

class CleanedTransactions {
 public:
  // Transactions that end in what comes next; one may be named twice.
  void add_aborted(const std::vector<AbortedTxn>& transactions);
  // Whether a data batch belongs to an aborted transaction, so that nothing of it is kept.
  [[nodiscard]] bool on_batch(record::BatchView batch);
  // Whether a marker ends a transaction of which no batch was seen. Aborted transactions whose
  // marker stays for the sake of their batches are added to `kept`, for the index of what is
  // written.
  [[nodiscard]] Result<bool> on_marker(record::BatchView batch, std::vector<AbortedTxn>& kept);

 private:
  struct Aborted {
    AbortedTxn transaction;
    bool has_batches = false;
  };
  void begin_up_to(Offset offset);

  std::vector<AbortedTxn> coming_;  // a heap, the smallest first offset on top
  std::unordered_map<ProducerId, Aborted> aborted_;
  std::unordered_set<ProducerId> committed_;
};

}  // namespace barnabas::storage
