#include "transaction_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/coordinator/transaction_marker.h"
#include "barnabas/protocol/gen/control_record_key.h"
#include "barnabas/protocol/gen/end_txn_marker.h"
#include "barnabas/protocol/gen/transaction_log_key.h"
#include "barnabas/protocol/gen/transaction_log_value.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/versioned.h"
#include "barnabas/protocol/writer.h"
#include "barnabas/record/builder.h"

namespace barnabas::coordinator {
namespace {

constexpr std::int16_t kKeyVersion = 0;
constexpr std::int16_t kValueVersion = 0;  // 1 waits for the feature transaction.version
constexpr std::int16_t kMarkerVersion = 0;
constexpr std::int16_t kAbortMarker = 0;
constexpr std::int16_t kCommitMarker = 1;

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

ByteVector encode_transaction_key(std::string_view transactional_id) {
  protocol::TransactionLogKey key;
  key.transactional_id = transactional_id;
  auto bytes = encode(key, kKeyVersion);
  BARNABAS_CHECK_MSG(bytes.has_value(), "the id came in a request, so it fits into a record");
  return std::move(*bytes);
}

Result<ByteVector> encode_transaction_value(const TransactionData& data) {
  protocol::TransactionLogValue value;
  value.producer_id = data.producer.id.value();
  value.producer_epoch = data.producer.epoch.value();
  value.transaction_timeout_ms = data.timeout_ms;
  value.transaction_status = static_cast<std::int8_t>(data.state);
  value.transaction_last_update_timestamp_ms = data.update_ms;
  value.transaction_start_timestamp_ms = data.start_ms;
  if (data.state == TransactionState::kEmpty) {
    value.transaction_partitions = std::nullopt;
  } else {
    auto& topics = value.transaction_partitions.emplace();
    for (const auto& partition : data.partitions) {
      if (topics.empty() || topics.back().topic != partition.topic) {
        topics.emplace_back().topic = partition.topic;
      }
      topics.back().partition_ids.push_back(partition.partition.value());
    }
  }
  return encode(value, kValueVersion);
}

Result<std::optional<std::string>> decode_transaction_key(ByteView bytes) {
  protocol::Reader reader(bytes);
  const auto version = reader.read<std::int16_t>();
  TRY_STATUS(reader.status());
  if (version != kKeyVersion) {
    return std::nullopt;
  }
  TRY(auto key, decode<protocol::TransactionLogKey>(bytes, "key of a transaction"));
  return std::move(key.transactional_id);
}

Result<TransactionData> decode_transaction_value(ByteView bytes) {
  TRY(auto value, decode<protocol::TransactionLogValue>(bytes, "value of a transaction"));
  const bool is_state =
      value.transaction_status >= 0 &&
      value.transaction_status <= static_cast<std::int8_t>(TransactionState::kCompleteAbort);
  if (!is_state) {
    return fail(ErrorCode::kCorruptMessage,
                fmt::format("value of a transaction: state {}", value.transaction_status));
  }
  TransactionData data;
  data.producer = {ProducerId(value.producer_id), ProducerEpoch(value.producer_epoch)};
  data.timeout_ms = value.transaction_timeout_ms;
  data.state = static_cast<TransactionState>(value.transaction_status);
  data.update_ms = value.transaction_last_update_timestamp_ms;
  data.start_ms = value.transaction_start_timestamp_ms;
  if (data.state != TransactionState::kEmpty && value.transaction_partitions) {
    for (const auto& topic : *value.transaction_partitions) {
      for (const std::int32_t partition : topic.partition_ids) {
        data.partitions.insert({topic.topic, PartitionId(partition)});
      }
    }
  }
  return data;
}

Result<ByteVector> build_transaction_batch(std::string_view transactional_id,
                                           const TransactionData* data, std::int64_t now_ms) {
  record::BatchBuilder builder(record::BatchOptions{});
  ByteVector batch;
  if (data == nullptr) {
    builder.add(now_ms, ByteView(encode_transaction_key(transactional_id)), std::nullopt);
  } else {
    TRY(const ByteVector value, encode_transaction_value(*data));
    builder.add(now_ms, ByteView(encode_transaction_key(transactional_id)), ByteView(value));
  }
  TRY_STATUS(builder.finish(batch));
  return batch;
}

Result<ByteVector> build_marker_batch(ProducerIdAndEpoch producer, bool commit,
                                      LeaderEpoch coordinator_epoch, MarkerTime time) {
  protocol::ControlRecordKey key;
  key.type = commit ? kCommitMarker : kAbortMarker;
  protocol::EndTxnMarker value;
  value.coordinator_epoch = coordinator_epoch.value();
  TRY(const ByteVector key_bytes, encode(key, kMarkerVersion));
  TRY(const ByteVector value_bytes, encode(value, kMarkerVersion));
  record::BatchOptions options;
  options.producer_id = producer.id;
  options.producer_epoch = producer.epoch;
  options.is_transactional = true;
  options.is_control = true;
  if (time.log_append_time) {
    options.timestamp_type = record::TimestampType::kLogAppendTime;
    options.log_append_time_ms = time.now_ms;
  }
  record::BatchBuilder builder(options);
  builder.add(time.now_ms, ByteView(key_bytes), ByteView(value_bytes));
  ByteVector batch;
  TRY_STATUS(builder.finish(batch));
  return batch;
}

}  // namespace barnabas::coordinator
