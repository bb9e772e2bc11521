// One log line per address and minute, so that a noisy peer fills no disk. THREAD: any
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "barnabas/base/clock.h"
#include "barnabas/base/thread_annotations.h"

namespace barnabas::net {

class LogLimiter {
 public:
  // Whether a line about `address` may be written now; `suppressed` is how many were not since.
  [[nodiscard]] bool allow(const std::string& address, MonotonicTime now, std::size_t& suppressed);

 private:
  static constexpr auto kEvery = std::chrono::minutes(1);
  static constexpr std::size_t kMaxAddresses = 1024;  // past it, new addresses share one entry
  struct Entry {
    MonotonicTime last;
    std::size_t suppressed = 0;
  };
  Mutex mutex_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::net
