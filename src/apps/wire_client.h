// A small blocking client of the Kafka protocol for the command line tools: one connection, one
// request at a time, versions negotiated by ApiVersions. Plaintext only.
// Life cycle: connect(), then call() as often as needed; after a failed call the connection is of
// no more use. Fails: NETWORK_EXCEPTION (closed, timed out), UNSUPPORTED_VERSION (the broker lacks
// the API or shares no version of it), whatever the codec says of a malformed answer.
// THREAD: any, one owner (blocking)
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "barnabas/base/result.h"
#include "barnabas/protocol/api_keys.h"
#include "barnabas/protocol/gen/api_key.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"
#include "bootstrap.h"

namespace barnabas::apps {

class WireClient {
 public:
  struct VersionRange {
    std::int16_t key;
    std::int16_t lowest;
    std::int16_t highest;
  };

  // Takes a connected socket and asks for the broker's versions.
  [[nodiscard]] static Result<WireClient> start(FoundBroker broker, std::string client_id,
                                                std::chrono::milliseconds request_timeout);

  [[nodiscard]] bool supports(protocol::ApiKey key) const { return version_of(key) >= 0; }
  // The highest version that both sides know, -1 when there is none.
  [[nodiscard]] std::int16_t version_of(protocol::ApiKey key) const;
  [[nodiscard]] const HostPort& server() const { return server_; }
  // What the broker said that it takes.
  [[nodiscard]] const std::vector<VersionRange>& ranges() const { return ranges_; }

  // Sends `request` and decodes the answer. `version` -1: the highest that both sides know.
  template <typename Request, typename Response>
  [[nodiscard]] Status call(protocol::ApiKey key, const Request& request, Response& response,
                            std::int16_t version = -1) {
    TRY(const std::int16_t chosen, choose_version(key, version));
    TRY_STATUS(begin_request(key, chosen));
    TRY_STATUS(request.encode(request_, chosen));
    TRY_STATUS(exchange());
    protocol::Reader reader{ByteView(answer_)};
    TRY_STATUS(read_header(reader, key, chosen));
    return response.decode(reader, chosen);
  }

 private:
  WireClient(FoundBroker broker, std::string client_id, std::chrono::milliseconds request_timeout);

  [[nodiscard]] Status negotiate();
  [[nodiscard]] Result<std::int16_t> choose_version(protocol::ApiKey key,
                                                    std::int16_t wanted) const;
  [[nodiscard]] Status begin_request(protocol::ApiKey key, std::int16_t version);
  [[nodiscard]] Status read_header(protocol::Reader& reader, protocol::ApiKey key,
                                   std::int16_t version) const;
  [[nodiscard]] Status exchange();
  [[nodiscard]] Status send_all(ByteView bytes, SteadyTime deadline);
  [[nodiscard]] Status receive_all(MutableBytes bytes, SteadyTime deadline);
  [[nodiscard]] Status wait_for(short events, SteadyTime deadline);
  [[nodiscard]] Error lost(std::string_view why, int sys_errno = 0) const;

  UniqueFd socket_;
  HostPort server_;
  std::string client_id_;
  std::chrono::milliseconds request_timeout_;
  std::int32_t correlation_id_ = 0;
  std::vector<VersionRange> ranges_;
  protocol::Writer request_;
  ByteVector answer_;
};

}  // namespace barnabas::apps
