#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "barnabas/base/vfs.h"

namespace barnabas {
namespace {

class PosixVfsTest : public testing::Test {
 protected:
  PosixVfsTest() {
    std::string pattern = testing::TempDir() + "vfs-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~PosixVfsTest() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
  std::unique_ptr<Vfs> vfs_ = make_posix_vfs();
};

TEST_F(PosixVfsTest, GatherWriteOfManyPiecesReadsBackInOrder) {
  auto file = vfs_->open(path("a"), OpenMode::kCreate);
  ASSERT_TRUE(file);
  std::string expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 1500; ++i) {
    texts.push_back(std::to_string(i) + ",");
    expected += texts.back();
  }
  std::vector<ByteView> pieces;
  for (const auto& text : texts) pieces.push_back(as_bytes(text));
  ASSERT_TRUE((*file)->write_gather_at(0, pieces));
  EXPECT_EQ(read_file(*vfs_, path("a"), 1 << 20).value(), expected);
  EXPECT_FALSE(read_file(*vfs_, path("a"), 10));
}

TEST_F(PosixVfsTest, ErrorsNameThePathAndTheErrno) {
  const auto missing = vfs_->open(path("none"), OpenMode::kRead);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().sys_errno, ENOENT);
  EXPECT_NE(missing.error().message.find(path("none")), std::string::npos);
}

TEST_F(PosixVfsTest, ALockIsHeldOnceEvenInsideOneProcess) {
  auto first = vfs_->lock(path(".lock"));
  ASSERT_TRUE(first);
  EXPECT_FALSE(vfs_->lock(path(".lock")));
  first->reset();
  EXPECT_TRUE(vfs_->lock(path(".lock")));
}

TEST_F(PosixVfsTest, AtomicWriteReplacesTheContent) {
  ASSERT_TRUE(write_file_atomically(*vfs_, path("c"), "old and longer"));
  ASSERT_TRUE(write_file_atomically(*vfs_, path("c"), "new"));
  EXPECT_EQ(read_file(*vfs_, path("c"), 100).value(), "new");
  EXPECT_FALSE(vfs_->exists(path("c.tmp")));
}

TEST_F(PosixVfsTest, TransferSendsTheRangeToASocket) {
  ASSERT_TRUE(write_file_atomically(*vfs_, path("t"), "0123456789"));
  auto file = vfs_->open(path("t"), OpenMode::kRead);
  std::array<int, 2> sockets{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
  EXPECT_EQ((*file)->transfer(sockets[0], 3, 4), 4);
  EXPECT_EQ((*file)->transfer(sockets[0], 10, 4), 0);
  std::array<char, 8> read{};
  EXPECT_EQ(::read(sockets[1], read.data(), read.size()), 4);
  EXPECT_STREQ(read.data(), "3456");
  ::close(sockets[0]);
  ::close(sockets[1]);
}

}  // namespace
}  // namespace barnabas
