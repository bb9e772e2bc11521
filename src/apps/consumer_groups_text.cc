#include "consumer_groups_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace barnabas::apps {
namespace {

constexpr std::size_t kColumn = 15;

std::string or_dash(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

void widen(std::size_t& width, const std::string& text) {
  width = std::max(width, text.size());
}

// "(0,1,10), (2)": the partitions topic by topic, both in the order of their texts.
std::string assignment_text(const std::vector<TopicPartition>& partitions) {
  if (partitions.empty()) {
    return "-";
  }
  std::map<std::string, std::vector<std::string>> by_topic;
  for (const TopicPartition& one : partitions) {
    by_topic[one.topic].push_back(std::to_string(one.partition.value()));
  }
  std::vector<std::string> texts;
  for (auto& [topic, numbers] : by_topic) {
    std::ranges::sort(numbers);
    texts.push_back(fmt::format("({})", fmt::join(numbers, ",")));
  }
  std::ranges::sort(texts);
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::string listing_text(const std::vector<GroupListing>& groups, bool types, bool states) {
  constexpr std::size_t kSpace = 10;
  std::size_t width = kColumn;
  for (const GroupListing& group : groups) {
    widen(width, group.id);
  }
  width += kSpace;
  const auto row = [&](const std::string& id, const std::string& type, const std::string& state) {
    std::string text = fmt::format("{:<{}}", id, width);
    for (const auto& [wanted, word] : {std::pair(types, type), std::pair(states, state)}) {
      if (wanted) {
        text += fmt::format(" {:<20}", word);
      }
    }
    return text + '\n';
  };
  std::string text = row("GROUP", "TYPE", "STATE");
  for (const GroupListing& group : groups) {
    text += row(group.id, group.type.empty() ? "Unknown" : group.type,
                group.state.empty() ? "Unknown" : group.state);
  }
  return text;
}

std::string offsets_text(const std::string& group, const std::vector<OffsetRow>& rows) {
  std::size_t group_width = std::max(kColumn, group.size());
  std::size_t topic_width = kColumn;
  std::size_t id_width = kColumn;
  std::size_t host_width = kColumn;
  for (const OffsetRow& row : rows) {
    widen(topic_width, row.partition.topic);
    widen(id_width, row.consumer_id);
    widen(host_width, row.host);
  }
  const auto line = [&](const std::string& name, const std::string& topic,
                        const std::string& partition, const std::string& offset,
                        const std::string& end, const std::string& lag, const std::string& id,
                        const std::string& host, const std::string& client) {
    return fmt::format("{:<{}} {:<{}} {:<10} {:<15} {:<15} {:<15} {:<{}} {:<{}} {}\n", name,
                       group_width, topic, topic_width, partition, offset, end, lag, id, id_width,
                       host, host_width, client);
  };
  std::string text = "\n" + line("GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET",
                                 "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID");
  for (const OffsetRow& row : rows) {
    std::optional<std::int64_t> lag;
    if (row.offset && row.log_end) {
      lag = *row.log_end - *row.offset;
    }
    text += line(group, row.has_partition ? row.partition.topic : "-",
                 row.has_partition ? std::to_string(row.partition.partition.value()) : "-",
                 or_dash(row.offset), or_dash(row.log_end), or_dash(lag), row.consumer_id, row.host,
                 row.client_id);
  }
  return text;
}

std::string members_text(const GroupDescription& group, bool verbose) {
  std::size_t group_width = kColumn;
  std::size_t id_width = kColumn;
  std::size_t instance_width = std::string_view("GROUP-INSTANCE-ID").size();
  std::size_t host_width = kColumn;
  std::size_t client_width = kColumn;
  bool instances = false;
  for (const GroupMember& member : group.members) {
    widen(group_width, group.id);
    widen(id_width, member.id);
    widen(instance_width, member.instance_id);
    widen(host_width, member.host);
    widen(client_width, member.client_id);
    instances = instances || !member.instance_id.empty();
  }
  const auto line = [&](const std::string& name, const GroupMember& member,
                        const std::string& count) {
    std::string text = fmt::format("{:<{}} {:<{}} ", name, group_width, member.id, id_width);
    if (instances) {
      text += fmt::format("{:<{}} ", member.instance_id, instance_width);
    }
    return text + fmt::format("{:<{}} {:<{}} {:<15} ", member.host, host_width, member.client_id,
                              client_width, count);
  };
  std::string text =
      "\n" +
      line("GROUP", {"CONSUMER-ID", "GROUP-INSTANCE-ID", "CLIENT-ID", "HOST", {}}, "#PARTITIONS");
  text += verbose ? "ASSIGNMENT\n" : "\n";
  for (const GroupMember& member : group.members) {
    text += line(group.id, member, std::to_string(member.partitions.size()));
    text += verbose ? assignment_text(member.partitions) + "\n" : "\n";
  }
  return text;
}

std::string state_text(const GroupDescription& group) {
  const std::string coordinator = fmt::format("{}:{}  ({})", group.coordinator.host,
                                              group.coordinator.port, group.coordinator.id);
  const std::size_t width = std::max<std::size_t>(25, coordinator.size());
  const auto line = [&](const std::string& name, const std::string& where,
                        const std::string& strategy, const std::string& state,
                        const std::string& members) {
    return fmt::format("{:<{}} {:<25} {:<20} {:<15} {}\n", name, width, where, strategy, state,
                       members);
  };
  return "\n" + line("GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS") +
         line(group.id, coordinator, group.assignor, group.state,
              std::to_string(group.members.size()));
}

StateNote state_note(const GroupDescription& group, std::size_t rows) {
  StateNote note;
  note.table = group.state != "Dead" && rows > 0;
  if (group.state == "Dead") {
    note.out = fmt::format("\nError: Consumer group '{}' does not exist.\n", group.id);
  } else if (group.state == "Empty") {
    note.err = fmt::format("\nConsumer group '{}' has no active members.\n", group.id);
  } else if (group.state != "Stable") {
    note.err = fmt::format("\nWarning: Consumer group '{}' is rebalancing.\n", group.id);
  }
  return note;
}

}  // namespace barnabas::apps
