// The broker behind the network: reads the header of each frame, finds the handler, answers what
// cannot be handled as Kafka does. One per io thread.
// THREAD: home
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "barnabas/net/request_handler.h"
#include "request_context.h"
#include "start_gate.h"
#include "thread_state.h"

namespace barnabas::broker {

struct HandlerEntry;

class BrokerRequestHandler final : public net::RequestHandler {
 public:
  BrokerRequestHandler(Services& services, StartGate& gate, Executor& home)
      : services_(services),
        gate_(gate),
        state_(services, home),
        self_(std::make_shared<BrokerRequestHandler*>(this)) {}

  void on_request(net::Connection& connection, MutableBytes frame) override;
  bool may_start(net::Connection& connection, ByteView frame) override;
  Status admit_large(net::Connection& connection, ByteView head, std::size_t size) override;
  void on_stopping() override;
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
  void keep_early(net::Connection& connection, net::SlotId slot, ByteView frame);

  Services& services_;
  StartGate& gate_;
  ThreadState state_;
  protocol::RequestHeader header_;
  std::vector<Early> early_;
  std::size_t early_bytes_ = 0;
  // What waits for the gate finds nobody once this is gone.
  std::shared_ptr<BrokerRequestHandler*> self_;
};

}  // namespace barnabas::broker
