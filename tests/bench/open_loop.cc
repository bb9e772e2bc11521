#include "bench/open_loop.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bench/pipe.h"
#include "bench/prepare.h"
#include "bench/process_stats.h"
#include "bench/wire.h"

namespace barnabas::bench {
namespace {

using Clock = std::chrono::steady_clock;

// One partition: its requests all go over one connection, so its records are in order of sending.
struct Partition {
  ByteVector request;
  std::deque<double> unseen;  // due times of records that the consumer has not got
};

struct Producer {
  explicit Producer(const Address& broker) : socket(broker) { socket.set_non_blocking(); }
  ClientSocket socket;
  AnswerReader reader;
  ByteVector output;
  std::size_t sent = 0;
  std::deque<double> unanswered;  // due times
};

// A consumer that waits at the end of one partition.
struct Consumer {
  Consumer(const Address& broker, const std::string& topic)
      : socket(broker), prefix(fetch_prefix_bytes(topic)) {
    socket.set_non_blocking();
  }
  ClientSocket socket;
  ByteVector prefix;
  std::size_t have = 0;
  std::size_t left = 0;
  Fetched from;
};

class OpenLoop {
 public:
  explicit OpenLoop(const LoadOptions& options)
      : options_(options),
        batch_(record_batch(1, options.record_bytes)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (int i = 0; i < options.connections; ++i) {
      producers_.push_back(std::make_unique<Producer>(options.broker));
      watch(producers_.back()->socket.fd(), static_cast<std::uint32_t>(i));
    }
    for (int p = 0; p < options.partitions; ++p) {
      partitions_.push_back({produce_request({options.topic, {p}}, batch_, options.acks, p), {}});
      if (options.consume) {
        add_consumer(p);
      }
    }
  }
  ~OpenLoop() { ::close(epoll_); }
  OpenLoop(const OpenLoop&) = delete;
  OpenLoop& operator=(const OpenLoop&) = delete;

  Report run();

 private:
  static constexpr std::uint32_t kConsumers = 1U << 20U;  // their numbers in the events begin here

  [[nodiscard]] double now() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  void watch(int fd, std::uint32_t number) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = number;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  void add_consumer(int partition);
  void send_due();
  void flush(Producer& producer);
  void wait(double until);
  void take_answers(Producer& producer);
  void take_records(Consumer& consumer);
  static void ask(Consumer& consumer);
  [[nodiscard]] bool counts(double due) const { return due >= options_.warm_up_s; }

  const LoadOptions& options_;
  const ByteVector batch_;
  const int epoll_;
  const Clock::time_point start_ = Clock::now();
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
  std::vector<Partition> partitions_;
  std::uint64_t next_ = 0;  // number of the next record
  std::size_t in_flight_ = 0;
  std::vector<double> acks_;
  std::vector<double> arrivals_;
};

void OpenLoop::add_consumer(int partition) {
  // The end of the partition: where a record of our own has just gone.
  const ClientSocket socket(options_.broker);
  const std::int64_t end =
      check_produce_answer(socket.ask(partitions_[static_cast<std::size_t>(partition)].request)) +
      1;
  auto consumer = std::make_unique<Consumer>(options_.broker, options_.topic);
  consumer->from.topic = options_.topic;
  consumer->from.partition = partition;
  consumer->from.offset = end;
  ask(*consumer);
  watch(consumer->socket.fd(), kConsumers + static_cast<std::uint32_t>(partition));
  consumers_.push_back(std::move(consumer));
}

void OpenLoop::ask(Consumer& consumer) {
  const ByteVector request = fetch_request(consumer.from, 1);
  if (consumer.socket.send_some(request) != request.size()) {
    throw std::runtime_error("the broker takes no fetch request");
  }
  consumer.have = 0;
}

void OpenLoop::send_due() {
  const double time = now();
  std::vector<Producer*> touched;
  for (double due = static_cast<double>(next_) / options_.rate; due <= time;
       due = static_cast<double>(next_) / options_.rate) {
    const std::size_t p = next_++ % partitions_.size();
    Producer& producer = *producers_[p % producers_.size()];
    const ByteVector& request = partitions_[p].request;
    producer.output.insert(producer.output.end(), request.begin(), request.end());
    producer.unanswered.push_back(due);
    ++in_flight_;
    if (options_.consume) {
      partitions_[p].unseen.push_back(due);
    }
    touched.push_back(&producer);
  }
  for (Producer* producer : touched) {
    flush(*producer);
  }
}

void OpenLoop::flush(Producer& producer) {
  if (producer.output.empty()) {
    return;
  }
  producer.sent += producer.socket.send_some(ByteView(producer.output).subspan(producer.sent));
  if (producer.sent == producer.output.size()) {
    producer.output.clear();
    producer.sent = 0;
  }
}

void OpenLoop::wait(double until) {
  constexpr double kRetrySend = 0.001;
  double left = until - now();
  for (const auto& producer : producers_) {
    if (!producer->output.empty()) {
      left = std::min(left, kRetrySend);
    }
  }
  timespec timeout{};
  if (left > 0) {
    timeout.tv_sec = static_cast<time_t>(left);
    timeout.tv_nsec = static_cast<long>((left - static_cast<double>(timeout.tv_sec)) * 1e9);
  }
  std::array<epoll_event, 64> events;
  const int count = ::epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t number = events[static_cast<std::size_t>(i)].data.u32;
    if (number >= kConsumers) {
      take_records(*consumers_[number - kConsumers]);
    } else {
      take_answers(*producers_[number]);
    }
  }
  for (const auto& producer : producers_) {
    flush(*producer);
  }
}

void OpenLoop::take_answers(Producer& producer) {
  const double time = now();
  producer.reader.read(producer.socket, [&](ByteView answer) {
    check_produce_answer(answer);
    const double due = producer.unanswered.front();
    producer.unanswered.pop_front();
    --in_flight_;
    if (counts(due)) {
      acks_.push_back(time - due);
    }
  });
}

void OpenLoop::take_records(Consumer& consumer) {
  if (consumer.have < consumer.prefix.size()) {
    consumer.have += consumer.socket.receive_some(consumer.prefix.data() + consumer.have,
                                                  consumer.prefix.size() - consumer.have);
    if (consumer.have < consumer.prefix.size()) {
      return;
    }
    const auto length = static_cast<std::size_t>(load_be<std::int32_t>(consumer.prefix.data()));
    consumer.left = 4 + length - consumer.prefix.size();
  }
  while (consumer.left > 0) {
    const std::size_t n = consumer.socket.receive_some(nullptr, consumer.left);
    if (n == 0) {
      return;
    }
    consumer.left -= n;
  }
  const double time = now();
  const FetchAnswer answer = check_fetch_prefix(consumer.prefix, options_.topic);
  auto& unseen = partitions_[static_cast<std::size_t>(consumer.from.partition)].unseen;
  for (auto count = static_cast<std::size_t>(answer.record_bytes) / batch_.size(); count > 0;
       --count) {
    ++consumer.from.offset;
    if (counts(unseen.front())) {
      arrivals_.push_back(time - unseen.front());
    }
    unseen.pop_front();
  }
  ask(consumer);
}

Report OpenLoop::run() {
  constexpr std::size_t kHopeless = 10'000'000;  // records in flight
  const auto cpu = [&] { return options_.pid > 0 ? cpu_seconds(options_.pid) : 0.0; };
  double cpu_before = 0;
  bool warm = false;
  const double begin = now();
  next_ = static_cast<std::uint64_t>(begin * options_.rate) + 1;  // none is due before we start
  const double end = options_.warm_up_s + options_.seconds;
  while (now() < end && in_flight_ < kHopeless) {
    if (!warm && counts(now())) {
      warm = true;
      cpu_before = cpu();
    }
    send_due();
    wait(static_cast<double>(next_) / options_.rate);
  }
  const double used = cpu() - cpu_before;
  const std::size_t left_behind = in_flight_;
  const double patience = now() + 30;
  while (in_flight_ > 0 && now() < patience) {
    wait(patience);
  }
  Report report(options_.mode);
  report.add("rate", options_.rate);
  report.add("requests", static_cast<double>(acks_.size()));
  report.add("in_flight_at_end", static_cast<double>(left_behind));
  report.add("unanswered", static_cast<double>(in_flight_));
  report.add_latencies("ack", acks_);
  report.add_latencies("end_to_end", arrivals_);
  if (options_.pid > 0) {
    report.add("cpu_s", used);
    report.add("us_per_request", used * 1e6 / (options_.rate * options_.seconds));
    report.add("rss_mb", static_cast<double>(resident_bytes(options_.pid)) / 1e6);
  }
  return report;
}

}  // namespace

Report run_open_loop(const LoadOptions& options) {
  ::prctl(PR_SET_TIMERSLACK, 1);  // wake when a record is due, not 50 microseconds later
  prepare_topic(options);
  return OpenLoop(options).run();
}

}  // namespace barnabas::bench
