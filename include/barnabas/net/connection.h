// A connection as request handlers see it. It lives on one io thread, and all of it is touched
// there only (THREAD: home). It moves to another between two turns, and only while no slot is
// unanswered: who owes an answer may rely on the home that the request came in on, and nobody else
// keeps it. Abstract, so that handlers are tested without sockets. Answers leave strictly in the
// order of their slots, whatever the order of completion. After the peer is gone every call is
// accepted and does nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "barnabas/base/bytes.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/strong.h"
#include "barnabas/base/vfs.h"

namespace barnabas::net {

// A place in the order of a connection's answers: the first request's is 0, the next one's 1, ...
using SlotId = Strong<struct SlotIdTag, std::uint64_t>;
// Unique while the process runs.
using ConnectionId = Strong<struct ConnectionIdTag, std::uint64_t>;

// Bytes of a file that go to the socket without being copied through this process. The file stays
// open until they are sent. Should it turn out shorter, the connection is closed, because the
// length of the answer has been promised by then.
struct FileRange {
  std::shared_ptr<const File> file;
  std::uint64_t position = 0;
  std::size_t length = 0;
  // Written a moment ago, so surely in the page cache: sent without a probe. Where this is false
  // the range is probed and, when it is not resident, read ahead on the disk pool first.
  bool hot = true;
};

// The range goes between bytes[at - 1] and bytes[at] of the answer.
struct FileSplice {
  std::size_t at = 0;
  FileRange range;
};

// An answer made of bytes and file ranges. Splices are sorted by `at`; their files are moved from.
struct AnswerParts {
  ByteView bytes;
  std::span<FileSplice> splices;
};

// What a handler keeps with a connection (principal, client id, ...); it moves and ends with it.
class ConnectionContext {
 public:
  virtual ~ConnectionContext() = default;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The next place in answer order. Every reserved slot must be answered once, be it with nothing.
  [[nodiscard]] virtual SlotId reserve() = 0;
  // The payload without its length, which is added here; copied before this returns. What is
  // answered within a train leaves with one send at its end, anything later at the end of the io
  // thread's turn.
  virtual void answer(SlotId slot, ByteView payload) = 0;
  virtual void answer(SlotId slot, AnswerParts parts) = 0;
  // The slot is done and sends nothing (acks=0).
  virtual void answer_nothing(SlotId slot) = 0;
  // Slots reserved and not answered yet.
  [[nodiscard]] virtual std::size_t unanswered() const = 0;
  // Hands over no further request until every slot reserved so far is answered.
  virtual void hold() = 0;
  // Reads nothing more; closes as soon as every slot reserved so far is answered and sent. A reason
  // that is not empty is logged, one line per address and minute.
  virtual void close(std::string_view reason) = 0;

  [[nodiscard]] virtual bool is_open() const = 0;
  [[nodiscard]] virtual ConnectionId id() const = 0;
  [[nodiscard]] virtual const std::string& listener_name() const = 0;
  [[nodiscard]] virtual std::string remote_address() const = 0;  // host only, as text
  [[nodiscard]] virtual std::uint16_t remote_port() const = 0;
  [[nodiscard]] virtual Executor& home() const = 0;

  [[nodiscard]] ConnectionContext* context() const { return context_.get(); }
  void set_context(std::unique_ptr<ConnectionContext> context) { context_ = std::move(context); }

 private:
  std::unique_ptr<ConnectionContext> context_;
};

}  // namespace barnabas::net
