// The servers a tool is pointed at: reading the list, and finding out within a second or two
// whether one of them is there, so that a tool says in one line what is wrong instead of retrying
// for ever. THREAD: any (blocking)
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"
#include "unique_fd.h"

namespace barnabas::apps {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
  [[nodiscard]] std::string to_string() const;
};

// "a:9092,b:9092"; IPv6 addresses in brackets, a "PLAINTEXT://" in front is dropped.
// Fails: INVALID_REQUEST with Kafka's sentence.
[[nodiscard]] Result<std::vector<HostPort>> parse_servers(std::string_view list);
[[nodiscard]] std::string join_servers(std::span<const HostPort> servers);

// The servers of a command line: the option's list, and each bare word of the form host:port, for
// `--bootstrap-server a:9092 b:9092`. Words that are no server are told in `notes`.
// An empty list means $KAFKA_BOOTSTRAP_SERVERS, else localhost:9092.
[[nodiscard]] Result<std::vector<HostPort>> servers_of(std::string_view list,
                                                       std::span<const std::string> words,
                                                       std::vector<std::string>& notes);

using SteadyTime = std::chrono::steady_clock::time_point;

// A connected stream socket. Fails: NETWORK_EXCEPTION, the message is the bare reason
// ("connection refused").
[[nodiscard]] Result<UniqueFd> connect_to(const HostPort& server, SteadyTime deadline);

struct Patience {
  // A refused connection is tried again for this long: the broker may just be starting.
  std::chrono::milliseconds refused{1000};
  // An address that does not answer at all.
  std::chrono::milliseconds silent{2000};
};

struct FoundBroker {
  UniqueFd socket;
  HostPort server;
};

// The first server that accepts a connection. Fails: NETWORK_EXCEPTION with
// "no broker at a:9092 (connection refused). Is it started?".
[[nodiscard]] Result<FoundBroker> find_broker(std::span<const HostPort> servers,
                                              Patience patience = {});

}  // namespace barnabas::apps
