#include "bench/closed_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "bench/pipe.h"
#include "bench/prepare.h"
#include "bench/process_stats.h"
#include "bench/wire.h"

namespace barnabas::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kFewestAnswers = 20;  // fewer say nothing; the load goes on until then

using Connections = std::vector<std::unique_ptr<LoadConnection>>;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Engine {
 public:
  explicit Engine(Connections connections)
      : connections_(std::move(connections)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (const auto& connection : connections_) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = connection.get();
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd(), &event);
      connection->start();
    }
  }
  ~Engine() { ::close(epoll_); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void run_until(const std::function<bool()>& done) {
    constexpr int kMaxWaitMs = 100;
    std::array<epoll_event, 64> events;
    auto last_answer = Clock::now();
    while (!done()) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), kMaxWaitMs);
      if (count > 0) {
        last_answer = Clock::now();
      } else if (seconds_since(last_answer) > 60) {
        throw std::runtime_error("no answer for a minute");
      }
      for (int i = 0; i < count; ++i) {
        serve(events[static_cast<std::size_t>(i)]);
      }
    }
  }

  [[nodiscard]] std::uint64_t answers() const {
    std::uint64_t sum = 0;
    for (const auto& connection : connections_) {
      sum += connection->answers();
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& connection : connections_) {
      sum += connection->bytes();
    }
    return sum;
  }

 private:
  void serve(epoll_event event) {
    auto* connection = static_cast<LoadConnection*>(event.data.ptr);
    const bool was_blocked = (event.events & EPOLLOUT) != 0;
    const bool blocked = connection->go_on();
    if (blocked != was_blocked) {
      event.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->fd(), &event);
    }
  }

  Connections connections_;
  int epoll_;
};

// Connection `index` of `connections` uses these, so that all are used and as few as can be shared.
std::vector<std::int32_t> partitions_of(const LoadOptions& options, int index) {
  std::vector<std::int32_t> result;
  for (int p = index % options.partitions; p < options.partitions; p += options.connections) {
    result.push_back(p);
  }
  return result;
}

// Requests that rotate over the partitions, joined to blocks of half a window.
std::vector<Block> produce_blocks(const LoadOptions& options, int index, const ByteVector& batch) {
  std::vector<std::int32_t> own = partitions_of(options, index);
  if (options.partitions_per_request > 1) {
    own.resize(static_cast<std::size_t>(options.partitions));
    for (int p = 0; p < options.partitions; ++p) {
      own[static_cast<std::size_t>(p)] = p;
    }
  }
  const auto per_request = static_cast<std::size_t>(options.partitions_per_request);
  const int per_block = std::max(1, options.window / 2);
  const auto turns = static_cast<int>(std::max<std::size_t>(1, own.size() / per_request));
  const int block_count = std::max(1, (turns + per_block - 1) / per_block);
  std::vector<Block> blocks(static_cast<std::size_t>(block_count));
  std::size_t at = 0;
  for (Block& block : blocks) {
    for (int i = 0; i < per_block; ++i) {
      Produced to{options.topic, {}};
      for (std::size_t k = 0; k < per_request; ++k) {
        to.partitions.push_back(own[at++ % own.size()]);
      }
      const ByteVector request = produce_request(to, batch, options.acks, i);
      block.bytes.insert(block.bytes.end(), request.begin(), request.end());
      ++block.requests;
    }
  }
  return blocks;
}

ByteVector make_batch(const LoadOptions& options, int& records) {
  records = 1;
  return options.batch_bytes == 0
             ? record_batch(1, options.record_bytes)
             : batch_of_size(options.batch_bytes, options.record_bytes, records);
}

Connections produce_connections(const LoadOptions& options, const ByteVector& batch) {
  Connections connections;
  const std::size_t bytes = batch.size() * static_cast<std::size_t>(options.partitions_per_request);
  for (int i = 0; i < options.connections; ++i) {
    connections.push_back(
        std::make_unique<Pipe>(options.broker, produce_blocks(options, i, batch), options.window,
                               bytes, [](ByteView answer) { check_produce_answer(answer); }));
  }
  return connections;
}

Connections ping_connections(const LoadOptions& options) {
  Connections connections;
  for (int i = 0; i < options.connections; ++i) {
    Block block;
    for (; block.requests < std::max(1, options.window / 2); ++block.requests) {
      const ByteVector request = api_versions_request(block.requests);
      block.bytes.insert(block.bytes.end(), request.begin(), request.end());
    }
    connections.push_back(std::make_unique<Pipe>(options.broker, std::vector{block}, options.window,
                                                 0, check_api_versions_answer));
  }
  return connections;
}

Connections fetch_connections(const LoadOptions& options) {
  // Filled by connections of their own, each partition by one, so that all have enough.
  LoadOptions fill = options;
  fill.connections = 1;
  fill.window = 4;
  fill.partitions_per_request = 1;
  if (fill.batch_bytes == 0) {
    fill.batch_bytes = std::size_t{16} << 10U;
  }
  int records = 0;
  const ByteVector batch = make_batch(fill, records);
  {
    Engine filler(produce_connections(fill, batch));
    filler.run_until([&] { return filler.bytes() >= options.fill_bytes; });
    // What is in flight still arrives; the loops below go round whatever is there.
  }
  Connections connections;
  for (int i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<FetchLoop>(
        options.broker, FetchLoop::Source{options.topic, partitions_of(options, i), batch.size(),
                                          records, options.fetch_bytes}));
  }
  return connections;
}

}  // namespace

Report run_closed_loop(const LoadOptions& options) {
  if (options.mode != "ping") {
    prepare_topic(options);
  }
  int records = 1;
  const ByteVector batch = make_batch(options, records);
  Engine engine(options.mode == "produce" ? produce_connections(options, batch)
                : options.mode == "fetch" ? fetch_connections(options)
                                          : ping_connections(options));
  const auto cpu = [&] { return options.pid > 0 ? cpu_seconds(options.pid) : 0.0; };
  const auto warm = Clock::now();
  engine.run_until([&] { return seconds_since(warm) >= options.warm_up_s; });
  const double cpu_before = cpu();
  const std::uint64_t answers_before = engine.answers();
  const std::uint64_t bytes_before = engine.bytes();
  const auto start = Clock::now();
  engine.run_until([&] {
    return (seconds_since(start) >= options.seconds &&
            engine.answers() - answers_before >= kFewestAnswers) ||
           (options.max_bytes > 0 &&
            static_cast<double>(engine.bytes() - bytes_before) >= options.max_bytes);
  });
  const double elapsed = seconds_since(start);
  const double used = cpu() - cpu_before;
  const auto requests = static_cast<double>(engine.answers() - answers_before);
  const double gigabytes = static_cast<double>(engine.bytes() - bytes_before) / 1e9;

  Report report(options.mode);
  report.add("requests", requests);
  report.add("seconds", elapsed);
  report.add("requests_per_s", requests / elapsed);
  report.add("mb_per_s", gigabytes * 1000 / elapsed);
  if (options.pid > 0) {
    report.add("cpu_s", used);
    report.add("us_per_request", used * 1e6 / requests);
    if (gigabytes > 0) {
      report.add("s_per_gb", used / gigabytes);
    }
    report.add("rss_mb", static_cast<double>(resident_bytes(options.pid)) / 1e6);
  }
  return report;
}

}  // namespace barnabas::bench
