#include "checkpoint_files.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <ctime>
#include <string_view>

namespace barnabas::storage {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 20U;
constexpr std::string_view kVersion = "0";

template <typename T>
bool to_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

std::unexpected<Error> malformed(const std::string& path, std::string_view line) {
  return fail(ErrorCode::kKafkaStorageError,
              fmt::format("{}: malformed line '{}'", path, line.substr(0, 200)));
}

// Takes the next line off `text`; false at the end.
bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) {
    return false;
  }
  const auto end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return true;
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> result;
  while (true) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
      return result;
    }
    line.remove_prefix(begin);
    const auto end = line.find_first_of(" \t");
    result.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end);
  }
}

// Calls `entry` with the words of every line after version and count; false: malformed.
template <typename Entry>
Status read_checkpoint(const Vfs& vfs, const std::string& path, Entry entry) {
  if (!vfs.exists(path)) {
    return {};
  }
  TRY(const std::string content, read_file(vfs, path, kMaxFileBytes));
  std::string_view text = content;
  std::string_view line;
  if (!next_line(text, line)) {
    return {};
  }
  if (line != kVersion) {
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("{}: unrecognised version '{}', expected {}", path, line.substr(0, 20),
                            kVersion));
  }
  if (!next_line(text, line)) {
    return {};
  }
  std::size_t expected = 0;
  if (!to_number(line, expected)) {
    return malformed(path, line);
  }
  std::size_t found = 0;
  while (next_line(text, line)) {
    if (!entry(words(line))) {
      return malformed(path, line);
    }
    ++found;
  }
  if (found != expected) {
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("{}: {} entries announced, {} found", path, expected, found));
  }
  return {};
}

}  // namespace

Result<OffsetMap> read_offset_checkpoint(const Vfs& vfs, const std::string& path) {
  OffsetMap offsets;
  TRY_STATUS(read_checkpoint(vfs, path, [&](const std::vector<std::string_view>& entry) {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    if (entry.size() != 3 || !to_number(entry[1], partition) || !to_number(entry[2], offset)) {
      return false;
    }
    offsets[{std::string(entry[0]), PartitionId(partition)}] = Offset(offset);
    return true;
  }));
  return offsets;
}

Status write_offset_checkpoint(Vfs& vfs, const std::string& path, const OffsetMap& offsets) {
  std::string text = fmt::format("{}\n{}\n", kVersion, offsets.size());
  for (const auto& [partition, offset] : offsets) {
    fmt::format_to(std::back_inserter(text), "{} {} {}\n", partition.topic,
                   partition.partition.value(), offset.value());
  }
  return write_file_atomically(vfs, path, text);
}

Result<std::vector<EpochEntry>> read_epoch_checkpoint(const Vfs& vfs, const std::string& path) {
  std::vector<EpochEntry> entries;
  TRY_STATUS(read_checkpoint(vfs, path, [&](const std::vector<std::string_view>& entry) {
    std::int32_t epoch = 0;
    std::int64_t start = 0;
    if (entry.size() != 2 || !to_number(entry[0], epoch) || !to_number(entry[1], start) ||
        epoch < 0 || start < 0) {
      return false;
    }
    entries.push_back({LeaderEpoch(epoch), Offset(start)});
    return true;
  }));
  return entries;
}

Status write_epoch_checkpoint(Vfs& vfs, const std::string& path,
                              const std::vector<EpochEntry>& entries) {
  std::string text = fmt::format("{}\n{}\n", kVersion, entries.size());
  for (const auto& entry : entries) {
    fmt::format_to(std::back_inserter(text), "{} {}\n", entry.epoch.value(),
                   entry.start_offset.value());
  }
  return write_file_atomically(vfs, path, text);
}

Result<std::optional<Uuid>> read_partition_metadata(const Vfs& vfs, const std::string& path) {
  if (!vfs.exists(path)) {
    return std::nullopt;
  }
  TRY(const std::string content, read_file(vfs, path, kMaxFileBytes));
  std::string_view text = content;
  std::string_view line;
  int version = 0;
  const auto field = [&](std::string_view name, std::string_view& value) {
    if (!next_line(text, line) || !line.starts_with(name)) {
      return false;
    }
    value = line.substr(name.size());
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    return !value.empty();
  };
  std::string_view value;
  if (!field("version:", value) || !to_number(value, version) || version < 0) {
    return malformed(path, line);
  }
  if (!field("topic_id:", value)) {
    return malformed(path, line);
  }
  const auto id = Uuid::parse(value);
  if (!id || id->is_zero()) {
    return malformed(path, line);
  }
  return id;
}

Status write_partition_metadata(Vfs& vfs, const std::string& path, Uuid topic_id) {
  const std::string temporary = path + ".tmp";
  {
    TRY(auto file, vfs.open(temporary, OpenMode::kCreateTruncated));
    TRY_STATUS(file->write_at(
        0, as_bytes(fmt::format("version: {}\ntopic_id: {}", kVersion, topic_id.to_string()))));
  }
  return vfs.rename(temporary, path);
}

Result<std::optional<MetaPropertiesContent>> read_meta_properties(const Vfs& vfs,
                                                                  const std::string& path) {
  if (!vfs.exists(path)) {
    return std::nullopt;
  }
  TRY(const std::string content, read_file(vfs, path, kMaxFileBytes));
  MetaPropertiesContent result;
  std::string_view text = content;
  std::string_view line;
  while (next_line(text, line)) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\f"), line.size()));
    if (line.empty() || line[0] == '#' || line[0] == '!') {
      continue;
    }
    const auto split = line.find_first_of("=:");
    std::string_view key = line.substr(0, split);
    std::string_view value =
        split == std::string_view::npos ? std::string_view{} : line.substr(split + 1);
    while (key.ends_with(' ')) {
      key.remove_suffix(1);
    }
    value.remove_prefix(std::min(value.find_first_not_of(" \t\f"), value.size()));
    std::string plain;  // Java escapes ':', '=', '#', '!' and '\' in values
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\\' && i + 1 < value.size()) {
        ++i;
      }
      plain += value[i];
    }
    result.values[std::string(key)] = std::move(plain);
  }
  return result;
}

Status write_meta_properties_file(Vfs& vfs, const std::string& path,
                                  const MetaPropertiesContent& content, std::int64_t now_ms) {
  const std::time_t seconds = now_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char date[64];
  std::strftime(date, sizeof(date), "%a %b %d %H:%M:%S UTC %Y", &utc);
  std::string text = fmt::format("#\n#{}\n", date);
  for (const auto& [key, value] : content.values) {
    fmt::format_to(std::back_inserter(text), "{}=", key);
    for (const char c : value) {
      if (c == ':' || c == '=' || c == '#' || c == '!' || c == '\\') {
        text += '\\';
      }
      text += c;
    }
    text += '\n';
  }
  return write_file_atomically(vfs, path, text);
}

Status write_clean_shutdown(Vfs& vfs, const std::string& path, BrokerEpoch epoch) {
  {
    TRY(auto file, vfs.open(path, OpenMode::kCreateTruncated));
    TRY_STATUS(file->write_at(
        0, as_bytes(fmt::format(R"({{"version":0,"brokerEpoch":{}}})", epoch.value()))));
    TRY_STATUS(file->sync());
  }
  return vfs.sync_directory(path.substr(0, path.rfind('/')));
}

}  // namespace barnabas::storage
