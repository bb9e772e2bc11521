#include "output_queue.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "barnabas/base/check.h"

namespace barnabas::net {
namespace {

constexpr std::size_t kTurnBytes = std::size_t{4} << 20U;   // of files, before others get a turn
constexpr std::size_t kColdStep = std::size_t{256} << 10U;  // probed and read ahead at once
constexpr std::size_t kRangesKept = 4;                      // by an idle connection
constexpr std::size_t kCompactAt = std::size_t{64} << 10U;

// A peer that went away while it was being answered: nobody's fault, nothing to report.
bool is_gone(int error) {
  return error == EPIPE || error == ECONNRESET || error == ETIMEDOUT;
}

}  // namespace

ByteVector OutputSpares::take() {
  if (spares_.empty()) {
    return {};
  }
  ByteVector buffer = std::move(spares_.back());
  spares_.pop_back();
  return buffer;
}

void OutputSpares::give(ByteVector buffer) {
  if (spares_.size() < kMaxSpares && buffer.capacity() <= kMaxSpareBytes) {
    buffer.clear();
    spares_.push_back(std::move(buffer));
  }
}

void OutputQueue::append_header(std::size_t length, OutputSpares& spares) {
  if (bytes_.capacity() == 0) {
    bytes_ = spares.take();
  }
  std::byte header[4];
  store_be(header, static_cast<std::int32_t>(length));
  bytes_.insert(bytes_.end(), header, header + sizeof(header));
}

void OutputQueue::append(ByteView payload, OutputSpares& spares) {
  append_header(payload.size(), spares);
  bytes_.insert(bytes_.end(), payload.begin(), payload.end());
}

void OutputQueue::append(AnswerParts parts, OutputSpares& spares) {
  std::size_t length = parts.bytes.size();
  for (const FileSplice& splice : parts.splices) {
    length += splice.range.length;
  }
  append_header(length, spares);
  std::size_t done = 0;
  for (FileSplice& splice : parts.splices) {
    BARNABAS_CHECK(splice.at >= done && splice.at <= parts.bytes.size());
    const ByteView before = parts.bytes.subspan(done, splice.at - done);
    bytes_.insert(bytes_.end(), before.begin(), before.end());
    done = splice.at;
    if (splice.range.length > 0) {
      ranges_.push_back({bytes_.size(), std::move(splice.range)});
    }
  }
  const ByteView rest = parts.bytes.subspan(done);
  bytes_.insert(bytes_.end(), rest.begin(), rest.end());
}

std::optional<OutputQueue::Flushed> OutputQueue::send_bytes(int socket, std::size_t end,
                                                            bool more_follows) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more_follows ? MSG_MORE : 0);
  while (sent_ < end) {
    const ssize_t n = ::send(socket, bytes_.data() + sent_, end - sent_, flags);
    if (n >= 0) {
      sent_ += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return Flushed::kBlocked;
    } else if (errno != EINTR) {
      failure_ = is_gone(errno) ? "" : fmt::format("cannot send: {}", std::strerror(errno));
      return Flushed::kFailed;
    }
  }
  return std::nullopt;
}

std::optional<OutputQueue::Flushed> OutputQueue::send_range(int socket, FileRange& range,
                                                            bool probe, std::size_t& left_in_turn) {
  while (range.length > 0) {
    if (left_in_turn == 0) {
      return Flushed::kYield;
    }
    std::size_t step = std::min(range.length, left_in_turn);
    if (probe && !range.hot) {
      step = std::min(step, kColdStep);
      if (!warm_ && !range.file->resident(range.position, step)) {
        return Flushed::kCold;
      }
    }
    const std::int64_t n = range.file->transfer(socket, range.position, step);
    if (n == -EAGAIN) {
      return Flushed::kBlocked;
    }
    if (n <= 0) {
      const int error = static_cast<int>(-n);
      failure_ = n == 0 ? fmt::format("{} ends before {}", range.file->path(),
                                      range.position + range.length)
                 : is_gone(error)
                     ? ""
                     : fmt::format("cannot send {}: {}", range.file->path(), std::strerror(error));
      return Flushed::kFailed;
    }
    const auto moved = static_cast<std::size_t>(n);
    range.position += moved;
    range.length -= moved;
    left_in_turn -= std::min(left_in_turn, moved);
    warm_ = false;
  }
  return std::nullopt;
}

OutputQueue::Flushed OutputQueue::flush(int socket, bool probe, OutputSpares& spares) {
  std::size_t left_in_turn = kTurnBytes;
  while (next_range_ < ranges_.size()) {
    QueuedRange& next = ranges_[next_range_];
    auto stopped = send_bytes(socket, next.at, true);
    if (!stopped) {
      stopped = send_range(socket, next.range, probe, left_in_turn);
    }
    if (stopped) {
      compact();
      return *stopped;
    }
    next.range.file.reset();
    ++next_range_;
  }
  if (const auto stopped = send_bytes(socket, bytes_.size(), false)) {
    compact();
    return *stopped;
  }
  clear(spares);
  return Flushed::kAll;
}

void OutputQueue::compact() {
  if (next_range_ > 0) {
    ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(next_range_));
    next_range_ = 0;
  }
  if (sent_ >= kCompactAt && sent_ * 2 >= bytes_.size()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_));
    for (QueuedRange& queued : ranges_) {
      queued.at -= sent_;
    }
    sent_ = 0;
  }
}

FileRange OutputQueue::cold_range() const {
  FileRange step = ranges_[next_range_].range;
  step.length = std::min(step.length, kColdStep);
  return step;
}

void OutputQueue::clear(OutputSpares& spares) {
  spares.give(std::exchange(bytes_, {}));
  sent_ = 0;
  ranges_.clear();
  if (ranges_.capacity() > kRangesKept) {
    ranges_.shrink_to_fit();
  }
  next_range_ = 0;
  warm_ = false;
}

}  // namespace barnabas::net
