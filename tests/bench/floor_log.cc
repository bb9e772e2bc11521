#include "bench/floor_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "barnabas/base/crc32c.h"

namespace barnabas::bench {
namespace {

constexpr std::size_t kHeaderBytes = 61;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kCoveredAt = 21;
constexpr std::size_t kLastDeltaAt = 23;
constexpr std::uint64_t kIndexEvery = 4096;
constexpr std::size_t kCopyBelow = 4096;  // bytes of a batch; larger ones are gathered
constexpr std::size_t kMaxPieces = 1000;

}  // namespace

FloorPartition::FloorPartition(const std::string& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (fd_ < 0) {
    throw std::runtime_error(fmt::format("cannot create {}: {}", path, std::strerror(errno)));
  }
}

FloorPartition::FloorPartition(FloorPartition&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FloorPartition::~FloorPartition() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

std::int64_t FloorPartition::append(MutableBytes batch) {
  if (batch.size() < kHeaderBytes ||
      crc32c(batch.subspan(kCoveredAt)) != load_be<std::uint32_t>(batch.data() + kCrcAt)) {
    return -1;
  }
  const std::int64_t base = end_offset_;
  store_be(batch.data(), base);
  end_offset_ += load_be<std::int32_t>(batch.data() + kLastDeltaAt) + 1;
  if (index_.empty() || size_ - indexed_ >= kIndexEvery) {
    index_.emplace_back(base, size_);
    indexed_ = size_;
  }
  size_ += batch.size();
  if (pending_.empty() && batch.size() < kCopyBelow) {
    block_.insert(block_.end(), batch.begin(), batch.end());
  } else {
    pending_.push_back(batch);
    if (pending_.size() == kMaxPieces) {
      write();
    }
  }
  return base;
}

void FloorPartition::write() {
  std::vector<iovec> pieces;
  if (!block_.empty()) {
    pieces.push_back({block_.data(), block_.size()});
  }
  for (const MutableBytes batch : pending_) {
    pieces.push_back({batch.data(), batch.size()});
  }
  if (pieces.empty()) {
    return;
  }
  const ssize_t n =
      pieces.size() == 1
          ? ::pwrite(fd_, pieces[0].iov_base, pieces[0].iov_len, static_cast<off_t>(written_))
          : ::pwritev(fd_, pieces.data(), static_cast<int>(pieces.size()),
                      static_cast<off_t>(written_));
  if (n != static_cast<ssize_t>(size_ - written_)) {
    throw std::runtime_error("the floor cannot write");
  }
  written_ = size_;
  pending_.clear();
  block_.clear();
}

std::pair<std::uint64_t, std::uint64_t> FloorPartition::find(std::int64_t offset) const {
  auto after = std::upper_bound(index_.begin(), index_.end(), offset,
                                [](std::int64_t o, const auto& entry) { return o < entry.first; });
  if (offset >= end_offset_ || after == index_.begin()) {
    return {written_, 0};
  }
  std::uint64_t at = std::prev(after)->second;
  if (std::prev(after)->first == offset) {
    return {at, written_ - at};
  }
  // On from the entry, batch by batch: small ones have no entry each.
  for (std::byte header[kHeaderBytes]; at < written_;) {
    if (::pread(fd_, header, sizeof(header), static_cast<off_t>(at)) != sizeof(header)) {
      throw std::runtime_error("the floor cannot read");
    }
    if (load_be<std::int64_t>(header) + load_be<std::int32_t>(header + kLastDeltaAt) >= offset) {
      break;
    }
    at += 12 + static_cast<std::uint64_t>(load_be<std::int32_t>(header + 8));
  }
  return {at, written_ - at};
}

}  // namespace barnabas::bench
