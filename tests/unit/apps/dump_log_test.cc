// The texts are those of Kafka 3.9.1's DumpLogSegments on the same bytes (see also
// tests/integration/tools/dump_tools.py, which compares many more).
#include "apps/dump_log.h"

#include <gtest/gtest.h>

#include "apps/java_text.h"
#include "barnabas/record/builder.h"
#include "barnabas/record/legacy.h"
#include "support/memory_vfs.h"

namespace barnabas::apps {
namespace {

struct Dumped {
  Status status;
  std::string text;
  std::string findings;
};

class DumpLog : public ::testing::Test {
 protected:
  void put(const std::string& path, ByteView bytes) {
    const auto file = vfs_.open(path, OpenMode::kCreateTruncated);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->write_at(0, bytes).has_value());
  }

  template <typename Dump>
  Dumped run(Dump dump) {
    DumpOutput out;
    DumpFindings findings;
    Dumped dumped;
    dumped.status = dump(findings, out);
    dumped.text = std::move(out.buffer());
    out.buffer().clear();
    dumped.findings = findings.text();
    return dumped;
  }

  Dumped log(const std::string& path, const DumpOptions& options) {
    return run([&](DumpFindings& findings, DumpOutput& out) {
      return dump_log(vfs_, dump_file(path), options, findings, out);
    });
  }

  static ByteVector batch(Offset base, record::BatchOptions options = {}) {
    options.base_offset = base;
    record::BatchBuilder builder(options);
    builder.add(1000, as_bytes("key"), as_bytes("value"));
    builder.add(1005, std::nullopt, std::nullopt);
    ByteVector bytes;
    EXPECT_TRUE(builder.finish(bytes).has_value());
    return bytes;
  }

  static DumpOptions everything() {
    DumpOptions options;
    options.deep = true;
    options.print_data = true;
    options.max_bytes = INT32_MAX;
    options.max_message_size = 1 << 20;
    return options;
  }

  barnabas::testing::MemoryVfs vfs_;
};

TEST_F(DumpLog, PrintsBatchesAndRecords) {
  ByteVector bytes = batch(Offset(7));
  const std::string size = std::to_string(bytes.size());
  bytes.resize(bytes.size() + 3);
  put("/00000000000000000007.log", bytes);
  const Dumped dumped = log("/00000000000000000007.log", everything());
  ASSERT_TRUE(dumped.status.has_value());
  EXPECT_TRUE(dumped.text.starts_with(
      "Log starting offset: 7\nbaseOffset: 7 lastOffset: 8 count: 2 baseSequence: -1 lastSequence: "
      "-1 producerId: -1 producerEpoch: -1 partitionLeaderEpoch: -1 isTransactional: false "
      "isControl: false deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1005 size: " +
      size + " magic: 2 compresscodec: none crc: "));
  EXPECT_TRUE(dumped.text.ends_with(
      " isvalid: true\n| offset: 7 CreateTime: 1000 keySize: 3 valueSize: 5 sequence: -1 "
      "headerKeys: "
      "[] key: key payload: value\n| offset: 8 CreateTime: 1005 keySize: -1 valueSize: -1 "
      "sequence: "
      "-1 headerKeys: []\nFound 3 invalid bytes at the end of 00000000000000000007.log\n"));
  EXPECT_EQ(dumped.findings, "");
}

TEST_F(DumpLog, TellsGapsAndStopsAtASizeThatCannotBe) {
  ByteVector bytes = batch(Offset(0));
  const ByteVector later = batch(Offset(5));
  bytes.insert(bytes.end(), later.begin(), later.end());
  put("/00000000000000000000.log", bytes);
  EXPECT_EQ(log("/00000000000000000000.log", everything()).findings,
            "Non-consecutive offsets in /00000000000000000000.log\n  1 is followed by 5\n");
  bytes.resize(bytes.size() + 100);
  put("/00000000000000000000.log", bytes);
  const Dumped dumped = log("/00000000000000000000.log", everything());
  EXPECT_EQ(dumped.status.error().message,
            "Found record size 0 smaller than minimum record overhead (14) in file "
            "/00000000000000000000.log.");
}

TEST_F(DumpLog, PrintsOldMessagesAndTheirWrappers) {
  record::LegacyOptions options;
  options.compression = record::CompressionType::kGzip;
  record::LegacyBuilder builder(options);
  builder.add(Offset(3), 50, std::nullopt, as_bytes("one"));
  builder.add(Offset(4), 60, as_bytes("k"), as_bytes("two"));
  ByteVector bytes;
  ASSERT_TRUE(builder.finish(bytes).has_value());
  put("/00000000000000000000.log", bytes);
  const std::string text = log("/00000000000000000000.log", everything()).text;
  EXPECT_TRUE(text.contains("offset: 4 position: 0 CreateTime: 60 size: ")) << text;
  EXPECT_TRUE(
      text.contains("| offset: 3 CreateTime: 50 keySize: -1 valueSize: 3 isValid: true crc: "))
      << text;
}

TEST_F(DumpLog, ComparesIndexesWithTheLog) {
  put("/00000000000000000000.log", batch(Offset(0)));
  const std::array<std::byte, 16> index = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{4}};
  put("/00000000000000000000.index", ByteView(index));
  DumpOptions options = everything();
  const auto dump = [&](DumpFindings& findings, DumpOutput& out) {
    return dump_offset_index(vfs_, dump_file("/00000000000000000000.index"), options, findings,
                             out);
  };
  Dumped dumped = run(dump);
  EXPECT_EQ(dumped.text, "offset: 4 position: 0\n");
  EXPECT_EQ(dumped.findings,
            "Mismatches in :/00000000000000000000.index\n  Index offset: 4, log offset: 1\n");
  options.sanity_only = true;
  EXPECT_EQ(run(dump).text, "/00000000000000000000.index passed sanity check.\n");
}

TEST_F(DumpLog, SaysWhatASnapshotLacks) {
  put("/00000000000000000009.snapshot", as_bytes("abc"));
  const Dumped dumped = run([&](DumpFindings&, DumpOutput& out) {
    return dump_producer_snapshot(vfs_, dump_file("/00000000000000000009.snapshot"), out);
  });
  EXPECT_TRUE(dumped.status.has_value());
  EXPECT_EQ(dumped.text, "");
}

TEST(JavaText, ReplacesWhatIsNoUtf8AsJavaDoes) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(java_utf8("grüße 消息 😀"), "grüße 消息 😀");
  EXPECT_EQ(java_utf8("\xff"), mark);
  EXPECT_EQ(java_utf8("\xed\xa0\x80"), mark);           // a lone surrogate is one piece
  EXPECT_EQ(java_utf8("\xf0\x9f\x98 x"), mark + " x");  // cut short
  EXPECT_EQ(java_utf8("\xc0\x80"), mark + mark);        // overlong
  EXPECT_EQ(java_utf8("\xf4\x90\x80\x80"), mark + mark + mark + mark);  // beyond U+10FFFF
}

}  // namespace
}  // namespace barnabas::apps
