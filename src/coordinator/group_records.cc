#include "group_records.h"

#include <fmt/format.h>

#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/protocol/gen/group_metadata_key.h"
#include "barnabas/protocol/gen/offset_commit_key.h"
#include "barnabas/protocol/gen/offset_commit_value.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/versioned.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::coordinator {
namespace {

constexpr std::int16_t kLastOffsetKeyVersion = 1;
constexpr std::int16_t kGroupKeyVersion = 2;
constexpr std::int16_t kOffsetValueVersion = 3;
constexpr std::int16_t kExpiringOffsetValueVersion = 1;  // the last that knows of an expiry time
constexpr std::int16_t kGroupValueVersion = 3;

template <typename Message>
Result<ByteVector> encode(const Message& message, std::int16_t version) {
  protocol::Writer writer;
  TRY_STATUS(protocol::encode_versioned(writer, message, version));
  const ByteView bytes = writer.bytes();
  return ByteVector(bytes.begin(), bytes.end());
}

template <typename Message>
Result<Message> decode(ByteView bytes, const char* what) {
  protocol::Reader reader(bytes);
  Message message;
  if (const auto version = protocol::decode_versioned(reader, message); !version) {
    return fail(ErrorCode::kCorruptMessage, fmt::format("{}: {}", what, version.error().message));
  }
  return message;
}

}  // namespace

ByteVector encode_offset_key(std::string_view group, const TopicPartition& partition) {
  protocol::OffsetCommitKey key;
  key.group = group;
  key.topic = partition.topic;
  key.partition = partition.partition.value();
  auto bytes = encode(key, kLastOffsetKeyVersion);
  BARNABAS_CHECK_MSG(bytes.has_value(), "names came in a request, so they fit into a record");
  return std::move(*bytes);
}

Result<ByteVector> encode_offset_value(const CommittedOffset& value) {
  protocol::OffsetCommitValue record;
  record.offset = value.offset.value();
  record.leader_epoch = value.leader_epoch.value();
  record.metadata = value.metadata;
  record.commit_timestamp = value.commit_timestamp_ms;
  if (!value.expire_timestamp_ms) {
    return encode(record, kOffsetValueVersion);
  }
  record.expire_timestamp = *value.expire_timestamp_ms;
  return encode(record, kExpiringOffsetValueVersion);
}

ByteVector encode_group_key(std::string_view group) {
  protocol::GroupMetadataKey key;
  key.group = group;
  auto bytes = encode(key, kGroupKeyVersion);
  BARNABAS_CHECK_MSG(bytes.has_value(), "the name came in a request, so it fits into a record");
  return std::move(*bytes);
}

Result<ByteVector> encode_group_value(const Group& group, const Assignments& assignments) {
  protocol::GroupMetadataValue record;
  record.protocol_type = group.protocol_type().value_or("");
  record.generation = group.generation();
  record.protocol = group.protocol_name();
  record.leader = group.leader();
  record.current_state_timestamp = group.state_since_ms().value_or(-1);
  record.members.reserve(group.members().size());
  for (const auto& [id, member] : group.members()) {
    auto& to = record.members.emplace_back();
    to.member_id = id;
    to.group_instance_id = member.instance_id;
    to.client_id = member.client_id;
    to.client_host = member.client_host;
    to.rebalance_timeout = member.rebalance_timeout_ms;
    to.session_timeout = member.session_timeout_ms;
    if (const auto* const metadata = member.metadata(record.protocol.value_or(""))) {
      to.subscription = *metadata;
    }
    if (const auto found = assignments.find(id); found != assignments.end()) {
      to.assignment = found->second;
    }
  }
  return encode(record, kGroupValueVersion);
}

Result<RecordKey> decode_record_key(ByteView bytes) {
  protocol::Reader reader(bytes);
  const auto version = reader.read<std::int16_t>();
  TRY_STATUS(reader.status());
  if (version >= 0 && version <= kLastOffsetKeyVersion) {
    TRY(auto key, decode<protocol::OffsetCommitKey>(bytes, "key of an offset"));
    return OffsetRecordKey{std::move(key.group),
                           {std::move(key.topic), PartitionId(key.partition)}};
  }
  if (version == kGroupKeyVersion) {
    TRY(auto key, decode<protocol::GroupMetadataKey>(bytes, "key of a group"));
    return GroupRecordKey{std::move(key.group)};
  }
  return OtherRecordKey{version};
}

Result<CommittedOffset> decode_offset_value(ByteView bytes) {
  TRY(auto record, decode<protocol::OffsetCommitValue>(bytes, "value of an offset"));
  CommittedOffset value;
  value.offset = Offset(record.offset);
  value.leader_epoch = LeaderEpoch(record.leader_epoch);
  value.metadata = std::move(record.metadata);
  value.commit_timestamp_ms = record.commit_timestamp;
  if (record.expire_timestamp != -1) {
    value.expire_timestamp_ms = record.expire_timestamp;
  }
  return value;
}

Result<protocol::GroupMetadataValue> decode_group_value(ByteView bytes) {
  return decode<protocol::GroupMetadataValue>(bytes, "value of a group");
}

}  // namespace barnabas::coordinator
