// kafka-consumer-groups.sh: consumer groups, their members and their offsets. Answers go to
// standard output, remarks and errors to standard error, in Kafka's words (3.9.1); as there, what
// goes wrong with a group is told on standard output, and the tool ends with 0.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "barnabas/base/clock.h"
#include "cluster_client.h"
#include "consumer_groups_options.h"
#include "consumer_groups_reset.h"
#include "consumer_groups_text.h"
#include "error_text.h"
#include "group_client.h"
#include "java_hash_order.h"
#include "offsets_client.h"
#include "rdkafka_client.h"
#include "subcommands.h"
#include "tool_version.h"

namespace barnabas::apps {
namespace {

using Action = ConsumerGroupsLine::Action;

constexpr const char* kNoExecute =
    "WARN: No action will be performed as the --execute option is missing.In a future major "
    "release, the default behavior of this command will be to prompt the user before executing the "
    "reset rather than doing a dry run. You should add the --dry-run option explicitly if you are "
    "scripting this command and want to keep the current default behavior without prompting.";

// As Java's Throwable.toString() tells a broker's error.
std::string java_error(const Error& error) {
  return fmt::format("org.apache.kafka.common.errors.{}: {}", java_exception(error.code),
                     error.message);
}

class GroupsCommand {
 public:
  GroupsCommand(const ConsumerGroupsLine& line, GroupClient& groups)
      : line_(line), groups_(groups) {}

  [[nodiscard]] Status run();

 private:
  [[nodiscard]] Result<std::vector<std::string>> chosen();
  [[nodiscard]] Status list();
  [[nodiscard]] Status describe();
  [[nodiscard]] Status describe_offsets(const GroupDescription& group);
  [[nodiscard]] Result<std::vector<OffsetRow>> rows_of(const GroupDescription& group);
  [[nodiscard]] Status delete_groups();
  [[nodiscard]] Status delete_offsets();

  const ConsumerGroupsLine& line_;
  GroupClient& groups_;
  SystemClock clock_;
};

Result<std::vector<std::string>> GroupsCommand::chosen() {
  std::vector<std::string> ids;
  if (line_.options.has("all-groups")) {
    TRY(const std::vector<GroupListing> all, groups_.list({}, {}));
    for (const GroupListing& group : all) {
      ids.push_back(group.id);
    }
    return ids;
  }
  for (const std::string& id : line_.groups) {
    if (std::ranges::find(ids, id) == ids.end()) {
      ids.push_back(id);
    }
  }
  return ids;
}

Status GroupsCommand::list() {
  const bool types = line_.options.has("type");
  const bool states = line_.options.has("state");
  TRY(const std::vector<GroupListing> groups, groups_.list(line_.states, line_.types));
  if (types || states) {
    fmt::print("{}", listing_text(groups, types, states));
    return {};
  }
  for (const GroupListing& group : groups) {
    fmt::print("{}\n", group.id);
  }
  return {};
}

// A member's rows, or those of the partitions without one: as Kafka, by partition, and then in the
// order of a java.util.HashMap.
void add_rows(std::vector<TopicPartition> partitions, const GroupOffsets& committed,
              const ListedOffsets& ends, const OffsetRow& pattern, std::vector<OffsetRow>& rows) {
  std::ranges::sort(partitions, {}, [](const TopicPartition& one) {
    return std::pair(one.partition, std::string_view(one.topic));
  });
  for (const std::size_t i : java_hash_order(partitions)) {
    OffsetRow row = pattern;
    row.partition = partitions[i];
    if (const auto found = committed.find(row.partition); found != committed.end()) {
      row.offset = found->second;
    }
    if (const auto end = ends.find(row.partition); end != ends.end() && end->second) {
      row.log_end = *end->second;
    }
    rows.push_back(std::move(row));
  }
}

Result<std::vector<OffsetRow>> GroupsCommand::rows_of(const GroupDescription& group) {
  TRY(const GroupOffsets committed, groups_.committed(group.id));
  // Those with the most partitions first, else in the broker's order.
  std::vector<std::size_t> order(group.members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) {
    return std::pair(-static_cast<std::ptrdiff_t>(group.members[i].partitions.size()), i);
  });
  std::set<TopicPartition> assigned;
  std::set<TopicPartition> all;
  for (const GroupMember& member : group.members) {
    assigned.insert(member.partitions.begin(), member.partitions.end());
  }
  all = assigned;
  std::vector<TopicPartition> free;
  for (const auto& [partition, offset] : committed) {
    all.insert(partition);
    if (!assigned.contains(partition)) {
      free.push_back(partition);
    }
  }
  TRY(const ListedOffsets ends,
      list_offsets(groups_.cluster(), std::vector<TopicPartition>(all.begin(), all.end()),
                   kLatestOffset));
  std::vector<OffsetRow> rows;
  for (const std::size_t i : order) {
    const GroupMember& member = group.members[i];
    OffsetRow pattern;
    pattern.consumer_id = member.id;
    pattern.host = member.host;
    pattern.client_id = member.client_id;
    add_rows(member.partitions, committed, ends, pattern, rows);
  }
  add_rows(std::move(free), committed, ends, OffsetRow{}, rows);
  return rows;
}

Status GroupsCommand::describe_offsets(const GroupDescription& group) {
  TRY(const std::vector<OffsetRow> rows, rows_of(group));
  const StateNote note = state_note(group, rows.size());
  fmt::print("{}", note.out);
  fmt::print(stderr, "{}", note.err);
  if (note.table) {
    fmt::print("{}", offsets_text(group.id, rows));
  }
  return {};
}

Status GroupsCommand::describe() {
  TRY(std::vector<std::string> ids, chosen());
  std::ranges::sort(ids);
  std::vector<GroupDescription> found;
  for (const std::string& id : ids) {
    TRY(GroupDescription group, groups_.describe(id));
    found.push_back(std::move(group));
  }
  for (const GroupDescription& group : found) {
    if (!line_.options.has("members") && !line_.options.has("state")) {
      TRY_STATUS(describe_offsets(group));
      continue;
    }
    const StateNote note = state_note(group, 1);
    fmt::print("{}", note.out);
    fmt::print(stderr, "{}", note.err);
    if (line_.options.has("members")) {
      fmt::print("{}", members_text(group, line_.options.has("verbose")));
    } else if (note.table) {
      fmt::print("{}", state_text(group));
    }
  }
  return {};
}

Status GroupsCommand::delete_groups() {
  TRY(const std::vector<std::string> ids, chosen());
  std::vector<std::string> done;
  std::string failures;
  for (const std::size_t i : java_hash_order(ids)) {
    const Status removed = groups_.remove(ids[i]);
    if (removed) {
      done.push_back(ids[i]);
      continue;
    }
    if (removed.error().code == ErrorCode::kNetworkException) {
      return removed;
    }
    failures += fmt::format(
        "* Group '{}' could not be deleted due to: java.util.concurrent.ExecutionException: {}\n",
        ids[i], java_error(removed.error()));
  }
  if (failures.empty()) {
    fmt::print("Deletion of requested consumer groups ('{}') was successful.\n",
               fmt::join(done, ", "));
    return {};
  }
  fmt::print("\nError: Deletion of some consumer groups failed:\n{}", failures);
  if (!done.empty()) {
    fmt::print("\nThese consumer groups were deleted successfully: '{}', '\n",
               fmt::join(done, "'"));
  }
  return {};
}

// What --delete-offsets says of the group as a whole.
std::string verdict(ErrorCode code, const std::string& group, const std::string& topics) {
  switch (code) {
    case ErrorCode::kNone:
      return fmt::format("Request succeed for deleting offsets with topic {} group {}\n", topics,
                         group);
    case ErrorCode::kInvalidGroupId:
      return fmt::format("\nError: '{}' is not valid.\n", group);
    case ErrorCode::kGroupIdNotFound:
      return fmt::format("\nError: '{}' does not exist.\n", group);
    case ErrorCode::kGroupAuthorizationFailed:
      return fmt::format("\nError: Access to '{}' is not authorized.\n", group);
    case ErrorCode::kNonEmptyGroup:
      return fmt::format(
          "\nError: Deleting offsets of a consumer group '{}' is forbidden if the group is not "
          "empty.\n",
          group);
    case ErrorCode::kGroupSubscribedToTopic:
    case ErrorCode::kTopicAuthorizationFailed:
    case ErrorCode::kUnknownTopicOrPartition:
      return "\nError: Encounter some partition level error, see the follow-up details:\n";
    default:
      return fmt::format("\nError: Encounter some unknown error: {}\n", error_name(code));
  }
}

Status GroupsCommand::delete_offsets() {
  TRY(const auto group, line_.options.value("group"));
  std::vector<std::string> unknown;
  TRY(const std::vector<TopicPartition> partitions,
      parse_topic_arguments(groups_.cluster(), line_.topics, &unknown));
  std::map<TopicPartition, Status> outcomes;
  for (const std::string& topic : unknown) {
    outcomes[{topic, PartitionId(-1)}] =
        check_answer(static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition));
  }
  ErrorCode whole = ErrorCode::kNone;
  const auto deleted = groups_.delete_offsets(*group, partitions);
  if (!deleted && deleted.error().code == ErrorCode::kNetworkException) {
    return std::unexpected(deleted.error());
  }
  for (const TopicPartition& partition : partitions) {
    Status& outcome = outcomes[partition];
    if (!deleted) {
      outcome = std::unexpected(deleted.error());
    } else if (const auto found = deleted->find(partition); found != deleted->end()) {
      outcome = check_answer(static_cast<std::int16_t>(found->second));
    }
    if (!outcome && whole == ErrorCode::kNone) {
      whole = outcome.error().code;
    }
  }
  if (!deleted) {
    whole = deleted.error().code;
  }
  fmt::print("{}", verdict(whole, *group, fmt::format("{}", fmt::join(line_.topics, ", "))));
  fmt::print("\n{:<30} {:<15} {:<15}\n", "TOPIC", "PARTITION", "STATUS");
  std::map<std::string, std::string> rows;
  for (const auto& [partition, outcome] : outcomes) {
    const std::int32_t number = partition.partition.value();
    rows[partition.topic + std::to_string(number)] =
        fmt::format("{:<30} {:<15} {:<15}\n", partition.topic,
                    number < 0 ? "Not Provided" : std::to_string(number),
                    outcome ? "Successful" : "Error: :" + java_error(outcome.error()));
  }
  for (const auto& [key, row] : rows) {
    fmt::print("{}", row);
  }
  return {};
}

Status GroupsCommand::run() {
  switch (line_.action) {
    case Action::kList:
      return list();
    case Action::kDescribe:
      return describe();
    case Action::kDelete:
      return delete_groups();
    case Action::kDeleteOffsets:
      return delete_offsets();
    default: {
      TRY(const std::vector<std::string> ids, chosen());
      return reset_offsets(line_, groups_, ids, clock_);
    }
  }
}

Status run(const ConsumerGroupsLine& line) {
  TRY(ClusterClient cluster, ClusterClient::connect(line.options));
  GroupClient groups(cluster, std::chrono::milliseconds(line.timeout_ms));
  GroupsCommand command(line, groups);
  return command.run();
}

// Kafka tells an error of the command line with its usage and 1, any other one with this and 0.
// `wrapped`: by a future whose failure the tool passes on as it is.
int tell(const Error& error, bool wrapped) {
  const bool of_the_line = error.code == ErrorCode::kInvalidRequest;
  if (of_the_line || error.code == ErrorCode::kNetworkException) {
    say(error.message);
    return 1;
  }
  const bool plain = error.code == ErrorCode::kUnknownServerError;
  fmt::print("\nError: Executing consumer group command failed due to {}{}\n",
             wrapped && !plain ? "java.util.concurrent.ExecutionException: " : "",
             plain ? error.message : java_error(error));
  return 0;
}

}  // namespace

int consumer_groups_main(std::span<char*> arguments) {
  const auto line = parse_consumer_groups(arguments);
  if (!line) {
    say(line.error().message);
    return 1;
  }
  if (line->action == Action::kHelp) {
    fmt::print("{}", consumer_groups_help());
    return 0;
  }
  if (line->action == Action::kVersion) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  if (line->action == Action::kResetOffsets && !line->options.has("dry-run") &&
      !line->options.has("execute")) {
    say(kNoExecute);
  }
  if (const Status done = run(*line); !done) {
    return tell(done.error(), line->action == Action::kResetOffsets);
  }
  return 0;
}

}  // namespace barnabas::apps
