// Cuts the bytes of a connection into frames: a 4-byte length, then that many bytes. A pure step:
// it says where the next read goes and what came out of it; it never touches the socket.
//
//   prepare() -> where to read: the rest of the partial frame, then the thread's scratch
//   commit(n) -> n bytes arrived there
//   next()    -> whole frames, in place; they stay valid until keep_rest()
//   keep_rest() -> what is left in the scratch is copied to a buffer of the connection's own
//
// Memory: none between frames. A partial frame's buffer is at most twice the bytes received (and
// kSmallestStash), never the announced length, unless the thread has a used buffer of that size
// lying about. A frame that has begun in the buffer is filled straight from the socket.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "barnabas/base/bytes.h"
#include "byte_budget.h"
#include "raw_buffer.h"

namespace barnabas::net {

// What the connections of a thread share. THREAD: home
struct FrameMemory {
  MutableBytes scratch;
  BufferPool& pool;
  ByteBudget& budget;
};

class FrameInput {
 public:
  enum class Next { kFrame, kNone, kBadLength };
  struct Space {
    std::array<iovec, 2> pieces{};
    int count = 0;
    std::size_t size = 0;  // of all pieces
  };

  explicit FrameInput(std::int32_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  // Empty when the budget of all connections allows no more of this frame for now. Not to be called
  // while has_whole_frame().
  [[nodiscard]] std::optional<Space> prepare(FrameMemory& memory);
  void commit(std::size_t bytes);
  // Sets `frame` for kFrame. After kBadLength bad_length() says which; nothing more comes.
  [[nodiscard]] Next next(FrameMemory& memory, MutableBytes& frame);
  // The frame that next() has just given is to be given again.
  void put_back(ByteView frame);
  void keep_rest(FrameMemory& memory);
  void clear(FrameMemory& memory);

  // A frame that arrived whole was left when the reader paused: it needs no read.
  [[nodiscard]] bool has_whole_frame() const;
  [[nodiscard]] std::int32_t bad_length() const { return bad_length_; }
  [[nodiscard]] std::size_t held_bytes() const { return stash_.capacity(); }
  // The frame that has come in part, after keep_rest(): what there is of it, and its announced
  // size. Nothing while has_whole_frame().
  struct Partial {
    ByteView head;
    std::size_t size = 0;
  };
  [[nodiscard]] Partial partial() const;

  static constexpr std::size_t kSmallestStash = std::size_t{32} << 10U;

 private:
  static constexpr std::size_t kHeader = 4;

  [[nodiscard]] std::size_t stashed() const { return end_ - begin_; }
  [[nodiscard]] bool is_valid(std::int32_t length) const;
  // The capacity that `have` received bytes of a frame of `total` bytes may ask for.
  [[nodiscard]] static std::size_t fair_capacity(std::size_t have, std::size_t total);
  void append(FrameMemory& memory, std::size_t bytes, std::size_t total);
  void release(FrameMemory& memory);

  const std::int32_t max_frame_bytes_;
  std::int32_t bad_length_ = 0;
  // stash_[begin_, end_): the partial frame, or frames left by a pause. Its first frame begins at
  // begin_. Bytes of the scratch follow it in the stream.
  RawBuffer stash_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t stash_space_ = 0;  // offered by prepare()
  std::byte* fresh_ = nullptr;   // scratch bytes not looked at yet: [fresh_, fresh_ + fresh_size_)
  std::size_t fresh_size_ = 0;
};

}  // namespace barnabas::net
