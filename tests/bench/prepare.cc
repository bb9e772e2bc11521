#include "bench/prepare.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "bench/wire.h"

namespace barnabas::bench {

void prepare_topic(const LoadOptions& options) {
  const ClientSocket socket(options.broker);
  check_create_topic_answer(socket.ask(create_topic_request(options.topic, options.partitions, 1)));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!topic_is_ready(socket.ask(metadata_request(options.topic, 2)), options.partitions)) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the topic has no leaders, or another number of partitions");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace barnabas::bench
