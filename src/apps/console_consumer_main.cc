// kafka-console-consumer.sh: the records of topics to standard output, on librdkafka.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "console_consumer_options.h"
#include "message_formatter.h"
#include "rdkafka_client.h"
#include "record_source.h"
#include "signal_watcher.h"
#include "subcommands.h"
#include "tool_version.h"

namespace barnabas::apps {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRecordsAtOnce = 1000;
constexpr std::size_t kOutputBytes = std::size_t{64} << 10U;
constexpr int kLongestWaitMs = 60000;

// Standard output in large pieces. Fails: when nobody reads it any more.
class Output {
 public:
  [[nodiscard]] std::string& buffer() { return buffer_; }
  [[nodiscard]] bool broken() const { return broken_; }

  void flush_if_large() {
    if (buffer_.size() >= kOutputBytes) {
      flush();
    }
  }

  void flush() {
    std::string_view rest = buffer_;
    while (!rest.empty() && !broken_) {
      const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (written >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR) {
        say("Unable to write to standard out, closing consumer.");
        broken_ = true;
      }
    }
    buffer_.clear();
  }

 private:
  std::string buffer_;
  bool broken_ = false;
};

std::optional<std::string_view> view_of(const void* data, std::size_t size) {
  return data == nullptr ? std::nullopt
                         : std::optional(std::string_view(static_cast<const char*>(data), size));
}

void read_headers(const rd_kafka_message_t* message, ConsumedRecord& record) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return;
  }
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    record.headers.emplace_back(name, view_of(value, size));
  }
}

void read_record(const rd_kafka_message_t* message, bool with_headers, ConsumedRecord& record) {
  record.partition = message->partition;
  record.offset = message->offset;
  record.key = view_of(message->key, message->key_len);
  record.value = view_of(message->payload, message->len);
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  record.timestamp = rd_kafka_message_timestamp(message, &type);
  record.timestamp_type = type == RD_KAFKA_TIMESTAMP_CREATE_TIME ? RecordTimestamp::kCreateTime
                          : type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME
                              ? RecordTimestamp::kLogAppendTime
                              : RecordTimestamp::kNone;
  record.headers.clear();
  if (with_headers) {
    read_headers(message, record);
  }
}

class Printer {
 public:
  Printer(const ConsoleConsumerOptions& options, const MessageFormatter& formatter,
          ClientEvents& events)
      : options_(options), formatter_(formatter), events_(events) {}

  // Until the limit, the time-out, a signal, a broken pipe or an error. Returns the exit code.
  int run(RecordSource& source, const SignalWatcher& signals) {
    auto give_up = Clock::now() + std::chrono::milliseconds(options_.timeout_ms);
    int code = 0;
    while (signals.signal() == 0 && !output_.broken() && !done() && code == 0) {
      source.poll(0, batch_limit(), records_);
      if (records_.empty()) {
        output_.flush();
        const int wait_ms = time_left(give_up);
        if (output_.broken() || wait_ms < 0) {
          break;
        }
        source.poll(wait_ms, batch_limit(), records_);
      }
      std::size_t printed = 0;
      while (printed < records_.size() && code == 0 && !output_.broken() && signals.signal() == 0) {
        code = std::max(code, print(records_[printed].get()));
        ++printed;
      }
      source.finished(std::span(records_).first(printed));
      if (!records_.empty()) {
        give_up = Clock::now() + std::chrono::milliseconds(options_.timeout_ms);
      }
    }
    records_.clear();
    output_.flush();
    return code;
  }

  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  [[nodiscard]] bool done() const {
    return options_.max_messages >= 0 && count_ >= options_.max_messages;
  }

  [[nodiscard]] std::size_t batch_limit() const {
    if (options_.max_messages < 0) {
      return kRecordsAtOnce;
    }
    return std::min(kRecordsAtOnce, static_cast<std::size_t>(options_.max_messages - count_));
  }

  // How long to wait for a record; negative when --timeout-ms is over.
  [[nodiscard]] int time_left(Clock::time_point give_up) const {
    if (options_.timeout_ms < 0) {
      return kLongestWaitMs;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - Clock::now()).count();
    return left <= 0 ? -1 : static_cast<int>(std::min<std::int64_t>(left, kLongestWaitMs));
  }

  // The exit code so far: not 0 ends the run.
  int print(const rd_kafka_message_t* message) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      output_.flush();
      say(rd_kafka_message_errstr(message));
      return 1;
    }
    events_.down = false;
    ++count_;
    read_record(message, formatter_.wants_headers(), record_);
    const Status written = formatter_.write(record_, output_.buffer());
    if (!written) {
      output_.flush();
      say(fmt::format("{}-{} offset {}: {}{}", rd_kafka_topic_name(message->rkt),
                      message->partition, message->offset, written.error().message,
                      options_.skip_message_on_error ? "; skipped" : ""));
      return options_.skip_message_on_error ? 0 : 1;
    }
    output_.flush_if_large();
    return 0;
  }

  const ConsoleConsumerOptions& options_;
  const MessageFormatter& formatter_;
  ClientEvents& events_;
  Output output_;
  ConsumedRecord record_;
  std::vector<MessageHandle> records_;
  std::int64_t count_ = 0;
};

Result<int> run(const ConsoleConsumerOptions& options, const MessageFormatter& formatter) {
  ClientEvents events;
  std::unique_ptr<RecordSource> source;
  std::atomic<RecordSource*> running{nullptr};
  // Destroyed before the source, so that a signal never meets a source that is gone.
  const SignalWatcher signals([&running] {
    if (RecordSource* started = running.load()) {
      started->wake();
    }
  });
  TRY(source, open_source(options, events));
  running.store(source.get());
  Printer printer(options, formatter, events);
  const int code = printer.run(*source, signals);
  say(fmt::format("Processed a total of {} messages", printer.count()));
  if (options.systest_events) {
    fmt::print("shutdown_complete\n");
  }
  return signals.exit_code(code);
}

}  // namespace

int console_consumer_main(std::span<char*> arguments) {
  auto options = parse_console_consumer(arguments);
  if (!options) {
    say(options.error().message);
    return 1;
  }
  if (options->help) {
    fmt::print("{}", console_consumer_help());
    return 0;
  }
  if (options->version) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  const auto formatter =
      MessageFormatter::make(options->formatter, options->formatter_properties, options->notes);
  for (const std::string& note : options->notes) {
    say(note);
  }
  if (!formatter) {
    say(formatter.error().message);
    return 1;
  }
  const Result<int> code = run(*options, *formatter);
  if (!code) {
    say(code.error().message);
    return 1;
  }
  return *code;
}

}  // namespace barnabas::apps
