#include "group_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "barnabas/protocol/gen/consumer_group_describe.h"
#include "barnabas/protocol/gen/consumer_protocol_assignment.h"
#include "barnabas/protocol/gen/delete_groups.h"
#include "barnabas/protocol/gen/describe_groups.h"
#include "barnabas/protocol/gen/list_groups.h"
#include "barnabas/protocol/gen/offset_commit.h"
#include "barnabas/protocol/gen/offset_delete.h"
#include "barnabas/protocol/gen/offset_fetch.h"
#include "barnabas/protocol/reader.h"
#include "error_text.h"
#include "java_hash_order.h"

namespace barnabas::apps {
namespace {

using protocol::ApiKey;

constexpr std::string_view kConsumerProtocol = "consumer";
constexpr std::int16_t kFirstManyGroups = 8;  // from here on OffsetFetch takes many groups

std::string capitalized(std::string text) {
  if (!text.empty()) {
    text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  }
  return text;
}

template <typename Topics>
void add_partitions(const Topics& topics, std::vector<TopicPartition>& partitions) {
  for (const auto& topic : topics) {
    for (const std::int32_t partition : topic.partitions) {
      partitions.push_back({topic.topic, PartitionId(partition)});
    }
  }
}

// A member's assignment: a version, then what the consumer protocol says in that version.
Result<std::vector<TopicPartition>> parse_assignment(ByteView bytes) {
  std::vector<TopicPartition> partitions;
  if (bytes.empty()) {
    return partitions;
  }
  protocol::Reader reader{bytes};
  const auto version = reader.read<std::int16_t>();
  if (version < 0) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("Unsupported assignment version: {}", version));
  }
  protocol::ConsumerProtocolAssignment assignment;
  TRY_STATUS(assignment.decode(
      reader, std::min(version, protocol::ConsumerProtocolAssignment::kMaxVersion)));
  add_partitions(assignment.assigned_partitions, partitions);
  return partitions;
}

Result<GroupDescription> of_classic(const protocol::DescribeGroupsResponse::DescribedGroup& group) {
  if (!group.protocol_type.empty() && group.protocol_type != kConsumerProtocol) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("GroupId {} is not a consumer group ({}).",
                                                        group.group_id, group.protocol_type));
  }
  GroupDescription description;
  description.state = group.group_state;
  description.assignor = group.protocol_data;
  for (const auto& member : group.members) {
    TRY(std::vector<TopicPartition> partitions, parse_assignment(member.member_assignment));
    description.members.push_back({member.member_id, member.group_instance_id.value_or(""),
                                   member.client_id, member.client_host, std::move(partitions)});
  }
  return description;
}

GroupDescription of_consumer(const protocol::ConsumerGroupDescribeResponse::DescribedGroup& group) {
  GroupDescription description;
  description.state = group.group_state;
  description.assignor = group.assignor_name;
  for (const auto& member : group.members) {
    std::vector<TopicPartition> partitions;
    for (const auto& topic : member.assignment.topic_partitions) {
      for (const std::int32_t partition : topic.partitions) {
        partitions.push_back({topic.topic_name, PartitionId(partition)});
      }
    }
    description.members.push_back({member.member_id, member.instance_id.value_or(""),
                                   member.client_id, member.client_host, std::move(partitions)});
  }
  return description;
}

// Nothing where the group has to be asked for by the classic request.
Result<std::optional<GroupDescription>> describe_consumer(WireClient& client,
                                                          const std::string& group) {
  if (!client.supports(ApiKey::kConsumerGroupDescribe)) {
    return std::optional<GroupDescription>{};
  }
  protocol::ConsumerGroupDescribeRequest request;
  request.group_ids.push_back(group);
  protocol::ConsumerGroupDescribeResponse response;
  TRY_STATUS(client.call(ApiKey::kConsumerGroupDescribe, request, response));
  for (const auto& answered : response.groups) {
    const auto code = static_cast<ErrorCode>(answered.error_code);
    if (code == ErrorCode::kUnsupportedVersion || code == ErrorCode::kGroupIdNotFound) {
      break;
    }
    TRY_STATUS(check_answer(answered.error_code, answered.error_message));
    return std::optional(of_consumer(answered));
  }
  return std::optional<GroupDescription>{};
}

Result<GroupDescription> describe_classic(WireClient& client, const std::string& group) {
  protocol::DescribeGroupsRequest request;
  request.groups.push_back(group);
  protocol::DescribeGroupsResponse response;
  TRY_STATUS(client.call(ApiKey::kDescribeGroups, request, response));
  if (response.groups.size() != 1) {
    return fail(ErrorCode::kUnknownServerError, "DescribeGroups answered another group");
  }
  TRY_STATUS(check_answer(response.groups.front().error_code));
  return of_classic(response.groups.front());
}

template <typename Topics>
Status read_offsets(const Topics& topics, GroupOffsets& offsets) {
  for (const auto& topic : topics) {
    for (const auto& partition : topic.partitions) {
      TRY_STATUS(check_answer(partition.error_code));
      if (partition.committed_offset >= 0) {
        offsets[{topic.name, PartitionId(partition.partition_index)}] = partition.committed_offset;
      }
    }
  }
  return {};
}

Result<GroupOffsets> fetch_offsets(WireClient& client, const std::string& group) {
  protocol::OffsetFetchRequest request;
  if (client.version_of(ApiKey::kOffsetFetch) >= kFirstManyGroups) {
    auto& asked = request.groups.emplace_back();
    asked.group_id = group;
    asked.topics = std::nullopt;
  } else {
    request.group_id = group;
    request.topics = std::nullopt;
  }
  protocol::OffsetFetchResponse response;
  TRY_STATUS(client.call(ApiKey::kOffsetFetch, request, response));
  GroupOffsets offsets;
  TRY_STATUS(check_answer(response.error_code));
  TRY_STATUS(read_offsets(response.topics, offsets));
  for (const auto& answered : response.groups) {
    TRY_STATUS(check_answer(answered.error_code));
    TRY_STATUS(read_offsets(answered.topics, offsets));
  }
  return offsets;
}

template <typename Request>
auto& topic_of(Request& request, const std::string& name) {
  if (request.topics.empty() || request.topics.back().name != name) {
    request.topics.emplace_back().name = name;
  }
  return request.topics.back();
}

}  // namespace

Status GroupClient::ask(const std::string& group,
                        const std::function<Status(WireClient&, const Coordinator&)>& call) {
  return ask_coordinator(cluster_, CoordinatorType::kGroup, group,
                         std::chrono::steady_clock::now() + timeout_, call);
}

Result<std::vector<GroupListing>> GroupClient::list(const std::vector<std::string>& states,
                                                    const std::vector<std::string>& types) {
  TRY(const protocol::MetadataResponse metadata, cluster_.metadata(false));
  std::vector<GroupListing> found;
  std::set<std::string> seen;
  for (const auto& broker : metadata.brokers) {
    TRY(WireClient* const client, cluster_.broker(broker.node_id));
    protocol::ListGroupsRequest request;
    request.states_filter = states;
    request.types_filter = types;
    protocol::ListGroupsResponse response;
    TRY_STATUS(client->call(ApiKey::kListGroups, request, response));
    TRY_STATUS(check_answer(response.error_code));
    for (const auto& group : response.groups) {
      const bool wanted = group.protocol_type == kConsumerProtocol || group.protocol_type.empty();
      if (wanted && seen.insert(group.group_id).second) {
        found.push_back({group.group_id, capitalized(group.group_type), group.group_state});
      }
    }
  }
  std::vector<std::string> ids;
  for (const GroupListing& group : found) {
    ids.push_back(group.id);
  }
  std::vector<GroupListing> ordered;
  for (const std::size_t i : java_hash_order(ids)) {
    ordered.push_back(found[i]);
  }
  return ordered;
}

Result<GroupDescription> GroupClient::describe(const std::string& group) {
  GroupDescription description;
  TRY_STATUS(ask(group, [&](WireClient& client, const Coordinator& coordinator) -> Status {
    TRY(std::optional<GroupDescription> consumer, describe_consumer(client, group));
    if (consumer) {
      description = *std::move(consumer);
    } else {
      TRY(description, describe_classic(client, group));
    }
    description.id = group;
    description.coordinator = coordinator;
    return {};
  }));
  return description;
}

Result<GroupOffsets> GroupClient::committed(const std::string& group) {
  GroupOffsets offsets;
  TRY_STATUS(ask(group, [&](WireClient& client, const Coordinator&) -> Status {
    TRY(offsets, fetch_offsets(client, group));
    return {};
  }));
  return offsets;
}

Status GroupClient::commit(const std::string& group, const GroupOffsets& offsets) {
  return ask(group, [&](WireClient& client, const Coordinator&) -> Status {
    protocol::OffsetCommitRequest request;
    request.group_id = group;
    for (const auto& [partition, offset] : offsets) {
      auto& asked = topic_of(request, partition.topic).partitions.emplace_back();
      asked.partition_index = partition.partition.value();
      asked.committed_offset = offset;
    }
    protocol::OffsetCommitResponse response;
    TRY_STATUS(client.call(ApiKey::kOffsetCommit, request, response));
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions) {
        TRY_STATUS(check_answer(partition.error_code));
      }
    }
    return {};
  });
}

Result<std::map<TopicPartition, ErrorCode>> GroupClient::delete_offsets(
    const std::string& group, const std::vector<TopicPartition>& partitions) {
  std::map<TopicPartition, ErrorCode> outcomes;
  TRY_STATUS(ask(group, [&](WireClient& client, const Coordinator&) -> Status {
    protocol::OffsetDeleteRequest request;
    request.group_id = group;
    for (const TopicPartition& partition : partitions) {
      topic_of(request, partition.topic).partitions.push_back({partition.partition.value()});
    }
    protocol::OffsetDeleteResponse response;
    TRY_STATUS(client.call(ApiKey::kOffsetDelete, request, response));
    TRY_STATUS(check_answer(response.error_code));
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions) {
        outcomes[{topic.name, PartitionId(partition.partition_index)}] =
            static_cast<ErrorCode>(partition.error_code);
      }
    }
    return {};
  }));
  return outcomes;
}

Status GroupClient::remove(const std::string& group) {
  return ask(group, [&](WireClient& client, const Coordinator&) -> Status {
    protocol::DeleteGroupsRequest request;
    request.groups_names.push_back(group);
    protocol::DeleteGroupsResponse response;
    TRY_STATUS(client.call(ApiKey::kDeleteGroups, request, response));
    for (const auto& result : response.results) {
      TRY_STATUS(check_answer(result.error_code));
    }
    return {};
  });
}

}  // namespace barnabas::apps
