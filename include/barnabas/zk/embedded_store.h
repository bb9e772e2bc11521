// The embedded MetadataStore: one process, one session, a tree in memory and a journal on disk.
//
// Directory (beside the first log dir, never inside it):
//   lock                    taken while open
//   journal.<zxid>          entries of the writes after <zxid> (16 hex digits)
//   snapshot.<zxid>         the whole tree as of <zxid>
// Journal file:  "BNBSJRN1" then entries   | u32 length | u32 crc32c(payload) | payload |
// Snapshot file: "BNBSSNP1" then one entry of the same form holding every node.
// Integers are big-endian. A payload is one whole transaction (a multi is one entry):
//   u64 zxid | u64 durable | i64 time ms | i64 session | u32 count | operations
// zxids follow each other without a gap; `durable` is the last one known to be on disk when the
// entry was written. Operations stand as they were asked for: the same tree gives the same results.
//
// Crash argument. A transaction is committed when its entry lies whole in the journal and the
// journal is synced; callbacks run only after that. A crash before leaves a torn or missing last
// entry: it is cut off at open, and nobody had been told. Only the tail may be torn: an entry that
// does not hold although a whole later one says that it was durable is corruption, and open() fails
// naming the place rather than forget what was acknowledged. Compaction writes snapshot.<z> to a
// temporary file, syncs, renames it and syncs the directory, then starts journal.<z>, then deletes
// what is older; a crash between two steps leaves a newest whole snapshot plus every journal from
// it on, and open() replays just those (entries at or below the snapshot's zxid are passed over).
// Ephemeral nodes of earlier runs are removed at open, as one transaction.
//
// Group commit: writes are applied in memory at once, their entries gathered while a sync is under
// way on the disk executor, written with one write and one sync; then their callbacks run in order.
// Reads wait behind the writes they saw. A failed write or sync is final: the session state becomes
// kFailed, every waiting and later request fails with kFailed.
// THREAD: home; `disk` runs the writes and syncs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "barnabas/zk/metadata_store.h"

namespace barnabas::zk {

struct EmbeddedStoreOptions {
  std::string directory;
  // A journal past this size is replaced by a snapshot.
  std::uint64_t compact_at_bytes = std::uint64_t{16} << 20U;
};

// The directory of the metadata of a broker whose first log dir is given: "<log dir>.metadata".
[[nodiscard]] std::string metadata_directory(const std::string& first_log_dir);

// Locks the directory, reads it, drops the ephemeral nodes of earlier runs and opens a session.
// Blocks on the disk: for start-up. Fails when the directory is in use or its files do not hold.
[[nodiscard]] Result<std::shared_ptr<MetadataStore>> open_embedded_store(
    EmbeddedStoreOptions options, Vfs& vfs, const Clock& clock, Executor& home, Executor& disk);

struct DumpedNode {
  std::string path;
  NodeData data;
  Stat stat;
};

// Every node, parents first and sorted, for a tool. Reads without locking or changing anything, so
// it may run beside a broker; it then shows what was durable at some moment.
[[nodiscard]] Result<std::vector<DumpedNode>> dump_embedded_store(const std::string& directory,
                                                                  const Vfs& vfs);

}  // namespace barnabas::zk
