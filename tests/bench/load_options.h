// What bench_load is asked to do; see --help.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "bench/client_socket.h"

namespace barnabas::bench {

struct LoadOptions {
  std::string mode;  // produce, fetch, ping, rate, waiters, idle
  Address broker;
  pid_t pid = 0;  // whose CPU is measured; 0: nobody's
  std::string topic = "bench";
  int connections = 1;
  int partitions = 1;
  int partitions_per_request = 1;
  int window = 100;  // requests in flight on a connection
  std::int16_t acks = 1;
  std::size_t record_bytes = 100;
  std::size_t batch_bytes = 0;                      // 0: one record a batch
  std::size_t fill_bytes = std::size_t{64} << 20U;  // written before a fetch load, all partitions
  std::int32_t fetch_bytes = 1 << 20;
  double rate = 1000;    // requests a second, open loop
  bool consume = false;  // rate: also measure until a waiting fetch has the record
  int waiters = 1000;
  int wakes = 21;
  double warm_up_s = 1;
  double seconds = 5;
  double max_bytes = 0;  // of records that count, then the load ends early; 0: no such end
};

// Throws std::invalid_argument with a sentence.
[[nodiscard]] LoadOptions parse_load_options(int argc, char** argv);
[[nodiscard]] std::string load_usage();

}  // namespace barnabas::bench
