// The io threads: each one event loop (epoll, timers, posted tasks) and an Executor. Whatever wants
// a home of its own lives on one of them for life; connections may move (net/server.h).
// A post from the same thread costs no system call; a post from another one at most one, and none
// while the loop is awake. Timers cost none: the loop's wait ends at the next deadline.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"

namespace barnabas::net {

class IoThread;  // the loop itself; src/net/io_thread.h

struct IoThreadsOptions {
  std::size_t count = 1;
  bool pinned = false;          // thread i to the i-th core this process may use
  std::string name = "net-io";  // threads are called <name>-<i>
};

class IoThreads {
 public:
  IoThreads(IoThreadsOptions options, const Clock& clock);
  ~IoThreads();  // stops
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  // Fails where the system refuses threads or descriptors. Tasks posted earlier run then.
  [[nodiscard]] Status start();
  // Runs what is posted by now, ends the threads and joins them; tasks and timers that are left are
  // destroyed. Servers on these threads are stopped first. Not from an io thread.
  void stop();

  [[nodiscard]] std::size_t size() const { return threads_.size(); }
  [[nodiscard]] Executor& executor(std::size_t index) const;
  [[nodiscard]] IoThread& thread(std::size_t index) const { return *threads_[index]; }
  // The one that calls; null where it is none of these.
  [[nodiscard]] IoThread* current() const;

 private:
  IoThreadsOptions options_;
  std::vector<std::unique_ptr<IoThread>> threads_;
};

}  // namespace barnabas::net
