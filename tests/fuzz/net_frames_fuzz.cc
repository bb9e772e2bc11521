// Arbitrary bytes as what a peer sends, in reads of arbitrary sizes, with pauses: the first byte of
// the input is how many bytes say how to cut, the rest is the stream. The frames must be those that
// a plain reader finds, a bad length must be found where it finds one, and memory stays bounded.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "net/frame_input.h"

namespace {

using namespace barnabas;
using namespace barnabas::net;

constexpr std::int32_t kMaxFrame = 5000;
constexpr std::size_t kScratch = 512;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

struct Expected {
  std::vector<ByteView> frames;
  bool bad_length = false;
};

Expected read_plainly(ByteView stream) {
  Expected expected;
  while (stream.size() >= 4) {
    const auto length = load_be<std::int32_t>(stream.data());
    if (length <= 0 || length > kMaxFrame) {
      expected.bad_length = true;
      break;
    }
    const auto total = 4 + static_cast<std::size_t>(length);
    if (stream.size() < total) {
      break;
    }
    expected.frames.push_back(stream.subspan(4, total - 4));
    stream = stream.subspan(total);
  }
  return expected;
}

// How the stream is cut: the same few steps again and again.
class Cuts {
 public:
  explicit Cuts(ByteView steps) : steps_(steps) {}
  std::size_t next() {
    return steps_.empty() ? 100 : std::to_integer<std::size_t>(steps_[at_++ % steps_.size()]);
  }

 private:
  ByteView steps_;
  std::size_t at_ = 0;
};

void read_some(FrameInput& input, FrameMemory& memory, ByteView& stream, std::size_t at_most) {
  const auto space = input.prepare(memory);
  require(space.has_value());
  std::size_t left = std::min({at_most, space->size, stream.size()});
  input.commit(left);
  for (int i = 0; i < space->count; ++i) {
    const iovec& piece = space->pieces[static_cast<std::size_t>(i)];
    const std::size_t now = std::min(left, piece.iov_len);
    if (now > 0) {
      std::memcpy(piece.iov_base, stream.data(), now);
    }
    stream = stream.subspan(now);
    left -= now;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::size_t steps = std::min<std::size_t>(data[0], size - 1);
  Cuts cuts(bytes.subspan(1, steps));
  ByteView stream = bytes.subspan(1 + steps);
  const Expected expected = read_plainly(stream);

  ByteVector scratch(kScratch);
  BufferPool pool;
  ByteBudget budget(std::size_t{1} << 30U);
  FrameMemory memory{scratch, pool, budget};
  FrameInput input(kMaxFrame);
  std::size_t found = 0;
  bool bad = false;
  while (!bad && (!stream.empty() || input.has_whole_frame())) {
    if (!input.has_whole_frame()) {
      read_some(input, memory, stream, 1 + cuts.next());
    }
    std::size_t left_in_train = 1 + cuts.next() % 8;
    auto next = FrameInput::Next::kFrame;
    for (MutableBytes frame; left_in_train > 0 && next == FrameInput::Next::kFrame;
         --left_in_train) {
      next = input.next(memory, frame);
      if (next == FrameInput::Next::kFrame) {
        require(found < expected.frames.size());
        require(std::ranges::equal(frame, expected.frames[found]));
        ++found;
      }
    }
    bad = next == FrameInput::Next::kBadLength;
    if (!bad) {
      input.keep_rest(memory);
      require(input.held_bytes() <= 2 * FrameInput::kSmallestStash);
    }
  }
  require(found == expected.frames.size());
  require(bad == expected.bad_length);
  input.clear(memory);
  require(budget.used() == 0);
  return 0;
}
