// The floor's partitions: a file each, its batches checked by CRC32C and appended with pwrite.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/base/bytes.h"

namespace barnabas::bench {

class FloorPartition {
 public:
  explicit FloorPartition(const std::string& path);
  FloorPartition(FloorPartition&& other) noexcept;
  FloorPartition& operator=(FloorPartition&&) = delete;
  ~FloorPartition();

  // Checks and stamps the batch, which stays where it is until write(). Returns its base offset, -1
  // when its CRC is wrong.
  [[nodiscard]] std::int64_t append(MutableBytes batch);
  // Everything appended since the last time, with one call.
  void write();

  [[nodiscard]] std::int64_t end_offset() const { return end_offset_; }
  // Where the batch of `offset` begins in the file, and how many bytes follow there.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> find(std::int64_t offset) const;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
  std::int64_t end_offset_ = 0;
  std::uint64_t size_ = 0;  // with what is appended but not written
  std::uint64_t written_ = 0;
  std::uint64_t indexed_ = 0;  // size when the last entry was made
  std::vector<std::pair<std::int64_t, std::uint64_t>> index_;
  std::vector<MutableBytes> pending_;
  ByteVector block_;  // small batches, copied together
};

}  // namespace barnabas::bench
