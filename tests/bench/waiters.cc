#include "bench/waiters.h"

#include <poll.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bench/prepare.h"
#include "bench/process_stats.h"
#include "bench/wire.h"

namespace barnabas::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int32_t kLongWaitMs = 300'000;
constexpr auto kSettle = std::chrono::milliseconds(300);  // until a broker has parked its fetches

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Waiter {
  ClientSocket socket;
  Fetched from;
};

void ask(const Waiter& waiter) {
  waiter.socket.send_all(fetch_request(waiter.from, 1));
}

// Blocks until the waiter has its answer, which must hold one record; then it waits again.
void take_record(Waiter& waiter) {
  ByteVector prefix(fetch_prefix_bytes(waiter.from.topic));
  waiter.socket.receive_all(prefix);
  const auto length = static_cast<std::size_t>(load_be<std::int32_t>(prefix.data()));
  ByteVector rest(4 + length - prefix.size());
  waiter.socket.receive_all(rest);
  if (check_fetch_prefix(prefix, waiter.from.topic).record_bytes == 0) {
    throw std::runtime_error("a waiting fetch was answered with nothing");
  }
  ++waiter.from.offset;
}

// None of them may have an answer while nothing was produced.
void check_quiet(const std::vector<Waiter>& waiters) {
  for (const Waiter& waiter : waiters) {
    pollfd one{waiter.socket.fd(), POLLIN, 0};
    if (::poll(&one, 1, 0) != 0) {
      throw std::runtime_error("a waiting fetch was answered, though nothing was produced");
    }
  }
}

}  // namespace

Report run_waiters(const LoadOptions& options) {
  raise_descriptor_limit();
  prepare_topic(options);
  const ByteVector batch = record_batch(1, options.record_bytes);
  const ClientSocket producer(options.broker);
  const auto produce = [&](std::int32_t partition) {
    return check_produce_answer(
        producer.ask(produce_request({options.topic, {partition}}, batch, options.acks, 1)));
  };
  std::vector<std::int64_t> ends;
  for (int p = 0; p < options.partitions; ++p) {
    ends.push_back(produce(p) + 1);
  }
  const auto connecting = Clock::now();
  const auto cpu = [&] { return options.pid > 0 ? cpu_seconds(options.pid) : 0.0; };
  const double cpu_at_first = cpu();
  std::vector<Waiter> waiters;
  for (int i = 0; i < options.waiters; ++i) {
    const int p = i % options.partitions;
    waiters.push_back({ClientSocket(options.broker),
                       {options.topic, p, ends[static_cast<std::size_t>(p)], kLongWaitMs}});
    ask(waiters.back());
  }
  Report report(options.mode);
  report.add("connect_ms", seconds_since(connecting) * 1000);
  std::this_thread::sleep_for(kSettle);
  report.add("connect_cpu_us_each", (cpu() - cpu_at_first) * 1e6 / options.waiters);
  const double cpu_before = cpu();
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  report.add("waiting_cpu_s", cpu() - cpu_before);
  check_quiet(waiters);

  std::vector<double> wakes;
  for (int wake = 0; wake < options.wakes; ++wake) {
    const int p = wake % options.partitions;
    const auto request = produce_request({options.topic, {p}}, batch, options.acks, 1);
    const auto start = Clock::now();
    producer.send_all(request);
    for (int i = p; i < options.waiters; i += options.partitions) {
      take_record(waiters[static_cast<std::size_t>(i)]);
    }
    wakes.push_back(seconds_since(start));
    std::byte length[4];
    producer.receive_all(length);
    ByteVector answer(static_cast<std::size_t>(load_be<std::int32_t>(length)));
    producer.receive_all(answer);
    check_produce_answer(answer);
    for (int i = p; i < options.waiters; i += options.partitions) {
      ask(waiters[static_cast<std::size_t>(i)]);
    }
    std::this_thread::sleep_for(kSettle / 10);
  }
  check_quiet(waiters);
  report.add("waiters_of_a_partition", static_cast<double>(options.waiters / options.partitions));
  report.add_latencies("wake_all", wakes);
  if (options.pid > 0) {
    report.add("rss_mb", static_cast<double>(resident_bytes(options.pid)) / 1e6);
  }
  return report;
}

Report run_idle(const LoadOptions& options) {
  raise_descriptor_limit();
  const auto cpu = [&] { return options.pid > 0 ? cpu_seconds(options.pid) : 0.0; };
  const auto memory = [&] { return options.pid > 0 ? resident_bytes(options.pid) : 0; };
  const ByteVector request = api_versions_request(1);
  const auto open_all = [&] {
    std::vector<ClientSocket> sockets;
    for (int i = 0; i < options.waiters; ++i) {
      sockets.emplace_back(options.broker);
      check_api_versions_answer(sockets.back().ask(request));
    }
    return sockets;
  };
  open_all();  // what the broker allocates once is there
  std::this_thread::sleep_for(kSettle);
  const double cpu_before = cpu();
  const auto memory_before = static_cast<double>(memory());
  const auto sockets = open_all();
  std::this_thread::sleep_for(kSettle);
  Report report(options.mode);
  report.add("open_us_each", (cpu() - cpu_before) * 1e6 / options.waiters);
  report.add("bytes_each", (static_cast<double>(memory()) - memory_before) / options.waiters);
  const double cpu_idle = cpu();
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  report.add("idle_cpu_s", cpu() - cpu_idle);
  report.add("connections", static_cast<double>(sockets.size()));
  return report;
}

}  // namespace barnabas::bench
