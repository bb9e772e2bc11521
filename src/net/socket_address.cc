#include "socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace barnabas::net {
namespace {

constexpr std::array<unsigned char, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

SocketAddress::SocketAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof(v4));
    std::memcpy(bytes_.data(), kMappedPrefix.data(), kMappedPrefix.size());
    std::memcpy(bytes_.data() + kMappedPrefix.size(), &v4.sin_addr, sizeof(v4.sin_addr));
    port_ = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof(v6));
    std::memcpy(bytes_.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
    port_ = ntohs(v6.sin6_port);
  }
}

std::string SocketAddress::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (std::memcmp(bytes_.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0) {
    ::inet_ntop(AF_INET, bytes_.data() + kMappedPrefix.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

}  // namespace barnabas::net
