#include "barnabas/base/clock.h"

namespace barnabas {

std::int64_t SystemClock::wall_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

MonotonicTime SystemClock::monotonic() const {
  return std::chrono::steady_clock::now();
}

}  // namespace barnabas
