// A listening socket. One for each listener, on one io thread; what it accepts goes to the first io
// thread that is not crowded (spread.h). One socket and not SO_REUSEPORT for each thread: that
// would let a second broker bind the same port in silence, and the kernel's hash spreads few
// connections badly.
//
// Out of descriptors it pauses with a growing back-off; at the bound of connections it pauses until
// one closes, at the bound of new ones for as long as it takes. Meanwhile peers wait in the
// kernel's queue. THREAD: home, but for open()
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/result.h"
#include "barnabas/net/server.h"
#include "connection_group.h"
#include "io_thread.h"
#include "log_limiter.h"
#include "server_shared.h"
#include "unique_fd.h"

namespace barnabas::net {

class Acceptor final : public PollTarget {
 public:
  // For the listener of that index in the server's options.
  Acceptor(IoThread& home, ServerShared& shared, std::size_t listener)
      : home_(home),
        shared_(shared),
        listener_(listener),
        options_(shared.options.listeners[listener]) {}

  // Binds and listens. THREAD: any, before begin()
  [[nodiscard]] Status open();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] IoThread& home() { return home_; }

  // `groups` outlive it.
  void begin(std::vector<ConnectionGroup*> groups);
  void resume();
  void close();
  void on_events(std::uint32_t events) override;

 private:
  [[nodiscard]] bool accept_one();  // returns whether there may be more
  void accept_soon();               // before anything else happens to the socket
  void hand_over(UniqueFd socket, const SocketAddress& peer);
  void pause();
  void back_off(int error);
  [[nodiscard]] bool descriptors_left() const;

  IoThread& home_;
  ServerShared& shared_;
  const std::size_t listener_;
  const ListenerOptions& options_;
  UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::vector<ConnectionGroup*> groups_;
  bool paused_ = false;
  std::chrono::milliseconds back_off_{0};
  std::unique_ptr<Timer> back_off_timer_;
  std::unique_ptr<Timer> soon_;
  LogLimiter log_limiter_;
};

}  // namespace barnabas::net
