// Ctrl-C and SIGTERM for a tool that must not lose what it has in hand: the first one is handed to
// a callback, on a thread of its own, so that the tool can flush and leave; the second ends the
// process at once. SIGPIPE is ignored: writing then fails with EPIPE.
// Life cycle: construct before any other thread is started (they inherit the blocked signals).
// THREAD: constructed on the main thread; the callback runs on the watcher's thread.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace barnabas::apps {

class SignalWatcher {
 public:
  explicit SignalWatcher(std::function<void()> on_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  // The signal that came, 0 before.
  [[nodiscard]] int signal() const { return signal_.load(std::memory_order_acquire); }
  // What a shell expects of a process that a signal ended: 128 + signal; `otherwise` without one.
  [[nodiscard]] int exit_code(int otherwise) const {
    return signal() == 0 ? otherwise : 128 + signal();
  }

 private:
  void run();

  std::function<void()> on_signal_;
  std::atomic<int> signal_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace barnabas::apps
