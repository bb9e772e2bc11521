#include "consumer_group_records.h"

#include <fmt/format.h>

#include "barnabas/protocol/gen/consumer_group_current_member_assignment_key.h"
#include "barnabas/protocol/gen/consumer_group_current_member_assignment_value.h"
#include "barnabas/protocol/gen/consumer_group_member_metadata_key.h"
#include "barnabas/protocol/gen/consumer_group_member_metadata_value.h"
#include "barnabas/protocol/gen/consumer_group_metadata_key.h"
#include "barnabas/protocol/gen/consumer_group_metadata_value.h"
#include "barnabas/protocol/gen/consumer_group_partition_metadata_key.h"
#include "barnabas/protocol/gen/consumer_group_partition_metadata_value.h"
#include "barnabas/protocol/gen/consumer_group_target_assignment_member_key.h"
#include "barnabas/protocol/gen/consumer_group_target_assignment_member_value.h"
#include "barnabas/protocol/gen/consumer_group_target_assignment_metadata_key.h"
#include "barnabas/protocol/gen/consumer_group_target_assignment_metadata_value.h"
#include "barnabas/protocol/gen/group_metadata_key.h"
#include "barnabas/protocol/versioned.h"

namespace barnabas::coordinator {
namespace {

using protocol::ConsumerGroupCurrentMemberAssignmentKey;
using protocol::ConsumerGroupCurrentMemberAssignmentValue;
using protocol::ConsumerGroupMemberMetadataKey;
using protocol::ConsumerGroupMemberMetadataValue;
using protocol::ConsumerGroupMetadataKey;
using protocol::ConsumerGroupMetadataValue;
using protocol::ConsumerGroupPartitionMetadataKey;
using protocol::ConsumerGroupPartitionMetadataValue;
using protocol::ConsumerGroupTargetAssignmentMemberKey;
using protocol::ConsumerGroupTargetAssignmentMemberValue;
using protocol::ConsumerGroupTargetAssignmentMetadataKey;
using protocol::ConsumerGroupTargetAssignmentMetadataValue;

constexpr std::int16_t kClassicValueVersion = 3;

template <typename Message>
Result<ByteVector> encode(const Message& message, std::int16_t version) {
  protocol::Writer writer;
  TRY_STATUS(protocol::encode_versioned(writer, message, version));
  const ByteView bytes = writer.bytes();
  return ByteVector(bytes.begin(), bytes.end());
}

template <typename Message>
Result<Message> decode(ByteView bytes) {
  protocol::Reader reader(bytes);
  Message message;
  if (const auto version = protocol::decode_versioned(reader, message); !version) {
    return fail(ErrorCode::kCorruptMessage,
                fmt::format("{}: {}", Message::kName, version.error().message));
  }
  return message;
}

// The one version of every key of these kinds is its number.
template <typename Key>
Result<ByteVector> group_key(std::string_view group) {
  Key key;
  key.group_id = group;
  return encode(key, Key::kMaxVersion);
}

template <typename Key>
Result<ByteVector> member_key(std::string_view group, const std::string& member) {
  Key key;
  key.group_id = group;
  key.member_id = member;
  return encode(key, Key::kMaxVersion);
}

template <typename Topic>
std::vector<Topic> to_list(const Assignment& assignment) {
  std::vector<Topic> list;
  for (const auto& [id, partitions] : assignment) {
    auto& topic = list.emplace_back();
    topic.topic_id = id;
    for (const PartitionId partition : partitions) {
      topic.partitions.push_back(partition.value());
    }
  }
  return list;
}

template <typename Topic>
Assignment from_list(const std::vector<Topic>& list) {
  Assignment assignment;
  for (const auto& topic : list) {
    for (const std::int32_t partition : topic.partitions) {
      assignment[topic.topic_id].insert(PartitionId(partition));
    }
  }
  return assignment;
}

ConsumerGroupPartitionMetadataValue to_value(const SubscriptionMetadata& topics) {
  ConsumerGroupPartitionMetadataValue value;
  for (const auto& [name, facts] : topics) {
    auto& topic = value.topics.emplace_back();
    topic.topic_id = facts.id;
    topic.topic_name = name;
    topic.num_partitions = facts.partitions;
    for (const auto& [partition, racks] : facts.racks) {
      auto& entry = topic.partition_metadata.emplace_back();
      entry.partition = partition.value();
      entry.racks.assign(racks.begin(), racks.end());
    }
  }
  return value;
}

SubscriptionMetadata from_value(const ConsumerGroupPartitionMetadataValue& value) {
  SubscriptionMetadata topics;
  for (const auto& topic : value.topics) {
    TopicFacts facts{topic.topic_id, topic.topic_name, topic.num_partitions, {}};
    for (const auto& entry : topic.partition_metadata) {
      facts.racks[PartitionId(entry.partition)].insert(entry.racks.begin(), entry.racks.end());
    }
    topics.insert_or_assign(topic.topic_name, std::move(facts));
  }
  return topics;
}

ConsumerGroupMemberMetadataValue to_subscription(const ConsumerMember& member) {
  ConsumerGroupMemberMetadataValue value;
  value.instance_id = member.instance_id;
  value.rack_id = member.rack_id;
  value.client_id = member.client_id;
  value.client_host = member.client_host;
  value.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
  value.subscribed_topic_regex = member.topic_regex;
  value.rebalance_timeout_ms = member.rebalance_timeout_ms;
  value.server_assignor = member.assignor;
  value.classic_member_metadata.reset();
  if (member.classic) {
    auto& classic = value.classic_member_metadata.emplace();
    classic.session_timeout_ms = member.classic->session_timeout_ms;
    for (const auto& protocol : member.classic->protocols) {
      classic.supported_protocols.push_back({protocol.name, protocol.metadata});
    }
  }
  return value;
}

ConsumerMember from_subscription(std::string id, ConsumerGroupMemberMetadataValue value) {
  ConsumerMember member;
  member.id = std::move(id);
  member.instance_id = std::move(value.instance_id);
  member.rack_id = std::move(value.rack_id);
  member.client_id = std::move(value.client_id);
  member.client_host = std::move(value.client_host);
  member.topics.insert(value.subscribed_topic_names.begin(), value.subscribed_topic_names.end());
  member.topic_regex = std::move(value.subscribed_topic_regex);
  member.rebalance_timeout_ms = value.rebalance_timeout_ms;
  member.assignor = std::move(value.server_assignor);
  if (value.classic_member_metadata) {
    auto& classic = member.classic.emplace();
    classic.session_timeout_ms = value.classic_member_metadata->session_timeout_ms;
    for (auto& protocol : value.classic_member_metadata->supported_protocols) {
      classic.protocols.push_back({std::move(protocol.name), std::move(protocol.metadata)});
    }
  }
  return member;
}

ConsumerGroupCurrentMemberAssignmentValue to_current(const ConsumerMember& member) {
  using Topic = ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions;
  ConsumerGroupCurrentMemberAssignmentValue value;
  value.member_epoch = member.epoch;
  value.previous_member_epoch = member.previous_epoch;
  value.state = static_cast<std::int8_t>(member.state);
  value.assigned_partitions = to_list<Topic>(member.assigned);
  value.partitions_pending_revocation = to_list<Topic>(member.pending_revocation);
  return value;
}

ConsumerMember from_current(std::string id,
                            const ConsumerGroupCurrentMemberAssignmentValue& value) {
  ConsumerMember member;
  member.id = std::move(id);
  member.epoch = value.member_epoch;
  member.previous_epoch = value.previous_member_epoch;
  member.state = MemberState::kUnknown;
  if (value.state >= 0 &&
      value.state <= static_cast<std::int8_t>(MemberState::kUnreleasedPartitions)) {
    member.state = static_cast<MemberState>(value.state);
  }
  member.assigned = from_list(value.assigned_partitions);
  member.pending_revocation = from_list(value.partitions_pending_revocation);
  return member;
}

// Encodes one record; a value where there is one.
struct Encode {
  std::string_view group;

  template <typename Value>
  static Result<EncodedRecord> pair(Result<ByteVector> key, bool has_value, const Value& make,
                                    std::int16_t version = 0) {
    TRY(auto key_bytes, std::move(key));
    EncodedRecord encoded{std::move(key_bytes), std::nullopt};
    if (has_value) {
      TRY(encoded.value, encode(make(), version));
    }
    return encoded;
  }

  Result<EncodedRecord> operator()(const GroupEpochRecord& record) const {
    return pair(group_key<ConsumerGroupMetadataKey>(group), record.epoch.has_value(), [&] {
      ConsumerGroupMetadataValue value;
      value.epoch = *record.epoch;
      return value;
    });
  }
  Result<EncodedRecord> operator()(const SubscriptionRecord& record) const {
    return pair(group_key<ConsumerGroupPartitionMetadataKey>(group), record.topics.has_value(),
                [&] { return to_value(*record.topics); });
  }
  Result<EncodedRecord> operator()(const MemberRecord& record) const {
    return pair(member_key<ConsumerGroupMemberMetadataKey>(group, record.member_id),
                record.member.has_value(), [&] { return to_subscription(*record.member); });
  }
  Result<EncodedRecord> operator()(const TargetEpochRecord& record) const {
    return pair(group_key<ConsumerGroupTargetAssignmentMetadataKey>(group),
                record.epoch.has_value(), [&] {
                  ConsumerGroupTargetAssignmentMetadataValue value;
                  value.assignment_epoch = *record.epoch;
                  return value;
                });
  }
  Result<EncodedRecord> operator()(const TargetRecord& record) const {
    using Value = ConsumerGroupTargetAssignmentMemberValue;
    return pair(member_key<ConsumerGroupTargetAssignmentMemberKey>(group, record.member_id),
                record.target.has_value(), [&] {
                  Value value;
                  value.topic_partitions = to_list<Value::TopicPartition>(*record.target);
                  return value;
                });
  }
  Result<EncodedRecord> operator()(const CurrentRecord& record) const {
    return pair(member_key<ConsumerGroupCurrentMemberAssignmentKey>(group, record.member_id),
                record.member.has_value(), [&] { return to_current(*record.member); });
  }
  Result<EncodedRecord> operator()(const ClassicGroupRecord& record) const {
    protocol::GroupMetadataKey key;
    key.group = group;
    return pair(
        encode(key, protocol::GroupMetadataKey::kMaxVersion), record.group.has_value(),
        [&] { return *record.group; }, kClassicValueVersion);
  }
};

Result<ConsumerRecord> decode_group_record(std::int16_t version, std::optional<ByteView> value) {
  if (version == ConsumerGroupMetadataKey::kMaxVersion) {
    GroupEpochRecord record;
    if (value) {
      TRY(const auto decoded, decode<ConsumerGroupMetadataValue>(*value));
      record.epoch = decoded.epoch;
    }
    return record;
  }
  if (version == ConsumerGroupPartitionMetadataKey::kMaxVersion) {
    SubscriptionRecord record;
    if (value) {
      TRY(const auto decoded, decode<ConsumerGroupPartitionMetadataValue>(*value));
      record.topics = from_value(decoded);
    }
    return record;
  }
  TargetEpochRecord record;
  if (value) {
    TRY(const auto decoded, decode<ConsumerGroupTargetAssignmentMetadataValue>(*value));
    record.epoch = decoded.assignment_epoch;
  }
  return record;
}

Result<ConsumerRecord> decode_member_record(std::int16_t version, std::string member,
                                            std::optional<ByteView> value) {
  if (version == ConsumerGroupMemberMetadataKey::kMaxVersion) {
    MemberRecord record{member, std::nullopt};
    if (value) {
      TRY(auto decoded, decode<ConsumerGroupMemberMetadataValue>(*value));
      record.member = from_subscription(std::move(member), std::move(decoded));
    }
    return record;
  }
  if (version == ConsumerGroupTargetAssignmentMemberKey::kMaxVersion) {
    TargetRecord record{std::move(member), std::nullopt};
    if (value) {
      TRY(const auto decoded, decode<ConsumerGroupTargetAssignmentMemberValue>(*value));
      record.target = from_list(decoded.topic_partitions);
    }
    return record;
  }
  CurrentRecord record{member, std::nullopt};
  if (value) {
    TRY(const auto decoded, decode<ConsumerGroupCurrentMemberAssignmentValue>(*value));
    record.member = from_current(std::move(member), decoded);
  }
  return record;
}

}  // namespace

Result<EncodedRecord> encode_consumer_record(std::string_view group, const ConsumerRecord& record) {
  return std::visit(Encode{group}, record);
}

Result<DecodedConsumerRecord> decode_consumer_record(ByteView key, std::optional<ByteView> value) {
  protocol::Reader reader(key);
  const auto version = reader.read<std::int16_t>();
  TRY_STATUS(reader.status());
  switch (version) {
    case ConsumerGroupMetadataKey::kMaxVersion:
    case ConsumerGroupPartitionMetadataKey::kMaxVersion:
    case ConsumerGroupTargetAssignmentMetadataKey::kMaxVersion: {
      // These keys are alike but for their number.
      ConsumerGroupMetadataKey of;
      TRY_STATUS(of.decode(reader, ConsumerGroupMetadataKey::kMaxVersion));
      TRY(auto record, decode_group_record(version, value));
      return DecodedConsumerRecord{std::move(of.group_id), std::move(record)};
    }
    case ConsumerGroupMemberMetadataKey::kMaxVersion:
    case ConsumerGroupTargetAssignmentMemberKey::kMaxVersion:
    case ConsumerGroupCurrentMemberAssignmentKey::kMaxVersion: {
      ConsumerGroupMemberMetadataKey of;
      TRY_STATUS(of.decode(reader, ConsumerGroupMemberMetadataKey::kMaxVersion));
      TRY(auto record, decode_member_record(version, std::move(of.member_id), value));
      return DecodedConsumerRecord{std::move(of.group_id), std::move(record)};
    }
    default:
      return fail(ErrorCode::kCorruptMessage,
                  fmt::format("no key of version {} is known here", version));
  }
}

}  // namespace barnabas::coordinator
