#include "io_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <future>
#include <limits>
#include <system_error>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"

namespace barnabas::net {
namespace {

constexpr int kMaxEvents = 256;     // taken from the kernel in one wait
constexpr int kMaxPostRounds = 16;  // tasks that post tasks, before sockets get their turn again

thread_local const IoThread* current_thread = nullptr;

// sendfile to a peer that is gone raises SIGPIPE, and unlike send it knows no flag against that.
void block_sigpipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  BARNABAS_CHECK(::pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
}

}  // namespace

IoThread::IoThread(std::string name, std::optional<int> core, const Clock& clock)
    : name_(std::move(name)), core_(core), clock_(clock), now_(clock.monotonic()) {}

IoThread::~IoThread() {
  stop();
  for (const int fd : {wake_fd_, epoll_fd_}) {
    if (fd >= 0) {
      ::close(fd);
    }
  }
}

Status IoThread::start() {
  BARNABAS_CHECK(epoll_fd_ < 0);
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_fd_ < 0 || wake_fd_ < 0) {
    const int error = errno;
    return fail(ErrorCode::kUnknownServerError,
                fmt::format("cannot open the event queue of {}: {}", name_, std::strerror(error)),
                error);
  }
  // Edge-triggered, so that it is never read: each write is an edge of its own.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  BARNABAS_CHECK(::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) == 0);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kUnknownServerError,
                fmt::format("cannot start thread {}: {}", name_, error.what()));
  }
  return {};
}

void IoThread::stop() {
  if (!thread_.joinable()) {
    return;
  }
  BARNABAS_CHECK(!is_current());
  post([this] { stopping_.store(true, std::memory_order_relaxed); });
  thread_.join();
}

void IoThread::post(Task task) {
  {
    const MutexLock lock(mutex_);
    posted_.push_back(std::move(task));
    has_posted_.store(true);
  }
  if (!is_current() && asleep_.load() && asleep_.exchange(false)) {
    wake();
  }
}

void IoThread::wake() const {
  const std::uint64_t one = 1;
  BARNABAS_CHECK(::write(wake_fd_, &one, sizeof(one)) == sizeof(one));
}

std::unique_ptr<Timer> IoThread::run_after(std::chrono::nanoseconds delay, Task task) {
  assert_here();
  return timers_.add(clock_.monotonic() + delay, std::move(task));
}

bool IoThread::is_current() const {
  return current_thread == this;
}

void IoThread::run_and_wait(Task task) {
  auto done = std::make_shared<std::promise<void>>();
  post([done, &task] {
    task();
    done->set_value();
  });
  done->get_future().wait();
}

int IoThread::watch(int fd, std::uint32_t events, PollTarget& target) {
  assert_here();
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int IoThread::change_watch(int fd, std::uint32_t events, PollTarget& target) {
  assert_here();
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void IoThread::add_hook(TurnHook& hook) {
  assert_here();
  hooks_.push_back(&hook);
}

void IoThread::remove_hook(TurnHook& hook) {
  assert_here();
  std::erase(hooks_, &hook);
}

int IoThread::wait_ms(bool more) const {
  if (more) {
    return 0;
  }
  const auto deadline = timers_.next_deadline();
  if (!deadline) {
    return -1;
  }
  // Rounded up: a timer fires late by a part of a millisecond, never early.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - clock_.monotonic());
  return static_cast<int>(
      std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

void IoThread::dispatch(int timeout_ms) {
  std::array<epoll_event, kMaxEvents> events;
  if (timeout_ms != 0) {
    asleep_.store(true);
    if (has_posted_.load()) {
      timeout_ms = 0;
    }
  }
  const int count = ::epoll_wait(epoll_fd_, events.data(), kMaxEvents, timeout_ms);
  asleep_.store(false);
  BARNABAS_CHECK(count >= 0 || errno == EINTR);
  now_ = clock_.monotonic();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) {
      static_cast<PollTarget*>(event.data.ptr)->on_events(event.events);
    }
  }
}

void IoThread::run_due_timers() {
  if (timers_.empty()) {
    return;
  }
  const std::uint64_t mark = timers_.mark();
  while (Task task = timers_.take_due(now_, mark)) {
    task();
  }
}

void IoThread::run_posted() {
  for (int round = 0; round < kMaxPostRounds && has_posted_.load(); ++round) {
    {
      const MutexLock lock(mutex_);
      running_.swap(posted_);
      has_posted_.store(false);
    }
    for (Task& task : running_) {
      task();
    }
    running_.clear();
  }
}

void IoThread::run() {
  current_thread = this;
  block_sigpipe();
  ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
  if (core_) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(*core_, &cores);
    if (const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof(cores), &cores);
        error != 0) {
      logging::logger("net").warn("{}: cannot be pinned to core {}: {}", name_, *core_,
                                  std::strerror(error));
    }
  }
  bool more = false;
  while (!stopping_.load(std::memory_order_relaxed)) {
    dispatch(wait_ms(more || has_posted_.load()));
    run_due_timers();
    run_posted();
    more = false;
    for (std::size_t i = 0; i < hooks_.size(); ++i) {
      more = hooks_[i]->at_turn_end() || more;
    }
    retiring_.swap(retired_);
    retiring_.clear();
  }
  current_thread = nullptr;
}

}  // namespace barnabas::net
