// What compaction knows of the dirty part of a log: for each key the last offset that holds it.
// Keys are kept as their MD5, as Kafka's SkimpyOffsetMap does, so that an entry costs 24 bytes
// whatever the key; a table that is full ends the pass early, and the next one goes on from there.
//
// Memory: at most the bytes given, also while the table grows, and only what the keys at hand need.
// THREAD: home
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"

struct evp_md_ctx_st;

namespace barnabas::storage {

class KeyOffsets {
 public:
  // `max_bytes`: log.cleaner.dedupe.buffer.size for each thread. `load_factor`:
  // log.cleaner.io.buffer.load.factor, in (0, 1].
  KeyOffsets(std::size_t max_bytes, double load_factor);

  // Takes note that `key` stands at `offset`, the largest so far. False: the table is full.
  [[nodiscard]] bool put(ByteView key, Offset offset);
  // The last offset of the key; kNoOffset where the dirty part does not hold it.
  [[nodiscard]] Offset get(ByteView key);

  // How far the log has been looked at: all keys up to here are in the table.
  [[nodiscard]] Offset latest_offset() const { return latest_; }
  void update_latest_offset(Offset offset) { latest_ = offset; }
  [[nodiscard]] std::size_t size() const { return used_; }

 private:
  using Hash = std::array<std::uint64_t, 2>;
  struct Entry {
    Hash hash{};
    std::int64_t offset = kEmpty;
  };
  static constexpr std::int64_t kEmpty = -1;

  [[nodiscard]] Hash hash_of(ByteView key);
  [[nodiscard]] Entry& slot_of(std::vector<Entry>& entries, const Hash& hash) const;
  [[nodiscard]] bool make_room();

  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;
  std::size_t max_entries_;
  double load_factor_;
  std::vector<Entry> entries_;
  std::size_t used_ = 0;
  Offset latest_ = kNoOffset;
};

}  // namespace barnabas::storage
