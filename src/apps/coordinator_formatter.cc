#include "coordinator_formatter.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/protocol/gen/group_metadata_key.h"
#include "barnabas/protocol/gen/group_metadata_value.h"
#include "barnabas/protocol/gen/offset_commit_key.h"
#include "barnabas/protocol/gen/offset_commit_value.h"
#include "barnabas/protocol/gen/transaction_log_key.h"
#include "barnabas/protocol/gen/transaction_log_value.h"
#include "barnabas/protocol/reader.h"
#include "coordinator_records.h"
#include "java_hash_order.h"
#include "json_text.h"
#include "transaction_states.h"

namespace barnabas::apps {
namespace {

using protocol::GroupMetadataValue;
using protocol::OffsetCommitValue;
using protocol::TransactionLogValue;

struct Name {
  std::string_view name;
  CoordinatorFormat format;
};
constexpr std::array kNames = {
    Name{"OffsetsMessageFormatter", CoordinatorFormat::kOffsets},
    Name{"GroupMetadataMessageFormatter", CoordinatorFormat::kGroupMetadata},
    Name{"TransactionLogMessageFormatter", CoordinatorFormat::kTransactionLog},
    Name{"kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter",
         CoordinatorFormat::kOldOffsets},
    Name{"kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter",
         CoordinatorFormat::kOldGroupMetadata},
    Name{"kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter",
         CoordinatorFormat::kOldTransactionLog},
};

using Bytes = std::optional<std::string_view>;

template <typename Message>
Result<Message> read_message(std::string_view text, std::string_view what) {
  const ByteView bytes = as_bytes(text);
  TRY(const std::int16_t version, record_version(bytes));
  if (version < Message::kMinVersion || version > Message::kMaxVersion) {
    return fail(ErrorCode::kInvalidRecord, fmt::format("Unknown {} version: {}", what, version));
  }
  Message message;
  protocol::Reader reader{bytes.subspan(sizeof(std::int16_t))};
  TRY_STATUS(message.decode(reader, version));
  return message;
}

// {"version":1,"data":...}
std::string versioned_json(std::int16_t version, std::string_view data) {
  return JsonObject().number("version", version).raw("data", data).str();
}

constexpr std::string_view kUnknown = "\"unknown\"";

// The key as JSON; nothing where the formatter leaves such records out.
Result<std::optional<std::string>> key_json(CoordinatorFormat format, std::int16_t version,
                                            std::string_view key) {
  if (format == CoordinatorFormat::kTransactionLog) {
    if (version != protocol::TransactionLogKey::kMaxVersion) {
      return std::optional(std::string(kUnknown));
    }
    TRY(std::string json, transaction_key_json(as_bytes(key)));
    return std::optional(std::move(json));
  }
  if (version < 0 || version > kGroupMetadataKey) {
    return std::optional(std::string(kUnknown));
  }
  const bool of_offset = version <= kLastOffsetKey;
  if (of_offset != (format == CoordinatorFormat::kOffsets)) {
    return std::optional<std::string>{};
  }
  TRY(std::string json, group_key_json(as_bytes(key)));
  return std::optional(std::move(json));
}

Result<std::string> value_json(CoordinatorFormat format, std::int16_t version,
                               std::string_view value) {
  const std::int16_t last = format == CoordinatorFormat::kOffsets ? OffsetCommitValue::kMaxVersion
                            : format == CoordinatorFormat::kGroupMetadata
                                ? GroupMetadataValue::kMaxVersion
                                : TransactionLogValue::kMaxVersion;
  if (version < 0 || version > last) {
    return std::string(kUnknown);
  }
  if (format == CoordinatorFormat::kTransactionLog) {
    return transaction_value_json(as_bytes(value));
  }
  return group_value_json(
      format == CoordinatorFormat::kOffsets ? kLastOffsetKey : kGroupMetadataKey, as_bytes(value),
      false);
}

Status format_json(CoordinatorFormat format, const Bytes& key, const Bytes& value,
                   std::string& out) {
  JsonObject json;
  bool known = true;
  if (key) {
    TRY(const std::int16_t version, record_version(as_bytes(*key)));
    TRY(const std::optional<std::string> data, key_json(format, version, *key));
    if (!data) {
      return {};
    }
    known = *data != kUnknown;
    json.raw("key", versioned_json(version, *data));
  } else {
    json.raw("key", "null");
  }
  if (value) {
    TRY(const std::int16_t version, record_version(as_bytes(*value)));
    std::string data(kUnknown);
    if (known) {
      TRY(data, value_json(format, version, *value));
    }
    json.raw("value", versioned_json(version, data));
  } else {
    json.raw("value", "null");
  }
  out += json.str();
  return {};
}

Status format_old_offset(std::string_view key_text, const Bytes& value_text, std::string& out) {
  TRY(const auto key, read_message<protocol::OffsetCommitKey>(key_text, "offset key"));
  std::string value = "NULL";
  if (value_text) {
    TRY(const auto read, read_message<OffsetCommitValue>(*value_text, "offset message"));
    value = fmt::format(
        "OffsetAndMetadata(offset={}, leaderEpoch={}, metadata={}, commitTimestamp={}, "
        "expireTimestamp={})",
        read.offset,
        read.leader_epoch < 0 ? "Optional.empty" : fmt::format("Optional[{}]", read.leader_epoch),
        read.metadata, read.commit_timestamp,
        read.expire_timestamp == -1 ? "None" : fmt::format("Some({})", read.expire_timestamp));
  }
  out += fmt::format("[{},{},{}]::{}\n", key.group, key.topic, key.partition, value);
  return {};
}

std::string member_text(const GroupMetadataValue::MemberMetadata& member,
                        const std::string& protocol, std::int16_t version) {
  return fmt::format(
      "{0} -> MemberMetadata(memberId={0}, groupInstanceId={1}, clientId={2}, clientHost={3}, "
      "sessionTimeoutMs={4}, rebalanceTimeoutMs={5}, supportedProtocols=List({6}))",
      member.member_id,
      member.group_instance_id ? fmt::format("Some({})", *member.group_instance_id) : "None",
      member.client_id, member.client_host, member.session_timeout,
      version == 0 ? member.session_timeout : member.rebalance_timeout, protocol);
}

Status format_old_group(std::string_view key_text, const Bytes& value_text, std::string& out) {
  TRY(const auto key, read_message<protocol::GroupMetadataKey>(key_text, "group key"));
  std::string value = "NULL";
  if (value_text) {
    TRY(const auto read, read_message<GroupMetadataValue>(*value_text, "group metadata message"));
    TRY(const std::int16_t version, record_version(as_bytes(*value_text)));
    std::vector<std::string> ids;
    for (const auto& member : read.members) {
      ids.push_back(member.member_id);
    }
    std::string members;
    for (const std::size_t i : scala_hash_order(ids)) {
      members += members.empty() ? "" : ", ";
      members += member_text(read.members[i], read.protocol.value_or("null"), version);
    }
    value = fmt::format(
        "GroupMetadata(groupId={}, generation={}, protocolType={}, currentState={}, "
        "members=HashMap({}))",
        key.group, read.generation,
        read.protocol_type.empty() ? "None" : fmt::format("Some({})", read.protocol_type),
        read.members.empty() ? "Empty" : "Stable", members);
  }
  out += fmt::format("{}::{}\n", key.group, value);
  return {};
}

Status format_old_transaction(std::string_view key_text, const Bytes& value_text,
                              std::string& out) {
  TRY(const auto key, read_message<protocol::TransactionLogKey>(key_text, "transaction key"));
  std::string value = "NULL";
  if (value_text) {
    TRY(const auto read, read_message<TransactionLogValue>(*value_text, "transaction log"));
    std::vector<TopicPartition> partitions;
    if (read.transaction_status != 0 && read.transaction_partitions) {
      for (const auto& topic : *read.transaction_partitions) {
        for (const std::int32_t partition : topic.partition_ids) {
          partitions.push_back({topic.topic, PartitionId(partition)});
        }
      }
    }
    std::string names;
    for (const std::size_t i : scala_hash_order(partitions)) {
      names += (names.empty() ? "" : ", ") + to_string(partitions[i]);
    }
    value = fmt::format(
        "TransactionMetadata(transactionalId={}, producerId={}, producerEpoch={}, txnTimeoutMs={}, "
        "state={}, pendingState=None, topicPartitions=HashSet({}), txnStartTimestamp={}, "
        "txnLastUpdateTimestamp={})",
        key.transactional_id, read.producer_id, read.producer_epoch, read.transaction_timeout_ms,
        transaction_state_name(read.transaction_status), names, read.transaction_start_timestamp_ms,
        read.transaction_last_update_timestamp_ms);
  }
  out += fmt::format("{}::{}\n", key.transactional_id, value);
  return {};
}

}  // namespace

std::optional<CoordinatorFormat> coordinator_format(std::string_view name) {
  for (const Name& one : kNames) {
    if (one.name == name) {
      return one.format;
    }
  }
  return std::nullopt;
}

std::string_view newer_name(CoordinatorFormat format) {
  switch (format) {
    case CoordinatorFormat::kOldOffsets:
      return "OffsetsMessageFormatter";
    case CoordinatorFormat::kOldGroupMetadata:
      return "GroupMetadataMessageFormatter";
    case CoordinatorFormat::kOldTransactionLog:
      return "TransactionLogMessageFormatter";
    default:
      return {};
  }
}

Status format_coordinator_record(CoordinatorFormat format, const Bytes& key, const Bytes& value,
                                 std::string& out) {
  if (newer_name(format).empty()) {
    return format_json(format, key, value, out);
  }
  if (!key) {
    return {};
  }
  TRY(const std::int16_t version, record_version(as_bytes(*key)));
  if (format == CoordinatorFormat::kOldTransactionLog) {
    if (version != protocol::TransactionLogKey::kMaxVersion) {
      out += fmt::format("unknown::version={}\n", version);
      return {};
    }
    return format_old_transaction(*key, value, out);
  }
  const bool of_offset = version >= 0 && version <= kLastOffsetKey;
  if (format == CoordinatorFormat::kOldOffsets) {
    return of_offset ? format_old_offset(*key, value, out) : Status{};
  }
  return version == kGroupMetadataKey ? format_old_group(*key, value, out) : Status{};
}

}  // namespace barnabas::apps
