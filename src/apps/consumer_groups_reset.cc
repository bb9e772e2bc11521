#include "consumer_groups_reset.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "error_text.h"
#include "java_hash_order.h"
#include "java_time.h"
#include "offsets_client.h"
#include "rdkafka_client.h"
#include "reset_plan.h"

namespace barnabas::apps {
namespace {

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

// A failure of the work, not of the command line: told after "failed due to".
std::unexpected<Error> failed(std::string text) {
  return fail(ErrorCode::kUnknownServerError, std::move(text));
}

template <typename Topic>
std::vector<TopicPartition> partitions_of(const Topic& topic) {
  std::vector<TopicPartition> partitions;
  for (const auto& partition : topic.partitions) {
    partitions.push_back({topic.name.value_or(""), PartitionId(partition.partition_index)});
  }
  std::ranges::sort(partitions);
  return partitions;
}

Status parse_numbers(const std::string& argument, std::vector<TopicPartition>& partitions) {
  const std::size_t colon = argument.find(':');
  const std::string topic = argument.substr(0, colon);
  const std::string list = argument.substr(colon + 1);
  if (list.empty() || list.contains(':')) {
    return refuse(
        fmt::format("Invalid topic arg '{}', expected topic name and partitions", argument));
  }
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string word = list.substr(at, end - at);
    at = end + 1;
    std::int32_t number = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || stop != word.data() + word.size()) {
      return refuse(
          fmt::format("Invalid partition '{}' specified in topic arg '{}''", word, argument));
    }
    partitions.push_back({topic, PartitionId(number)});
  }
  return {};
}

// The offsets of all, or the first error among them.
Result<GroupOffsets> offsets_at(ClusterClient& cluster, const std::vector<TopicPartition>& wanted,
                                std::int64_t time) {
  TRY(const ListedOffsets listed, list_offsets(cluster, wanted, time));
  GroupOffsets offsets;
  for (const auto& [partition, offset] : listed) {
    if (!offset) {
      Error error = offset.error();
      error.message = fmt::format("{} ({})", error.message, to_string(partition));
      return std::unexpected(std::move(error));
    }
    offsets[partition] = *offset;
  }
  return offsets;
}

class Planner {
 public:
  Planner(const ConsumerGroupsLine& line, GroupClient& groups, const Clock& clock)
      : options_(line.options), line_(line), groups_(groups), clock_(clock) {}

  [[nodiscard]] Result<GroupOffsets> plan(const std::string& group);

 private:
  [[nodiscard]] Result<std::vector<TopicPartition>> scope(const std::string& group);
  [[nodiscard]] Result<GroupOffsets> at_time(const std::vector<TopicPartition>& partitions,
                                             std::int64_t time);
  [[nodiscard]] Result<GroupOffsets> shifted(const std::string& group,
                                             const std::vector<TopicPartition>& partitions);
  [[nodiscard]] Result<GroupOffsets> current(const std::string& group,
                                             const std::vector<TopicPartition>& partitions);
  [[nodiscard]] Result<GroupOffsets> from_file(const std::string& group, const std::string& path);
  // Cut to what the partitions hold, with a line for each that was cut.
  [[nodiscard]] Result<GroupOffsets> in_range(GroupOffsets wanted);

  const ParsedOptions& options_;
  const ConsumerGroupsLine& line_;
  GroupClient& groups_;
  const Clock& clock_;
};

Result<std::vector<TopicPartition>> Planner::scope(const std::string& group) {
  std::vector<TopicPartition> partitions;
  if (options_.has("all-topics")) {
    TRY(const GroupOffsets committed, groups_.committed(group));
    for (const auto& [partition, offset] : committed) {
      partitions.push_back(partition);
    }
  } else if (options_.has("topic")) {
    TRY(partitions, parse_topic_arguments(groups_.cluster(), line_.topics, nullptr));
  } else if (!options_.has("from-file")) {
    return refuse("One of the reset scopes should be defined: --all-topics, --topic.");
  }
  return partitions;
}

Result<GroupOffsets> Planner::at_time(const std::vector<TopicPartition>& partitions,
                                      std::int64_t time) {
  TRY(GroupOffsets offsets, offsets_at(groups_.cluster(), partitions, time));
  std::vector<TopicPartition> behind;
  for (const std::size_t i : java_hash_order(partitions)) {
    if (offsets.at(partitions[i]) < 0) {
      behind.push_back(partitions[i]);
      fmt::print(
          "\nWarn: Partition {} from topic {} is empty. Falling back to latest known offset.\n",
          partitions[i].partition.value(), partitions[i].topic);
    }
  }
  TRY(const GroupOffsets ends, offsets_at(groups_.cluster(), behind, kLatestOffset));
  for (const auto& [partition, offset] : ends) {
    offsets[partition] = offset;
  }
  return offsets;
}

Result<GroupOffsets> Planner::shifted(const std::string& group,
                                      const std::vector<TopicPartition>& partitions) {
  TRY(const std::int64_t by, options_.int64_value("shift-by", 0));
  TRY(const GroupOffsets committed, groups_.committed(group));
  GroupOffsets wanted;
  for (const TopicPartition& partition : partitions) {
    const auto found = committed.find(partition);
    if (found == committed.end()) {
      return refuse(fmt::format(
          "Cannot shift offset for partition {} since there is no current committed offset",
          to_string(partition)));
    }
    std::int64_t sum = 0;
    if (__builtin_add_overflow(found->second, by, &sum)) {
      sum = by < 0 ? INT64_MIN : INT64_MAX;
    }
    wanted[partition] = sum;
  }
  return in_range(std::move(wanted));
}

Result<GroupOffsets> Planner::current(const std::string& group,
                                      const std::vector<TopicPartition>& partitions) {
  TRY(const GroupOffsets committed, groups_.committed(group));
  GroupOffsets offsets;
  std::vector<TopicPartition> without;
  for (const TopicPartition& partition : partitions) {
    if (const auto found = committed.find(partition); found != committed.end()) {
      offsets.insert(*found);
    } else {
      without.push_back(partition);
    }
  }
  TRY(const GroupOffsets ends, offsets_at(groups_.cluster(), without, kLatestOffset));
  offsets.insert(ends.begin(), ends.end());
  return offsets;
}

Result<GroupOffsets> Planner::from_file(const std::string& group, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return failed("java.io.IOException: Unable to read file " + path);
  }
  const auto plan =
      parse_reset_plan(text.str(), line_.groups.size() == 1 ? line_.groups.front() : "");
  if (!plan) {
    return failed(fmt::format("{}: {}", path, plan.error().message));
  }
  const auto found = plan->find(group);
  if (found == plan->end()) {
    fmt::print("\nError: No reset plan for group {} found\n", group);
    return GroupOffsets{};
  }
  return in_range(found->second);
}

Result<GroupOffsets> Planner::in_range(GroupOffsets wanted) {
  std::vector<TopicPartition> partitions;
  for (const auto& [partition, offset] : wanted) {
    partitions.push_back(partition);
  }
  TRY(const GroupOffsets starts, offsets_at(groups_.cluster(), partitions, kEarliestOffset));
  TRY(const GroupOffsets ends, offsets_at(groups_.cluster(), partitions, kLatestOffset));
  for (auto& [partition, offset] : wanted) {
    const std::int64_t bound = std::clamp(offset, starts.at(partition),
                                          std::max(starts.at(partition), ends.at(partition)));
    if (bound != offset) {
      say(fmt::format(
          "New offset ({}) is {} offset for topic partition {}. Value will be set to {}", offset,
          bound < offset ? "higher than latest" : "lower than earliest", to_string(partition),
          bound));
      offset = bound;
    }
  }
  return wanted;
}

Result<GroupOffsets> Planner::plan(const std::string& group) {
  TRY(const std::vector<TopicPartition> partitions, scope(group));
  ClusterClient& cluster = groups_.cluster();
  if (options_.has("to-offset")) {
    TRY(const std::int64_t offset, options_.int64_value("to-offset", 0));
    GroupOffsets wanted;
    for (const TopicPartition& partition : partitions) {
      wanted[partition] = offset;
    }
    return in_range(std::move(wanted));
  }
  if (options_.has("to-earliest") || options_.has("to-latest")) {
    return offsets_at(cluster, partitions,
                      options_.has("to-earliest") ? kEarliestOffset : kLatestOffset);
  }
  if (options_.has("shift-by")) {
    return shifted(group, partitions);
  }
  TRY(const auto datetime, options_.value("to-datetime"));
  TRY(const auto duration, options_.value("by-duration"));
  TRY(const auto file, options_.value("from-file"));
  if (datetime || duration) {
    const auto given = datetime ? parse_java_datetime(*datetime) : parse_java_duration(*duration);
    if (!given) {
      return failed(given.error().message);
    }
    return at_time(partitions, datetime ? *given : clock_.wall_ms() - *given);
  }
  if (file) {
    return from_file(group, *file);
  }
  if (options_.has("to-current")) {
    return current(group, partitions);
  }
  return refuse(
      "Option '[reset-offsets]' requires one of the following scenarios: [[to-offset], "
      "[to-current], [to-datetime], [from-file], [by-duration], [to-earliest], [to-latest], "
      "[shift-by]]");
}

std::vector<TopicPartition> in_hash_order(const GroupOffsets& offsets) {
  std::vector<TopicPartition> partitions;
  for (const auto& [partition, offset] : offsets) {
    partitions.push_back(partition);
  }
  std::vector<TopicPartition> ordered;
  for (const std::size_t i : java_hash_order(partitions)) {
    ordered.push_back(partitions[i]);
  }
  return ordered;
}

using Plans = std::vector<std::pair<std::string, GroupOffsets>>;

void print_plans(const Plans& plans, bool csv, bool with_group) {
  if (!csv && !plans.empty()) {
    fmt::print("\n{:<30} {:<30} {:<10} {:<15}\n", "GROUP", "TOPIC", "PARTITION", "NEW-OFFSET");
  }
  for (const auto& [group, offsets] : plans) {
    for (const TopicPartition& partition : in_hash_order(offsets)) {
      const std::int64_t offset = offsets.at(partition);
      if (csv) {
        fmt::print("{}", reset_plan_line(with_group ? &group : nullptr, partition, offset));
      } else {
        fmt::print("{:<30} {:<30} {:<10} {:<15}\n", group, partition.topic,
                   partition.partition.value(), offset);
      }
    }
  }
  if (csv) {
    fmt::print("\n");
  }
}

}  // namespace

Result<std::vector<TopicPartition>> parse_topic_arguments(ClusterClient& cluster,
                                                          const std::vector<std::string>& topics,
                                                          std::vector<std::string>* unknown) {
  std::vector<TopicPartition> partitions;
  std::set<std::string> whole;
  for (const std::string& argument : topics) {
    if (argument.contains(':')) {
      TRY_STATUS(parse_numbers(argument, partitions));
    } else {
      whole.insert(argument);
    }
  }
  if (!whole.empty()) {
    TRY(const protocol::MetadataResponse metadata, cluster.metadata(true));
    for (const std::string& name : whole) {
      const auto found = std::ranges::find_if(
          metadata.topics, [&](const auto& topic) { return topic.name == name; });
      if (found != metadata.topics.end()) {
        const auto all = partitions_of(*found);
        partitions.insert(partitions.end(), all.begin(), all.end());
      } else if (unknown != nullptr) {
        unknown->push_back(name);
      } else {
        return fail(ErrorCode::kUnknownTopicOrPartition,
                    std::string(error_text(ErrorCode::kUnknownTopicOrPartition)));
      }
    }
  }
  std::ranges::sort(partitions);
  partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
  return partitions;
}

Status reset_offsets(const ConsumerGroupsLine& line, GroupClient& groups,
                     const std::vector<std::string>& ids, const Clock& clock) {
  Planner planner(line, groups, clock);
  Plans plans;
  for (const std::size_t i : java_hash_order(ids)) {
    TRY(const GroupDescription group, groups.describe(ids[i]));
    GroupOffsets offsets;
    if (group.state == "Empty" || group.state == "Dead") {
      TRY(offsets, planner.plan(group.id));
      if (line.options.has("execute") && !offsets.empty()) {
        TRY_STATUS(groups.commit(group.id, offsets));
      }
    } else {
      fmt::print(
          "\nError: Assignments can only be reset if the group '{}' is inactive, but the current "
          "state is {}.\n",
          group.id, group.state);
    }
    plans.emplace_back(group.id, std::move(offsets));
  }
  print_plans(plans, line.options.has("export"), line.groups.size() != 1);
  return {};
}

}  // namespace barnabas::apps
