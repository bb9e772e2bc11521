#include "io_thread.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <future>
#include <system_error>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"

namespace barnabas::net {
namespace {

constexpr int kMaxPostRounds = 16;  // tasks that post tasks, before sockets get their turn again

// How long a connection may be without a wait of its own after it was read.
constexpr auto kLinger = std::chrono::milliseconds(50);
constexpr std::size_t kMaxLinger = 64;
constexpr std::size_t kServedToGrow = 256;  // without a miss, before more may linger

thread_local const IoThread* current_thread = nullptr;

// sendfile to a peer that is gone raises SIGPIPE, and unlike send it knows no flag against that.
void block_sigpipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  BARNABAS_CHECK(::pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
}

}  // namespace

struct IoThread::Loop {
  using Descriptor =
      boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

  struct Watch {
    Watch(IoThread& thread, boost::asio::io_context& context, PollTarget& whose)
        : home(thread), target(&whose), descriptor(context) {}
    ~Watch() {
      if (descriptor.is_open()) {
        static_cast<void>(descriptor.release());  // its owner closes it
      }
    }
    IoThread& home;
    PollTarget* target;  // nobody once unwatched
    Descriptor descriptor;
    bool reading = false;
    bool lingering = false;
    MonotonicTime linger_until{};
    bool writing = false;
    bool failing = false;
  };

  // The flag tells whether the descriptor waits already.
  static void await(const std::shared_ptr<Watch>& watch, Descriptor::wait_type what,
                    std::uint32_t event, bool Watch::* waiting) {
    if (std::exchange((*watch).*waiting, true)) {
      return;
    }
    watch->descriptor.async_wait(what, [=](const boost::system::error_code& error) {
      (*watch).*waiting = false;
      watch->home.begin_turn();
      if (error || watch->target == nullptr) {
        return;
      }
      if (event == EPOLLHUP && !broken(watch->descriptor.native_handle())) {
        return;
      }
      watch->target->on_events(event);
    });
  }
  static void await_read(const std::shared_ptr<Watch>& watch) {
    await(watch, Descriptor::wait_read, EPOLLIN, &Watch::reading);
  }
  // Asio's wait_error also ends when the peer sends urgent data. That is not waited for again: it
  // stays, and the loop would spin.
  static bool broken(int fd) {
    pollfd state{fd, 0, 0};
    return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
  }

  // One thread runs it and owns its descriptors; others only post to it.
  boost::asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  std::vector<std::shared_ptr<Watch>> watches;  // by descriptor
  // Those without a wait, the one read longest ago first.
  std::deque<std::shared_ptr<Watch>> lingering;
  std::size_t linger_limit = kMaxLinger;
  std::size_t served = 0;  // since the limit was changed

  // Gives the first `count` their waits.
  void settle(std::size_t count) {
    for (; count > 0; --count) {
      const auto watch = std::move(lingering.front());
      lingering.pop_front();
      watch->lingering = false;
      await_read(watch);
    }
  }
  void missed() {
    linger_limit = std::max<std::size_t>(linger_limit / 2, 1);
    served = 0;
  }
  void add(const std::shared_ptr<Watch>& watch) {
    watch->lingering = true;
    lingering.push_back(watch);
    if (++served >= kServedToGrow) {
      linger_limit = std::min(linger_limit * 2, kMaxLinger);
      served = 0;
    }
    if (lingering.size() > linger_limit) {
      settle(lingering.size() - linger_limit);
    }
  }
};

IoThread::IoThread(std::string name, std::optional<int> core, const Clock& clock)
    : name_(std::move(name)), core_(core), clock_(clock), now_(clock.monotonic()) {}

IoThread::~IoThread() {
  stop();
}

Status IoThread::start() {
  BARNABAS_CHECK(!loop_);
  try {
    loop_ = std::make_unique<Loop>();
  } catch (const boost::system::system_error& error) {
    return fail(ErrorCode::kUnknownServerError,
                fmt::format("cannot open the event queue of {}: {}", name_, error.what()));
  }
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
    boost::asio::post(loop_->context, [this] { begin_turn(); });
  }
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

int IoThread::watch(int fd, PollTarget& target) {
  assert_here();
  const auto index = static_cast<std::size_t>(fd);
  if (loop_->watches.size() <= index) {
    loop_->watches.resize(index + 1);
  }
  BARNABAS_CHECK(!loop_->watches[index]);
  auto watch = std::make_shared<Loop::Watch>(*this, loop_->context, target);
  boost::system::error_code error;
  watch->descriptor.assign(fd, error);
  if (error) {
    return error.value();
  }
  loop_->watches[index] = watch;
  Loop::await(watch, Loop::Descriptor::wait_error, EPOLLHUP, &Loop::Watch::failing);
  Loop::await_read(watch);
  return 0;
}

void IoThread::await_read(int fd) {
  Loop::await_read(loop_->watches[static_cast<std::size_t>(fd)]);
}

void IoThread::expect_read(int fd) {
  const auto& watch = loop_->watches[static_cast<std::size_t>(fd)];
  if (watch->reading || watch->lingering) {
    return;
  }
  watch->linger_until = now_ + kLinger;
  loop_->add(watch);
}

void IoThread::await_write(int fd) {
  Loop::await(loop_->watches[static_cast<std::size_t>(fd)], Loop::Descriptor::wait_write, EPOLLOUT,
              &Loop::Watch::writing);
}

void IoThread::unwatch(int fd) {
  assert_here();
  const auto watch = std::move(loop_->watches[static_cast<std::size_t>(fd)]);
  if (!watch) {
    return;  // it could not be watched
  }
  if (watch->lingering) {
    std::erase(loop_->lingering, watch);
  }
  watch->target = nullptr;
  static_cast<void>(watch->descriptor.release());
}

void IoThread::add_hook(TurnHook& hook) {
  assert_here();
  hooks_.push_back(&hook);
}

void IoThread::remove_hook(TurnHook& hook) {
  assert_here();
  std::erase(hooks_, &hook);
}

void IoThread::begin_turn() {
  if (!std::exchange(in_turn_, true)) {
    asleep_.store(false);
    now_ = clock_.monotonic();
  }
}

void IoThread::dispatch(bool more) {
  in_turn_ = false;
  Loop& loop = *loop_;
  while (!loop.lingering.empty() && now_ >= loop.lingering.front()->linger_until) {
    loop.settle(1);
  }
  auto deadline = timers_.next_deadline();
  if (!loop.lingering.empty()) {
    const MonotonicTime linger_until = loop.lingering.front()->linger_until;
    deadline = deadline ? std::min(*deadline, linger_until) : linger_until;
  }
  if (!more) {
    asleep_.store(true);
    more = has_posted_.load();
  }
  std::size_t ran = 0;
  if (!more) {
    ran = deadline ? loop.context.run_one_until(*deadline) : loop.context.run_one();
  }
  if (ran == 0) {
    ran = loop.context.poll_one();
  }
  const bool unclaimed = ran > 0 && !in_turn_;
  begin_turn();
  if (unclaimed) {
    read_lingering();
  }
}

// One of those that linger has bytes. The one that was read longest ago, most likely: clients that
// wait for their answers are served in turn. Others that were tried in vain get their waits.
void IoThread::read_lingering() {
  Loop& loop = *loop_;
  for (std::size_t tries = loop.lingering.size(); tries > 0 && !loop.lingering.empty(); --tries) {
    const auto watch = std::move(loop.lingering.front());
    loop.lingering.pop_front();
    watch->lingering = false;
    if (watch->target->on_events(EPOLLIN)) {
      return;
    }
    loop.missed();
    if (watch->lingering) {
      std::erase(loop.lingering, watch);
      watch->lingering = false;
      Loop::await_read(watch);
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
    dispatch(more || has_posted_.load());
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
