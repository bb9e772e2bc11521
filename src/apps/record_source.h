// Where the console consumer's records come from: partitions that it assigns to itself, or a
// consumer group that assigns them.
// Life cycle: start, poll as often as needed, stop (the destructor's work). Fails: what keeps it
// from reading, as one sentence. THREAD: any, one owner; wake() from any thread once started.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/base/result.h"
#include "console_consumer_options.h"
#include "rdkafka_client.h"
#include "topic_filter.h"

namespace barnabas::apps {

class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // Fetched records, at most `limit`: what is at hand, else the first one to come within
  // `timeout_ms`. Empty after that time or a wake(). The vector is overwritten.
  virtual void poll(int timeout_ms, std::size_t limit, std::vector<MessageHandle>& records) = 0;
  // These records of the last poll() have been dealt with: a group commits up to them, no further.
  virtual void finished(std::span<const MessageHandle> records) = 0;
  // Ends a poll() that waits, now or the next one.
  virtual void wake() = 0;
};

[[nodiscard]] Result<std::unique_ptr<RecordSource>> open_source(
    const ConsoleConsumerOptions& options, ClientEvents& events);

}  // namespace barnabas::apps
