#include "line_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/regex.hpp>
#include <cstring>

#include "java_text.h"

namespace barnabas::apps {

namespace {

std::string text_property(const PropertyMap& properties, std::string_view name,
                          std::string_view otherwise) {
  const auto found = properties.find(name);
  return found == properties.end() ? std::string(otherwise) : found->second;
}

}  // namespace

void LineSplitter::feed(std::string_view chunk) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_.append(chunk);
}

std::optional<std::string_view> LineSplitter::next() {
  if (skip_newline_ && begin_ < buffer_.size()) {
    if (buffer_[begin_] == '\n') {
      ++begin_;
    }
    skip_newline_ = false;
  }
  scanned_ = std::max(scanned_, begin_);
  // Two scans with memchr are far quicker than one for either character.
  std::size_t end = buffer_.find('\n', scanned_);
  const std::size_t limit = std::min(end, buffer_.size());
  if (limit > scanned_) {
    if (const void* r = std::memchr(buffer_.data() + scanned_, '\r', limit - scanned_)) {
      end = static_cast<std::size_t>(static_cast<const char*>(r) - buffer_.data());
    }
  }
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    if (!finished_ || begin_ == buffer_.size()) {
      return std::nullopt;
    }
    const std::string_view last = std::string_view(buffer_).substr(begin_);
    begin_ = buffer_.size();
    return last;
  }
  const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
  skip_newline_ = buffer_[end] == '\r';
  begin_ = end + 1;
  return line;
}

Result<RecordReader> RecordReader::make(const PropertyMap& properties) {
  RecordReader reader;
  reader.parse_key_ = java_true(text_property(properties, "parse.key", "false"));
  reader.parse_headers_ = java_true(text_property(properties, "parse.headers", "false"));
  reader.ignore_error_ = java_true(text_property(properties, "ignore.error", "false"));
  reader.key_separator_ = text_property(properties, "key.separator", "\t");
  reader.headers_delimiter_ = text_property(properties, "headers.delimiter", "\t");
  reader.headers_separator_ = text_property(properties, "headers.separator", ",");
  reader.headers_key_separator_ = text_property(properties, "headers.key.separator", ":");
  reader.headers_separator_is_plain_ = is_plain_text(reader.headers_separator_);
  if (!reader.headers_separator_is_plain_) {
    const boost::regex checked(reader.headers_separator_, boost::regex::no_except);
    if (checked.status() != 0) {
      return fail(
          ErrorCode::kInvalidConfig,
          fmt::format("headers.separator: {} is an invalid regex.", reader.headers_separator_));
    }
  }
  if (const auto marker = properties.find("null.marker"); marker != properties.end()) {
    reader.null_marker_ = marker->second;
  }
  struct Pair {
    std::string_view first_name;
    std::optional<std::string_view> first;
    std::string_view second_name;
    std::string_view second;
  };
  const std::array<Pair, 7> unlike = {
      Pair{"headers.delimiter", reader.headers_delimiter_, "headers.separator",
           reader.headers_separator_},
      Pair{"headers.delimiter", reader.headers_delimiter_, "headers.key.separator",
           reader.headers_key_separator_},
      Pair{"headers.separator", reader.headers_separator_, "headers.key.separator",
           reader.headers_key_separator_},
      Pair{"null.marker", reader.null_marker_, "key.separator", reader.key_separator_},
      Pair{"null.marker", reader.null_marker_, "headers.separator", reader.headers_separator_},
      Pair{"null.marker", reader.null_marker_, "headers.delimiter", reader.headers_delimiter_},
      Pair{"null.marker", reader.null_marker_, "headers.key.separator",
           reader.headers_key_separator_},
  };
  for (const Pair& pair : unlike) {
    if (pair.first && *pair.first == pair.second) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("{} and {} may not be equal", pair.first_name, pair.second_name));
    }
  }
  return reader;
}

Status RecordReader::read(std::string_view line, LineRecord& record) {
  ++line_number_;
  record.headers.clear();
  std::string_view rest = line;
  TRY(const auto headers, cut(parse_headers_, rest, line, headers_delimiter_, "headers delimiter"));
  TRY(const auto key, cut(parse_key_, rest, line, key_separator_, "key separator"));
  record.key = key && !is_null(*key) ? key : std::nullopt;
  record.value = is_null(rest) ? std::nullopt : std::optional(rest);
  if (headers && !is_null(*headers)) {
    return split_headers(*headers, record);
  }
  return {};
}

// Takes what lies before the separator off the front of `rest`.
Result<std::optional<std::string_view>> RecordReader::cut(bool enabled, std::string_view& rest,
                                                          std::string_view line,
                                                          std::string_view separator,
                                                          std::string_view name) const {
  if (!enabled) {
    return std::optional<std::string_view>{};
  }
  const std::size_t at = rest.find(separator);
  if (at == std::string_view::npos) {
    if (ignore_error_) {
      return std::optional<std::string_view>{};
    }
    return fail(ErrorCode::kInvalidRecord,
                fmt::format("No {} found on line number {}: '{}'", name, line_number_, line));
  }
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(at + separator.size());
  return std::optional(part);
}

// headers.separator is a regular expression, and empty pairs at the end are dropped, as Java does.
Status RecordReader::split_headers(std::string_view text, LineRecord& record) const {
  std::vector<std::string_view> pairs;
  if (headers_separator_is_plain_ && !headers_separator_.empty()) {
    for (std::size_t at = 0; at != std::string_view::npos;) {
      const std::size_t end = text.find(headers_separator_, at);
      pairs.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
      at = end == std::string_view::npos ? end : end + headers_separator_.size();
    }
  } else {
    const boost::regex separator(headers_separator_);
    const boost::cregex_token_iterator begin(text.data(), text.data() + text.size(), separator, -1);
    for (auto it = begin; it != boost::cregex_token_iterator(); ++it) {
      pairs.emplace_back(it->first, static_cast<std::size_t>(it->length()));
    }
  }
  while (pairs.size() > 1 && pairs.back().empty()) {
    pairs.pop_back();
  }
  for (const std::string_view pair : pairs) {
    TRY_STATUS(add_header(pair, record));
  }
  return {};
}

Status RecordReader::add_header(std::string_view pair, LineRecord& record) const {
  const std::size_t at = pair.find(headers_key_separator_);
  if (at == std::string_view::npos) {
    if (!ignore_error_) {
      return fail(ErrorCode::kInvalidRecord,
                  fmt::format("No header key separator found in pair '{}' on line number {}", pair,
                              line_number_));
    }
    record.headers.emplace_back(pair, std::nullopt);
    return {};
  }
  const std::string_view key = pair.substr(0, at);
  const std::string_view value = pair.substr(at + headers_key_separator_.size());
  if (is_null(key)) {
    return fail(
        ErrorCode::kInvalidRecord,
        fmt::format("Header keys should not be equal to the null marker '{}' as they can't be null",
                    key));
  }
  record.headers.emplace_back(key, is_null(value) ? std::nullopt : std::optional(value));
  return {};
}

}  // namespace barnabas::apps
