#include "bench/pipe.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "bench/wire.h"

namespace barnabas::bench {

void AnswerReader::read(const ClientSocket& socket, const std::function<void(ByteView)>& each) {
  for (;;) {
    const std::size_t room = buffer_.size() - have_;
    const std::size_t n = socket.receive_some(buffer_.data() + have_, room);
    have_ += n;
    std::size_t at = 0;
    while (have_ - at >= 4) {
      const auto length = static_cast<std::size_t>(load_be<std::int32_t>(buffer_.data() + at));
      if (4 + length > buffer_.size()) {
        buffer_.resize(4 + length);
      }
      if (have_ - at < 4 + length) {
        break;
      }
      each({buffer_.data() + at + 4, length});
      at += 4 + length;
    }
    std::memmove(buffer_.data(), buffer_.data() + at, have_ - at);
    have_ -= at;
    if (n < room) {
      return;
    }
  }
}

Pipe::Pipe(const Address& broker, std::vector<Block> blocks, int window,
           std::size_t bytes_per_request, Check check)
    : socket_(broker),
      blocks_(std::move(blocks)),
      window_(window),
      bytes_per_request_(bytes_per_request),
      check_(std::move(check)) {
  socket_.set_non_blocking();
}

void Pipe::start() {
  send_blocks();
}

bool Pipe::go_on() {
  reader_.read(socket_, [this](ByteView answer) {
    check_(answer);
    ++answers_;
    --in_flight_;
  });
  return send_blocks();
}

bool Pipe::send_blocks() {
  for (;;) {
    const Block& block = blocks_[block_];
    if (sent_of_block_ == 0) {
      if (in_flight_ + block.requests > window_) {
        return false;
      }
      in_flight_ += block.requests;
    }
    sent_of_block_ += socket_.send_some(ByteView(block.bytes).subspan(sent_of_block_));
    if (sent_of_block_ < block.bytes.size()) {
      return true;
    }
    sent_of_block_ = 0;
    block_ = (block_ + 1) % blocks_.size();
  }
}

FetchLoop::FetchLoop(const Address& broker, Source source)
    : socket_(broker),
      source_(std::move(source)),
      prefix_(fetch_prefix_bytes(source_.topic)),
      offsets_(source_.partitions.size(), 0) {
  socket_.set_non_blocking();
}

void FetchLoop::start() {
  ask();
}

void FetchLoop::ask() {
  Fetched from;
  from.topic = source_.topic;
  from.partition = source_.partitions[partition_];
  from.offset = offsets_[partition_];
  from.max_bytes = source_.fetch_bytes;
  const ByteVector request = fetch_request(from, 1);
  if (socket_.send_some(request) != request.size()) {
    throw std::runtime_error("the broker takes no fetch request");
  }
  prefix_have_ = 0;
}

void FetchLoop::take_prefix() {
  const FetchAnswer answer = check_fetch_prefix(prefix_, source_.topic);
  const auto length = static_cast<std::size_t>(load_be<std::int32_t>(prefix_.data()));
  left_ = 4 + length - prefix_.size();
  bytes_ += static_cast<std::uint64_t>(answer.record_bytes);
  std::int64_t& offset = offsets_[partition_];
  offset += static_cast<std::int64_t>(static_cast<std::size_t>(answer.record_bytes) /
                                      source_.batch_bytes) *
            source_.records_per_batch;
  if (answer.record_bytes == 0 && offset < answer.high_watermark) {
    throw std::runtime_error("Fetch answered nothing below the high watermark");
  }
  if (offset >= answer.high_watermark) {
    offset = 0;
  }
}

bool FetchLoop::go_on() {
  for (;;) {
    if (prefix_have_ < prefix_.size()) {
      const std::size_t n =
          socket_.receive_some(prefix_.data() + prefix_have_, prefix_.size() - prefix_have_);
      prefix_have_ += n;
      if (n == 0) {
        return false;
      }
      if (prefix_have_ < prefix_.size()) {
        continue;
      }
      take_prefix();
    }
    while (left_ > 0) {
      const std::size_t n = socket_.receive_some(nullptr, left_);
      if (n == 0) {
        return false;
      }
      left_ -= n;
    }
    ++answers_;
    partition_ = (partition_ + 1) % source_.partitions.size();
    ask();
  }
}

}  // namespace barnabas::bench
