// The broker behind the network: reads the header of each frame, finds the handler, answers what
// cannot be handled as Kafka does. One per io thread.
// THREAD: home
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "barnabas/net/request_handler.h"
#include "request_context.h"
#include "thread_state.h"

namespace barnabas::broker {

struct HandlerEntry;

// Opened once the first metadata has arrived and this broker's replicas are in place. Until then
// requests that need them wait, each connection's in its own order.
// THREAD: any
class StartGate {
 public:
  [[nodiscard]] bool is_open() const { return open_.load(std::memory_order_acquire); }
  void open() { open_.store(true, std::memory_order_release); }

 private:
  std::atomic<bool> open_{false};
};

class BrokerRequestHandler final : public net::RequestHandler {
 public:
  BrokerRequestHandler(Services& services, const StartGate& gate, Executor& home)
      : services_(services), gate_(gate), state_(services, home) {}

  void on_request(net::Connection& connection, MutableBytes frame) override;
  void on_train_end() override;
  void on_closed(net::Connection& connection) override;

 private:
  struct Early {
    std::shared_ptr<net::Connection> connection;
    net::SlotId slot;
    ByteVector frame;
  };

  void dispatch(net::Connection& connection, MutableBytes frame, net::SlotId slot);
  void handle_early();
  void watch_gate();

  Services& services_;
  const StartGate& gate_;
  ThreadState state_;
  protocol::RequestHeader header_;
  std::vector<Early> early_;
  std::unique_ptr<Timer> gate_timer_;
};

}  // namespace barnabas::broker
