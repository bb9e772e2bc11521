// The console producer's input: bytes into lines, lines into records.
// Lines end at \n, \r or \r\n, as Java's BufferedReader ends them; bytes are passed on untouched
// (Java replaces what is not UTF-8). THREAD: any, one owner; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/base/result.h"
#include "client_properties.h"

namespace barnabas::apps {

// Cuts a stream of chunks into lines.
class LineSplitter {
 public:
  void feed(std::string_view chunk);
  // No more input will come: what is left over is the last line.
  void finish() { finished_ = true; }
  // The next whole line, nothing when more input is needed. Valid until the next call of anything.
  [[nodiscard]] std::optional<std::string_view> next();

 private:
  std::string buffer_;
  std::size_t begin_ = 0;      // where the next line starts
  std::size_t scanned_ = 0;    // nothing that ends a line lies before this
  bool skip_newline_ = false;  // the last line ended with \r
  bool finished_ = false;
};

// A record as views into the line it came from. No value: null.
struct LineRecord {
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<std::pair<std::string_view, std::optional<std::string_view>>> headers;
};

// org.apache.kafka.tools' LineMessageReader: parse.key, key.separator, parse.headers, ...
class RecordReader {
 public:
  // Fails: INVALID_CONFIG with Kafka's sentence ("headers.delimiter and headers.separator may not
  // be equal").
  [[nodiscard]] static Result<RecordReader> make(const PropertyMap& properties);

  // Fails: INVALID_RECORD with Kafka's sentence ("No key separator found on line number 2: 'bad'").
  [[nodiscard]] Status read(std::string_view line, LineRecord& record);

 private:
  RecordReader() = default;
  [[nodiscard]] Result<std::optional<std::string_view>> cut(bool enabled, std::string_view& rest,
                                                            std::string_view line,
                                                            std::string_view separator,
                                                            std::string_view name) const;
  [[nodiscard]] Status split_headers(std::string_view text, LineRecord& record) const;
  [[nodiscard]] Status add_header(std::string_view pair, LineRecord& record) const;
  [[nodiscard]] bool is_null(std::string_view text) const {
    return null_marker_ && text == *null_marker_;
  }

  bool parse_key_ = false;
  bool parse_headers_ = false;
  bool ignore_error_ = false;
  std::string key_separator_ = "\t";
  std::string headers_delimiter_ = "\t";
  std::string headers_separator_ = ",";
  bool headers_separator_is_plain_ = true;
  std::string headers_key_separator_ = ":";
  std::optional<std::string> null_marker_;
  std::int64_t line_number_ = 0;
};

}  // namespace barnabas::apps
