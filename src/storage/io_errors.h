// Which I/O error means what (design.md, "Truth and its epochs"), and the state of one log dir.
#pragma once

#include <atomic>
#include <string>

#include "barnabas/base/result.h"
#include "barnabas/storage/environment.h"

namespace barnabas::storage {

// What was read does not hold; the disk may be well.
[[nodiscard]] inline bool is_corrupt(const Error& error) {
  return error.code == ErrorCode::kCorruptMessage;
}
// A disk that is full, or a quota that is used up: the write is refused, nothing else.
[[nodiscard]] bool is_out_of_space(const Error& error);
// Out of descriptors or memory: never a disk failure.
[[nodiscard]] bool is_out_of_descriptors(const Error& error);
// The directory must not be used any more: the device fails, is read-only or has vanished.
[[nodiscard]] bool takes_log_dir_offline(const Error& error);

// One log dir, shared by its logs. THREAD: any
class LogDirState {
 public:
  LogDirState(std::string path, LogDirFailureListener& listener)
      : path_(std::move(path)), listener_(listener) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  // Counts what lies below recovery points that have moved since they were last written down; true
  // when it is time to do so.
  [[nodiscard]] bool add_synced_bytes(std::uint64_t bytes, std::uint64_t due) {
    if (synced_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes < due) {
      return false;
    }
    synced_bytes_.store(0, std::memory_order_relaxed);
    return true;
  }
  // Counts what the logs have written since their last snapshots of the producers, and without it
  // since; how much that is now.
  std::uint64_t add_bytes_since_snapshots(std::uint64_t bytes) {
    return bytes_since_snapshots_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  }
  void take_bytes_since_snapshots(std::uint64_t bytes) {
    bytes_since_snapshots_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  [[nodiscard]] bool offline() const { return offline_.load(std::memory_order_acquire); }
  // Takes the directory offline if the error asks for it.
  void note(const Error& error) {
    if (takes_log_dir_offline(error)) {
      take_offline(error);
    }
  }
  void note(const Status& status) {
    if (!status) {
      note(status.error());
    }
  }
  // After a failed fsync, whatever its errno: what the kernel has dropped, nobody knows.
  void take_offline(const Error& error) {
    if (!offline_.exchange(true, std::memory_order_acq_rel)) {
      listener_.on_log_dir_failure(path_, error);
    }
  }

 private:
  std::string path_;
  LogDirFailureListener& listener_;
  std::atomic<bool> offline_{false};
  std::atomic<std::uint64_t> synced_bytes_{0};
  std::atomic<std::uint64_t> bytes_since_snapshots_{0};
};

}  // namespace barnabas::storage
