#include "wire_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "barnabas/base/bytes.h"
#include "barnabas/base/check.h"
#include "barnabas/protocol/gen/api_versions.h"
#include "barnabas/protocol/headers.h"

namespace barnabas::apps {

namespace {

using Clock = std::chrono::steady_clock;
using protocol::ApiKey;

// No answer that a tool asks for is longer; a length beyond it is not Kafka's.
constexpr std::int32_t kMaxAnswerBytes = 512 << 20;
constexpr const char* kSoftwareName = "barnabas-tools";
constexpr const char* kSoftwareVersion = "0.1.0";

const protocol::ApiInfo& info_of(ApiKey key) {
  const protocol::ApiInfo* info = protocol::find_api(static_cast<std::int16_t>(key));
  BARNABAS_CHECK(info != nullptr);
  return *info;
}

}  // namespace

WireClient::WireClient(FoundBroker broker, std::string client_id,
                       std::chrono::milliseconds request_timeout)
    : socket_(std::move(broker.socket)),
      server_(std::move(broker.server)),
      client_id_(std::move(client_id)),
      request_timeout_(request_timeout) {}

Result<WireClient> WireClient::start(FoundBroker broker, std::string client_id,
                                     std::chrono::milliseconds request_timeout) {
  WireClient client(std::move(broker), std::move(client_id), request_timeout);
  TRY_STATUS(client.negotiate());
  return client;
}

Status WireClient::negotiate() {
  protocol::ApiVersionsRequest request;
  request.client_software_name = kSoftwareName;
  request.client_software_version = kSoftwareVersion;
  protocol::ApiVersionsResponse response;
  const protocol::ApiInfo& info = info_of(ApiKey::kApiVersions);
  const std::int16_t newest = std::min<std::int16_t>(info.max_version, 3);
  TRY_STATUS(begin_request(ApiKey::kApiVersions, newest));
  TRY_STATUS(request.encode(request_, newest));
  TRY_STATUS(exchange());
  {
    protocol::Reader reader{ByteView(answer_)};
    TRY_STATUS(read_header(reader, ApiKey::kApiVersions, newest));
    // An older broker answers a version that it does not know in version 0, error first.
    const bool refused = reader.remaining() >= sizeof(std::int16_t) &&
                         load_be<std::int16_t>(reader.rest().data()) ==
                             static_cast<std::int16_t>(ErrorCode::kUnsupportedVersion);
    if (!refused) {
      TRY_STATUS(response.decode(reader, newest));
    } else {
      TRY_STATUS(call(ApiKey::kApiVersions, protocol::ApiVersionsRequest{}, response, 0));
    }
  }
  for (const auto& api : response.api_keys) {
    ranges_.push_back({api.api_key, api.min_version, api.max_version});
  }
  return {};
}

std::int16_t WireClient::version_of(ApiKey key) const {
  const auto found = std::ranges::find(ranges_, static_cast<std::int16_t>(key), &VersionRange::key);
  if (found == ranges_.end()) {
    return -1;
  }
  const protocol::ApiInfo& info = info_of(key);
  const std::int16_t highest = std::min(found->highest, info.max_version);
  return highest >= std::max(found->lowest, info.min_version) ? highest : std::int16_t{-1};
}

Result<std::int16_t> WireClient::choose_version(ApiKey key, std::int16_t wanted) const {
  const std::int16_t version = wanted >= 0 ? wanted : version_of(key);
  if (version < 0) {
    return fail(ErrorCode::kUnsupportedVersion,
                fmt::format("the broker at {} does not support {} yet", server_.to_string(),
                            protocol::api_name(key)));
  }
  return version;
}

Status WireClient::begin_request(ApiKey key, std::int16_t version) {
  request_.clear();
  request_.write<std::int32_t>(0);  // the length, filled in by exchange()
  protocol::RequestHeader header;
  header.correlation_id = ++correlation_id_;
  header.client_id = client_id_;
  return protocol::encode_request_header(request_, info_of(key), version, header);
}

Status WireClient::read_header(protocol::Reader& reader, ApiKey key, std::int16_t version) const {
  protocol::ResponseHeader header;
  TRY_STATUS(protocol::decode_response_header(reader, info_of(key), version, header));
  if (header.correlation_id != correlation_id_) {
    return std::unexpected(lost("answered another request than the one sent"));
  }
  return {};
}

Status WireClient::exchange() {
  const SteadyTime deadline = Clock::now() + request_timeout_;
  const MutableBytes frame = request_.mutable_bytes();
  store_be<std::int32_t>(frame.data(), static_cast<std::int32_t>(frame.size() - 4));
  TRY_STATUS(send_all(frame, deadline));
  std::array<std::byte, 4> length_bytes{};
  TRY_STATUS(receive_all(length_bytes, deadline));
  const auto length = load_be<std::int32_t>(length_bytes.data());
  if (length < 4 || length > kMaxAnswerBytes) {
    return std::unexpected(lost("does not answer as a Kafka broker"));
  }
  answer_.resize(static_cast<std::size_t>(length));
  return receive_all(answer_, deadline);
}

Status WireClient::send_all(ByteView bytes, SteadyTime deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      TRY_STATUS(wait_for(POLLOUT, deadline));
    } else if (errno != EINTR) {
      return std::unexpected(lost("closed the connection", errno));
    }
  }
  return {};
}

Status WireClient::receive_all(MutableBytes bytes, SteadyTime deadline) {
  while (!bytes.empty()) {
    const ssize_t received = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (received > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(received));
    } else if (received < 0 && errno == EAGAIN) {
      TRY_STATUS(wait_for(POLLIN, deadline));
    } else if (received == 0 || errno != EINTR) {
      return std::unexpected(lost("closed the connection", received == 0 ? 0 : errno));
    }
  }
  return {};
}

Status WireClient::wait_for(short events, SteadyTime deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd waiting{.fd = socket_.get(), .events = events, .revents = 0};
  const int ready =
      ::poll(&waiting, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3600'000)));
  if (ready == 0) {
    return std::unexpected(
        lost(fmt::format("gave no answer within {} ms", request_timeout_.count()), ETIMEDOUT));
  }
  return {};
}

Error WireClient::lost(std::string_view why, int sys_errno) const {
  return Error{ErrorCode::kNetworkException,
               fmt::format("the server at {} {}", server_.to_string(), why), sys_errno};
}

}  // namespace barnabas::apps
