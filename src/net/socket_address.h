// An address of a TCP peer in 20 bytes; text is made when somebody asks for it.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace barnabas::net {

class SocketAddress {
 public:
  SocketAddress() = default;
  explicit SocketAddress(const sockaddr_storage& address);

  // An IPv4 peer of a dual-stack socket is told by its IPv4 address.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // The host alone, for counting connections.
  [[nodiscard]] const std::array<unsigned char, 16>& key() const { return bytes_; }

 private:
  std::array<unsigned char, 16> bytes_{};  // IPv6, or IPv4 mapped into it
  std::uint16_t port_ = 0;
};

}  // namespace barnabas::net
