// A home that borrows threads: its tasks run one after the other, each where it costs no wake. What
// an io thread posts, that thread runs at the end of its turn; what comes from elsewhere, timers,
// and a queue that grows too long for a thread with connections run on the strand's own thread.
// For work that is short where it is asked for, and long only where a timer asks for it.
//
// Life: outlives the running of all its threads; their stopping ends it. A task that is left is
// destroyed with it.
#pragma once

#include <chrono>
#include <memory>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/net/io_threads.h"

namespace barnabas::net {

class Strand final : public Executor {
 public:
  // `own` has one thread or more; the first is used.
  Strand(const IoThreads& lenders, const IoThreads& own, const Clock& clock);
  ~Strand() override;
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  void post(Task task) override;
  [[nodiscard]] std::unique_ptr<Timer> run_after(std::chrono::nanoseconds delay,
                                                 Task task) override;
  [[nodiscard]] bool is_current() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barnabas::net
