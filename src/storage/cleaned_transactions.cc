#include "cleaned_transactions.h"

#include <algorithm>

#include "barnabas/record/reader.h"

namespace barnabas::storage {
namespace {

bool later(const AbortedTxn& a, const AbortedTxn& b) {
  return a.first_offset > b.first_offset;
}

}  // namespace

Result<std::optional<ControlType>> control_type(record::BatchView batch) {
  if (batch.record_count() == 0) {
    return std::nullopt;
  }
  record::RecordReader reader;
  TRY_STATUS(reader.start(batch));
  TRY(const record::RecordView* marker, reader.next());
  constexpr std::size_t kTypeAt = 2;
  if (marker == nullptr || !marker->key || marker->key->size() < kTypeAt + 2) {
    return fail(ErrorCode::kInvalidRecord, "a control record without a type");
  }
  const auto type = load_be<std::int16_t>(marker->key->data() + kTypeAt);
  return type == 0 || type == 1 ? static_cast<ControlType>(type) : ControlType::kOther;
}

void CleanedTransactions::add_aborted(const std::vector<AbortedTxn>& transactions) {
  for (const AbortedTxn& transaction : transactions) {
    coming_.push_back(transaction);
    std::ranges::push_heap(coming_, later);
  }
}

void CleanedTransactions::begin_up_to(Offset offset) {
  while (!coming_.empty() && coming_.front().first_offset <= offset) {
    std::ranges::pop_heap(coming_, later);
    aborted_.try_emplace(coming_.back().producer_id, Aborted{coming_.back()});
    coming_.pop_back();
  }
}

bool CleanedTransactions::on_batch(record::BatchView batch) {
  begin_up_to(batch.last_offset());
  if (!batch.is_transactional()) {
    return false;
  }
  const auto found = aborted_.find(batch.producer_id());
  if (found == aborted_.end()) {
    committed_.insert(batch.producer_id());
    return false;
  }
  found->second.has_batches = true;
  return true;
}

Result<bool> CleanedTransactions::on_marker(record::BatchView batch,
                                            std::vector<AbortedTxn>& kept) {
  begin_up_to(batch.last_offset());
  TRY(const auto type, control_type(batch));
  if (!type) {
    return true;
  }
  if (*type == ControlType::kCommit) {
    return committed_.erase(batch.producer_id()) == 0;
  }
  if (*type != ControlType::kAbort) {
    return false;
  }
  const auto node = aborted_.extract(batch.producer_id());
  if (node.empty() || !node.mapped().has_batches) {
    return true;
  }
  kept.push_back(node.mapped().transaction);
  return false;
}

}  // namespace barnabas::storage
