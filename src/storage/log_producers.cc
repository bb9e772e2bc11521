// Building the producer state from snapshots and batches, as UnifiedLog.rebuildProducerState does.
#include <algorithm>

#include "barnabas/base/logging.h"
#include "log_impl.h"

namespace barnabas::storage {
namespace {

// Notes the batches of a segment from `from` on, up to `until`.
Status replay(ProducerState& state, Segment& segment, Offset from, Offset until) {
  std::uint64_t limit = segment.size_bytes();
  TRY(const auto first, segment.find(from, limit));
  if (!first) {
    return {};
  }
  TRY(const auto end, segment.find(until, limit));
  if (end) {
    limit = end->position;
  }
  TRY(auto file, segment.file());
  BatchChecker checker(*file, first->position, limit);
  std::vector<AbortedTxn> known;  // they stand in the transaction index already
  state.begin_replay();
  while (true) {
    TRY(const auto meta, checker.next());
    if (!meta) {
      break;
    }
    const ProducerState::Context context;
    TRY_STATUS(state.append(checker.bytes(), context, known));
  }
  state.end_replay();
  if (checker.position() < limit) {
    logging::logger("storage").error("{}: corrupt batch at byte {}; producer state ends before it",
                                     file->path(), checker.position());
  }
  return {};
}

}  // namespace

Status rebuild_producer_state(ProducerState& state, const SegmentList& segments, Offset log_start,
                              Offset last_offset, std::int64_t now_ms, bool clean) {
  std::vector<Offset> boundaries;  // where snapshots are worth having
  for (std::size_t i = segments.size() < 2 ? 0 : segments.size() - 2; i < segments.size(); ++i) {
    boundaries.push_back(segments[i]->base_offset());
  }
  boundaries.push_back(last_offset);
  if (state.snapshots().empty() && clean) {
    // A clean stop always leaves one where there were records: this log comes from a version of
    // Kafka that knew none. Kafka takes its producers as unknown, and so the scan is saved.
    for (const Offset boundary : boundaries) {
      state.update_map_end_offset(boundary);
      TRY_STATUS(state.take_snapshot(false));
    }
    return {};
  }
  const bool was_empty = state.empty() && state.map_end_offset() >= last_offset;
  TRY_STATUS(state.truncate_and_reload(log_start, last_offset, now_ms));
  if (last_offset > state.map_end_offset() && !was_empty) {
    for (std::size_t i = 0; i < segments.size(); ++i) {
      Segment& segment = *segments[i];
      const bool before =
          i + 1 < segments.size() && segments[i + 1]->base_offset() <= state.map_end_offset();
      if (before || segment.base_offset() >= last_offset) {
        continue;
      }
      const Offset from = std::max({segment.base_offset(), state.map_end_offset(), log_start});
      state.update_map_end_offset(from);
      if (std::ranges::find(boundaries, segment.base_offset()) != boundaries.end()) {
        TRY_STATUS(state.take_snapshot(false));
      }
      TRY_STATUS(replay(state, segment, from, last_offset));
    }
  }
  state.update_map_end_offset(last_offset);
  TRY_STATUS(state.take_snapshot(false));
  return {};
}

}  // namespace barnabas::storage
