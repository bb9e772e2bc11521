// The disk the other tests stand on: it must forget what was not synced, and only that.
#include "support/memory_vfs.h"

#include <gtest/gtest.h>

namespace barnabas::testing {
namespace {

class MemoryVfsTest : public ::testing::Test {
 protected:
  void write(const std::string& path, std::string_view text, bool sync) {
    auto file = vfs_.open(path, OpenMode::kCreate).value();
    ASSERT_TRUE(file->write_at(file->size().value(), as_bytes(text)));
    if (sync) {
      ASSERT_TRUE(file->sync());
    }
  }
  MemoryVfs vfs_;
};

TEST_F(MemoryVfsTest, PowerFailureLeavesWhatWasSynced) {
  ASSERT_TRUE(vfs_.create_directories("/d"));
  ASSERT_TRUE(vfs_.sync_directory("/"));
  write("/d/kept", "synced", true);
  write("/d/kept", "-lost", false);
  ASSERT_TRUE(vfs_.sync_directory("/d"));
  write("/d/nameless", "content", true);  // its name never reached the disk
  vfs_.crash(CrashMode::kLoseUnsynced);
  EXPECT_EQ(vfs_.content("/d/kept"), "synced");
  EXPECT_FALSE(vfs_.content("/d/nameless"));
}

TEST_F(MemoryVfsTest, ARenameLastsOnceItsDirectoryIsSynced) {
  ASSERT_TRUE(vfs_.create_directories("/d"));
  ASSERT_TRUE(write_file_atomically(vfs_, "/d/c", "old"));
  write("/d/c.new", "new", true);
  ASSERT_TRUE(vfs_.rename("/d/c.new", "/d/c"));
  EXPECT_EQ(vfs_.content("/d/c"), "new");
  vfs_.crash(CrashMode::kLoseUnsynced);
  EXPECT_EQ(vfs_.content("/d/c"), "old");
  ASSERT_TRUE(write_file_atomically(vfs_, "/d/c", "newest"));
  vfs_.crash(CrashMode::kLoseUnsynced);
  EXPECT_EQ(vfs_.content("/d/c"), "newest");
}

TEST_F(MemoryVfsTest, AProcessThatDiesLosesNothing) {
  write("/f", "text", false);
  vfs_.crash(CrashMode::kProcess);
  EXPECT_EQ(vfs_.content("/f"), "text");
}

TEST_F(MemoryVfsTest, ARandomCrashMayKeepTearOrLose) {
  bool kept = false;
  bool torn = false;
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MemoryVfs vfs;
    const auto random = make_seeded_random(seed);
    auto file = vfs.open("/f", OpenMode::kCreate).value();
    ASSERT_TRUE(vfs.sync_directory("/"));
    ASSERT_TRUE(file->write_at(0, as_bytes("0123456789")));
    vfs.crash(CrashMode::kRandom, random.get());
    const std::string left = vfs.content("/f").value();
    kept = kept || left == "0123456789";
    lost = lost || left.empty();
    torn = torn || (!left.empty() && left.size() < 10);
  }
  EXPECT_TRUE(kept && torn && lost);
}

TEST_F(MemoryVfsTest, ChangesFailAfterThePowerIsOff) {
  auto file = vfs_.open("/f", OpenMode::kCreate).value();
  vfs_.power_off_after(1);
  EXPECT_TRUE(file->write_at(0, as_bytes("a")));
  EXPECT_EQ(file->write_at(1, as_bytes("b")).error().sys_errno, EIO);
  EXPECT_FALSE(vfs_.rename("/f", "/g"));
  EXPECT_EQ(vfs_.content("/f"), "a");
}

TEST_F(MemoryVfsTest, AFaultStrikesWhereItIsSet) {
  auto file = vfs_.open("/f", OpenMode::kCreate).value();
  vfs_.add_fault(
      {.op = FileOp::kWrite, .path_contains = "f", .skip = 1, .error = ENOSPC, .partial_bytes = 2});
  EXPECT_TRUE(file->write_at(0, as_bytes("abc")));
  EXPECT_EQ(file->write_at(3, as_bytes("def")).error().sys_errno, ENOSPC);
  EXPECT_EQ(vfs_.content("/f"), "abcde");
  EXPECT_TRUE(file->write_at(5, as_bytes("f")));
  EXPECT_EQ(vfs_.faults_hit(), 1);
}

}  // namespace
}  // namespace barnabas::testing
