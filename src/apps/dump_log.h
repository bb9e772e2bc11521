// kafka-dump-log.sh's work: the files of a partition as text, as kafka.tools.DumpLogSegments of
// Kafka 3.9.1 prints them. Reads the disk alone, through a Vfs; changes nothing.
// Fails: KAFKA_STORAGE_ERROR for a file that cannot be read, CORRUPT_MESSAGE and INVALID_RECORD for
// one that does not hold; what was printed up to there stays. Owner: the tool's main thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"

namespace barnabas::apps {

enum class RecordDecoder : std::uint8_t { kFields, kOffsets, kTransactions };
enum class FieldDecoder : std::uint8_t { kText, kInteger, kLong, kBytes };

struct DumpOptions {
  bool print_data = false;
  bool deep = false;
  bool skip_metadata = false;
  bool verify_only = false;  // indexes: compare them with the log, print nothing
  bool sanity_only = false;  // indexes: the check of a start
  std::int64_t max_message_size = 0;
  std::int64_t max_bytes = 0;
  RecordDecoder decoder = RecordDecoder::kFields;
  FieldDecoder key = FieldDecoder::kText;
  FieldDecoder value = FieldDecoder::kText;
  std::string notes;  // printed before each log
};

// What is told at the end, on standard error: by file, in the order in which files were given.
struct DumpFindings {
  using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;
  std::map<std::string, Pairs> index_mismatches;   // index offset, log offset
  std::map<std::string, Pairs> time_mismatches;    // index timestamp, log timestamp
  std::map<std::string, Pairs> time_out_of_order;  // index timestamp, the one before
  std::map<std::string, Pairs> offsets_not_found;  // indexed offset, log offset
  std::map<std::string, Pairs> not_consecutive;    // an offset, the next one
  [[nodiscard]] std::string text() const;
};

// Text to standard output in large pieces.
class DumpOutput {
 public:
  ~DumpOutput() { flush(); }
  [[nodiscard]] std::string& buffer() { return buffer_; }
  void flush_if_large();
  void flush();

 private:
  std::string buffer_;
};

// A file and what its name says.
struct DumpFile {
  std::string path;  // as given
  std::string absolute;
  std::string stem;    // of the name, up to its first dot
  std::string suffix;  // of the name, from its last dot
};
[[nodiscard]] DumpFile dump_file(const std::string& path);
// NumberFormatException's sentence where the name is no offset.
[[nodiscard]] Result<std::int64_t> base_offset_of(const DumpFile& file);

[[nodiscard]] Status dump_log(Vfs& vfs, const DumpFile& file, const DumpOptions& options,
                              DumpFindings& findings, DumpOutput& out);
[[nodiscard]] Status dump_offset_index(Vfs& vfs, const DumpFile& file, const DumpOptions& options,
                                       DumpFindings& findings, DumpOutput& out);
[[nodiscard]] Status dump_time_index(Vfs& vfs, const DumpFile& file, const DumpOptions& options,
                                     DumpFindings& findings, DumpOutput& out);
[[nodiscard]] Status dump_transaction_index(Vfs& vfs, const DumpFile& file, DumpOutput& out);
[[nodiscard]] Status dump_producer_snapshot(Vfs& vfs, const DumpFile& file, DumpOutput& out);

// The sibling with another suffix: the .log of an .index.
[[nodiscard]] std::string sibling(const DumpFile& file, std::string_view suffix);

}  // namespace barnabas::apps
