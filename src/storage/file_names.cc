#include "file_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace barnabas::storage {
namespace {

constexpr std::size_t kMaxNameBytes = 255;
constexpr std::string_view kDeleteDir = "-delete";
constexpr std::string_view kFutureDir = "-future";
constexpr std::string_view kStrayDir = "-stray";

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || text[0] == '-') {
    return std::nullopt;
  }
  return value;
}

std::unexpected<Error> foreign(const std::string& log_dir, std::string_view name) {
  return fail(ErrorCode::kKafkaStorageError,
              fmt::format("Found directory {}/{}, '{}' is not in the form of topic-partition or "
                          "topic-partition.uniqueId-delete (if marked for deletion). A log "
                          "directory (and its children) should only contain topic data.",
                          log_dir, name, name));
}

}  // namespace

std::string file_name(Offset base_offset, std::string_view suffix) {
  return fmt::format("{:020}{}", base_offset.value(), suffix);
}

std::optional<Offset> offset_of_file(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) {
    return std::nullopt;
  }
  const auto value = parse_number<std::int64_t>(name.substr(0, dot));
  return value ? std::optional(Offset(*value)) : std::nullopt;
}

Result<LogDirectoryName> parse_log_directory(const std::string& log_dir, std::string_view name) {
  LogDirectoryName result;
  std::string_view stem = name;
  for (const auto& [suffix, kind] : {std::pair{kDeleteDir, LogDirectoryKind::kDeleted},
                                     std::pair{kFutureDir, LogDirectoryKind::kFuture},
                                     std::pair{kStrayDir, LogDirectoryKind::kStray}}) {
    if (!name.ends_with(suffix)) {
      continue;
    }
    // topic-partition.uniqueId-suffix
    const std::string_view before = name.substr(0, name.size() - suffix.size());
    const auto dot = before.rfind('.');
    if (dot == std::string_view::npos || dot + 1 == before.size()) {
      return foreign(log_dir, name);
    }
    stem = before.substr(0, dot);
    result.kind = kind;
    break;
  }
  const auto dash = stem.rfind('-');
  if (dash == std::string_view::npos || dash == 0) {
    return foreign(log_dir, name);
  }
  const auto partition = parse_number<std::int32_t>(stem.substr(dash + 1));
  if (!partition) {
    return foreign(log_dir, name);
  }
  result.partition = {std::string(stem.substr(0, dash)), PartitionId(*partition)};
  return result;
}

std::string deleted_directory_name(const TopicPartition& partition, Uuid id) {
  const std::string suffix =
      fmt::format("-{}.{:016x}{:016x}{}", partition.partition.value(), id.high, id.low, kDeleteDir);
  const std::size_t room = kMaxNameBytes - suffix.size();
  return partition.topic.substr(0, std::min(partition.topic.size(), room)) + suffix;
}

}  // namespace barnabas::storage
