#include "coordinator_records.h"

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
#include "barnabas/protocol/gen/consumer_protocol_assignment.h"
#include "barnabas/protocol/gen/consumer_protocol_subscription.h"
#include "barnabas/protocol/gen/group_metadata_key.h"
#include "barnabas/protocol/gen/group_metadata_value.h"
#include "barnabas/protocol/gen/offset_commit_key.h"
#include "barnabas/protocol/gen/offset_commit_value.h"
#include "barnabas/protocol/gen/transaction_log_key.h"
#include "barnabas/protocol/gen/transaction_log_value.h"
#include "barnabas/protocol/reader.h"
#include "java_hash_order.h"
#include "json_text.h"
#include "transaction_states.h"

namespace barnabas::apps {
namespace {

using namespace protocol;

constexpr std::string_view kConsumerProtocol = "consumer";

std::string number_json(std::int64_t number) {
  return std::to_string(number);
}

// Reads the message behind its version.
template <typename Message>
Result<std::pair<std::int16_t, Message>> read_versioned(ByteView bytes, std::string_view part) {
  TRY(const std::int16_t version, record_version(bytes));
  std::pair<std::int16_t, Message> read;
  read.first = version;
  Reader reader{bytes.subspan(sizeof(std::int16_t))};
  if (const Status decoded = read.second.decode(reader, version); !decoded) {
    return fail(ErrorCode::kInvalidRecord,
                fmt::format("Could not read record with version {} from {}'s buffer due to: {}.",
                            version, part, decoded.error().message));
  }
  return read;
}

std::string bytes_or_null(const std::optional<ByteVector>& bytes) {
  return bytes ? json_bytes(*bytes) : "null";
}

template <typename Topics>
std::string named_partitions_json(const Topics& topics) {
  return json_array(topics, [](const auto& topic) {
    return JsonObject()
        .text("topic", topic.topic)
        .raw("partitions", json_array(topic.partitions, number_json))
        .str();
  });
}

template <typename Topics>
std::string id_partitions_json(const Topics& topics) {
  return json_array(topics, [](const auto& topic) {
    return JsonObject()
        .text("topicId", topic.topic_id.to_string())
        .raw("partitions", json_array(topic.partitions, number_json))
        .str();
  });
}

// The bytes as they are where they are no such message.
std::string subscription_json(ByteView bytes) {
  const auto read = read_versioned<ConsumerProtocolSubscription>(bytes, "subscription");
  if (!read) {
    return json_bytes(bytes);
  }
  const auto& [version, subscription] = *read;
  JsonObject json;
  json.raw("topics", json_array(subscription.topics, json_string))
      .raw("userData", bytes_or_null(subscription.user_data));
  if (version >= 1) {
    json.raw("ownedPartitions", named_partitions_json(subscription.owned_partitions));
  }
  if (version >= 2) {
    json.number("generationId", subscription.generation_id);
  }
  if (version >= 3) {
    json.nullable_text("rackId", subscription.rack_id);
  }
  return json.str();
}

std::string assignment_json(ByteView bytes) {
  const auto read = read_versioned<ConsumerProtocolAssignment>(bytes, "assignment");
  if (!read) {
    return json_bytes(bytes);
  }
  const ConsumerProtocolAssignment& assignment = read->second;
  return JsonObject()
      .raw("assignedPartitions", named_partitions_json(assignment.assigned_partitions))
      .raw("userData", bytes_or_null(assignment.user_data))
      .str();
}

std::string value_json(std::int16_t version, const OffsetCommitValue& value, bool) {
  JsonObject json;
  json.number("offset", value.offset);
  if (version >= 3) {
    json.number("leaderEpoch", value.leader_epoch);
  }
  json.text("metadata", value.metadata).number("commitTimestamp", value.commit_timestamp);
  if (version == 1) {
    json.number("expireTimestamp", value.expire_timestamp);
  }
  return json.str();
}

std::string value_json(std::int16_t version, const GroupMetadataValue& value, bool consumer_texts) {
  const bool texts = consumer_texts && value.protocol_type == kConsumerProtocol;
  JsonObject json;
  json.text("protocolType", value.protocol_type)
      .number("generation", value.generation)
      .nullable_text("protocol", value.protocol)
      .nullable_text("leader", value.leader);
  if (version >= 2) {
    json.number("currentStateTimestamp", value.current_state_timestamp);
  }
  json.raw("members", json_array(value.members, [&](const auto& member) {
             JsonObject one;
             one.text("memberId", member.member_id);
             if (version >= 3) {
               one.nullable_text("groupInstanceId", member.group_instance_id);
             }
             one.text("clientId", member.client_id).text("clientHost", member.client_host);
             if (version >= 1) {
               one.number("rebalanceTimeout", member.rebalance_timeout);
             }
             one.number("sessionTimeout", member.session_timeout);
             one.raw("subscription", texts ? subscription_json(member.subscription)
                                           : json_bytes(member.subscription));
             one.raw("assignment",
                     texts ? assignment_json(member.assignment) : json_bytes(member.assignment));
             return one.str();
           }));
  return json.str();
}

std::string value_json(std::int16_t, const ConsumerGroupMetadataValue& value, bool) {
  return JsonObject().number("epoch", value.epoch).str();
}

std::string value_json(std::int16_t, const ConsumerGroupPartitionMetadataValue& value, bool) {
  return JsonObject()
      .raw("topics", json_array(value.topics,
                                [](const auto& topic) {
                                  return JsonObject()
                                      .text("topicId", topic.topic_id.to_string())
                                      .text("topicName", topic.topic_name)
                                      .number("numPartitions", topic.num_partitions)
                                      .raw("partitionMetadata",
                                           json_array(topic.partition_metadata,
                                                      [](const auto& one) {
                                                        return JsonObject()
                                                            .number("partition", one.partition)
                                                            .raw("racks",
                                                                 json_array(one.racks, json_string))
                                                            .str();
                                                      }))
                                      .str();
                                }))
      .str();
}

std::string value_json(std::int16_t, const ConsumerGroupMemberMetadataValue& value, bool) {
  JsonObject json;
  json.nullable_text("instanceId", value.instance_id)
      .nullable_text("rackId", value.rack_id)
      .text("clientId", value.client_id)
      .text("clientHost", value.client_host)
      .raw("subscribedTopicNames", json_array(value.subscribed_topic_names, json_string))
      .nullable_text("subscribedTopicRegex", value.subscribed_topic_regex)
      .number("rebalanceTimeoutMs", value.rebalance_timeout_ms)
      .nullable_text("serverAssignor", value.server_assignor);
  // A member of the classic protocol always names a protocol; without, the tag was not there.
  const auto& classic = value.classic_member_metadata;
  if (classic && !classic->supported_protocols.empty()) {
    json.raw("classicMemberMetadata",
             JsonObject()
                 .number("sessionTimeoutMs", classic->session_timeout_ms)
                 .raw("supportedProtocols", json_array(classic->supported_protocols,
                                                       [](const auto& one) {
                                                         return JsonObject()
                                                             .text("name", one.name)
                                                             .raw("metadata",
                                                                  json_bytes(one.metadata))
                                                             .str();
                                                       }))
                 .str());
  }
  return json.str();
}

std::string value_json(std::int16_t, const ConsumerGroupTargetAssignmentMetadataValue& value,
                       bool) {
  return JsonObject().number("assignmentEpoch", value.assignment_epoch).str();
}

std::string value_json(std::int16_t, const ConsumerGroupTargetAssignmentMemberValue& value, bool) {
  return JsonObject().raw("topicPartitions", id_partitions_json(value.topic_partitions)).str();
}

std::string value_json(std::int16_t, const ConsumerGroupCurrentMemberAssignmentValue& value, bool) {
  return JsonObject()
      .number("memberEpoch", value.member_epoch)
      .number("previousMemberEpoch", value.previous_member_epoch)
      .number("state", value.state)
      .raw("assignedPartitions", id_partitions_json(value.assigned_partitions))
      .raw("partitionsPendingRevocation", id_partitions_json(value.partitions_pending_revocation))
      .str();
}

template <typename Value>
Result<std::string> read_value(ByteView bytes, bool consumer_texts) {
  TRY(const auto read, read_versioned<Value>(bytes, "value"));
  return value_json(read.first, read.second, consumer_texts);
}

template <typename Key>
Result<std::string> group_id_json(ByteView bytes) {
  TRY(const auto read, read_versioned<Key>(bytes, "key"));
  return JsonObject().text("groupId", read.second.group_id).str();
}

template <typename Key>
Result<std::string> member_id_json(ByteView bytes) {
  TRY(const auto read, read_versioned<Key>(bytes, "key"));
  return JsonObject()
      .text("groupId", read.second.group_id)
      .text("memberId", read.second.member_id)
      .str();
}

std::unexpected<Error> unknown_type(std::int16_t type) {
  return fail(ErrorCode::kInvalidRecord, fmt::format("Unknown record type {}", type));
}

}  // namespace

Result<std::int16_t> record_version(ByteView bytes) {
  if (bytes.size() < sizeof(std::int16_t)) {
    return fail(ErrorCode::kInvalidRecord, "Could not read version from its buffer.");
  }
  return load_be<std::int16_t>(bytes.data());
}

Result<std::string> group_key_json(ByteView key) {
  TRY(const std::int16_t version, record_version(key));
  switch (version) {
    case 0:
    case 1: {
      TRY(const auto read, read_versioned<OffsetCommitKey>(key, "key"));
      return JsonObject()
          .text("group", read.second.group)
          .text("topic", read.second.topic)
          .number("partition", read.second.partition)
          .str();
    }
    case 2: {
      TRY(const auto read, read_versioned<GroupMetadataKey>(key, "key"));
      return JsonObject().text("group", read.second.group).str();
    }
    case 3:
      return group_id_json<ConsumerGroupMetadataKey>(key);
    case 4:
      return group_id_json<ConsumerGroupPartitionMetadataKey>(key);
    case 5:
      return member_id_json<ConsumerGroupMemberMetadataKey>(key);
    case 6:
      return group_id_json<ConsumerGroupTargetAssignmentMetadataKey>(key);
    case 7:
      return member_id_json<ConsumerGroupTargetAssignmentMemberKey>(key);
    case 8:
      return member_id_json<ConsumerGroupCurrentMemberAssignmentKey>(key);
    default:
      return unknown_type(version);
  }
}

Result<std::string> group_value_json(std::int16_t key_version, ByteView value,
                                     bool consumer_texts) {
  switch (key_version) {
    case 0:
    case 1:
      return read_value<OffsetCommitValue>(value, consumer_texts);
    case 2:
      return read_value<GroupMetadataValue>(value, consumer_texts);
    case 3:
      return read_value<ConsumerGroupMetadataValue>(value, consumer_texts);
    case 4:
      return read_value<ConsumerGroupPartitionMetadataValue>(value, consumer_texts);
    case 5:
      return read_value<ConsumerGroupMemberMetadataValue>(value, consumer_texts);
    case 6:
      return read_value<ConsumerGroupTargetAssignmentMetadataValue>(value, consumer_texts);
    case 7:
      return read_value<ConsumerGroupTargetAssignmentMemberValue>(value, consumer_texts);
    case 8:
      return read_value<ConsumerGroupCurrentMemberAssignmentValue>(value, consumer_texts);
    default:
      return unknown_type(key_version);
  }
}

Result<std::string> transaction_key_json(ByteView key) {
  TRY(const auto read, read_versioned<TransactionLogKey>(key, "key"));
  return JsonObject().text("transactionalId", read.second.transactional_id).str();
}

Result<std::string> transaction_value_json(ByteView bytes) {
  TRY(const auto read, read_versioned<TransactionLogValue>(bytes, "value"));
  const TransactionLogValue& value = read.second;
  return JsonObject()
      .number("producerId", value.producer_id)
      .number("producerEpoch", value.producer_epoch)
      .number("transactionTimeoutMs", value.transaction_timeout_ms)
      .number("transactionStatus", value.transaction_status)
      .raw("transactionPartitions",
           value.transaction_partitions
               ? json_array(*value.transaction_partitions,
                            [](const auto& topic) {
                              return JsonObject()
                                  .text("topic", topic.topic)
                                  .raw("partitionIds", json_array(topic.partition_ids, number_json))
                                  .str();
                            })
               : "null")
      .number("transactionLastUpdateTimestampMs", value.transaction_last_update_timestamp_ms)
      .number("transactionStartTimestampMs", value.transaction_start_timestamp_ms)
      .str();
}

Result<DecodedRecord> decode_group_record(Offset offset, const std::optional<ByteView>& key,
                                          const std::optional<ByteView>& value) {
  if (!key) {
    return fail(ErrorCode::kInvalidRecord,
                fmt::format("Failed to decode message at offset {} using offset topic decoder "
                            "(message had a missing key)",
                            offset.value()));
  }
  const auto skipped = [&](const std::string& why) {
    return DecodedRecord{fmt::format("Error at offset {}, skipping. {}", offset.value(), why),
                         std::nullopt};
  };
  const Result<std::int16_t> type = record_version(*key);
  if (!type) {
    return skipped("Could not read version from key's buffer.");
  }
  if (*type < 0 || *type > kLastGroupKey) {
    return DecodedRecord{
        fmt::format("Unknown record type {} at offset {}, skipping.", *type, offset.value()),
        std::nullopt};
  }
  const Result<std::string> key_json = group_key_json(*key);
  if (!key_json) {
    return skipped(key_json.error().message);
  }
  DecodedRecord record;
  record.key = JsonObject().text("type", std::to_string(*type)).raw("data", *key_json).str();
  record.value = "<DELETE>";
  if (value) {
    const Result<std::int16_t> version = record_version(*value);
    if (!version) {
      return skipped("Could not read version from value's buffer.");
    }
    const Result<std::string> json = group_value_json(*type, *value, true);
    if (!json) {
      return skipped(json.error().message);
    }
    record.value = JsonObject().text("version", std::to_string(*version)).raw("data", *json).str();
  }
  return record;
}

Result<DecodedRecord> decode_transaction_record(const std::optional<ByteView>& key,
                                                const std::optional<ByteView>& value) {
  if (!key) {
    return fail(ErrorCode::kInvalidRecord, "a record of the transaction log without a key");
  }
  TRY(const std::int16_t version, record_version(*key));
  if (version != TransactionLogKey::kMaxVersion) {
    return DecodedRecord{fmt::format("unknown::version={}", version), std::nullopt};
  }
  TRY(const auto id, read_versioned<TransactionLogKey>(*key, "key"));
  DecodedRecord record;
  record.key = fmt::format("transaction_metadata::transactionalId={}", id.second.transactional_id);
  record.value = "<DELETE>";
  if (value) {
    TRY(const auto read, read_versioned<TransactionLogValue>(*value, "value"));
    const TransactionLogValue& log = read.second;
    std::vector<TopicPartition> all;
    if (log.transaction_status != 0 && log.transaction_partitions) {
      for (const auto& topic : *log.transaction_partitions) {
        for (const std::int32_t partition : topic.partition_ids) {
          all.push_back({topic.topic, PartitionId(partition)});
        }
      }
    }
    std::string partitions;
    for (const std::size_t i : scala_hash_order(all)) {
      partitions += (partitions.empty() ? "" : ",") + to_string(all[i]);
    }
    record.value = fmt::format(
        "producerId:{},producerEpoch:{},state={},partitions=[{}],txnLastUpdateTimestamp={},"
        "txnTimeoutMs={}",
        log.producer_id, log.producer_epoch, transaction_state_name(log.transaction_status),
        partitions, log.transaction_last_update_timestamp_ms, log.transaction_timeout_ms);
  }
  return record;
}

}  // namespace barnabas::apps
