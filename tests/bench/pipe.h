// A connection that keeps a window of pre-encoded requests in flight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "barnabas/base/bytes.h"
#include "bench/client_socket.h"

namespace barnabas::bench {

// What every kind of load does on its connections.
class LoadConnection {
 public:
  virtual ~LoadConnection() = default;
  virtual void start() = 0;
  // The socket is readable or writable. Returns whether it waits to be writable.
  virtual bool go_on() = 0;
  [[nodiscard]] virtual int fd() const = 0;
  [[nodiscard]] virtual std::uint64_t answers() const = 0;
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;  // of records, produced or fetched
};

// Some whole requests, sent together.
struct Block {
  ByteVector bytes;
  int requests = 0;
};

// Reads whole answers, cheaply, many at once.
class AnswerReader {
 public:
  // Calls `each` with every answer's payload; returns when the socket is empty.
  void read(const ClientSocket& socket, const std::function<void(ByteView)>& each);

 private:
  ByteVector buffer_{std::vector<std::byte>(std::size_t{64} << 10U)};
  std::size_t have_ = 0;
};

class Pipe final : public LoadConnection {
 public:
  using Check = std::function<void(ByteView answer)>;
  Pipe(const Address& broker, std::vector<Block> blocks, int window, std::size_t bytes_per_request,
       Check check);

  void start() override;
  bool go_on() override;
  [[nodiscard]] int fd() const override { return socket_.fd(); }
  [[nodiscard]] std::uint64_t answers() const override { return answers_; }
  [[nodiscard]] std::uint64_t bytes() const override { return answers_ * bytes_per_request_; }

 private:
  bool send_blocks();

  ClientSocket socket_;
  const std::vector<Block> blocks_;
  const int window_;
  const std::size_t bytes_per_request_;
  const Check check_;
  AnswerReader reader_;
  std::size_t block_ = 0;
  std::size_t sent_of_block_ = 0;
  int in_flight_ = 0;
  std::uint64_t answers_ = 0;
};

// Fetches a partition from its start to its end, again and again. The records are dropped by the
// kernel; the next offset follows from batches that are all alike.
class FetchLoop final : public LoadConnection {
 public:
  struct Source {
    std::string topic;
    std::vector<std::int32_t> partitions;
    std::size_t batch_bytes = 0;
    int records_per_batch = 0;
    std::int32_t fetch_bytes = 0;
  };
  FetchLoop(const Address& broker, Source source);

  void start() override;
  bool go_on() override;
  [[nodiscard]] int fd() const override { return socket_.fd(); }
  [[nodiscard]] std::uint64_t answers() const override { return answers_; }
  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }

 private:
  void ask();
  void take_prefix();

  ClientSocket socket_;
  const Source source_;
  ByteVector prefix_;
  std::size_t prefix_have_ = 0;
  std::size_t left_ = 0;  // of the answer's body
  std::size_t partition_ = 0;
  std::vector<std::int64_t> offsets_;
  std::uint64_t answers_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace barnabas::bench
