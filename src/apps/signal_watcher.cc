#include "signal_watcher.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace barnabas::apps {

namespace {

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR2);  // wakes the thread when the tool is done
  return set;
}

}  // namespace

SignalWatcher::SignalWatcher(std::function<void()> on_signal) : on_signal_(std::move(on_signal)) {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { run(); });
}

SignalWatcher::~SignalWatcher() {
  stopping_.store(true, std::memory_order_release);
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void SignalWatcher::run() {
  const sigset_t set = watched_signals();
  for (;;) {
    int number = 0;
    if (sigwait(&set, &number) != 0 || stopping_.load(std::memory_order_acquire)) {
      return;
    }
    if (number == SIGUSR2) {
      continue;
    }
    if (signal() != 0) {
      ::_exit(128 + number);
    }
    signal_.store(number, std::memory_order_release);
    on_signal_();
  }
}

}  // namespace barnabas::apps
