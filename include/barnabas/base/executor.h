// A home: runs an object's tasks one by one, on a thread, in a strand, or in a test's virtual time.
// Crossing from one home to another is a post of a value.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "barnabas/base/thread_annotations.h"

namespace barnabas {

using Task = std::move_only_function<void()>;

// A timer that has been set. Destroying or cancelling it on its executor means that it never fires.
class Timer {
 public:
  virtual ~Timer() = default;
  virtual void cancel() = 0;
};

class CAPABILITY("home") Executor {
 public:
  virtual ~Executor() = default;
  // Runs `task` later on this executor, in the order of posting. THREAD: any
  virtual void post(Task task) = 0;
  // Runs `task` once after `delay` on this executor unless cancelled. THREAD: home
  [[nodiscard]] virtual std::unique_ptr<Timer> run_after(std::chrono::nanoseconds delay,
                                                         Task task) = 0;
  [[nodiscard]] virtual bool is_current() const = 0;
  void assert_here() const ASSERT_CAPABILITY(this);
};

}  // namespace barnabas
