// Makes a log from what lies in its directory: Kafka's LogLoader. After a clean stop it reads the
// end of the active segment and the newest snapshot, nothing else; after a crash it checks every
// batch from the recovery point on and cuts the log after the last whole one.
// THREAD: disk
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "log_impl.h"

namespace barnabas::storage {

struct LoadRequest {
  TopicPartition partition;
  std::string directory;
  LogConfig config;
  Offset log_start_checkpoint{0};
  Offset recovery_point_checkpoint{0};
  bool clean = false;
  bool same_boot = false;  // the kernel still runs that took over what was written last time
  std::uint64_t jitter_seed = 0;
};

class LogLoader {
 public:
  LogLoader(const LogContext& context, LoadRequest request);

  // Creates the directory and an empty log where there is none.
  [[nodiscard]] Result<LoadedLog> load();

 private:
  [[nodiscard]] Status remove_temporary_files();
  [[nodiscard]] Status finish_swaps(const std::vector<std::string>& swaps);
  [[nodiscard]] Status list_files();
  [[nodiscard]] Status adopt_segments();
  [[nodiscard]] Status load_epochs();
  [[nodiscard]] Status rebuild_epochs();
  [[nodiscard]] Result<bool> epochs_are_lost();
  [[nodiscard]] Status check_txn_indexes();
  [[nodiscard]] Status rebuild_txn_index(std::size_t number);
  [[nodiscard]] Result<Offset> start_of_recovery();
  [[nodiscard]] Status recover_from(Offset begin);
  [[nodiscard]] Status settle_snapshots();
  [[nodiscard]] Result<RecoveryResult> recover_segment(Segment& segment, Offset synced_below);
  [[nodiscard]] Status drop_after(std::size_t kept);
  [[nodiscard]] Result<Offset> find_log_end();
  [[nodiscard]] Status delete_everything(Offset log_end);
  [[nodiscard]] Result<std::shared_ptr<Segment>> make_segment(Offset base);
  [[nodiscard]] Status load_topic_id();
  [[nodiscard]] std::string file(std::string_view name) const {
    return loaded_.directory->file(name);
  }
  [[nodiscard]] std::string label() const;

  const LogContext& context_;
  LoadRequest request_;
  LoadedLog loaded_;
  std::set<std::string, std::less<>> names_;
  bool epochs_damaged_ = false;
  std::optional<SyncedPart> recovery_start_;
  bool producers_ready_ = false;  // recovery has begun to build them
};

}  // namespace barnabas::storage
