#include "group_loader.h"

#include <fmt/format.h>

#include <utility>

#include "barnabas/base/logging.h"
#include "consumer_group_records.h"
#include "group_records.h"

namespace barnabas::coordinator {
namespace {

constexpr std::size_t kControlKeySize = 4;  // version and type, both int16
constexpr std::int16_t kAbortMarker = 0;
constexpr std::int16_t kCommitMarker = 1;
constexpr std::uint64_t kMaxLoggedSkips = 10;  // of one load; the rest is only counted

}  // namespace

void GroupLoader::skip(const Error& why) {
  if (++skipped_ <= kMaxLoggedSkips) {
    logging::logger("coordinator")
        .error("a record of __consumer_offsets is skipped: {}", why.message);
  }
}

Result<Offset> GroupLoader::add(ByteView bytes, Offset from) {
  record::BatchCursor cursor(bytes);
  Offset next = from;
  while (true) {
    switch (cursor.next()) {
      case record::BatchStep::kEnd:
        return next;
      case record::BatchStep::kCorrupt:
        return fail(ErrorCode::kCorruptMessage,
                    fmt::format("no record batch after offset {}", next.value()));
      case record::BatchStep::kBatch:
        break;
    }
    const record::BatchView batch = cursor.batch();
    if (batch.magic() != record::kMagicV2) {
      return fail(ErrorCode::kUnsupportedForMessageFormat,
                  fmt::format("a batch of magic {} at offset {}", batch.magic(),
                              batch.base_offset().value()));
    }
    if (batch.last_offset() >= from) {
      add_batch(batch);
    }
    next = batch.next_offset();
  }
}

void GroupLoader::add_batch(const record::BatchView& batch) {
  if (!batch.crc_is_valid()) {
    skip({ErrorCode::kCorruptMessage,
          fmt::format("the batch at offset {} has a wrong checksum", batch.base_offset().value())});
    return;
  }
  if (const auto started = reader_.start(batch); !started) {
    skip(started.error());
    return;
  }
  while (true) {
    const auto record = reader_.next();
    if (!record) {
      skip(record.error());
      return;
    }
    if (*record == nullptr) {
      return;
    }
    ++records_;
    if (batch.is_control()) {
      add_marker(batch, **record);
    } else {
      add_record(batch, **record);
    }
  }
}

void GroupLoader::add_marker(const record::BatchView& batch, const record::RecordView& record) {
  if (!record.key || record.key->size() < kControlKeySize) {
    skip({ErrorCode::kCorruptMessage, "a control record without a key"});
    return;
  }
  const auto type = load_be<std::int16_t>(record.key->data() + sizeof(std::int16_t));
  if (type != kCommitMarker && type != kAbortMarker) {
    return;
  }
  auto node = transactions_.extract(batch.producer_id());
  if (node.empty() || type == kAbortMarker) {
    return;
  }
  for (auto& [key, value] : node.mapped()) {
    auto& present = offsets_[key];
    if (present.record_offset <= value.record_offset) {
      present = std::move(value);
    }
  }
}

void GroupLoader::add_record(const record::BatchView& batch, const record::RecordView& record) {
  if (!record.key) {
    skip({ErrorCode::kCorruptMessage,
          fmt::format("the record at offset {} has no key", record.offset.value())});
    return;
  }
  auto key = decode_record_key(*record.key);
  if (!key) {
    skip(key.error());
    return;
  }
  if (auto* const offset = std::get_if<OffsetRecordKey>(&*key)) {
    add_offset(batch, {std::move(offset->group), std::move(offset->partition)}, record);
  } else if (auto* const group = std::get_if<GroupRecordKey>(&*key)) {
    if (!record.value) {
      groups_.erase(group->group);
      return;
    }
    auto value = decode_group_value(*record.value);
    if (value) {
      consumers_.erase(group->group);
      groups_.insert_or_assign(std::move(group->group), std::move(*value));
    } else {
      skip(value.error());
    }
  } else if (const auto version = std::get<OtherRecordKey>(*key).version;
             version >= kFirstConsumerKeyVersion && version <= kLastConsumerKeyVersion) {
    add_consumer(record);
  }
}

// In a log that was compacted the records of a group come in any order; what is left half in the
// end is taken out when the group is installed.
void GroupLoader::add_consumer(const record::RecordView& record) {
  auto decoded = decode_consumer_record(*record.key, record.value);
  if (!decoded) {
    skip(decoded.error());
    return;
  }
  const auto* const epoch = std::get_if<GroupEpochRecord>(&decoded->record);
  if (epoch != nullptr && !epoch->epoch) {
    consumers_.erase(decoded->group);
    return;
  }
  auto known = consumers_.find(decoded->group);
  if (known == consumers_.end()) {
    if (!record.value) {
      return;
    }
    groups_.erase(decoded->group);
    known = consumers_.try_emplace(decoded->group, decoded->group).first;
  }
  known->second.apply(decoded->record);
}

void GroupLoader::add_offset(const record::BatchView& batch, Key key,
                             const record::RecordView& record) {
  Offsets& into = batch.is_transactional() ? transactions_[batch.producer_id()] : offsets_;
  if (!record.value) {
    into.erase(key);
    return;
  }
  auto value = decode_offset_value(*record.value);
  if (!value) {
    skip(value.error());
    return;
  }
  value->record_offset = batch.base_offset();
  into.insert_or_assign(std::move(key), std::move(*value));
}

std::map<std::string, LoadedGroup> GroupLoader::take() {
  std::map<std::string, LoadedGroup> result;
  for (auto& [id, record] : groups_) {
    result[id].record = std::move(record);
  }
  for (auto& [id, consumer] : consumers_) {
    result[id].consumer = std::move(consumer);
  }
  for (auto& [key, value] : offsets_) {
    result[key.first].offsets.put(key.second, std::move(value));
  }
  for (auto& [producer, offsets] : transactions_) {
    for (auto& [key, value] : offsets) {
      GroupOffsets& into = result[key.first].offsets;
      into.begin(producer, key.second);
      into.end(producer, key.second, std::move(value));
    }
  }
  groups_.clear();
  consumers_.clear();
  offsets_.clear();
  transactions_.clear();
  return result;
}

}  // namespace barnabas::coordinator
