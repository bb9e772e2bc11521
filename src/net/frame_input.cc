#include "frame_input.h"

#include <algorithm>
#include <cstring>

#include "barnabas/base/check.h"

namespace barnabas::net {
namespace {

// Past this the scratch would only fill with more of the same frame, to be copied out again.
constexpr std::size_t kReadAlone = std::size_t{128} << 10U;
// The buffer of a large frame grows when there is less room than this for the next read.
constexpr std::size_t kRoomToRead = std::size_t{64} << 10U;
// A finished frame's buffer serves the next partial one unless it is so many times too large.
constexpr std::size_t kMaxWaste = 4;
constexpr std::size_t kRounding = std::size_t{4} << 10U;

std::size_t round_up(std::size_t bytes) {
  return (bytes + kRounding - 1) / kRounding * kRounding;
}

}  // namespace

std::size_t FrameInput::fair_capacity(std::size_t have, std::size_t total) {
  return std::min(round_up(total), std::max(2 * have, kSmallestStash));
}

bool FrameInput::is_valid(std::int32_t length) const {
  return length > 0 && length <= max_frame_bytes_;
}

bool FrameInput::has_whole_frame() const {
  if (stashed() < kHeader) {
    return false;
  }
  const auto length = load_be<std::int32_t>(stash_.data() + begin_);
  return !is_valid(length) || stashed() >= kHeader + static_cast<std::size_t>(length);
}

std::optional<FrameInput::Space> FrameInput::prepare(FrameMemory& memory) {
  BARNABAS_CHECK(begin_ == 0 && fresh_size_ == 0);
  Space space;
  stash_space_ = 0;
  if (end_ >= kHeader) {
    const std::size_t total =
        kHeader + static_cast<std::size_t>(load_be<std::int32_t>(stash_.data()));
    const std::size_t capacity = fair_capacity(end_, total);
    if (stash_.capacity() - end_ < kRoomToRead && capacity > stash_.capacity()) {
      if (!memory.budget.try_grow(stash_.capacity(), capacity)) {
        return std::nullopt;
      }
      stash_.grow(capacity);
    }
    stash_space_ = std::min(stash_.capacity(), total) - end_;
    space.pieces[0] = {stash_.data() + end_, stash_space_};
    space.count = 1;
    space.size = stash_space_;
  }
  if (stash_space_ < kReadAlone) {
    space.pieces[static_cast<std::size_t>(space.count++)] = {memory.scratch.data(),
                                                             memory.scratch.size()};
    space.size += memory.scratch.size();
  }
  fresh_ = memory.scratch.data();
  return space;
}

void FrameInput::commit(std::size_t bytes) {
  const std::size_t direct = std::min(bytes, stash_space_);
  end_ += direct;
  fresh_size_ = bytes - direct;
}

void FrameInput::append(FrameMemory& memory, std::size_t bytes, std::size_t total) {
  const std::size_t take = std::min(bytes, fresh_size_);
  if (take == 0) {
    return;
  }
  if (end_ + take > stash_.capacity()) {
    // No frame of the stash has been handed out: the one being completed is its first.
    BARNABAS_CHECK(begin_ == 0);
    const std::size_t least = end_ + take;
    std::size_t capacity = std::max(fair_capacity(least, total), least);
    if (!memory.budget.try_grow(stash_.capacity(), capacity)) {
      capacity = least;  // these bytes are here; room for more of them is not given
      memory.budget.take(capacity - stash_.capacity());
    }
    stash_.grow(capacity);
  }
  std::memcpy(stash_.data() + end_, fresh_, take);
  end_ += take;
  fresh_ += take;
  fresh_size_ -= take;
}

FrameInput::Next FrameInput::next(FrameMemory& memory, MutableBytes& frame) {
  const bool from_stash = stashed() > 0;
  if (from_stash && stashed() < kHeader) {
    append(memory, kHeader - stashed(), kHeader);
  }
  std::byte* const at = from_stash ? stash_.data() + begin_ : fresh_;
  if ((from_stash ? stashed() : fresh_size_) < kHeader) {
    return Next::kNone;
  }
  const auto length = load_be<std::int32_t>(at);
  if (!is_valid(length)) {
    bad_length_ = length;
    return Next::kBadLength;
  }
  const std::size_t total = kHeader + static_cast<std::size_t>(length);
  if (!from_stash) {
    if (fresh_size_ < total) {
      return Next::kNone;
    }
    fresh_ += total;
    fresh_size_ -= total;
    frame = {at + kHeader, total - kHeader};
    return Next::kFrame;
  }
  if (stashed() < total) {
    append(memory, total - stashed(), total);
  }
  if (stashed() < total) {
    return Next::kNone;
  }
  frame = {stash_.data() + begin_ + kHeader, total - kHeader};
  begin_ += total;
  return Next::kFrame;
}

void FrameInput::put_back(ByteView frame) {
  const std::size_t total = kHeader + frame.size();
  if (begin_ >= total && stash_.data() + begin_ == frame.data() + frame.size()) {
    begin_ -= total;
    return;
  }
  BARNABAS_CHECK(fresh_ == frame.data() + frame.size());
  fresh_ -= total;
  fresh_size_ += total;
}

FrameInput::Partial FrameInput::partial() const {
  if (stashed() < kHeader || has_whole_frame()) {
    return {};
  }
  return {{stash_.data() + begin_ + kHeader, stashed() - kHeader},
          static_cast<std::size_t>(load_be<std::int32_t>(stash_.data() + begin_))};
}

void FrameInput::keep_rest(FrameMemory& memory) {
  if (stashed() > 0) {
    // Frames left by a pause; bytes of the scratch can only follow when the stash held one frame,
    // and that one would have been the first to go.
    if (begin_ > 0) {
      std::memmove(stash_.data(), stash_.data() + begin_, stashed());
      end_ -= begin_;
      begin_ = 0;
    }
    append(memory, fresh_size_, end_ + fresh_size_);
    return;
  }
  begin_ = end_ = 0;
  if (fresh_size_ == 0) {
    release(memory);
    return;
  }
  std::size_t total = fresh_size_;
  if (fresh_size_ >= kHeader) {
    const auto length = load_be<std::int32_t>(fresh_);
    total = std::max(total, is_valid(length) ? kHeader + static_cast<std::size_t>(length) : 0);
  }
  const std::size_t fair = std::max(fair_capacity(fresh_size_, total), fresh_size_);
  if (stash_.capacity() < fair || stash_.capacity() / kMaxWaste > fair) {
    release(memory);
    stash_ = memory.pool.take(total);
    if (stash_.capacity() == 0) {
      stash_.grow(fair);
    }
    memory.budget.take(stash_.capacity());
  }
  std::memcpy(stash_.data(), fresh_, fresh_size_);
  end_ = fresh_size_;
  fresh_size_ = 0;
}

void FrameInput::release(FrameMemory& memory) {
  if (stash_.capacity() > 0) {
    memory.budget.give(stash_.capacity());
    memory.pool.give(std::move(stash_));
    stash_.release();
  }
}

void FrameInput::clear(FrameMemory& memory) {
  begin_ = end_ = fresh_size_ = 0;
  release(memory);
}

}  // namespace barnabas::net
