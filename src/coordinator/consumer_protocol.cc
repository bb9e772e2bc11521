#include "consumer_protocol.h"

#include <algorithm>

#include "barnabas/protocol/gen/consumer_protocol_assignment.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::coordinator {
namespace {

using protocol::ConsumerProtocolAssignment;
using protocol::ConsumerProtocolSubscription;

template <typename Message>
Result<Message> parse(ByteView bytes) {
  TRY(const std::int16_t version, embedded_version(bytes));
  protocol::Reader reader(bytes.subspan(sizeof(std::int16_t)));
  Message message;
  if (const auto read = message.decode(reader, std::min(version, Message::kMaxVersion)); !read) {
    return fail(ErrorCode::kCorruptMessage, read.error().message);
  }
  return message;
}

}  // namespace

Result<std::int16_t> embedded_version(ByteView bytes) {
  protocol::Reader reader(bytes);
  const auto version = reader.read<std::int16_t>();
  if (!reader.ok() || version < 0) {
    return fail(ErrorCode::kCorruptMessage, "no version of the embedded consumer protocol");
  }
  return version;
}

Result<ConsumerProtocolSubscription> parse_subscription(ByteView bytes) {
  return parse<ConsumerProtocolSubscription>(bytes);
}

Result<Assignment> parse_assignment(ByteView bytes, const GroupTopics& topics) {
  if (bytes.empty()) {
    return Assignment{};
  }
  TRY(const auto message, parse<ConsumerProtocolAssignment>(bytes));
  return by_id(message.assigned_partitions, topics,
               [](const auto& topic) -> const std::string& { return topic.topic; });
}

Result<ByteVector> build_assignment(const Assignment& assignment, std::int16_t version,
                                    const GroupTopics& topics) {
  ConsumerProtocolAssignment message;
  for (const auto& [id, partitions] : assignment) {
    auto name = topics.name_of(id);
    if (!name) {
      continue;
    }
    auto& topic = message.assigned_partitions.emplace_back();
    topic.topic = std::move(*name);
    for (const PartitionId partition : partitions) {
      topic.partitions.push_back(partition.value());
    }
  }
  const std::int16_t written = std::min(version, ConsumerProtocolAssignment::kMaxVersion);
  protocol::Writer writer;
  writer.write(written);
  TRY_STATUS(message.encode(writer, written));
  const ByteView bytes = writer.bytes();
  return ByteVector(bytes.begin(), bytes.end());
}

}  // namespace barnabas::coordinator
