#include "barnabas/net/strand.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "barnabas/base/thread_annotations.h"
#include "io_thread.h"
#include "timer_heap.h"

namespace barnabas::net {
namespace {

// How often a thread looks for more before it goes back to its own timers and sockets.
constexpr int kMaxRounds = 8;

thread_local const void* current_strand = nullptr;

}  // namespace

class Strand::Impl {
 public:
  Impl(const IoThreads& lenders, const IoThreads& own, const Clock& clock)
      : lenders_(lenders), own_(own.thread(0)), clock_(clock) {}

  void post(Task task) {
    IoThread* const lender = lenders_.current();
    {
      const MutexLock lock(mutex_);
      posted_.push_back(std::move(task));
      for_own_ = for_own_ || lender == nullptr;
      if (std::exchange(busy_, true)) {
        return;
      }
    }
    (lender != nullptr ? *lender : own_).post([this] { run(); });
  }

  std::unique_ptr<Timer> run_after(std::chrono::nanoseconds delay, Task task) {
    auto timer = timers_.add(clock_.monotonic() + delay, std::move(task));
    set_alarm();
    return timer;
  }

  [[nodiscard]] bool is_current() const { return current_strand == this; }

 private:
  // One thread at a time: from the post that finds the strand idle until nothing is left.
  void run() {
    const void* const outer = std::exchange(current_strand, this);
    for (int round = 0; round < kMaxRounds; ++round) {
      {
        const MutexLock lock(mutex_);
        if (posted_.empty()) {
          busy_ = false;
          current_strand = outer;
          return;
        }
        if (for_own_ && !own_.is_current()) {
          break;
        }
        for_own_ = false;
        running_.swap(posted_);
      }
      for (Task& task : running_) {
        task();
      }
      running_.clear();
    }
    current_strand = outer;
    own_.post([this] { run(); });
  }

  // The own thread wakes at the earliest deadline or before it. Asked for in the strand.
  void set_alarm() {
    const auto deadline = timers_.next_deadline();
    if (!deadline || (alarm_at_ && *alarm_at_ <= *deadline)) {
      return;
    }
    alarm_at_ = deadline;
    own_.post([this, at = *deadline] {
      alarm_ = own_.run_after(std::max(at - clock_.monotonic(), MonotonicTime::duration::zero()),
                              [this] { post([this] { on_alarm(); }); });
    });
  }

  void on_alarm() {
    alarm_at_.reset();
    const MonotonicTime now = clock_.monotonic();
    const std::uint64_t mark = timers_.mark();
    while (Task task = timers_.take_due(now, mark)) {
      task();
    }
    set_alarm();
  }

  const IoThreads& lenders_;
  IoThread& own_;
  const Clock& clock_;

  Mutex mutex_;
  std::vector<Task> posted_ GUARDED_BY(mutex_);
  bool for_own_ GUARDED_BY(mutex_) = false;  // some of them came from elsewhere
  bool busy_ GUARDED_BY(mutex_) = false;     // run() is posted or under way

  // Of whoever runs the strand.
  std::vector<Task> running_;
  TimerHeap timers_;
  std::optional<MonotonicTime> alarm_at_;

  std::unique_ptr<Timer> alarm_;  // the own thread's
};

Strand::Strand(const IoThreads& lenders, const IoThreads& own, const Clock& clock)
    : impl_(std::make_unique<Impl>(lenders, own, clock)) {}
Strand::~Strand() = default;

void Strand::post(Task task) {
  impl_->post(std::move(task));
}

std::unique_ptr<Timer> Strand::run_after(std::chrono::nanoseconds delay, Task task) {
  assert_here();
  return impl_->run_after(delay, std::move(task));
}

bool Strand::is_current() const {
  return impl_->is_current();
}

}  // namespace barnabas::net
