// Answers with file ranges: sent by transfer(), in order, whatever the socket takes at once.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "barnabas/base/vfs.h"
#include "unit/net/net_fixture.h"

namespace barnabas::net::testing {
namespace {

class FileAnswerTest : public NetTest {
 protected:
  FileAnswerTest() {
    std::string pattern = ::testing::TempDir() + "net-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~FileAnswerTest() override { std::filesystem::remove_all(directory_); }

  std::shared_ptr<File> make_file(const std::string& content) {
    auto file = vfs_->open(directory_ + "/data", OpenMode::kCreateTruncated);
    EXPECT_TRUE(file);
    EXPECT_TRUE((*file)->write_at(0, as_bytes(content)));
    return std::move(*file);
  }

  std::string directory_;
  std::unique_ptr<Vfs> vfs_ = make_posix_vfs();
};

std::string numbered(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) {
    text += std::to_string(i) + ",";
  }
  text.resize(size);
  return text;
}

TEST_F(FileAnswerTest, BytesAndRangesInterleave) {
  const std::string content = numbered(10'000);
  seen_.file = {make_file(content), 100, 5000};
  start();
  Client client = connect();
  client.send_raw(frame("e1") + frame("f") + frame("t2") + frame("f") + frame("e3"));
  EXPECT_EQ(client.receive_frame(), "e1");
  EXPECT_EQ(client.receive_frame(), "head" + content.substr(100, 5000) + "tail");
  EXPECT_EQ(client.receive_frame(), "t2");
  EXPECT_EQ(client.receive_frame(), "head" + content.substr(100, 5000) + "tail");
  EXPECT_EQ(client.receive_frame(), "e3");
}

TEST_F(FileAnswerTest, ARangeAnsweredEarlyWaitsForItsTurn) {
  const std::string content = numbered(1000);
  seen_.file = {make_file(content), 0, 1000};
  start();
  Client client = connect();
  client.send_raw(frame("h first") + frame("f") + frame("r"));
  EXPECT_EQ(client.receive_frame(), "h first");
  EXPECT_EQ(client.receive_frame(), "head" + content + "tail");
  EXPECT_EQ(client.receive_frame(), "r");
}

TEST_F(FileAnswerTest, LargeRangesReachASlowReaderWhole) {
  const std::string content = numbered(9'000'000);
  seen_.file = {make_file(content), 0, content.size()};
  start();
  Client slow(port(), 100'000);
  for (int i = 0; i < 3; ++i) {
    slow.send_frame("f");
  }
  Client other = connect();  // served while the first one's socket is full
  other.send_frame("e");
  EXPECT_EQ(other.receive_frame(), "e");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(slow.receive_frame() == "head" + content + "tail");
  }
}

TEST_F(FileAnswerTest, AnEmptyRangeIsNothing) {
  seen_.file = {make_file("x"), 0, 0};
  start();
  Client client = connect();
  client.send_frame("f");
  EXPECT_EQ(client.receive_frame(), "headtail");
}

TEST_F(FileAnswerTest, AFileThatBecameShorterClosesTheConnection) {
  auto file = make_file(numbered(1000));
  seen_.file = {file, 500, 1000};
  start();
  Client client = connect();
  client.send_frame("f");
  ASSERT_TRUE(seen_.wait_for([&] { return seen_.closed == 1; }));
}

TEST_F(FileAnswerTest, APeerThatIsGoneIsNoSignal) {
  seen_.file = {make_file(numbered(5'000'000)), 0, 5'000'000};
  start();
  for (int i = 0; i < 20; ++i) {
    Client client = connect();
    client.send_raw(frame("f") + frame("f"));
    client.reset();
  }
  Client other = connect();
  other.send_frame("e");
  EXPECT_EQ(other.receive_frame(), "e");
  EXPECT_TRUE(wait_for_connections(1));
}

// A file whose pages have to be read by read_at() before they are resident.
class ColdFile final : public File {
 public:
  explicit ColdFile(std::shared_ptr<File> file, const Executor* pool)
      : file_(std::move(file)), pool_(pool) {}
  [[nodiscard]] const std::string& path() const override { return file_->path(); }
  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t position,
                                            MutableBytes out) const override {
    EXPECT_TRUE(pool_ == nullptr || pool_->is_current());
    ++reads_;
    warm_until_ = std::max(warm_until_.load(), position + out.size());
    return file_->read_at(position, out);
  }
  [[nodiscard]] Status write_at(std::uint64_t, ByteView) override { return {}; }
  [[nodiscard]] Status write_gather_at(std::uint64_t, std::span<const ByteView>) override {
    return {};
  }
  [[nodiscard]] Status truncate(std::uint64_t) override { return {}; }
  [[nodiscard]] Status allocate(std::uint64_t) override { return {}; }
  [[nodiscard]] Result<std::uint64_t> size() const override { return file_->size(); }
  [[nodiscard]] Status sync() override { return {}; }
  [[nodiscard]] std::int64_t transfer(int socket, std::uint64_t position,
                                      std::size_t length) const override {
    EXPECT_LE(position + length, warm_until_) << "sent before it was read ahead";
    return file_->transfer(socket, position, length);
  }
  [[nodiscard]] bool resident(std::uint64_t position, std::size_t length) const override {
    return position + length <= warm_until_;
  }
  void start_writeback(std::uint64_t, std::uint64_t) override {}
  [[nodiscard]] int reads() const { return reads_; }

 private:
  std::shared_ptr<File> file_;
  const Executor* pool_;
  mutable std::atomic<std::uint64_t> warm_until_{0};
  mutable std::atomic<int> reads_{0};
};

TEST_F(FileAnswerTest, WhatMissesThePageCacheIsReadAheadOnThePool) {
  const std::string content = numbered(1'000'000);
  with_disk_pool_ = true;
  pool_ = nullptr;
  start();
  const auto cold = std::make_shared<ColdFile>(make_file(content), pool_.get());
  seen_.file = {cold, 0, content.size(), false};
  Client client = connect();
  client.send_raw(frame("f") + frame("e"));
  EXPECT_TRUE(client.receive_frame() == "head" + content + "tail");
  EXPECT_EQ(client.receive_frame(), "e");
  EXPECT_GE(cold->reads(), 4);
}

}  // namespace
}  // namespace barnabas::net::testing
