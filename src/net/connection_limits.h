// Counts connections from accept to close, in all, by listener and by address, and how fast they
// come. THREAD: any
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/net/server.h"
#include "socket_address.h"

namespace barnabas::net {

// A number of events per second, on average over a window: what was not used lately may come at
// once, up to a whole window's worth.
class RateBound {
 public:
  RateBound(double per_second, std::chrono::milliseconds window);

  void count(MonotonicTime now);
  // How long until the next event may happen; 0: now.
  [[nodiscard]] std::chrono::milliseconds delay(MonotonicTime now);

 private:
  void refill(MonotonicTime now);

  double per_second_;
  double capacity_;
  double left_;
  MonotonicTime last_{};
};

class ConnectionLimits {
 public:
  enum class Admission { kAdmitted, kInPlaceOfAnother, kAddressFull };

  explicit ConnectionLimits(const ServerOptions& options);

  // Whether the listener (an index in the server's options) accepts nothing until a connection
  // closes.
  [[nodiscard]] bool full(std::size_t listener) const;
  // How long it accepts nothing because connections come too fast.
  [[nodiscard]] std::chrono::milliseconds rate_delay(std::size_t listener, MonotonicTime now);
  void count_accepted(std::size_t listener, MonotonicTime now);
  [[nodiscard]] Admission admit(const SocketAddress& address, std::size_t listener);
  // Returns whether acceptors may be waiting for this.
  [[nodiscard]] bool release(const SocketAddress& address, std::size_t listener);
  [[nodiscard]] bool over() const { return total() > options_.max_connections; }
  // Whether only the listener's own bounds hold for it.
  [[nodiscard]] bool is_protected(std::size_t listener) const {
    return options_.listeners.size() > 1 && options_.listeners[listener].inter_broker;
  }
  [[nodiscard]] std::size_t total() const { return total_.load(std::memory_order_relaxed); }
  // Returns whether all connections were closed before `deadline`.
  bool wait_until_none(MonotonicTime deadline);

 private:
  [[nodiscard]] std::size_t bound_for(const SocketAddress& address) const;

  const ServerOptions& options_;
  std::atomic<std::size_t> total_{0};
  std::vector<std::atomic<std::size_t>> by_listener_;
  std::mutex mutex_;  // guards the rest and changes of the counts above
  std::condition_variable none_left_;
  std::map<std::array<unsigned char, 16>, std::size_t> by_address_;
  RateBound rate_;
  std::vector<RateBound> rate_by_listener_;
};

}  // namespace barnabas::net
