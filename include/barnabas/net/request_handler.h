// What the network asks of whoever handles requests. One handler per io thread, made and destroyed
// on that thread and called on it only; so it needs no locks of its own and may keep decoded
// requests and buffers from one call to the next. What it keeps of one connection between two
// requests goes into the connection's context: the next one may come to another thread's handler.
// THREAD: home
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "barnabas/base/bytes.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"
#include "barnabas/net/connection.h"

namespace barnabas::net {

class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // A whole frame without its length. The bytes may be written to (stamping in place) and stay
  // valid until on_train_end() returns. Handlers reserve a slot first, then answer now or later.
  virtual void on_request(Connection& connection, MutableBytes frame) = 0;
  // Asked before on_request() while earlier requests of this connection are unanswered. False: the
  // frame waits until they are answered and is offered again then.
  [[nodiscard]] virtual bool may_start(Connection& /*connection*/, ByteView /*frame*/) {
    return true;
  }
  // Asked once for a frame of `size` bytes that is too large to come at once, when its first bytes,
  // `head` (4 at least), are here. An error closes the connection with the message as the reason.
  [[nodiscard]] virtual Status admit_large(Connection& /*connection*/, ByteView /*head*/,
                                           std::size_t /*size*/) {
    return {};
  }
  // The server stops and waits for the answers that are outstanding: what waits for something that
  // may take long is answered now.
  virtual void on_stopping() {}
  // All whole frames of one read have been passed, all of one connection: what was gathered is
  // written and answered now. Then the network sends every answer of the train at once.
  virtual void on_train_end() = 0;
  // The last call for this connection; answers to it go nowhere from now on.
  virtual void on_closed(Connection& connection) = 0;
};

// `home` is the io thread, `index` counts them from 0.
using RequestHandlerFactory =
    std::function<std::unique_ptr<RequestHandler>(Executor& home, std::size_t index)>;

}  // namespace barnabas::net
