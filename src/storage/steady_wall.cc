#include "steady_wall.h"

#include <algorithm>
#include <cstdlib>

#include "barnabas/base/logging.h"

namespace barnabas::storage {

SteadyWall::SteadyWall(const Clock& clock)
    : clock_(clock), ahead_ms_(clock.wall_ms() - monotonic_ms(clock)) {}

std::int64_t SteadyWall::now_ms() {
  const MutexLock lock(mutex_);
  const std::int64_t wall = clock_.wall_ms();
  const std::int64_t monotonic = monotonic_ms(clock_);
  const std::int64_t by = wall - monotonic - ahead_ms_;
  if (std::abs(by) <= kToleranceMs) {
    ahead_ms_ += by;
    jump_.reset();
    return wall;
  }
  if (!jump_ || std::abs(by - jump_->by_ms) > kToleranceMs) {
    jump_ = Jump{by, monotonic};
    logging::logger("storage").warn(
        "the wall clock has jumped by {} ms; retention follows it after it has stood for {} h", by,
        kBelievedAfterMs / 3'600'000);
  }
  if (monotonic - jump_->since_ms >= kBelievedAfterMs) {
    ahead_ms_ += by;
    jump_.reset();
    return wall;
  }
  return std::min(wall, monotonic + ahead_ms_);
}

}  // namespace barnabas::storage
