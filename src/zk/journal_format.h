// The bytes of journal entries and snapshots; drawn in embedded_store.h. Pure. THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/zk/metadata_store.h"
#include "data_tree.h"

namespace barnabas::zk {

inline constexpr std::string_view kJournalMagic = "BNBSJRN1";
inline constexpr std::string_view kSnapshotMagic = "BNBSSNP1";
inline constexpr std::size_t kFrameHeaderBytes = 8;

struct JournalEntry {
  Zxid zxid;
  Zxid durable;
  std::int64_t time_ms = 0;
  SessionId session;
  std::vector<WriteOp> ops;
};

// Appends the framed entry; version checks are left out, they have been answered.
void append_entry(std::string& out, const JournalEntry& entry);

struct ReadEntry {
  JournalEntry entry;
  std::size_t bytes = 0;  // with its frame
};
// The entry that begins at the front of `bytes`; nothing when none stands there whole.
[[nodiscard]] std::optional<ReadEntry> read_entry(std::string_view bytes);
// Finds a whole entry behind the front of `bytes` that knew `zxid` to be durable.
[[nodiscard]] bool later_entry_confirms(std::string_view bytes, Zxid zxid);

[[nodiscard]] std::string encode_snapshot(const DataTree& tree);
[[nodiscard]] std::optional<DataTree> decode_snapshot(std::string_view bytes);

}  // namespace barnabas::zk
