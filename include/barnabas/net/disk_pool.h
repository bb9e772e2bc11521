// A few threads for work that may block: fsync, deletion, reads that miss the page cache.
// Tasks start in the order of posting; with more than one thread they may overlap.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"

namespace barnabas::net {

class DiskPool final : public Executor {
 public:
  DiskPool(std::size_t threads, const Clock& clock, std::string name = "disk");
  ~DiskPool() override;  // stops
  DiskPool(const DiskPool&) = delete;
  DiskPool& operator=(const DiskPool&) = delete;

  void start();
  // Runs what is posted by now and joins the threads; timers that are left never fire. Not from one
  // of its own threads. Posts made afterwards are dropped.
  void stop();

  // THREAD: any
  void post(Task task) override;
  // THREAD: any. With more than one thread a task may just be running while it is cancelled.
  [[nodiscard]] std::unique_ptr<Timer> run_after(std::chrono::nanoseconds delay,
                                                 Task task) override;
  [[nodiscard]] bool is_current() const override;

 private:
  struct State;
  static void work(State& state);

  std::size_t thread_count_;
  std::string name_;
  std::shared_ptr<State> state_;  // shared with timers, which may outlive the pool
  std::vector<std::thread> threads_;
};

}  // namespace barnabas::net
