// Framing as a pure step: any way of cutting the stream yields the same frames.
#include "net/frame_input.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "barnabas/base/random.h"

namespace barnabas::net {
namespace {

std::string frame(const std::string& payload) {
  std::byte header[4];
  store_be(header, static_cast<std::int32_t>(payload.size()));
  return std::string(as_text(header)) + payload;
}

class FrameInputTest : public testing::Test {
 protected:
  // Feeds up to `at_most` bytes of `stream` as one read would bring them, and collects the frames.
  // Takes at most `frames_at_once` of them for a train.
  void feed(std::string_view& stream, std::size_t at_most, std::size_t frames_at_once) {
    if (!input_.has_whole_frame()) {
      const auto space = input_.prepare(memory_);
      ASSERT_TRUE(space);
      std::size_t left = std::min({at_most, space->size, stream.size()});
      input_.commit(left);
      for (int i = 0; i < space->count; ++i) {
        const iovec& piece = space->pieces[static_cast<std::size_t>(i)];
        const std::size_t now = std::min(left, piece.iov_len);
        std::memcpy(piece.iov_base, stream.data(), now);
        stream.remove_prefix(now);
        left -= now;
      }
    }
    std::vector<MutableBytes> train;
    for (MutableBytes one;
         train.size() < frames_at_once && input_.next(memory_, one) == FrameInput::Next::kFrame;) {
      train.push_back(one);
    }
    for (const MutableBytes one : train) {  // all of them are valid until keep_rest()
      frames_.emplace_back(as_text(one));
    }
    input_.keep_rest(memory_);
  }

  std::vector<std::byte> scratch_{8192};
  BufferPool pool_;
  ByteBudget budget_{std::size_t{1} << 30U};
  FrameMemory memory_{scratch_, pool_, budget_};
  FrameInput input_{1 << 20};
  std::vector<std::string> frames_;
};

TEST_F(FrameInputTest, RandomCutsYieldTheSameFrames) {
  const auto random = make_seeded_random(20240611);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> sent;
    std::string bytes;
    const std::size_t largest = round % 4 == 0 ? 100'000 : 300;
    while (bytes.size() < 20'000) {
      sent.emplace_back(1 + random->below(largest), static_cast<char>('a' + sent.size() % 26));
      bytes += frame(sent.back());
    }
    frames_.clear();
    std::string_view stream = bytes;
    const std::size_t largest_read = round % 3 == 0 ? 7 : 20'000;
    while (!stream.empty() || input_.has_whole_frame()) {
      feed(stream, 1 + random->below(largest_read), 1 + random->below(20));
    }
    ASSERT_EQ(frames_, sent) << "round " << round;
    ASSERT_EQ(input_.held_bytes(), 0U);
    ASSERT_EQ(budget_.used(), 0U);
  }
}

TEST_F(FrameInputTest, HoldsAtMostTwiceWhatItReceived) {
  std::string_view stream;
  const std::string bytes = frame(std::string(1 << 20, 'x'));
  for (stream = bytes; !stream.empty();) {
    feed(stream, 1000, 1);
    const std::size_t received = bytes.size() - stream.size();
    ASSERT_LE(input_.held_bytes(), std::max(2 * received, FrameInput::kSmallestStash));
    ASSERT_EQ(budget_.used(), input_.held_bytes());
  }
  ASSERT_EQ(frames_.size(), 1U);
  EXPECT_EQ(frames_[0].size(), std::size_t{1} << 20U);
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(FrameInputTest, ALargeFrameTakesAUsedBufferWhenThereIsOne) {
  const std::string bytes = frame(std::string(1 << 20, 'x'));
  std::string_view stream = bytes;
  while (!stream.empty()) {
    feed(stream, 1 << 20, 1);
  }
  ASSERT_GT(pool_.kept_bytes(), std::size_t{1} << 20U);
  stream = bytes;
  feed(stream, 5000, 1);
  EXPECT_GT(input_.held_bytes(), std::size_t{1} << 20U);
  EXPECT_EQ(pool_.kept_bytes(), 0U);
  input_.clear(memory_);
  pool_.trim();
  EXPECT_GT(pool_.kept_bytes(), 0U);  // used since the last trim
  pool_.trim();
  EXPECT_EQ(pool_.kept_bytes(), 0U);
}

TEST_F(FrameInputTest, StopsWhereTheBudgetEnds) {
  ByteBudget small{100'000};
  FrameMemory memory{scratch_, pool_, small};
  const std::string bytes = frame(std::string(1 << 20, 'x'));
  std::size_t received = 0;
  for (;;) {
    const auto space = input_.prepare(memory);
    if (!space) {
      break;
    }
    const std::size_t n = std::min(space->size, std::size_t{1000});
    received += n;
    ASSERT_LT(received, bytes.size());
    // The content does not matter past the header.
    if (received == n) {
      std::memcpy(space->pieces[0].iov_base, bytes.data(), n);
    }
    input_.commit(n);
    MutableBytes none;
    ASSERT_EQ(input_.next(memory, none), FrameInput::Next::kNone);
    input_.keep_rest(memory);
  }
  EXPECT_LE(small.used(), 100'000U + 100'000U / 8);  // an eighth more for small buffers
  input_.clear(memory);
  EXPECT_EQ(small.used(), 0U);
}

TEST_F(FrameInputTest, NamesABadLength) {
  for (const std::int32_t length : {0, -5, (1 << 20) + 1}) {
    FrameInput input{1 << 20};
    const auto space = input.prepare(memory_);
    ASSERT_TRUE(space);
    store_be(static_cast<std::byte*>(space->pieces[0].iov_base), length);
    input.commit(4);
    MutableBytes none;
    EXPECT_EQ(input.next(memory_, none), FrameInput::Next::kBadLength);
    EXPECT_EQ(input.bad_length(), length);
  }
}

}  // namespace
}  // namespace barnabas::net
