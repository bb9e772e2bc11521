// Building the producer state from snapshots and batches, as UnifiedLog.rebuildProducerState does.
#include <algorithm>

#include "barnabas/base/logging.h"
#include "log_impl.h"

namespace barnabas::storage {
namespace {

// Whether the newest batch is of the format that knows producers.
Result<bool> knows_producers(const SegmentList& segments) {
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if ((*segment)->size_bytes() > 0) {
      TRY(auto file, (*segment)->file());
      BatchScanner scanner(*file, 0, (*segment)->size_bytes());
      const auto first = scanner.next();
      if (!first && !is_corrupt(first.error())) {
        return std::unexpected(first.error());
      }
      return !first || !*first || (*first)->magic >= record::kMagicV2;
    }
  }
  return false;
}

}  // namespace

Status replay_batches(ProducerState& state, Segment& segment, Offset from, Offset until,
                      std::vector<AbortedTxn>& aborted) {
  const std::uint64_t limit = segment.size_bytes();
  std::uint64_t begin = 0;
  if (from > segment.base_offset()) {
    const auto first = segment.find(from, limit);
    if (!first && !is_corrupt(first.error())) {
      return std::unexpected(first.error());
    }
    if (!first || !*first) {
      begin = limit;
    } else {
      begin = (*first)->position;
    }
  }
  TRY(auto file, segment.file());
  BatchChecker checker(*file, begin, limit);
  bool reached = false;
  state.begin_replay();
  while (!reached) {
    TRY(const auto meta, checker.next());
    if (!meta) {
      break;
    }
    reached = meta->last_offset >= until;
    if (!reached) {
      const ProducerState::Context context;
      TRY_STATUS(state.append(checker.bytes(), context, aborted));
    }
  }
  state.end_replay();
  if (!reached && checker.position() < limit) {
    logging::logger("storage").error("{}: corrupt batch at byte {}; producer state ends before it",
                                     file->path(), checker.position());
  }
  return {};
}

Status rebuild_producer_state(ProducerState& state, const SegmentList& segments, Offset log_start,
                              Offset last_offset, std::int64_t now_ms, bool clean) {
  std::vector<Offset> boundaries;  // where snapshots are worth having
  for (std::size_t i = segments.size() < 2 ? 0 : segments.size() - 2; i < segments.size(); ++i) {
    boundaries.push_back(segments[i]->base_offset());
  }
  boundaries.push_back(last_offset);
  if (state.snapshots().empty() && clean && last_offset > log_start) {
    // A clean stop always leaves one where there were records. Either this log comes from a version
    // of Kafka that knew no producers, and so the scan is saved, or somebody has lost them.
    TRY(const bool lost, knows_producers(segments));
    if (!lost) {
      for (const Offset boundary : boundaries) {
        state.update_map_end_offset(boundary);
        TRY_STATUS(state.take_snapshot_if_room());
      }
      return {};
    }
    logging::logger("storage").warn("{}: no snapshot of the producers; reading the whole log",
                                    to_string(state.partition()));
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
        TRY_STATUS(state.take_snapshot_if_room());
      }
      std::vector<AbortedTxn> known;  // they stand in the transaction index already
      TRY_STATUS(replay_batches(state, segment, from, last_offset, known));
    }
  }
  state.update_map_end_offset(last_offset);
  TRY_STATUS(state.take_snapshot_if_room());
  return {};
}

}  // namespace barnabas::storage
