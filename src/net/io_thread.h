// One event loop on a Boost.Asio io_context of its own. A turn is at most one socket event, then
// due timers, posted tasks, the hooks that end the turn. Everything it runs is at home here.
//
// A descriptor is watched edge-triggered with one operation of Asio's reactor that is never done:
// it notes the event and stays. Asio 1.81's own waits end with the first event and cost an
// epoll_ctl to begin again; async_read_some tries a recv first, and would need a buffer for each
// idle connection. An edge comes with new bytes only, and the peer's end may have come along with
// the last: sockets that were emptied are looked at once more, all of a while with one poll. Timers
// are a heap of our own: Asio's set a timerfd.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "timer_heap.h"

namespace barnabas::net {

// Something with a descriptor in the loop. Lives at least to the end of the turn in which it is
// unwatched (IoThread::retire).
class PollTarget {
 public:
  virtual ~PollTarget() = default;
  // Any of EPOLLIN, EPOLLOUT and EPOLLHUP, which may come in vain.
  virtual void on_events(std::uint32_t events) = 0;
};

class TurnHook {
 public:
  virtual ~TurnHook() = default;
  // Returns whether there is more to do, so that the loop only polls before the next turn.
  virtual bool at_turn_end() = 0;
};

class IoThread final : public Executor {
 public:
  IoThread(std::string name, std::optional<int> core, const Clock& clock);
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  [[nodiscard]] Status start();
  void stop();  // THREAD: any but this one

  void post(Task task) override;  // THREAD: any
  [[nodiscard]] std::unique_ptr<Timer> run_after(std::chrono::nanoseconds delay,
                                                 Task task) override;
  [[nodiscard]] bool is_current() const override;  // THREAD: any
  // Runs `task` here and waits until it is done. THREAD: any but io threads
  void run_and_wait(Task task);

  // The time at the start of this turn. THREAD: home
  [[nodiscard]] MonotonicTime now() const { return now_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

  // The share of the time, 0 to 1, for which this thread was awake of late. THREAD: any
  [[nodiscard]] double busy() const;
  // Grows each time that busy() is measured: every kBusyWindow, but not while the thread sleeps.
  // THREAD: home
  [[nodiscard]] std::uint64_t busy_windows() const { return busy_windows_; }
  static constexpr std::chrono::milliseconds kBusyWindow{100};

  // From now on on_events tells of each arrival of bytes or peers and of the end of the connection.
  // Who does not read until there is nothing more has to remember that. Returns an errno, 0 for
  // success. To be ended by unwatch() before the descriptor is closed. THREAD: home
  [[nodiscard]] int watch(int fd, PollTarget& target);
  void emptied(int fd);      // a read got less than it asked for
  void await_write(int fd);  // a write was refused; on_events(EPOLLOUT) follows
  void unwatch(int fd);
  void add_hook(TurnHook& hook);
  void remove_hook(TurnHook& hook);
  // Keeps an object until no event of this turn can name it any more. THREAD: home
  void retire(std::shared_ptr<void> object) { retired_.push_back(std::move(object)); }

 private:
  void run();
  struct Loop;
  void dispatch(bool more);
  void begin_turn();
  void look_for_ends();
  void measure_busy();
  void run_due_timers();
  void run_posted();

  const std::string name_;
  const std::optional<int> core_;
  const Clock& clock_;
  std::unique_ptr<Loop> loop_;
  std::thread thread_;

  Mutex mutex_;
  std::vector<Task> posted_ GUARDED_BY(mutex_);
  // A poster stores has_posted_ and then looks at asleep_; the loop stores asleep_ and then looks
  // at has_posted_. So one of them sees the other, and nobody is left waiting.
  std::atomic<bool> has_posted_{false};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<double> busy_{0};  // in the window that ended at measured_at_
  std::atomic<MonotonicTime> measured_at_{};

  // Home only from here on.
  MonotonicTime now_{};
  bool in_turn_ = false;
  MonotonicTime::duration slept_{};  // since measured_at_
  std::uint64_t busy_windows_ = 0;
  TimerHeap timers_;
  std::vector<Task> running_;
  std::vector<TurnHook*> hooks_;
  std::vector<std::shared_ptr<void>> retired_;
  std::vector<std::shared_ptr<void>> retiring_;
};

}  // namespace barnabas::net
