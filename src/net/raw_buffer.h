// Memory that grows without being filled, and the few large pieces of it that an io thread keeps
// for the next large frame.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/check.h"

namespace barnabas::net {

class RawBuffer {
 public:
  RawBuffer() = default;
  RawBuffer(RawBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  RawBuffer& operator=(RawBuffer&& other) noexcept {
    if (this != &other) {
      std::free(data_);
      data_ = std::exchange(other.data_, nullptr);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  ~RawBuffer() { std::free(data_); }

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  // Keeps the content. Large pieces are moved by the kernel's page tables, not copied.
  void grow(std::size_t capacity) {
    void* grown = std::realloc(data_, capacity);
    BARNABAS_CHECK_MSG(grown != nullptr, "out of memory");
    data_ = static_cast<std::byte*>(grown);
    capacity_ = capacity;
  }
  void release() { *this = RawBuffer(); }

 private:
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
};

// THREAD: home
class BufferPool {
 public:
  // The smallest kept buffer of at least `capacity`; an empty one when there is none, or only such
  // as are far too large for it.
  [[nodiscard]] RawBuffer take(std::size_t capacity);
  void give(RawBuffer buffer);
  // Frees what nobody has taken since the last call.
  void trim();
  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  static constexpr std::size_t kSmallestKept = std::size_t{16} << 10U;  // malloc is as good below
  static constexpr std::size_t kMaxKeptBytes = std::size_t{4} << 20U;
  static constexpr std::size_t kMaxKept = 16;
  static constexpr std::size_t kMaxWaste = 4;  // times what was asked for

  std::vector<RawBuffer> kept_;
  std::size_t kept_bytes_ = 0;
  bool used_ = false;
};

}  // namespace barnabas::net
