// The embedded store's files: reading them back, appending to the journal, replacing it by a
// snapshot. Format and crash argument: embedded_store.h.
// THREAD: disk; one call at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "data_tree.h"

namespace barnabas::zk {

struct Recovered {
  DataTree tree;
  Zxid journal_start;               // names the journal that is written on
  std::uint64_t journal_bytes = 0;  // its whole entries; what lies behind is torn
  bool journal_exists = false;
};

// Reads the directory without changing anything.
[[nodiscard]] Result<Recovered> recover_tree(const Vfs& vfs, const std::string& directory);

class Journal {
 public:
  // Cuts the torn tail off, removes what an interrupted compaction left, opens for appending.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(Vfs& vfs, std::string directory,
                                                             const Recovered& recovered);

  // Writes framed entries and syncs. After a failure nothing more may be appended.
  [[nodiscard]] Status append(std::string_view entries);
  // Makes `snapshot`, taken at `zxid`, the beginning of everything, with an empty journal.
  [[nodiscard]] Status compact(std::string_view snapshot, Zxid zxid);
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  Journal(Vfs& vfs, std::string directory) : vfs_(vfs), directory_(std::move(directory)) {}
  [[nodiscard]] Status start_file(Zxid start);
  [[nodiscard]] Status remove_older(Zxid keep_from);

  Vfs& vfs_;
  std::string directory_;
  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;
};

}  // namespace barnabas::zk
