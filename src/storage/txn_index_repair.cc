// Transaction indexes that were damaged, found when a log is loaded and built anew from the
// batches.
#include "barnabas/base/logging.h"
#include "log_loader.h"

namespace barnabas::storage {

// Looks only at the files that are there, and few segments have one: what an abort marker left.
Status LogLoader::check_txn_indexes() {
  for (std::size_t i = 0; i < loaded_.segments.size(); ++i) {
    Segment& segment = *loaded_.segments[i];
    if (!names_.contains(file_name(segment.base_offset(), kTxnIndexSuffix))) {
      continue;
    }
    const Offset end = i + 1 < loaded_.segments.size() ? loaded_.segments[i + 1]->base_offset()
                                                       : Offset(INT64_MAX);
    const Status holds = segment.txn_index().check(segment.base_offset(), end);
    if (!holds) {
      if (!is_corrupt(holds.error())) {
        return holds;
      }
      logging::logger("storage").warn("{}: {}; building it anew", label(), holds.error().message);
      TRY_STATUS(rebuild_txn_index(i));
    }
    segment.txn_index().close_file();
  }
  return {};
}

// Follows the transactions from the newest snapshot at or before the segment, or from the first
// batch, with a producer state of its own.
Status LogLoader::rebuild_txn_index(std::size_t number) {
  Segment& segment = *loaded_.segments[number];
  ProducerState producers(*context_.vfs, loaded_.directory, loaded_.partition,
                          context_.producer_id_expiration_ms);
  std::set<Offset> before;
  for (const Offset snapshot : loaded_.producers->snapshots()) {
    if (snapshot <= segment.base_offset()) {
      before.insert(snapshot);
    }
  }
  producers.set_snapshots(std::move(before));
  TRY_STATUS(
      producers.load_newest(loaded_.segments.front()->base_offset(), context_.clock->wall_ms()));
  std::vector<AbortedTxn> aborted;
  for (std::size_t i = 0; i <= number; ++i) {
    Segment& one = *loaded_.segments[i];
    if (i < number && loaded_.segments[i + 1]->base_offset() <= producers.map_end_offset()) {
      continue;
    }
    aborted.clear();
    TRY_STATUS(replay_batches(producers, one, one.base_offset(), Offset(INT64_MAX), aborted));
  }
  return segment.txn_index().replace(aborted);
}

}  // namespace barnabas::storage
