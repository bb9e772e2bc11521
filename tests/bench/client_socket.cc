#include "bench/client_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace barnabas::bench {
namespace {

[[noreturn]] void fail(std::string_view what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

ClientSocket::ClientSocket(const Address& address)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address.port);
  if (fd_ < 0 || ::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr) != 1) {
    fail(fmt::format("cannot use address {}", address.host));
  }
  const int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    const int error = errno;
    ::close(fd_);
    errno = error;
    fail(fmt::format("cannot connect to {}:{}", address.host, address.port));
  }
}

ClientSocket::ClientSocket(ClientSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ClientSocket::~ClientSocket() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void ClientSocket::set_non_blocking() const {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

void ClientSocket::send_all(ByteView bytes) const {
  while (!bytes.empty()) {
    bytes = bytes.subspan(send_some(bytes));
  }
}

void ClientSocket::receive_all(MutableBytes bytes) const {
  while (!bytes.empty()) {
    bytes = bytes.subspan(receive_some(bytes.data(), bytes.size()));
  }
}

ByteVector ClientSocket::ask(ByteView request) const {
  send_all(request);
  std::byte length[4];
  receive_all(length);
  ByteVector answer(static_cast<std::size_t>(load_be<std::int32_t>(length)));
  receive_all(answer);
  return answer;
}

std::size_t ClientSocket::send_some(ByteView bytes) const {
  for (;;) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      return static_cast<std::size_t>(n);
    }
    if (errno == EAGAIN) {
      return 0;
    }
    if (errno != EINTR) {
      fail("send");
    }
  }
}

std::size_t ClientSocket::receive_some(std::byte* into, std::size_t size) const {
  for (;;) {
    const ssize_t n = ::recv(fd_, into, size, into == nullptr ? MSG_TRUNC : 0);
    if (n > 0) {
      return static_cast<std::size_t>(n);
    }
    if (n == 0) {
      throw std::runtime_error("the broker closed the connection");
    }
    if (errno == EAGAIN) {
      return 0;
    }
    if (errno != EINTR) {
      fail("receive");
    }
  }
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace barnabas::bench
