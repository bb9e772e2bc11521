#include "acceptor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"

namespace barnabas::net {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int kSmallestBacklog = 1024;
constexpr auto kFirstBackOff = std::chrono::milliseconds(10);
constexpr auto kLastBackOff = std::chrono::milliseconds(1000);
// Of the descriptor limit, an eighth at most; but enough for the files of some new segments.
constexpr std::size_t kReservedShare = 8;
constexpr std::size_t kLeastReserved = 16;

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("net");
  return logger;
}

struct Candidate {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Candidate any_address(int family, std::uint16_t port) {
  Candidate candidate;
  if (family == AF_INET6) {
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    candidate.size = sizeof(any);
    std::memcpy(&candidate.address, &any, sizeof(any));
  } else {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    candidate.size = sizeof(any);
    std::memcpy(&candidate.address, &any, sizeof(any));
  }
  return candidate;
}

// IPv4 first, as Java resolves names, so that we listen where Kafka would.
Result<std::vector<Candidate>> resolve(const std::string& host, std::uint16_t port) {
  if (host.empty()) {
    return std::vector{any_address(AF_INET6, port), any_address(AF_INET, port)};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return fail(ErrorCode::kUnknownServerError,
                fmt::format("cannot resolve {}: {}", host, ::gai_strerror(error)));
  }
  std::vector<Candidate> candidates;
  for (const bool v4 : {true, false}) {
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
      if ((one->ai_family == AF_INET) == v4) {
        Candidate candidate;
        candidate.size = one->ai_addrlen;
        std::memcpy(&candidate.address, one->ai_addr, one->ai_addrlen);
        candidates.push_back(candidate);
      }
    }
  }
  ::freeaddrinfo(found);
  return candidates;
}

int set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : errno;
}

// Accepted sockets inherit what is set here, so that accepting costs no further calls.
int prepare(int fd, int family, const ServerOptions& options) {
  int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family == AF_INET6 && error == 0) {
    error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }
  if (error == 0) {
    error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  }
  if (error == 0) {
    error = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  }
  if (error == 0 && options.send_buffer_bytes > 0) {
    error = set_option(fd, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
  }
  if (error == 0 && options.receive_buffer_bytes > 0) {
    error = set_option(fd, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  }
  return error;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  BARNABAS_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return SocketAddress(address).port();
}

}  // namespace

Status Acceptor::open() {
  TRY(const auto candidates, resolve(options_.host, options_.port));
  int error = EADDRNOTAVAIL;
  for (const Candidate& candidate : candidates) {
    UniqueFd fd(
        ::socket(candidate.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
      error = errno;
      continue;
    }
    error = prepare(fd.get(), candidate.address.ss_family, shared_.options);
    if (error == 0 && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&candidate.address),
                             candidate.size) != 0) {
      error = errno;
    }
    if (error == 0 &&
        ::listen(fd.get(), std::max(shared_.options.backlog, kSmallestBacklog)) != 0) {
      error = errno;
    }
    if (error == 0) {
      port_ = bound_port(fd.get());
      socket_ = std::move(fd);
      return {};
    }
    if (error == EADDRINUSE) {
      break;  // the same port of another family would not be what was asked for
    }
  }
  return fail(
      ErrorCode::kUnknownServerError,
      fmt::format("listener {} cannot listen on {}:{}: {}{}", options_.name, options_.host,
                  options_.port, std::strerror(error),
                  error == EADDRINUSE ? " (another process, perhaps another broker, has it)" : ""),
      error);
}

void Acceptor::begin(std::vector<ConnectionGroup*> groups) {
  home_.assert_here();
  groups_ = std::move(groups);
  const int error = home_.watch(socket_.get(), *this);
  BARNABAS_CHECK_MSG(error == 0, "a listening socket can always be watched");
}

void Acceptor::close() {
  home_.assert_here();
  back_off_timer_.reset();
  soon_.reset();
  home_.unwatch(socket_.get());
  socket_.reset();
}

void Acceptor::on_events(std::uint32_t /*events*/) {
  for (int i = 0; socket_ && !paused_ && accept_one(); ++i) {
    if (i == kAcceptsPerTurn) {
      accept_soon();
      return;
    }
  }
}

void Acceptor::accept_soon() {
  soon_ = home_.run_after(std::chrono::nanoseconds(0), [this] { on_events(EPOLLIN); });
}

// The kernel gives out the lowest free number, so that number tells how many are in use.
bool Acceptor::descriptors_left() const {
  rlimit limit{};
  BARNABAS_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const UniqueFd lowest_free(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0));
  const auto all = static_cast<std::size_t>(limit.rlim_cur);
  const std::size_t reserved = std::min(
      {shared_.options.reserved_descriptors, std::max(all / kReservedShare, kLeastReserved), all});
  return lowest_free && static_cast<std::size_t>(lowest_free.get()) < all - reserved;
}

bool Acceptor::accept_one() {
  if (shared_.limits.full(listener_)) {
    pause();  // resume() comes with the next connection that closes
    if (!shared_.limits.full(listener_)) {
      resume();
    }
    return false;
  }
  if (const auto delay = shared_.limits.rate_delay(listener_, home_.now()); delay.count() > 0) {
    pause();
    back_off_timer_ = home_.run_after(delay, [this] { resume(); });
    return false;
  }
  if (!descriptors_left()) {
    back_off(EMFILE);
    return false;
  }
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  UniqueFd socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) {
    switch (errno) {
      case EAGAIN:
        return false;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        back_off(errno);
        return false;
      default:
        return true;  // that peer is gone already; the next one may be there
    }
  }
  back_off_ = std::chrono::milliseconds(0);
  const SocketAddress peer(address);
  shared_.limits.count_accepted(listener_, home_.now());
  switch (shared_.limits.admit(peer, listener_)) {
    case ConnectionLimits::Admission::kAddressFull: {
      std::size_t suppressed = 0;
      if (shared_.log_limiter.allow(peer.host(), home_.now(), suppressed)) {
        log().warn("{} on {} refused: too many connections from this address ({} lines left out)",
                   peer.host(), options_.name, suppressed);
      }
      return true;
    }
    case ConnectionLimits::Admission::kInPlaceOfAnother:
      shared_.make_place(listener_);
      break;
    case ConnectionLimits::Admission::kAdmitted:
      break;
  }
  hand_over(std::move(socket), peer);
  return true;
}

void Acceptor::hand_over(UniqueFd socket, const SocketAddress& peer) {
  ConnectionGroup* group = groups_[place_of_new(loads_of(groups_), shared_.options.spread)];
  group->count_assigned();
  if (&group->home() == &home_) {
    group->adopt(std::move(socket), peer, listener_);
    return;
  }
  group->home().post([group, peer, listener = listener_, socket = std::move(socket)]() mutable {
    group->adopt(std::move(socket), peer, listener);
  });
}

void Acceptor::pause() {
  paused_ = true;
}

void Acceptor::resume() {
  home_.assert_here();
  back_off_timer_.reset();
  if (socket_ && paused_) {
    paused_ = false;
    accept_soon();
  }
}

void Acceptor::back_off(int error) {
  back_off_ = std::clamp<std::chrono::milliseconds>(back_off_ * 2, kFirstBackOff, kLastBackOff);
  std::size_t suppressed = 0;
  if (log_limiter_.allow({}, home_.now(), suppressed)) {
    log().warn("{} accepts nothing for {} ms: {} ({} lines left out)", options_.name,
               back_off_.count(), std::strerror(error), suppressed);
  }
  pause();
  back_off_timer_ = home_.run_after(back_off_, [this] { resume(); });
}

}  // namespace barnabas::net
