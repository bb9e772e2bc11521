// kafka-console-producer.sh: lines from standard input to a topic, on librdkafka.
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "console_producer_options.h"
#include "line_reader.h"
#include "preflight.h"
#include "rdkafka_client.h"
#include "signal_watcher.h"
#include "subcommands.h"
#include "tool_version.h"
#include "unique_fd.h"

namespace barnabas::apps {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kChunkBytes = std::size_t{64} << 10U;
constexpr int kQueueFullPollMs = 5;  // librdkafka gives no sign when room appears
constexpr int kFlushSliceMs = 100;
constexpr int kFlushAfterSignalMs = 5000;
constexpr std::int64_t kTellFailures = 10;

// A key or value as librdkafka takes it: it tells null from empty by the pointer, and copies, so
// that only its signature lacks the const.
struct Field {
  explicit Field(const std::optional<std::string_view>& text)
      : data(text ? const_cast<char*>(text->empty() ? "" : text->data()) : nullptr),
        size(text ? text->size() : 0) {}
  char* data;
  std::size_t size;
};

// What the records' fate comes down to. Owned by the main thread, which also runs the callbacks.
class DeliveryReport {
 public:
  void failed(std::string_view topic, const void* key, std::size_t key_bytes, const void* value,
              std::size_t value_bytes, std::string_view error) {
    if (++failures_ > kTellFailures) {
      return;
    }
    const auto size = [](const void* field, std::size_t bytes) {
      return field == nullptr ? std::string("null") : fmt::format("{} bytes", bytes);
    };
    say(fmt::format("Error when sending message to topic {} with key: {}, value: {} with error: {}",
                    topic, size(key, key_bytes), size(value, value_bytes), error));
  }
  [[nodiscard]] std::int64_t failures() const { return failures_; }
  void tell_rest() const {
    if (failures_ > kTellFailures) {
      say(fmt::format("{} records in all could not be stored", failures_));
    }
  }

 private:
  std::int64_t failures_ = 0;
};

class Producer {
 public:
  explicit Producer(const SignalWatcher& signals) : signals_(signals) {}
  // Fails: INVALID_CONFIG, or what keeps the topic from being written to.
  [[nodiscard]] Status start(const ConsoleProducerOptions& options, int wake_fd);
  void send(const LineRecord& record);
  // Waits for everything in hand; after a signal no longer than a few seconds.
  void finish();
  void serve() { rd_kafka_poll(client_.get(), 0); }
  [[nodiscard]] const DeliveryReport& report() const { return report_; }

 private:
  rd_kafka_resp_err_t produce(const LineRecord& record);
  rd_kafka_resp_err_t produce_with_headers(const LineRecord& record);
  static void on_delivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque);

  const SignalWatcher& signals_;
  ClientEvents events_;
  DeliveryReport report_;
  std::string topic_name_;
  std::int64_t max_block_ms_ = 0;
  bool sync_ = false;
  ClientHandle client_;
  TopicHandle topic_;
};

void Producer::on_delivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message,
                           void* opaque) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    auto& report = *static_cast<DeliveryReport*>(static_cast<ClientEvents*>(opaque)->owner);
    report.failed(rd_kafka_topic_name(message->rkt), message->key, message->key_len,
                  message->payload, message->len, rd_kafka_err2str(message->err));
  }
}

Status Producer::start(const ConsoleProducerOptions& options, int wake_fd) {
  PropertyMap properties = options.producer;
  properties["partitioner"] = "murmur2_random";  // Java's
  properties["delivery.report.only.error"] = "true";
  TRY(ConfHandle conf, make_conf(ClientKind::kProducer, properties));
  topic_name_ = options.topic;
  max_block_ms_ = options.max_block_ms;
  sync_ = options.sync;
  events_.servers = join_servers(options.servers);
  events_.owner = &report_;
  register_events(conf.get(), events_);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &Producer::on_delivery);
  TRY_STATUS(check_reachable(options.servers, options.producer));
  TRY(client_, make_client(ClientKind::kProducer, std::move(conf)));
  topic_.reset(rd_kafka_topic_new(client_.get(), topic_name_.c_str(), nullptr));
  if (topic_ == nullptr) {
    return fail(ErrorCode::kInvalidTopicException, rd_kafka_err2str(rd_kafka_last_error()));
  }
  TRY_STATUS(wait_for_topic(client_.get(), topic_.get(), topic_name_));
  const QueueHandle queue(rd_kafka_queue_get_main(client_.get()));
  static constexpr std::uint64_t kOne = 1;
  rd_kafka_queue_io_event_enable(queue.get(), wake_fd, &kOne, sizeof(kOne));
  return {};
}

rd_kafka_resp_err_t Producer::produce(const LineRecord& record) {
  if (!record.headers.empty()) {
    return produce_with_headers(record);
  }
  const Field key(record.key);
  const Field value(record.value);
  const int result = rd_kafka_produce(topic_.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                                      value.data, value.size, key.data, key.size, nullptr);
  return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
}

rd_kafka_resp_err_t Producer::produce_with_headers(const LineRecord& record) {
  HeadersHandle headers(rd_kafka_headers_new(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    const Field field(value);
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), field.data,
                        static_cast<ssize_t>(field.size));
  }
  const Field key(record.key);
  const Field value(record.value);
  std::array<rd_kafka_vu_t, 5> fields{};
  fields[0].vtype = RD_KAFKA_VTYPE_RKT;
  fields[0].u.rkt = topic_.get();
  fields[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[1].u.i = RD_KAFKA_MSG_F_COPY;
  fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
  fields[2].u.mem = {value.data, value.size};
  fields[3].vtype = RD_KAFKA_VTYPE_KEY;
  fields[3].u.mem = {key.data, key.size};
  fields[4].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[4].u.headers = headers.get();
  const ErrorHandle error(rd_kafka_produceva(client_.get(), fields.data(), fields.size()));
  if (error != nullptr) {
    return rd_kafka_error_code(error.get());
  }
  static_cast<void>(headers.release());  // the record owns them now
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void Producer::send(const LineRecord& record) {
  const auto give_up = Clock::now() + std::chrono::milliseconds(max_block_ms_);
  rd_kafka_resp_err_t error = produce(record);
  while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && Clock::now() < give_up &&
         signals_.signal() == 0) {
    rd_kafka_poll(client_.get(), kQueueFullPollMs);
    error = produce(record);
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const Field key(record.key);
    const Field value(record.value);
    report_.failed(topic_name_, key.data, key.size, value.data, value.size,
                   rd_kafka_err2str(error));
  } else if (sync_) {
    while (rd_kafka_flush(client_.get(), kFlushSliceMs) == RD_KAFKA_RESP_ERR__TIMED_OUT &&
           signals_.signal() == 0) {
    }
  }
}

void Producer::finish() {
  int waited_after_signal_ms = 0;
  while (rd_kafka_flush(client_.get(), kFlushSliceMs) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
    if (signals_.signal() == 0) {
      continue;
    }
    waited_after_signal_ms += kFlushSliceMs;
    if (waited_after_signal_ms >= kFlushAfterSignalMs) {
      rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    }
  }
  report_.tell_rest();
}

// Standard input, chunk by chunk, woken by signals and by what librdkafka has to say.
class Input {
 public:
  explicit Input(int wake_fd) : wake_fd_(wake_fd), chunk_(kChunkBytes) {}

  // The next chunk; empty at the end of the input or after a signal.
  std::string_view read(const SignalWatcher& signals, Producer& producer) {
    for (;;) {
      std::array<pollfd, 2> waiting = {pollfd{STDIN_FILENO, POLLIN, 0},
                                       pollfd{wake_fd_, POLLIN, 0}};
      const int ready = ::poll(waiting.data(), waiting.size(), -1);
      if (signals.signal() != 0 || (ready < 0 && errno != EINTR)) {
        return {};
      }
      if ((waiting[1].revents & POLLIN) != 0) {
        std::uint64_t count = 0;
        static_cast<void>(::read(wake_fd_, &count, sizeof(count)) == sizeof(count));
        producer.serve();
      }
      if (waiting[0].revents == 0) {
        continue;
      }
      const ssize_t bytes = ::read(STDIN_FILENO, chunk_.data(), chunk_.size());
      if (bytes >= 0) {
        return {chunk_.data(), static_cast<std::size_t>(bytes)};
      }
      if (errno != EINTR && errno != EAGAIN) {
        say(fmt::format("cannot read standard input (errno {})", errno));
        return {};
      }
    }
  }

 private:
  int wake_fd_;
  std::vector<char> chunk_;
};

// Fails with the line that cannot be read; what came before it is sent all the same.
Status send_lines(RecordReader& reader, Producer& producer, Input& input,
                  const SignalWatcher& signals) {
  const bool prompt = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  const auto show_prompt = [prompt] {
    if (prompt) {
      std::fputs(">", stdout);
      std::fflush(stdout);
    }
  };
  LineSplitter lines;
  LineRecord record;
  show_prompt();
  for (bool more = true; more;) {
    const std::string_view chunk = input.read(signals, producer);
    if (signals.signal() != 0) {
      return {};
    }
    more = !chunk.empty();
    if (more) {
      lines.feed(chunk);
    } else {
      lines.finish();
    }
    while (const auto line = lines.next()) {
      TRY_STATUS(reader.read(*line, record));
      producer.send(record);
      if (signals.signal() != 0) {
        return {};
      }
      show_prompt();
    }
    producer.serve();
  }
  return {};
}

Result<int> run(const ConsoleProducerOptions& options) {
  TRY(RecordReader reader, RecordReader::make(options.reader));
  const UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const int wake_fd = wake.get();
  const SignalWatcher signals([wake_fd] {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_fd, &one, sizeof(one)) == sizeof(one));
  });
  Producer producer(signals);
  TRY_STATUS(producer.start(options, wake_fd));
  Input input(wake_fd);
  const Status read = send_lines(reader, producer, input, signals);
  producer.finish();
  if (!read) {
    return std::unexpected(read.error());
  }
  return signals.exit_code(producer.report().failures() > 0 ? 1 : 0);
}

}  // namespace

int console_producer_main(std::span<char*> arguments) {
  auto options = parse_console_producer(arguments);
  if (!options) {
    say(options.error().message);
    return 1;
  }
  if (options->help) {
    fmt::print("{}", console_producer_help());
    return 0;
  }
  if (options->version) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  for (const std::string& note : options->notes) {
    say(note);
  }
  const Result<int> code = run(*options);
  if (!code) {
    say(code.error().message);
    return 1;
  }
  return *code;
}

}  // namespace barnabas::apps
