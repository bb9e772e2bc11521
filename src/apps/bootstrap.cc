#include "bootstrap.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace barnabas::apps {

namespace {

using Clock = std::chrono::steady_clock;
using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

constexpr std::chrono::milliseconds kRetryPause{50};
constexpr const char* kWantHostPort = "Please provide valid host:port like host1:9091,host2:9092";

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<HostPort> parse_server(std::string_view text) {
  text = trim(text);
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    text.remove_prefix(scheme + 3);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || stop != digits.data() + digits.size() ||
      port == 0) {
    return std::nullopt;
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return std::nullopt;
  }
  return HostPort{std::string(host), port};
}

std::string lower_case_error(int error) {
  std::string text = std::strerror(error);
  if (!text.empty()) {
    text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  }
  return text;
}

int milliseconds_until(SteadyTime deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3600'000));
}

// 0 when connected, else the errno.
int connect_before(int fd, const addrinfo& address, SteadyTime deadline) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) {
    return 0;
  }
  if (errno != EINPROGRESS) {
    return errno;
  }
  pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
  const int ready = ::poll(&waiting, 1, milliseconds_until(deadline));
  if (ready == 0) {
    return ETIMEDOUT;
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (ready < 0 || ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
    return errno;
  }
  return error;
}

}  // namespace

std::string HostPort::to_string() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<std::vector<HostPort>> parse_servers(std::string_view list) {
  std::vector<HostPort> servers;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view one = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (trim(one).empty()) {
      continue;
    }
    std::optional<HostPort> server = parse_server(one);
    if (!server) {
      return fail(ErrorCode::kInvalidRequest, kWantHostPort);
    }
    servers.push_back(*std::move(server));
  }
  if (servers.empty()) {
    return fail(ErrorCode::kInvalidRequest, kWantHostPort);
  }
  return servers;
}

std::string join_servers(std::span<const HostPort> servers) {
  std::string text;
  for (const HostPort& server : servers) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", server.to_string());
  }
  return text;
}

Result<std::vector<HostPort>> servers_of(std::string_view list, std::span<const std::string> words,
                                         std::vector<std::string>& notes) {
  if (list.empty()) {
    const char* environment = std::getenv("KAFKA_BOOTSTRAP_SERVERS");
    list = environment != nullptr && *environment != '\0' ? environment : "localhost:9092";
  }
  TRY(std::vector<HostPort> servers, parse_servers(list));
  for (const std::string& word : words) {
    if (auto more = parse_servers(word)) {
      std::ranges::move(*more, std::back_inserter(servers));
    } else {
      notes.push_back(fmt::format("ignoring '{}': it belongs to no option", word));
    }
  }
  return servers;
}

Result<UniqueFd> connect_to(const HostPort& server, SteadyTime deadline) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(server.port);
  if (const int error = ::getaddrinfo(server.host.c_str(), port.c_str(), &hints, &found);
      error != 0) {
    return fail(ErrorCode::kNetworkException,
                error == EAI_NONAME ? "the host name is not known" : ::gai_strerror(error));
  }
  const AddressList addresses(found, &::freeaddrinfo);
  int error = ECONNREFUSED;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    UniqueFd fd(::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
      error = errno;
      continue;
    }
    error = connect_before(fd.get(), *address, deadline);
    if (error == 0) {
      const int yes = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
      return fd;
    }
  }
  return fail(ErrorCode::kNetworkException, lower_case_error(error), error);
}

Result<FoundBroker> find_broker(std::span<const HostPort> servers, Patience patience) {
  const SteadyTime refused_until = Clock::now() + patience.refused;
  Error last;
  for (;;) {
    bool all_refused = true;
    for (const HostPort& server : servers) {
      auto socket = connect_to(server, Clock::now() + patience.silent);
      if (socket) {
        return FoundBroker{*std::move(socket), server};
      }
      last = socket.error();
      all_refused = all_refused && last.sys_errno == ECONNREFUSED;
    }
    if (!all_refused || Clock::now() + kRetryPause >= refused_until) {
      return fail(
          ErrorCode::kNetworkException,
          fmt::format("no broker at {} ({}). Is it started?", join_servers(servers), last.message),
          last.sys_errno);
    }
    ::poll(nullptr, 0, static_cast<int>(kRetryPause.count()));  // a port gives no sign to wait for
  }
}

}  // namespace barnabas::apps
