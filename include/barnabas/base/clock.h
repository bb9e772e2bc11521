// Time is passed in. Wall time stamps records and ages segments; everything that waits or times
// out uses the monotonic clock, so a jump of the wall clock ends no session.
#pragma once

#include <chrono>
#include <cstdint>

namespace barnabas {

using MonotonicTime = std::chrono::steady_clock::time_point;

// THREAD: any
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;  // milliseconds since 1970
  [[nodiscard]] virtual MonotonicTime monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ms() const override;
  [[nodiscard]] MonotonicTime monotonic() const override;
};

}  // namespace barnabas
