// A client's socket: blocking to prepare things, non-blocking for the load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "barnabas/base/bytes.h"

namespace barnabas::bench {

struct Address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 9092;
};

class ClientSocket {
 public:
  explicit ClientSocket(const Address& address);  // throws
  ClientSocket(ClientSocket&& other) noexcept;
  ClientSocket& operator=(ClientSocket&&) = delete;
  ~ClientSocket();

  [[nodiscard]] int fd() const { return fd_; }
  void set_non_blocking() const;
  // Blocking: sends a frame, returns the payload of its answer.
  [[nodiscard]] ByteVector ask(ByteView request) const;
  void send_all(ByteView bytes) const;
  void receive_all(MutableBytes bytes) const;
  // Non-blocking: how many bytes were taken, 0 when the socket is full. Throws when it is closed.
  [[nodiscard]] std::size_t send_some(ByteView bytes) const;
  // 0 when there is nothing. With a null `into` the bytes are dropped by the kernel, uncopied.
  [[nodiscard]] std::size_t receive_some(std::byte* into, std::size_t size) const;

 private:
  int fd_;
};

// So that thousands of connections fit: the soft limit of descriptors becomes the hard one.
void raise_descriptor_limit();

}  // namespace barnabas::bench
