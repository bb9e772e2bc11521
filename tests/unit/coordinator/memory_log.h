// __consumer_offsets in memory: what was appended, read back as whole batches. A test may hold
// acknowledgements back, refuse appends or reads.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/coordinator/group_coordinator.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/builder.h"
#include "barnabas/record/reader.h"

namespace barnabas::coordinator {

class MemoryLog final : public GroupLog {
 public:
  explicit MemoryLog(Executor& home) : home_(&home) {}

  void set_home(Executor& home) { home_ = &home; }

  [[nodiscard]] std::int32_t partition_count() const override { return 4; }

  void append(PartitionId partition, ByteVector batch, std::int16_t acks, std::int32_t,
              std::move_only_function<void(Appended)> done) override {
    Appended appended{refuse, kNoOffset};
    if (refuse == ErrorCode::kNone) {
      appended.base_offset = put(partition, std::move(batch));
    }
    auto answer = [done = std::move(done), appended]() mutable { done(appended); };
    if (hold && acks != 0) {
      held_.push_back(std::move(answer));
    } else {
      home_->post(std::move(answer));
    }
  }

  // What was held back is acknowledged now.
  void release() {
    for (auto& answer : std::exchange(held_, {})) {
      home_->post(std::move(answer));
    }
  }

  Offset put(PartitionId partition, ByteVector batch) {
    auto& log = logs_[partition];
    const Offset base = log.end;
    record::stamp_base_offset(batch, base);
    log.end = record::BatchView(batch).next_offset();
    log.batches.emplace_back(base, std::move(batch));
    return base;
  }

  [[nodiscard]] Result<Chunk> read(PartitionId partition, Offset from,
                                   std::size_t max_bytes) override {
    ++reads;
    if (refuse_read != ErrorCode::kNone) {
      return fail(refuse_read, "as the test wants");
    }
    Chunk chunk;
    const auto& log = logs_[partition];
    chunk.end = log.end;
    for (const auto& [base, batch] : log.batches) {
      if (record::BatchView(batch).last_offset() < from) {
        continue;
      }
      if (!chunk.bytes.empty() && chunk.bytes.size() + batch.size() > max_bytes) {
        break;
      }
      chunk.bytes.insert(chunk.bytes.end(), batch.begin(), batch.end());
    }
    return chunk;
  }

  // How many records with and without a value stand in the partition.
  struct Count {
    int values = 0;
    int tombstones = 0;
    bool operator==(const Count&) const = default;
  };
  [[nodiscard]] Count count(PartitionId partition) {
    Count result;
    for (const auto& [base, batch] : logs_[partition].batches) {
      record::RecordReader reader;
      if (!reader.start(record::BatchView(batch))) {
        continue;
      }
      for (auto record = reader.next(); record && *record != nullptr; record = reader.next()) {
        ++((*record)->value ? result.values : result.tombstones);
      }
    }
    return result;
  }

  // The end of a transaction, as the transaction coordinator has it written.
  void put_marker(PartitionId partition, ProducerId producer, bool commit) {
    record::BatchOptions options;
    options.producer_id = producer;
    options.producer_epoch = ProducerEpoch(0);
    options.is_transactional = true;
    options.is_control = true;
    record::BatchBuilder builder(options);
    const ByteVector key{std::byte{0}, std::byte{0}, std::byte{0},
                         static_cast<std::byte>(commit ? 1 : 0)};
    const ByteVector value(6);
    builder.add(0, ByteView(key), ByteView(value));
    ByteVector batch;
    if (builder.finish(batch)) {
      put(partition, std::move(batch));
    }
  }

  ErrorCode refuse = ErrorCode::kNone;
  ErrorCode refuse_read = ErrorCode::kNone;
  bool hold = false;
  int reads = 0;

 private:
  struct OneLog {
    std::deque<std::pair<Offset, ByteVector>> batches;
    Offset end{0};
  };
  Executor* home_;
  std::map<PartitionId, OneLog> logs_;
  std::vector<Task> held_;
};

}  // namespace barnabas::coordinator
