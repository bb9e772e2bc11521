#include "reset_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace barnabas::apps {
namespace {

constexpr std::size_t kLongestUnquoted = 24;
constexpr char kFirstSafe = '-';

std::string quoted(const std::string& text) {
  const bool safe = text.size() <= kLongestUnquoted && std::ranges::all_of(text, [](char c) {
                      return static_cast<unsigned char>(c) >= kFirstSafe;
                    });
  if (safe) {
    return text;
  }
  std::string result = "\"";
  for (const char c : text) {
    result.append(c == '"' ? 2 : 1, c);
  }
  return result + '"';
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && inside && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += c;
      ++i;
    } else if (c == '"') {
      inside = !inside;
    } else if (c == ',' && !inside) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

template <typename T>
std::optional<T> number(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  T value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

struct Row {
  std::string group;
  TopicPartition partition;
  std::int64_t offset = 0;
};

std::optional<Row> parse_row(std::string_view line, bool with_group) {
  const std::vector<std::string> fields = fields_of(line);
  const std::size_t first = with_group ? 1 : 0;
  if (fields.size() != first + 3) {
    return std::nullopt;
  }
  const auto partition = number<std::int32_t>(fields[first + 1]);
  const auto offset = number<std::int64_t>(fields[first + 2]);
  if (!partition || !offset) {
    return std::nullopt;
  }
  return Row{
      with_group ? fields[0] : std::string(), {fields[first], PartitionId(*partition)}, *offset};
}

}  // namespace

Result<ResetPlan> parse_reset_plan(std::string_view csv, const std::string& only_group) {
  ResetPlan plan;
  std::optional<bool> with_group;
  for (std::size_t at = 0; at < csv.size();) {
    const std::size_t end = std::min(csv.find('\n', at), csv.size());
    std::string_view line = csv.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      continue;
    }
    if (!with_group) {
      with_group = only_group.empty() || !parse_row(line, false);
    }
    const std::optional<Row> row = parse_row(line, *with_group);
    if (!row) {
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("the line '{}' is not {}topic,partition,offset", line,
                              *with_group ? "group," : ""));
    }
    plan[*with_group ? row->group : only_group][row->partition] = row->offset;
  }
  return plan;
}

std::string reset_plan_line(const std::string* group, const TopicPartition& partition,
                            std::int64_t offset) {
  return fmt::format("{}{},{},{}\n", group == nullptr ? "" : quoted(*group) + ",",
                     quoted(partition.topic), partition.partition.value(), offset);
}

}  // namespace barnabas::apps
