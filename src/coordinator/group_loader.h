// Reads a partition of __consumer_offsets from its start to its end into groups and their offsets,
// as the coordinator that takes the partition over. The last record of a key holds. Offsets of a
// transaction are pending until its marker commits or drops them; those without a marker stay
// pending. Records that cannot be read are skipped and counted: they must not keep a partition's
// groups from being served.
// Rules: GroupMetadataManager.doLoadGroupsAndOffsets of Kafka 3.9.1.
// THREAD: one at a time (a load runs on the disk pool, its result belongs to the shard)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "barnabas/base/bytes.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/protocol/gen/group_metadata_value.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/reader.h"
#include "consumer_group.h"
#include "group_offsets.h"

namespace barnabas::coordinator {

struct LoadedGroup {
  // Neither: offsets alone.
  std::optional<protocol::GroupMetadataValue> record;
  std::optional<ConsumerGroup> consumer;
  GroupOffsets offsets;
};

class GroupLoader {
 public:
  // The whole batches of `bytes`; returns the offset after the last one, or `from` unless there is
  // one. CORRUPT_MESSAGE where the bytes are no batches.
  [[nodiscard]] Result<Offset> add(ByteView bytes, Offset from);

  // By group id. Spent afterwards.
  [[nodiscard]] std::map<std::string, LoadedGroup> take();

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 private:
  using Key = std::pair<std::string, TopicPartition>;
  using Offsets = std::map<Key, CommittedOffset>;

  void add_batch(const record::BatchView& batch);
  void add_marker(const record::BatchView& batch, const record::RecordView& record);
  void add_record(const record::BatchView& batch, const record::RecordView& record);
  void add_offset(const record::BatchView& batch, Key key, const record::RecordView& record);
  void add_consumer(const record::RecordView& record);
  void skip(const Error& why);

  record::RecordReader reader_;
  // A group is in one of these: its later records say which protocol it has.
  std::map<std::string, protocol::GroupMetadataValue> groups_;
  std::map<std::string, ConsumerGroup> consumers_;
  Offsets offsets_;
  std::map<ProducerId, Offsets> transactions_;
  std::uint64_t records_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace barnabas::coordinator
