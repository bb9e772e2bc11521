// The wall clock as retention and the expiry of producers take it: one that jumps deletes nothing
// early. It never runs ahead of the system's clock; when that jumps forward, this one goes on as
// before, and follows only after the new time has stood for a day. What it costs: after a machine
// was suspended, or a wrong clock was put right, records are kept up to a day longer.
// At the start of the process the system's clock is believed.
// THREAD: any
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "barnabas/base/clock.h"
#include "barnabas/base/thread_annotations.h"

namespace barnabas::storage {

[[nodiscard]] inline std::int64_t monotonic_ms(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.monotonic().time_since_epoch())
      .count();
}

class SteadyWall {
 public:
  static constexpr std::int64_t kToleranceMs = 60'000;          // a step that is no jump
  static constexpr std::int64_t kBelievedAfterMs = 86'400'000;  // how long a jump must have stood

  explicit SteadyWall(const Clock& clock);
  [[nodiscard]] std::int64_t now_ms() EXCLUDES(mutex_);

 private:
  struct Jump {
    std::int64_t by_ms = 0;
    std::int64_t since_ms = 0;  // monotonic
  };

  const Clock& clock_;
  Mutex mutex_;
  std::int64_t ahead_ms_ GUARDED_BY(mutex_);  // of the monotonic clock, as believed
  std::optional<Jump> jump_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::storage
