// The answers of a connection that are ready to be sent, in order: bytes, and file ranges between
// them. flush() sends what the socket takes: all bytes up to the next file range with one send, the
// ranges with sendfile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/net/connection.h"

namespace barnabas::net {

// Spare buffers that connections of a thread borrow while they have something to send. THREAD: home
class OutputSpares {
 public:
  [[nodiscard]] ByteVector take();
  void give(ByteVector buffer);

 private:
  static constexpr std::size_t kMaxSpares = 4;
  static constexpr std::size_t kMaxSpareBytes = std::size_t{256} << 10U;
  std::vector<ByteVector> spares_;
};

class OutputQueue {
 public:
  enum class Flushed {
    kAll,
    kBlocked,  // the socket is full: go on when it is writable
    kYield,    // a turn's worth is sent: go on after others had theirs
    kCold,     // cold_range() is not in the page cache: read it ahead, then mark_warm()
    kFailed,   // failure() says why; the connection is of no use any more
  };

  void append(ByteView payload, OutputSpares& spares);
  void append(AnswerParts parts, OutputSpares& spares);
  // `probe`: ask whether a range that is not hot is resident before it is sent.
  [[nodiscard]] Flushed flush(int socket, bool probe, OutputSpares& spares);

  [[nodiscard]] bool empty() const { return sent_ == bytes_.size() && ranges_.empty(); }
  // Memory that unsent answers hold.
  [[nodiscard]] std::size_t held_bytes() const { return bytes_.size(); }
  [[nodiscard]] FileRange cold_range() const;
  void mark_warm() { warm_ = true; }
  // Empty when the peer went away, which is no fault.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  void clear(OutputSpares& spares);

 private:
  struct QueuedRange {
    std::size_t at;  // goes before bytes_[at]
    FileRange range;
  };

  void append_header(std::size_t length, OutputSpares& spares);
  [[nodiscard]] std::optional<Flushed> send_bytes(int socket, std::size_t end, bool more_follows);
  [[nodiscard]] std::optional<Flushed> send_range(int socket, FileRange& range, bool probe,
                                                  std::size_t& left_in_turn);
  void compact();

  ByteVector bytes_;
  std::size_t sent_ = 0;             // bytes_[0, sent_) are gone
  std::vector<QueuedRange> ranges_;  // those before next_range_ are gone
  std::size_t next_range_ = 0;
  bool warm_ = false;  // the next step of the first range was just read ahead
  std::string failure_;
};

}  // namespace barnabas::net
