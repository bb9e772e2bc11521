#include "io_thread.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <future>
#include <system_error>
#include <utility>

// After what includes them in the order they need.
#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"

namespace barnabas::net {
namespace {

constexpr int kMaxPostRounds = 16;  // tasks that post tasks, before sockets get their turn again

// How long the peer's end may stay unseen that came along with its last bytes.
constexpr auto kLookForEnds = std::chrono::milliseconds(250);

thread_local const IoThread* current_thread = nullptr;

// sendfile to a peer that is gone raises SIGPIPE, and unlike send it knows no flag against that.
void block_sigpipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  BARNABAS_CHECK(::pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
}

namespace reactor = boost::asio::detail;

struct Watch;

// Notes an event and goes on waiting. It never completes; Asio hands it back by destroying it.
class Note : public reactor::reactor_op {
 public:
  Note(Watch& watch, std::uint32_t event)
      : reactor_op(boost::system::error_code(), &do_perform, &do_nothing),
        watch_(watch),
        event_(event) {}

 private:
  static status do_perform(reactor_op* base);
  static void do_nothing(void* /*owner*/, reactor::operation* /*self*/,
                         const boost::system::error_code& /*error*/, std::size_t /*bytes*/) {}

  Watch& watch_;
  const std::uint32_t event_;
};

// What one thread watches: a descriptor, and what has happened to it in this turn.
struct Watch {
  Watch(PollTarget& whose, int descriptor, Watch*& place_of_hit)
      : target(whose), fd(descriptor), hit(place_of_hit) {}

  PollTarget& target;
  const int fd;
  Watch*& hit;
  reactor::reactor::per_descriptor_data data{};
  Note reading{*this, EPOLLIN};
  Note writing{*this, EPOLLOUT};
  Note failing{*this, EPOLLHUP};
  std::uint32_t events = 0;
  bool notes = false;  // Asio may ask when an operation begins
  bool awaits_write = false;
  bool can_await_write = false;
  std::size_t emptied_at = SIZE_MAX;  // the place among those that were emptied
};

Note::status Note::do_perform(reactor_op* base) {
  const auto& note = *static_cast<Note*>(base);
  if (note.watch_.notes) {
    note.watch_.events |= note.event_;
    note.watch_.hit = &note.watch_;
  }
  return not_done;
}

// Urgent data of the peer, too, makes Asio ask for errors.
bool broken(int fd) {
  pollfd state{fd, 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

struct IoThread::Loop {
  // One thread runs it and owns its descriptors; others only post to it.
  boost::asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  reactor::reactor& descriptors = boost::asio::use_service<reactor::reactor>(context);
  std::vector<std::unique_ptr<Watch>> watches;  // by descriptor
  Watch* hit = nullptr;                         // run_one serves one descriptor at most
  std::vector<Watch*> emptied;                  // null where it is watched no more
  MonotonicTime look_for_ends_at{};
  std::vector<pollfd> polled;

  Loop() { descriptors.init_task(); }
  ~Loop() {
    for (const auto& watch : watches) {
      if (watch) {
        forget(*watch);
      }
    }
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void forget(Watch& watch) {
    descriptors.deregister_internal_descriptor(watch.fd, watch.data);
    descriptors.cleanup_descriptor_data(watch.data);
  }

  void begin_note(int kind, Watch& watch, Note& note) {
    const bool notes = std::exchange(watch.notes, false);
    descriptors.start_op(kind, watch.fd, watch.data, &note, false, true);
    watch.notes = notes;
  }

  // What Asio has told of one descriptor.
  void tell_hit() {
    Watch& watch = *std::exchange(hit, nullptr);
    std::uint32_t events = std::exchange(watch.events, 0);
    if ((events & EPOLLHUP) != 0 && !broken(watch.fd)) {
      events &= ~static_cast<std::uint32_t>(EPOLLHUP);
    }
    if ((events & EPOLLOUT) != 0 && !std::exchange(watch.awaits_write, false)) {
      events &= ~static_cast<std::uint32_t>(EPOLLOUT);
    }
    if (events != 0) {
      watch.target.on_events(events);
    }
  }
};

IoThread::IoThread(std::string name, std::optional<int> core, const Clock& clock)
    : name_(std::move(name)),
      core_(core),
      clock_(clock),
      measured_at_(clock.monotonic()),
      now_(clock.monotonic()) {}

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
  auto watch = std::make_unique<Watch>(target, fd, loop_->hit);
  if (const int error = loop_->descriptors.register_internal_descriptor(
          reactor::reactor::read_op, fd, watch->data, &watch->reading);
      error != 0) {
    loop_->forget(*watch);
    return error;
  }
  watch->notes = true;
  loop_->begin_note(reactor::reactor::except_op, *watch, watch->failing);
  loop_->watches[index] = std::move(watch);
  return 0;
}

void IoThread::emptied(int fd) {
  Watch& watch = *loop_->watches[static_cast<std::size_t>(fd)];
  if (watch.emptied_at != SIZE_MAX) {
    return;
  }
  if (loop_->emptied.empty()) {
    loop_->look_for_ends_at = now_ + kLookForEnds;
  }
  watch.emptied_at = loop_->emptied.size();
  loop_->emptied.push_back(&watch);
}

void IoThread::await_write(int fd) {
  Watch& watch = *loop_->watches[static_cast<std::size_t>(fd)];
  watch.awaits_write = true;
  if (!std::exchange(watch.can_await_write, true)) {
    loop_->begin_note(reactor::reactor::write_op, watch, watch.writing);
  }
}

void IoThread::unwatch(int fd) {
  assert_here();
  const auto watch = std::move(loop_->watches[static_cast<std::size_t>(fd)]);
  if (!watch) {
    return;  // it could not be watched
  }
  if (watch->emptied_at != SIZE_MAX) {
    loop_->emptied[watch->emptied_at] = nullptr;
  }
  loop_->forget(*watch);
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
  auto deadline = timers_.next_deadline();
  if (!loop.emptied.empty()) {
    deadline = deadline ? std::min(*deadline, loop.look_for_ends_at) : loop.look_for_ends_at;
  }
  if (!more) {
    asleep_.store(true);
    more = has_posted_.load();
  }
  std::size_t ran = 0;
  MonotonicTime asleep_since{};
  if (!more) {
    asleep_since = clock_.monotonic();
    ran = deadline ? loop.context.run_one_until(*deadline) : loop.context.run_one();
  }
  if (ran == 0) {
    loop.context.poll_one();
  }
  begin_turn();
  if (!more) {
    slept_ += now_ - asleep_since;
  }
  measure_busy();
  if (loop.hit != nullptr) {
    loop.tell_hit();
  }
  if (!loop.emptied.empty() && now_ >= loop.look_for_ends_at) {
    look_for_ends();
  }
}

void IoThread::measure_busy() {
  const auto window = now_ - measured_at_.load(std::memory_order_relaxed);
  if (window < kBusyWindow) {
    return;
  }
  const auto share = static_cast<double>(slept_.count()) / static_cast<double>(window.count());
  busy_.store(std::clamp(1 - share, 0.0, 1.0), std::memory_order_relaxed);
  measured_at_.store(now_, std::memory_order_relaxed);
  slept_ = {};
  ++busy_windows_;
}

double IoThread::busy() const {
  const double busy = busy_.load(std::memory_order_relaxed);
  const auto age = clock_.monotonic() - measured_at_.load(std::memory_order_relaxed);
  if (age < 2 * kBusyWindow) {
    return busy;
  }
  if (!asleep_.load(std::memory_order_relaxed)) {
    return 1;  // it is still in the turn that began then: a slow disk
  }
  return busy * std::chrono::duration<double>(kBusyWindow) / std::chrono::duration<double>(age);
}

// Of all that were emptied a while ago, which hold something that no edge told of.
void IoThread::look_for_ends() {
  Loop& loop = *loop_;
  loop.polled.clear();
  for (Watch* watch : loop.emptied) {
    if (watch != nullptr) {
      watch->emptied_at = SIZE_MAX;
      loop.polled.push_back({watch->fd, POLLIN | POLLRDHUP, 0});
    }
  }
  loop.emptied.clear();
  int left = ::poll(loop.polled.data(), loop.polled.size(), 0);
  for (std::size_t i = 0; left > 0 && i < loop.polled.size(); ++i) {
    if (loop.polled[i].revents == 0) {
      continue;
    }
    --left;
    // One that was served before it may have closed this one; another may have its number now.
    if (const auto& watch = loop.watches[static_cast<std::size_t>(loop.polled[i].fd)]) {
      watch->target.on_events(EPOLLIN);
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
