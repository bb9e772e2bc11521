#include "barnabas/net/io_threads.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <optional>

#include "io_thread.h"

namespace barnabas::net {
namespace {

std::vector<int> usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  std::vector<int> result;
  if (::sched_getaffinity(0, sizeof(cores), &cores) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &cores)) {
        result.push_back(core);
      }
    }
  }
  return result;
}

}  // namespace

IoThreads::IoThreads(IoThreadsOptions options, const Clock& clock) : options_(std::move(options)) {
  const std::vector<int> cores = options_.pinned ? usable_cores() : std::vector<int>{};
  for (std::size_t i = 0; i < options_.count; ++i) {
    const std::optional<int> core =
        cores.empty() ? std::nullopt : std::optional(cores[i % cores.size()]);
    threads_.push_back(
        std::make_unique<IoThread>(fmt::format("{}-{}", options_.name, i), core, clock));
  }
}

IoThreads::~IoThreads() {
  stop();
}

Status IoThreads::start() {
  for (const auto& thread : threads_) {
    TRY_STATUS(thread->start());
  }
  return {};
}

void IoThreads::stop() {
  for (const auto& thread : threads_) {
    thread->stop();
  }
}

Executor& IoThreads::executor(std::size_t index) const {
  return *threads_[index];
}

IoThread* IoThreads::current() const {
  const auto found =
      std::ranges::find_if(threads_, [](const auto& thread) { return thread->is_current(); });
  return found == threads_.end() ? nullptr : found->get();
}

}  // namespace barnabas::net
